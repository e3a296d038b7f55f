"""The JSON form of a network: `{"kind": "network", "version": 1, "input_shape", "layers"}`.

Rationals are written as text "p/q" (or "p"); on reading, a JSON number with a fraction is
exactly the rational that the double is, and text is the number it spells.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from qexpr.errors import InvalidInput, shorten
from qexpr.networks.activations import Activation, Clip, Relu, Steps
from qexpr.networks.layers import (
    Activate,
    Add,
    AvgPool2d,
    Conv2d,
    Dense,
    Flatten,
    Layer,
    MaxPool2d,
    Multiply,
)
from qexpr.networks.network import QuantizedNetwork

__all__ = ["KIND", "VERSION", "from_dict", "to_dict"]

KIND = "network"
VERSION = 1

_TYPES: dict[str, type[Layer]] = {
    "dense": Dense,
    "conv2d": Conv2d,
    "flatten": Flatten,
    "max_pool2d": MaxPool2d,
    "avg_pool2d": AvgPool2d,
    "activate": Activate,
    "add": Add,
    "multiply": Multiply,
}
_KEYS: dict[str, tuple[str, ...]] = {
    "dense": ("codes", "scale", "bias"),
    "conv2d": ("codes", "scale", "bias", "stride", "padding", "padding_value", "groups"),
    "flatten": (),
    "max_pool2d": ("kernel", "stride"),
    "avg_pool2d": ("kernel", "stride"),
    "activate": (),
    "add": ("other",),
    "multiply": ("other",),
}
_COMMON = ("activation", "name", "source")
_ACTIVATIONS: dict[str, tuple[Callable[..., Activation], tuple[str, ...]]] = {
    "relu": (Relu, ()),
    "clip": (Clip, ("lower", "upper")),
    "steps": (Steps, ("thresholds", "values", "closed")),
}


def to_dict(network: QuantizedNetwork) -> dict[str, Any]:
    """The JSON form; equal networks give equal values."""
    return {
        "kind": KIND,
        "version": VERSION,
        "input_shape": list(network.input_shape),
        "layers": [_layer_to_dict(layer) for layer in network.layers],
    }


def from_dict(value: Any) -> QuantizedNetwork:
    """Read the JSON form.

    Raises
    ------
    InvalidInput
        With the layer at fault, for anything that is not a network of this version.
    """
    if not isinstance(value, dict) or value.get("kind") != KIND:
        raise InvalidInput('a network must be a JSON object with "kind": "network"')
    if value.get("version") != VERSION:
        raise InvalidInput(
            f"network version must be {VERSION}, got {shorten(value.get('version'))}"
        )
    _no_others(value, ("kind", "version", "input_shape", "layers"), "a network")
    layers = value.get("layers")
    if not isinstance(layers, list):
        raise InvalidInput("layers must be a list")
    shape = value.get("input_shape")
    if not isinstance(shape, list):
        raise InvalidInput(f"input_shape must be a list of integers, got {shorten(shape)}")
    return QuantizedNetwork(
        tuple(shape), tuple(_layer_from_dict(layer, k) for k, layer in enumerate(layers))
    )


def _layer_to_dict(layer: Layer) -> dict[str, Any]:
    kind = next(name for name, cls in _TYPES.items() if type(layer) is cls)
    value: dict[str, Any] = {"type": kind}
    for key in _KEYS[kind]:
        item = getattr(layer, key)
        if key == "codes":
            item = item.tolist()
        elif isinstance(item, Fraction):
            item = str(item)
        elif isinstance(item, tuple):
            item = [str(x) if isinstance(x, Fraction) else x for x in item]
        if item is not None:
            value[key] = item
    if layer.activation is not None:
        value["activation"] = _activation_to_dict(layer.activation)
    for key in ("name", "source"):
        if getattr(layer, key):
            value[key] = getattr(layer, key)
    return value


def _activation_to_dict(activation: Activation) -> dict[str, Any]:
    match activation:
        case Relu():
            return {"type": "relu"}
        case Clip(lower, upper):
            return {"type": "clip", "lower": str(lower), "upper": str(upper)}
        case Steps(thresholds, values, closed):
            value = {
                "type": "steps",
                "thresholds": [str(t) for t in thresholds],
                "values": [str(v) for v in values],
            }
            return value if all(closed) else {**value, "closed": list(closed)}


def _layer_from_dict(value: Any, k: int) -> Layer:
    kind = value.get("type") if isinstance(value, dict) else None
    if not isinstance(kind, str) or kind not in _TYPES:
        raise InvalidInput(
            f"layer {k}: type must be one of {', '.join(_TYPES)}, got {shorten(kind)}"
        )
    _no_others(value, ("type", *_KEYS[kind], *_COMMON), f"layer {k} ({kind})")
    arguments = {key: item for key, item in value.items() if key != "type" and item is not None}
    try:
        if "activation" in arguments:
            arguments["activation"] = _activation_from_dict(arguments["activation"])
        if "codes" in _KEYS[kind] and "codes" not in arguments:
            raise InvalidInput("codes are missing")
        return _TYPES[kind](**arguments)
    except InvalidInput as error:
        raise InvalidInput(f"layer {k} ({kind}): {error}") from None


def _activation_from_dict(value: Any) -> Activation:
    kind = value.get("type") if isinstance(value, dict) else None
    if not isinstance(kind, str) or kind not in _ACTIVATIONS:
        raise InvalidInput(
            f"activation type must be one of {', '.join(_ACTIVATIONS)}, got {shorten(kind)}"
        )
    build, keys = _ACTIVATIONS[kind]
    _no_others(value, ("type", *keys), f"activation {kind}")
    arguments = {key: item for key, item in value.items() if key != "type"}
    missing = [key for key in keys if key not in arguments and key != "closed"]
    if missing:
        raise InvalidInput(f"activation {kind} lacks {', '.join(missing)}")
    return build(**arguments)


def _no_others(value: dict[str, Any], allowed: tuple[str, ...], what: str) -> None:
    others = [key for key in value if key not in allowed]
    if others:
        raise InvalidInput(f"{what} has no {shorten(others[0])}; allowed: {', '.join(allowed)}")
