"""Layers of a QuantizedNetwork as the runtime's data, and back."""

from __future__ import annotations

from typing import Any

from qexpr_runtime import ActivationData, LayerData

from qexpr.networks import (
    Activate,
    Activation,
    Add,
    AvgPool2d,
    Clip,
    Conv2d,
    Dense,
    Flatten,
    Layer,
    MaxPool2d,
    Multiply,
    Relu,
    Steps,
)

__all__ = ["pack_layer", "unpack_layer"]

_OPERATIONS: dict[str, type[Layer]] = {
    "dense": Dense,
    "conv2d": Conv2d,
    "flatten": Flatten,
    "activate": Activate,
    "max_pool2d": MaxPool2d,
    "avg_pool2d": AvgPool2d,
    "add": Add,
    "multiply": Multiply,
}
_NAMES = ("name", "source", "other")


def pack_layer(layer: Layer, sources: tuple[int, ...]) -> LayerData:
    """One layer, which reads the layers `sources`; its names are kept as notes."""
    options: dict[str, Any] = {}
    if isinstance(layer, Dense | Conv2d):
        options = {"codes": layer.codes, "scale": layer.scale, "bias": layer.bias or ()}
    if isinstance(layer, Conv2d):
        for key in ("stride", "padding", "padding_value", "groups"):
            options[key] = getattr(layer, key)
    if isinstance(layer, MaxPool2d | AvgPool2d):
        options = {"kernel": layer.kernel, "stride": layer.stride}
    return LayerData(
        next(op for op, cls in _OPERATIONS.items() if type(layer) is cls),
        activation=_pack_activation(layer.activation),
        source=sources[0],
        other=sources[1] if len(sources) > 1 else None,
        notes={key: getattr(layer, key) for key in _NAMES if getattr(layer, key, "")},
        **options,
    )


def unpack_layer(data: LayerData) -> Layer:
    """The layer that was packed.

    Raises
    ------
    InvalidInput
        If the file's data are no such layer.
    """
    cls = _OPERATIONS[data.op]
    options: dict[str, Any] = {key: data.notes[key] for key in _NAMES if key in data.notes}
    if data.op in ("dense", "conv2d"):
        options |= {"codes": data.codes, "scale": data.scale, "bias": data.bias or None}
    if data.op == "conv2d":
        for key in ("stride", "padding", "padding_value", "groups"):
            options[key] = getattr(data, key)
    if data.op in ("max_pool2d", "avg_pool2d"):
        options |= {"kernel": data.kernel, "stride": data.stride}
    return cls(activation=_unpack_activation(data.activation), **options)


def _pack_activation(activation: Activation | None) -> ActivationData | None:
    match activation:
        case None:
            return None
        case Relu():
            return ActivationData("relu")
        case Clip(lower, upper):
            return ActivationData("clip", lower, upper)
        case Steps(thresholds, values, closed):
            return ActivationData("steps", thresholds=thresholds, values=values, closed=closed)


def _unpack_activation(data: ActivationData | None) -> Activation | None:
    if data is None:
        return None
    if data.kind == "relu":
        return Relu()
    if data.kind == "clip":
        return Clip(data.lower, data.upper)
    return Steps(data.thresholds, data.values, data.closed)
