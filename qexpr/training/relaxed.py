"""The real activation that a quantizer of activations rounds: what a warm start trains."""

from __future__ import annotations

import torch

from qexpr.quantizers import Quantizer

__all__ = ["relaxed"]

_SIGNS = ("bnn", "binaryconnect", "xnor", "residual")


def relaxed(quantizer: Quantizer, x: torch.Tensor) -> torch.Tensor:
    """clip(x, -1, 1) for signs, clip(x, 0, 1) for DoReFa, else ReLU up to the largest level."""
    if quantizer.name in _SIGNS:
        return x.clamp(-1, 1)
    if quantizer.name == "dorefa":
        return x.clamp(0, 1)
    if quantizer.name == "hwgq":
        return x.clamp(0, float(quantizer.positive_levels[-1]))  # type: ignore[attr-defined]
    if quantizer.name in ("log", "linear") and getattr(quantizer, "signed", False):
        return x
    return x.relu()
