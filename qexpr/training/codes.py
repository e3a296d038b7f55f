"""Weights as integer codes and rational scales."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from qexpr.networks.values import scale_and_codes
from qexpr.quantizers import Quantizer, Scales

__all__ = ["weight_codes"]

_AFFINE = {"scale", "divisor", "zero_point"}


def weight_codes(
    quantizer: Quantizer | None,
    weight: np.ndarray,
    learned: dict[str, np.ndarray],
    noise: np.random.Generator | None = None,
) -> tuple[np.ndarray, Fraction | tuple[Fraction, ...]]:
    """Codes, and one scale or one for each output channel; real weights are the rationals they are.

    ``codes * scale`` is what the quantizer stands for exactly: (c - zero_point) * scale / divisor
    as a rational, where floats round once or twice. Codes with a common divisor are divided by it.
    Stochastic weights are drawn from `noise`; without it they take their deterministic form.
    Gradually binarized ones are the signs that they end in.
    """
    if quantizer is None:
        scale, codes = scale_and_codes(weight.astype(np.float64), "weights")
        return codes, scale
    if learned:
        values = {key: tuple(map(float, value)) for key, value in learned.items()}
        quantizer = replace(quantizer, **values)
    if getattr(quantizer, "temperature", 0):
        quantizer = replace(quantizer, temperature=0.0)  # type: ignore[call-arg]
    if quantizer.is_stochastic and noise is None:
        quantizer = replace(quantizer, stochastic=False)  # type: ignore[call-arg]
    codes, scale_given = quantizer.encode(
        weight, generator=noise if quantizer.is_stochastic else None
    )
    parts: dict[str, Any] = (
        scale_given.parts() if isinstance(scale_given, Scales) else {"scale": scale_given}
    )
    if not parts.keys() <= _AFFINE or quantizer.name in ("log", "residual"):
        values = quantizer.decode(codes, scale_given).astype(np.float64)
        scale, whole = scale_and_codes(values, "weights")
        return whole, scale
    whole = codes.astype(np.int64)
    if "zero_point" in parts:
        whole = whole - np.asarray(parts["zero_point"]).astype(np.int64)
    common = int(np.gcd.reduce(whole, axis=None)) or 1
    divisor = Fraction(common, int(parts.get("divisor", 1)))
    scales = np.asarray(parts["scale"], dtype=np.float64).reshape(-1).tolist()
    exact = tuple(Fraction(s) * divisor for s in scales)
    return whole // common, exact[0] if len(exact) == 1 else exact
