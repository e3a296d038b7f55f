"""Layers of a QuantizedNetwork as the runtime's data, and back."""

from __future__ import annotations

from typing import Any

from qexpr_runtime import LayerData

from qexpr.export.activations import pack_activation, unpack_activation
from qexpr.export.mean_abs import is_mean_abs, pack_mean_abs, unpack_mean_abs
from qexpr.networks import (
    Activate,
    Add,
    AvgPool2d,
    Conv2d,
    Dense,
    Flatten,
    Layer,
    MaxPool2d,
    Multiply,
    QuantizedNetwork,
)
from qexpr.networks.network import INPUT

__all__ = ["pack_layers", "unpack_layers"]

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


def pack_layers(network: QuantizedNetwork) -> tuple[LayerData, ...]:
    """The layers of a network; the two that make XNOR-Net's K are one in a file."""
    packed: list[LayerData] = []
    place = {INPUT: INPUT}  # of a layer of the network in the file
    for k, (layer, reads) in enumerate(zip(network.layers, network.sources, strict=True)):
        after = network.layers[k + 1] if k + 1 < len(network.layers) else None
        if after is not None and network.sources[k + 1] == (k,) and is_mean_abs(layer, after):
            continue
        before = network.layers[k - 1] if k else None
        if before is not None and reads == (k - 1,) and is_mean_abs(before, layer):
            packed.append(pack_mean_abs(before, layer, place[network.sources[k - 1][0]]))
        else:
            packed.append(_pack_layer(layer, tuple(place[s] for s in reads)))
        place[k] = len(packed) - 1
    return tuple(packed)


def unpack_layers(layers: tuple[LayerData, ...]) -> tuple[tuple[Layer, ...], list[int]]:
    """The layers that were packed, and for each of the file's the number of its last one.

    Raises
    ------
    InvalidInput
        If the file's data are no such layers.
    """
    out: list[Layer] = []
    last: list[int] = []
    for data in layers:
        out += unpack_mean_abs(data) if data.op == "mean_abs" else [_unpack_layer(data)]
        last.append(len(out) - 1)
    return tuple(out), last


def _pack_layer(layer: Layer, sources: tuple[int, ...]) -> LayerData:
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
        activation=pack_activation(layer.activation),
        source=sources[0],
        other=sources[1] if len(sources) > 1 else None,
        notes={key: getattr(layer, key) for key in _NAMES if getattr(layer, key, "")},
        **options,
    )


def _unpack_layer(data: LayerData) -> Layer:
    cls = _OPERATIONS[data.op]
    options: dict[str, Any] = {key: data.notes[key] for key in _NAMES if key in data.notes}
    if data.op in ("dense", "conv2d"):
        options |= {"codes": data.codes, "scale": data.scale, "bias": data.bias or None}
    if data.op == "conv2d":
        for key in ("stride", "padding", "padding_value", "groups"):
            options[key] = getattr(data, key)
    if data.op in ("max_pool2d", "avg_pool2d"):
        options |= {"kernel": data.kernel, "stride": data.stride}
    return cls(activation=unpack_activation(data.activation), **options)
