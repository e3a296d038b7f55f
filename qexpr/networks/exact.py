"""Exact evaluation: integers over one common denominator, in int64 where that provably fits.

A tensor is an integer array and one positive denominator. Sums of products run as float64
products of integers below 2^53 where the sums stay below that (exact, and fast), else in int64
below 2^62, else in Python integers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import singledispatch
from typing import Any

import numpy as np

from qexpr.errors import InvalidInput
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
from qexpr.networks.values import exact

__all__ = ["evaluate"]

_INT64 = 2**62
_DOUBLE = 2**53


@dataclass(frozen=True)
class Tensor:
    """The rationals ``numerators / denominator``."""

    numerators: np.ndarray
    denominator: int


def evaluate(network: QuantizedNetwork, points: Any) -> list[Any]:
    """A Fraction for each point, or a list of them if the network has several outputs."""
    x = _read_points(points, network.d)
    m = len(x.numerators)
    if not m:
        return []
    values = {INPUT: Tensor(x.numerators.reshape(m, *network.input_shape), x.denominator)}
    for k, (layer, sources) in enumerate(zip(network.layers, network.sources, strict=True)):
        y = _apply(layer, *(values[s] for s in sources))
        if layer.activation is not None:
            y = _activate(layer.activation, y)
        values[k] = _reduced(y)
    y = values[len(network.layers) - 1]
    rows = y.numerators.reshape(m, -1).tolist()
    if network.outputs == 1:
        return [Fraction(row[0], y.denominator) for row in rows]
    return [[Fraction(n, y.denominator) for n in row] for row in rows]


def _read_points(points: Any, d: int) -> Tensor:
    rows = [list(row) for row in points]
    if any(len(row) != d for row in rows):
        wrong = next(len(row) for row in rows if len(row) != d)
        raise InvalidInput(f"points must have {d} coordinates each, got {wrong}")
    flat = [exact(value, "points") for row in rows for value in row]
    denominator = math.lcm(*(value.denominator for value in flat)) if flat else 1
    whole = [value.numerator * (denominator // value.denominator) for value in flat]
    return Tensor(_integers(whole).reshape(len(rows), d), denominator)


def _integers(values: Sequence[int]) -> np.ndarray:
    big = any(not -_INT64 < value < _INT64 for value in values)
    return np.array(values, dtype=object if big else np.int64)


def _size(x: np.ndarray) -> int:
    """The largest magnitude."""
    return max(int(x.max()), -int(x.min())) if x.size else 0


def _wide(x: np.ndarray, bound: int) -> np.ndarray:
    """The array in a type that holds results up to `bound`."""
    return x if bound < _INT64 else x.astype(object)


def _narrow(x: np.ndarray) -> np.ndarray:
    return x.astype(np.int64) if x.dtype == object and _size(x) < _INT64 else x


def _times(x: np.ndarray, factor: int) -> np.ndarray:
    return x if factor == 1 else _wide(x, max(_size(x), 1) * abs(factor)) * factor


def _reduced(x: Tensor) -> Tensor:
    if x.denominator == 1:
        return Tensor(_narrow(x.numerators), 1)
    if not x.numerators.any():
        return Tensor(np.zeros(x.numerators.shape, dtype=np.int64), 1)
    if x.numerators.dtype == object:
        divisor = math.gcd(x.denominator, *x.numerators.ravel().tolist())
    else:
        divisor = math.gcd(x.denominator, int(np.gcd.reduce(x.numerators, axis=None)))
    numerators = x.numerators if divisor == 1 else x.numerators // divisor
    return Tensor(_narrow(numerators), x.denominator // divisor)


def _common(first: Tensor, second: Tensor) -> tuple[np.ndarray, np.ndarray, int]:
    denominator = math.lcm(first.denominator, second.denominator)
    return (
        _times(first.numerators, denominator // first.denominator),
        _times(second.numerators, denominator // second.denominator),
        denominator,
    )


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    # a factor of 0 must not hide numbers that the type cannot hold
    largest_sum = max((sum(map(abs, column)) for column in b.T.tolist()), default=1)
    bound = max(_size(a), 1) * max(largest_sum, 1)
    if bound < _DOUBLE:
        return (a.astype(np.float64) @ b.astype(np.float64)).astype(np.int64)
    return _wide(a, bound) @ _wide(b, bound)


@singledispatch
def _apply(layer: Layer, *x: Tensor) -> Tensor:
    raise TypeError(f"no evaluation for {type(layer).__name__}")


@_apply.register(Dense)
@_apply.register(Conv2d)
def _(layer: Dense | Conv2d, x: Tensor) -> Tensor:
    one = x.denominator
    numerators = _wide(x.numerators, one if isinstance(layer, Conv2d) else 0)
    sums = weighted_sums(layer, numerators, _dot, one)
    scales, biases = layer.scales(), layer.biases()
    common = math.lcm(*(scale.denominator for scale in scales))
    denominator = math.lcm(one * common, *(bias.denominator for bias in biases))
    raised = denominator // (one * common)
    factors = _integers([s.numerator * (common // s.denominator) * raised for s in scales])
    offsets = _integers([b.numerator * (denominator // b.denominator) for b in biases])
    bound = _size(sums) * _size(factors) + _size(offsets)
    shape = sums.shape[1:]
    numerators = _wide(sums, bound) * per_channel(_wide(factors, bound), shape)
    return Tensor(numerators + per_channel(_wide(offsets, bound), shape), denominator)


@_apply.register
def _(layer: Flatten, x: Tensor) -> Tensor:
    return Tensor(x.numerators.reshape(len(x.numerators), -1), x.denominator)


@_apply.register
def _(layer: Activate, x: Tensor) -> Tensor:
    return x


@_apply.register
def _(layer: MaxPool2d, x: Tensor) -> Tensor:
    view = windows(x.numerators, layer.kernel, layer.stride)
    return Tensor(view.max(axis=(4, 5)), x.denominator)


@_apply.register
def _(layer: AvgPool2d, x: Tensor) -> Tensor:
    count = layer.kernel[0] * layer.kernel[1]
    view = windows(_wide(x.numerators, _size(x.numerators) * count), layer.kernel, layer.stride)
    return Tensor(view.sum(axis=(4, 5)), x.denominator * count)


@_apply.register
def _(layer: Add, x: Tensor, y: Tensor) -> Tensor:
    first, second, denominator = _common(x, y)
    bound = _size(first) + _size(second)
    return Tensor(_wide(first, bound) + _wide(second, bound), denominator)


@_apply.register
def _(layer: Multiply, x: Tensor, y: Tensor) -> Tensor:
    bound = _size(x.numerators) * _size(y.numerators)
    product = _wide(x.numerators, bound) * _wide(y.numerators, bound)
    return Tensor(product, x.denominator * y.denominator)


def _activate(activation: Activation, x: Tensor) -> Tensor:
    match activation:
        case Relu():
            return Tensor(np.maximum(x.numerators, 0), x.denominator)
        case Clip(lower, upper):
            denominator = math.lcm(x.denominator, lower.denominator, upper.denominator)
            numerators = _times(x.numerators, denominator // x.denominator)
            ends = int(lower * denominator), int(upper * denominator)
            numerators = _wide(numerators, max(map(abs, ends)))
            return Tensor(np.minimum(np.maximum(numerators, ends[0]), ends[1]), denominator)
        case Steps():
            return _step(activation, x)


def _step(steps: Steps, x: Tensor) -> Tensor:
    # x >= t, for integers over q: numerator >= ceil(t q); x > t: numerator >= floor(t q) + 1.
    scaled = [t * x.denominator for t in steps.thresholds]
    least = [
        math.ceil(t) if closed else math.floor(t) + 1
        for t, closed in zip(scaled, steps.closed, strict=True)
    ]
    numerators = _wide(x.numerators, max(map(abs, least)))
    index = np.zeros(numerators.shape, dtype=np.int64)
    for threshold in least:
        index += (numerators >= threshold).astype(np.int64)
    denominator = math.lcm(*(value.denominator for value in steps.values))
    table = _integers([int(value * denominator) for value in steps.values])
    return Tensor(table[index], denominator)
