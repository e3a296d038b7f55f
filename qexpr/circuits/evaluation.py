"""What a circuit computes: exactly, in integers, and in float64.

The exact oracle knows nothing of how the circuit was built. It is vectorised over points: each
node holds int64 numerators over D * 2^e, D the points' common denominator and e the node's own
exponent, and goes on in Python's integers when bit lengths say that int64 might not do.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np
import numpy.typing as npt

from qexpr.circuits.graph import Circuit
from qexpr.core.numbers import read_rational
from qexpr.errors import InvalidInput, shorten

__all__ = ["evaluate_exact", "evaluate_float", "evaluate_nodes"]

_CELLS = 1 << 22  # array cells in flight: nodes or edges of a block, times points


def evaluate_float(circuit: Circuit, points: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Evaluate in float64: shape (m, d) -> (m,).

    Raises
    ------
    InvalidInput
        For another shape, or points that are not finite.
    """
    x = _read_floats(circuit, points)
    weights = np.array([float(value) for value in circuit.alphabet] or [0.0])[circuit.codes]
    largest = max(
        circuit.output + 1,
        max(int(circuit.starts[b] - circuit.starts[a]) for a, b in circuit.blocks),
    )
    step = max(1, min(len(x), _CELLS // largest))
    out = np.empty(len(x))
    for low in range(0, len(x), step):
        out[low : low + step] = _float_chunk(circuit, weights, x[low : low + step])
    return out


def _read_floats(circuit: Circuit, points: npt.ArrayLike) -> npt.NDArray[np.float64]:
    try:
        x = np.asarray(points, dtype=np.float64)
    except (TypeError, ValueError):
        raise InvalidInput(f"points must be an array of numbers, got {shorten(points)}") from None
    if x.ndim != 2 or x.shape[1] != circuit.d:
        raise InvalidInput(f"points must have shape (m, {circuit.d}), got {x.shape}")
    if not np.isfinite(x).all():
        row = int(np.flatnonzero(~np.isfinite(x).all(axis=1))[0])
        raise InvalidInput(f"points must be finite, got {x[row].tolist()} in row {row}")
    return x


def _float_chunk(
    circuit: Circuit, weights: npt.NDArray[np.float64], x: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    values = np.empty((circuit.output + 1, len(x)))
    values[: circuit.d] = x.T
    values[circuit.d] = 1.0
    starts = circuit.starts
    for low, high in circuit.blocks:
        begin, end = starts[low], starts[high]
        if begin == end:
            values[low:high] = 0.0
            continue
        terms = values[circuit.sources[begin:end]]
        terms *= weights[begin:end, None]
        rows = (starts[low:high] - begin).clip(max=end - begin - 1)
        sums = np.add.reduceat(terms, rows, axis=0)
        if high == circuit.output + 1:
            values[low : high - 1] = np.maximum(sums[:-1], 0.0)
            values[high - 1] = sums[-1] if starts[high - 1] < end else 0.0
        else:
            np.maximum(sums, 0.0, out=values[low:high])
    return values[circuit.output]


def evaluate_exact(circuit: Circuit, points: Iterable[Iterable[object]]) -> list[Fraction]:
    """Evaluate at rational points: m points of d numbers -> m Fractions, exactly.

    Numbers are ints, Fractions, text such as "1/3", or floats, which stand for their shortest
    decimals.

    Raises
    ------
    InvalidInput
        For points of another dimension, or numbers that are not finite.
    """
    read = [[_read(value) for value in point] for point in points]
    for i, point in enumerate(read):
        if len(point) != circuit.d:
            raise InvalidInput(
                f"points must have {circuit.d} coordinates, got {len(point)} in row {i}"
            )
    if not read:
        return []
    denominator = lcm(*(value.denominator for point in read for value in point))
    numerators = [[int(value * denominator) for value in point] for point in read]
    largest = max(
        circuit.output + 1,
        max(int(circuit.starts[b] - circuit.starts[a]) for a, b in circuit.blocks),
    )
    step = max(1, _CELLS // largest)
    out: list[Fraction] = []
    for low in range(0, len(read), step):
        values, exponents = evaluate_nodes(circuit, numerators[low : low + step], denominator)
        scale = denominator << int(exponents[-1])
        out += [Fraction(int(value), scale) for value in values[-1]]
    return out


def _read(value: object) -> Fraction:
    return value if type(value) is Fraction else read_rational(value, "a coordinate")


def evaluate_nodes(
    circuit: Circuit, numerators: list[list[int]], denominator: int
) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
    """The exact values of all nodes at the points ``numerators / denominator``.

    Returns
    -------
    values : array of int64 or of Python integers, shape (nodes, m)
    exponents : array, shape (nodes,)
        Node v is ``values[v] / (denominator * 2**exponents[v])``.
    """
    d, m = circuit.d, len(numerators)
    flat = [abs(v) for point in numerators for v in point] + [denominator]
    wide = max(flat).bit_length() > 62
    values = np.zeros((circuit.output + 1, m), object if wide else np.int64)
    values[:d] = np.array(numerators, values.dtype).T
    values[d] = denominator
    exponents = np.zeros(circuit.output + 1, np.int64)
    lengths = np.zeros(circuit.output + 1, np.int64)  # bit lengths of the largest numerators
    lengths[: d + 1] = [max(int(abs(v)).bit_length() for v in row) for row in values[: d + 1]]
    numerator = np.array([v.numerator for v in circuit.alphabet] or [0], object)
    power = np.array([v.denominator.bit_length() - 1 for v in circuit.alphabet] or [0], np.int64)
    length = np.array([int(abs(v)).bit_length() for v in numerator], np.int64)
    if int(length.max()) <= 62:
        numerator = numerator.astype(np.int64)
    for low, high in circuit.blocks:
        begin, end = int(circuit.starts[low]), int(circuit.starts[high])
        if begin == end:
            continue
        s, c = circuit.sources[begin:end], circuit.codes[begin:end]
        starts = circuit.starts[low:high] - begin
        empty = high == circuit.output + 1 and starts[-1] == end - begin
        rows = starts.clip(max=end - begin - 1)
        terms = exponents[s] + power[c]
        exponent = np.maximum.reduceat(terms, rows)
        sizes = np.diff(circuit.starts[low : high + 1])
        shift = np.repeat(exponent if not empty else exponent[:-1], sizes[: len(sizes) - empty])
        shift = shift - terms
        bits = np.maximum.reduceat(lengths[s] + length[c] + shift, rows)
        bits += np.array([int(k).bit_length() for k in sizes])
        if values.dtype != object and int(bits.max()) > 62:
            values = values.astype(object)
        if values.dtype == object:
            factor = numerator[c].astype(object) * np.left_shift(1, shift.astype(object))
        else:
            factor = numerator[c] << shift
        sums = np.add.reduceat(values[s] * factor[:, None], rows, axis=0)
        if empty:
            sums[-1] = 0
            exponent[-1] = 0
        last = high == circuit.output + 1
        body = sums[:-1] if last else sums
        body[body < 0] = 0
        values[low:high] = sums
        exponents[low:high] = exponent
        _reduce(values, exponents, lengths, low, high)
    return values, exponents


def _reduce(values: Any, exponents: Any, lengths: Any, low: int, high: int) -> None:
    """Drop the factors of two that a node's numerators share, and note their bit lengths."""
    part = values[low:high]
    union = np.bitwise_or.reduce(part, axis=1)
    trailing = [(int(u) & -int(u)).bit_length() - 1 for u in union]
    drop = np.array(
        [e if t < 0 else min(t, e) for t, e in zip(trailing, exponents[low:high], strict=True)],
        np.int64,
    )
    part >>= drop.astype(values.dtype)[:, None]
    exponents[low:high] -= drop
    lengths[low:high] = [
        max(int(a).bit_length(), int(-b).bit_length())
        for a, b in zip(part.max(axis=1), part.min(axis=1), strict=True)
    ]
