"""How far a layer stack's outputs may be from the exact ones: a running error analysis.

Higham (2002), Accuracy and Stability of Numerical Algorithms, section 3.3: with unit roundoff u, a
sum of k terms of magnitude at most A in all, in whatever order, errs by at most k u A / (1 - k u).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qexpr_runtime.data import INPUT, ActivationData, LayerData, NetworkData
from qexpr_runtime.planning import Plan, plan
from qexpr_runtime.records import WINDOWED

__all__ = ["network_bound"]

Array = NDArray[np.float64]
_UP = 1 + 2.0**-20  # for the rounding of this computation itself
# of float32 and float64, by digits: the largest number, the p of the least, 2^-p, and an error of
# what is rounded below the normal numbers; in float64 this computation itself is, too
_MOST = {24: float(np.finfo(np.float32).max), 53: float(np.finfo(np.float64).max)}
_FINEST = {24: 149, 53: 900}
_LEAST = {24: 2.0**-149, 53: 2.0**-1060}


@dataclass(frozen=True)
class _Tensor:
    """One entry for each channel: |value| <= size, |computed - exact| <= error.

    With `lattice`, all values are multiples of 2^-lattice and computed exactly.
    """

    size: Array
    error: Array
    lattice: int | None
    places: int  # values of each channel


def _lattice(values: tuple[Fraction, ...], digits: int) -> int | None:
    """The least p >= 0 with all values multiples of 2^-p that fit the digits; None if none."""
    p = 0
    for v in values:
        q = v.denominator
        if q & (q - 1) or v.numerator.bit_length() > digits or q.bit_length() > 900:
            return None
        p = max(p, q.bit_length() - 1)
    return p


def network_bound(network: NetworkData, x_max: float, input_bits: int, digits: int) -> float:
    """The bound for a layer stack; see `Network.rounding_bound`."""
    u = 2.0**-digits
    shape = network.input_shape
    ones = np.ones(shape[0])
    exact = 0 <= input_bits <= _FINEST[digits] and x_max * 2.0**input_bits <= 2.0**digits
    error = 0.0 if exact or digits == 53 else u * x_max + _LEAST[digits]
    tensors = {INPUT: _Tensor(x_max * ones, error * ones, input_bits if exact else None,
                              math.prod(shape[1:]))}  # fmt: skip
    if network.input_rule is not None:
        scale, offset = network.input_rule
        most = float(max(abs(offset), abs(offset + 255 * scale))) * _UP
        values = tuple(offset + scale * q for q in (0, 1))
        fine = _lattice(values, digits - 8)
        error = 0.0 if fine is not None else 4 * u * most
        tensors[INPUT] = _Tensor(most * ones, error * ones, fine, math.prod(shape[1:]))
    spatial = {INPUT: shape}
    last = INPUT
    for k, (layer, todo) in enumerate(zip(network.layers, plan(network), strict=True)):
        source = k - 1 if layer.source is None else layer.source
        x = tensors[source]
        second = None if layer.other is None else tensors[layer.other]
        spatial[k] = _shape(layer, spatial[source])
        with np.errstate(over="ignore", invalid="ignore"):
            y, fine = _linear(layer, todo, x, second, digits, math.prod(spatial[k][1:]))
            if not (y.size + y.error <= _MOST[digits]).all():
                return math.inf
        act = layer.activation
        if act is not None and act.kind == "steps" and not (todo.sums.integer or fine):
            return math.inf
        tensors[k] = _activated(act, y, digits)
        last = k
    return float(tensors[last].error.max())


def _shape(layer: LayerData, shape: tuple[int, ...]) -> tuple[int, ...]:
    if layer.op == "dense":
        return (layer.channels,)
    if layer.op == "flatten":
        return (math.prod(shape),)
    if layer.op in WINDOWED:
        kernel = layer.codes.shape[2:] if layer.codes is not None else layer.kernel
        channels = layer.channels if layer.codes is not None else shape[0]
        channels = 1 if layer.op == "mean_abs" else channels
        out = [(n + 2 * p - k) // s + 1 for n, p, k, s in
               zip(shape[1:], layer.padding, kernel, layer.stride, strict=False)]  # fmt: skip
        return (channels, *out)
    return shape


def _products(layer: LayerData, x: _Tensor) -> tuple[Array, Array, int]:
    """Sums of |weight| * size and |weight| * error, and how many terms there are."""
    codes: Any = layer.codes
    weights = np.abs(codes).astype(np.float64)
    size, error = x.size, x.error
    if layer.op == "conv2d" and layer.padding_value and any(layer.padding):
        size = np.maximum(size, 1)
    terms = int(np.prod(codes.shape[1:]))
    if layer.op == "conv2d":
        weights = weights.sum(axis=(2, 3))
    per, into = len(weights) // layer.groups, weights.shape[1]
    sums, errors = np.empty(len(weights)), np.empty(len(weights))
    for g in range(layer.groups):
        rows, columns = slice(g * per, (g + 1) * per), slice(g * into, (g + 1) * into)
        sums[rows] = weights[rows] @ size[columns]
        errors[rows] = weights[rows] @ error[columns]
    return sums * _UP, errors * _UP, terms


def _linear(
    layer: LayerData, todo: Plan, x: _Tensor, second: _Tensor | None, digits: int, places: int
) -> tuple[_Tensor, bool]:
    """What comes before the activation, and whether what thresholds are held against is exact."""
    u = 2.0**-digits
    if layer.op == "flatten":
        y = _Tensor(np.repeat(x.size, x.places), np.repeat(x.error, x.places), x.lattice, 1)
        return y, not y.error.any()
    if second is not None and layer.op == "add":
        size = (x.size + second.size) * _UP
        fine = None
        if x.lattice is not None and second.lattice is not None:
            fine = max(x.lattice, second.lattice)
        y = _rounded(size, x.error + second.error, u * size, fine, digits, places)
        return y, y.lattice is not None
    if second is not None:
        size = x.size * second.size * _UP
        error = (x.size * second.error + second.size * x.error + x.error * second.error) * _UP
        fine = None
        if x.lattice is not None and second.lattice is not None:
            fine = x.lattice + second.lattice
        y = _rounded(size, error, u * (size + error), fine, digits, places)
        return y, y.lattice is not None
    if layer.op == "avg_pool2d" and todo.sums.integer:
        return _of_codes(layer, todo, len(x.size), digits, places), True
    if layer.op == "avg_pool2d":
        terms = layer.kernel[0] * layer.kernel[1]
        alpha, beta = (Fraction(1, terms),), (Fraction(0),)
        sums, errors = x.size * terms, x.error * terms
    elif layer.op == "mean_abs":
        terms = len(x.size) * layer.kernel[0] * layer.kernel[1]
        alpha, beta = (Fraction(1, terms),), (Fraction(0),)
        window = layer.kernel[0] * layer.kernel[1]
        sums = np.array([x.size.sum() * window * _UP])
        errors = np.array([x.error.sum() * window * _UP])
    elif layer.codes is not None and todo.sums.integer:
        return _of_codes(layer, todo, len(x.size), digits, places), True
    elif layer.codes is not None:
        sums, errors, terms = _products(layer, x)
        alpha, beta = layer.scales, layer.biases
    else:  # pooling by maxima, or nothing
        return _Tensor(x.size, x.error, x.lattice, places), not x.error.any()
    a = np.array([abs(float(v)) for v in alpha])
    b = np.array([abs(float(v)) for v in beta])
    size = (a * sums + b) * _UP
    carried = a * errors * _UP
    inner = (terms + 1) * u / (1 - (terms + 1) * u)
    rounded = (a * (sums + errors) * (inner + 4 * u) + 2 * u * b) * _UP
    rounded = _beyond(rounded, sums + errors, a, b, digits)
    fine, scale, offset = x.lattice, _lattice(alpha, digits), _lattice(beta, digits)
    if fine is not None and (sums.max(initial=0) * 2.0**fine > 2.0**digits):
        fine = None
    if layer.codes is not None and layer.codes.dtype == object:
        fine = None  # codes beyond 2^62 are rounded themselves
    sums_exact = fine is not None
    fine = None if fine is None or scale is None or offset is None else max(fine + scale, offset)
    return _rounded(size, carried, rounded, fine, digits, places), sums_exact


def _of_codes(layer: LayerData, todo: Plan, channels: int, digits: int, places: int) -> _Tensor:
    """Integer sums of codes, exact, with the folded scale and bias: what these round."""
    reads, own = todo.reads, todo.sums
    assert reads is not None
    offset, unit = reads.grid or (Fraction(0), Fraction(1))
    if own.digits is not None:
        offset, unit = own.digits.offset, own.digits.unit
    values = [*reads.values, Fraction(layer.padding_value)] if any(layer.padding) else reads.values
    most = float(max(abs(v - offset) / unit for v in values)) * _UP
    if layer.codes is None:
        sums = np.full(channels, layer.kernel[0] * layer.kernel[1] * most)
    else:
        codes: Any = layer.codes
        sums = np.abs(codes).astype(np.float64).reshape(len(codes), -1).sum(axis=1) * most
    sums = sums * _UP
    a = np.array([abs(float(v)) for v in own.scale])
    b = np.array([abs(float(v)) for v in own.bias])
    u = 2.0**-digits
    fine, scale = _lattice(own.bias, digits), _lattice(own.scale, digits)
    whole = fine is not None and scale is not None and sums.max() <= 2.0**digits
    rounded = _beyond((4 * u * a * sums + 2 * u * b) * _UP, sums, a, b, digits)
    lattice = max(fine, scale) if whole and fine is not None and scale is not None else None
    return _rounded((a * sums + b) * _UP, np.zeros_like(sums), rounded, lattice, digits, places)


def _beyond(rounded: Array, sums: Array, a: Array, b: Array, digits: int) -> Array:
    """The rounding of a * sums + b where these are tiny, too; infinite where one may overflow."""
    most = np.maximum(np.maximum(sums, a), b) * _UP
    return np.where(most <= _MOST[digits], rounded + _LEAST[digits] * (sums + 2), np.inf)


def _rounded(
    size: Array, carried: Array, rounded: Array, fine: int | None, digits: int, places: int
) -> _Tensor:
    exact = fine is not None and fine <= _FINEST[digits] and np.isfinite(rounded).all()
    exact = exact and not carried.any()
    if exact and fine is not None and size.max(initial=0) * 2.0**fine <= 2.0**digits:
        return _Tensor(size, np.zeros_like(size), fine, places)
    return _Tensor(size, (carried + rounded) * _UP + _LEAST[digits], None, places)


def _activated(act: ActivationData | None, y: _Tensor, digits: int) -> _Tensor:
    u = 2.0**-digits
    if act is None or act.kind == "relu":
        return y
    if act.kind == "clip":
        ends = (act.lower, act.upper)
        most = max(abs(float(v)) for v in ends) * _UP
        own = _lattice(ends, digits)
        size = np.full_like(y.size, most)
        if y.lattice is not None and own is not None:
            return _Tensor(size, y.error, max(y.lattice, own), y.places)
        return _Tensor(size, y.error + u * most, None, y.places)
    # the folded thresholds decide as the exact numbers do
    most = float(max(map(abs, act.values))) * _UP
    own = _lattice(act.values, digits)
    error = 0.0 if own is not None else 2 * u * most
    return _Tensor(np.full_like(y.size, most), np.full_like(y.size, error), own, y.places)
