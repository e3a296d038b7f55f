"""Activations as the runtime's data, and back."""

from __future__ import annotations

from qexpr_runtime import ActivationData

from qexpr.networks import Activation, Clip, Relu, Steps

__all__ = ["pack_activation", "unpack_activation"]


def pack_activation(activation: Activation | None) -> ActivationData | None:
    """What the runtime knows of an activation."""
    match activation:
        case None:
            return None
        case Relu():
            return ActivationData("relu")
        case Clip(lower, upper):
            return ActivationData("clip", lower, upper)
        case Steps(thresholds, values, closed):
            return ActivationData("steps", thresholds=thresholds, values=values, closed=closed)


def unpack_activation(data: ActivationData | None) -> Activation | None:
    """The activation that was packed."""
    if data is None:
        return None
    if data.kind == "relu":
        return Relu()
    if data.kind == "clip":
        return Clip(data.lower, data.upper)
    return Steps(data.thresholds, data.values, data.closed)
