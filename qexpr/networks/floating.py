"""Evaluation in float64: fast, and never a guarantee."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import numpy as np

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
from qexpr.networks.linear import per_channel, weighted_sums, windows
from qexpr.networks.network import INPUT, QuantizedNetwork

__all__ = ["apply", "evaluate"]


def evaluate(network: QuantizedNetwork, x: Any) -> np.ndarray:
    """(m, d) to (m,), or to (m, outputs) if the network has several."""
    try:
        points = np.asarray(x, dtype=np.float64)
    except (TypeError, ValueError):
        raise InvalidInput(f"points must be an array of numbers, got {shorten(x)}") from None
    if points.ndim != 2 or points.shape[1] != network.d:
        raise InvalidInput(f"points must have shape (m, {network.d}), got {points.shape}")
    if np.isnan(points).any():
        raise InvalidInput("points must not be NaN")
    if not len(points):
        return np.zeros(0 if network.outputs == 1 else (0, network.outputs))
    values = {INPUT: points.reshape(-1, *network.input_shape)}
    for k, (layer, sources) in enumerate(zip(network.layers, network.sources, strict=True)):
        y = _apply(layer, *(values[s] for s in sources))
        values[k] = y if layer.activation is None else apply(layer.activation, y)
    y = values[len(network.layers) - 1].reshape(len(points), -1)
    return y[:, 0] if network.outputs == 1 else y


@singledispatch
def _apply(layer: Layer, *x: np.ndarray) -> np.ndarray:
    raise TypeError(f"no evaluation for {type(layer).__name__}")


@_apply.register(Dense)
@_apply.register(Conv2d)
def _(layer: Dense | Conv2d, x: np.ndarray) -> np.ndarray:
    sums = weighted_sums(layer, x, lambda a, b: a @ b.astype(np.float64), 1.0)
    scales = per_channel(np.array([float(s) for s in layer.scales()]), sums.shape[1:])
    biases = per_channel(np.array([float(b) for b in layer.biases()]), sums.shape[1:])
    return sums * scales + biases


@_apply.register
def _(layer: Flatten, x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), -1)


@_apply.register
def _(layer: Activate, x: np.ndarray) -> np.ndarray:
    return x


@_apply.register
def _(layer: MaxPool2d, x: np.ndarray) -> np.ndarray:
    return windows(x, layer.kernel, layer.stride).max(axis=(4, 5))


@_apply.register
def _(layer: AvgPool2d, x: np.ndarray) -> np.ndarray:
    return windows(x, layer.kernel, layer.stride).mean(axis=(4, 5))


@_apply.register
def _(layer: Add, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return x + y


@_apply.register
def _(layer: Multiply, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return x * y


def apply(activation: Activation, x: np.ndarray) -> np.ndarray:
    """The activation in float64."""
    match activation:
        case Relu():
            return np.maximum(x, 0.0)
        case Clip(lower, upper):
            return np.clip(x, float(lower), float(upper))
        case Steps(thresholds, values, closed):
            index = np.zeros(x.shape, dtype=np.int64)
            for threshold, upper_holds in zip(map(float, thresholds), closed, strict=True):
                index += (x >= threshold) if upper_holds else (x > threshold)
            return np.array([float(v) for v in values])[index]
