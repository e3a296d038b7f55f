"""Enclosures at many rational points that share a denominator.

Doubles answer first: where their interval is narrow enough, it is the enclosure. The other points
take balls, and there a node that depends on some coordinates only is evaluated once for each
distinct value of those (on a lattice, N + 1 values for a function of one variable).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from qexpr.errors import InvalidInput
from qexpr.rigor import balls
from qexpr.rigor.balls import arb
from qexpr.targets.evaluation import ball_of, intervals
from qexpr.targets.expressions import Graph

__all__ = ["enclose_points", "read_points", "to_integers"]

_SPARE = 2  # an enclosure is a pair of integers at scale 2^-(bits + _SPARE)
_DOUBLE_BITS = 42  # beyond these the doubles are not tried
_EXACT = 1 << 53


def read_points(
    numerators: Sequence[Sequence[int]], denominator: int, d: int
) -> NDArray[np.int64] | NDArray[np.object_]:
    """The numerators as an array (m, d) of integers, checked to lie in the unit cube."""
    points = np.asarray(numerators)
    if points.size == 0:
        return np.zeros((0, d), dtype=np.int64)
    if points.ndim != 2 or points.shape[1] != d:
        raise InvalidInput(f"points must have shape (m, {d}), got {points.shape}")
    if points.dtype.kind not in "iu":
        points = np.asarray(numerators, dtype=object)
        if not all(isinstance(value, int) for value in points.flat):
            raise InvalidInput("numerators must be integers")
    if not isinstance(denominator, int) or denominator < 1:
        raise InvalidInput("the denominator must be a positive integer")
    if points.min() < 0 or points.max() > denominator:
        raise InvalidInput("points must lie in the unit cube: 0 <= numerator <= denominator")
    return points if points.dtype == object else points.astype(np.int64)


def to_integers(lower: Fraction, upper: Fraction, bits: int) -> tuple[int, int]:
    """Round an enclosure outward to integers at scale 2^-(bits + 2)."""
    scale = 1 << (bits + _SPARE)
    return (
        lower.numerator * scale // lower.denominator,
        -(-upper.numerator * scale // upper.denominator),
    )


def enclose_points(
    graph: Graph,
    root: int,
    numerators: Sequence[Sequence[int]],
    denominator: int,
    bits: int,
    d: int,
) -> tuple[list[int], list[int]]:
    """Enclose a root at the points numerators / denominator: core.function.Function.enclose."""
    if not 0 <= bits <= 4096:
        raise InvalidInput(f"bits must satisfy 0 <= bits <= 4096, got {bits}")
    points = read_points(numerators, denominator, d)
    m = len(points)
    if bits <= _DOUBLE_BITS and denominator <= _EXACT:
        lower, upper, open_points = _by_doubles(graph, root, points, denominator, bits)
    else:
        lower, upper, open_points = [0] * m, [0] * m, np.arange(m)
    for spare in (24, 64, 192):
        if len(open_points) == 0:
            break
        low, high = _by_balls(graph, root, points[open_points], denominator, bits, spare)
        failed = []
        for k, index in enumerate(open_points.tolist()):
            lower[index], upper[index] = low[k], high[k]
            if high[k] - low[k] > 1 << _SPARE:
                failed.append(index)
        open_points = np.array(failed, dtype=np.int64)
    return lower, upper


def _by_doubles(
    graph: Graph,
    root: int,
    points: NDArray[np.int64] | NDArray[np.object_],
    denominator: int,
    bits: int,
) -> tuple[list[int], list[int], NDArray[np.int64]]:
    m = len(points)
    x = points.astype(np.float64) / denominator  # integers below 2^53, correctly rounded
    exact = denominator & (denominator - 1) == 0
    low_x = x if exact else np.maximum(np.nextafter(x, -np.inf), 0.0)
    high_x = x if exact else np.minimum(np.nextafter(x, np.inf), 1.0)
    result = intervals(graph, [root], low_x, high_x)[0]
    low = np.floor(np.ldexp(result.lower, bits + _SPARE))
    high = np.ceil(np.ldexp(result.upper, bits + _SPARE))
    with np.errstate(invalid="ignore"):
        good = (high - low <= 1 << _SPARE) & (np.abs(low) < 2.0**62) & (np.abs(high) < 2.0**62)
    lower = np.where(good, low, 0.0).astype(np.int64).tolist()
    upper = np.where(good, high, 0.0).astype(np.int64).tolist()
    return lower, upper, np.nonzero(~good)[0] if m else np.zeros(0, dtype=np.int64)


def _by_balls(
    graph: Graph,
    root: int,
    points: NDArray[np.int64] | NDArray[np.object_],
    denominator: int,
    bits: int,
    spare: int,
) -> tuple[list[int], list[int]]:
    with balls.precision(bits + spare):
        values, index = _shared_values(graph, root, points, denominator)
        ends = [_ends(value, bits) for value in values]
    return [ends[k][0] for k in index], [ends[k][1] for k in index]


def _shared_values(
    graph: Graph, root: int, points: NDArray[np.int64] | NDArray[np.object_], denominator: int
) -> tuple[list[arb], list[int]]:
    """The root's value at each distinct point, and which one each point has."""
    depends: dict[int, frozenset[int]] = {}
    index: dict[frozenset[int], NDArray[np.int64]] = {}
    firsts: dict[frozenset[int], NDArray[np.int64]] = {}
    values: dict[int, list[arb]] = {}
    order = graph.reachable([root])
    last = {arg: number for number in order for arg in graph.nodes[number].args}
    for number in order:
        node = graph.nodes[number]
        on = frozenset((node.value,)) if node.op == "var" else frozenset()
        on = on.union(*(depends[arg] for arg in node.args))
        depends[number] = on
        if on not in index:
            firsts[on], index[on] = _distinct(points, sorted(on))
        representatives = firsts[on]
        if node.op == "var":
            column = points[representatives, node.value]
            values[number] = [balls.ball(Fraction(int(k), denominator)) for k in column]
            continue
        columns = []
        for arg in node.args:
            own = values[arg]
            if depends[arg] == on:
                columns.append(own)
            else:
                columns.append([own[k] for k in index[depends[arg]][representatives].tolist()])
        if columns:
            values[number] = [ball_of(node, args) for args in zip(*columns, strict=True)]
        else:
            values[number] = [ball_of(node, ())]
        for arg in node.args:
            if last[arg] == number:
                values.pop(arg, None)
    return values[root], index[depends[root]].tolist()


def _distinct(
    points: NDArray[np.int64] | NDArray[np.object_], columns: list[int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Representatives of the distinct rows of some columns, and each point's class."""
    if not columns:
        return np.zeros(min(1, len(points)), dtype=np.int64), np.zeros(len(points), dtype=np.int64)
    classes = np.zeros(len(points), dtype=np.int64)
    for column in columns:
        _, inverse = np.unique(points[:, column], return_inverse=True)
        _, classes = np.unique(classes * (int(inverse.max()) + 1) + inverse, return_inverse=True)
    _, representatives = np.unique(classes, return_index=True)
    return representatives, classes


def _ends(value: arb, bits: int) -> tuple[int, int]:
    if not balls.is_finite(value):
        raise InvalidInput(
            "a derivative of the target is not finite at a point asked for; "
            "prove_membership tells where and for which order"
        )
    return to_integers(Fraction(balls.lower_end(value)), Fraction(balls.upper_end(value)), bits)
