"""Branch and bound over the unit cube: suprema of |g|, and signs, proven box by box.

A box is first enclosed by natural interval evaluation, then, where that is not enough, by the
refined forms of ranges.py. All boxes of a round are one batch of doubles, each rounded outward
(floats.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qexpr.targets.floats import Interval
from qexpr.targets.ranges import Range

__all__ = [
    "Box",
    "Range",
    "Supremum",
    "first_failure",
    "halve",
    "one_box",
    "start_boxes",
    "supremum",
]

Array = NDArray[np.float64]
Box = tuple[tuple[float, float], ...]
BUDGET = 300_000  # boxes a search may look at
_SMALLEST = 2.0**-44  # a side that is not split any more
_START = 64  # about so many boxes in the first round


@dataclass(frozen=True, slots=True)
class Supremum:
    """The result of a search: lower <= sup |g| <= upper, and the box that decides.

    `place` is a point (a box of no width) where |g| >= lower is proven, or, when the budget ran
    out (`closed` is False), the box with the largest upper end.
    """

    lower: float
    upper: float
    boxes: int
    closed: bool
    place: Box


def start_boxes(d: int, active: Sequence[int] | None = None) -> tuple[Array, Array]:
    """About 64 equal boxes that fill the unit cube, cut across the active coordinates only."""
    cut = range(d) if active is None else active
    parts = max(1, int(_START ** (1 / max(len(cut), 1))))
    parts = 1 << (parts.bit_length() - 1)
    axes = [np.arange(parts) / parts if k in cut else np.zeros(1) for k in range(d)]
    lower = np.stack([a.ravel() for a in np.meshgrid(*axes, indexing="ij")], axis=1)
    return lower, lower + np.array([1 / parts if k in cut else 1.0 for k in range(d)])


def halve(lower: Array, upper: Array, sizes: Array) -> tuple[Array, Array]:
    """Halve every box across the coordinate in which g varies most."""
    width = upper - lower
    weight = np.where(np.isfinite(sizes), sizes, 2.0**500) * width
    weight = np.where(width > _SMALLEST, weight + 2.0**-60 * width, -1.0)
    rows, k = np.arange(len(lower)), np.argmax(weight, axis=1)
    middle = lower[rows, k] + width[rows, k] / 2
    first, second = upper.copy(), lower.copy()
    first[rows, k] = middle
    second[rows, k] = middle
    return np.concatenate([lower, second]), np.concatenate([first, upper])


def one_box(lower: Array, upper: Array, index: int) -> Box:
    """One box out of a batch."""
    return tuple((float(a), float(b)) for a, b in zip(lower[index], upper[index], strict=True))


def supremum(
    target: Range,
    d: int,
    enough: Callable[[float], float],
    refuted_above: float = np.inf,
    active: Sequence[int] | None = None,
) -> Supremum:
    """Enclose sup |g| over the unit cube.

    Parameters
    ----------
    target : Range
    d : int
    enough : callable
        From a proven lower bound of the supremum, the upper end at which a box may be left.
    refuted_above : float
        Stop as soon as |g| is proven to exceed this.
    active : sequence of int, optional
        The coordinates that g depends on, if not all.
    """
    lower, upper = start_boxes(d, active)
    best, left, boxes = 0.0, 0.0, 0
    place: Box = one_box(lower, lower, 0)
    while True:
        boxes += len(lower)
        value = target.natural(lower, upper)
        best, place = _improve(target, (lower + upper) / 2, best, place)
        open_ = np.maximum(-value.lower, value.upper) > enough(best)
        size = np.maximum(-value.lower, value.upper)
        left = max(left, float(np.max(size[~open_], initial=0.0)))
        lower, upper = lower[open_], upper[open_]
        if len(lower):
            value, sizes, top = target.refined(
                lower, upper, Interval(value.lower[open_], value.upper[open_])
            )
            best, place = _improve(target, top, best, place)
            size = np.maximum(-value.lower, value.upper)
            open_ = size > enough(best)
            left = max(left, float(np.max(size[~open_], initial=0.0)))
            lower, upper, sizes, size = lower[open_], upper[open_], sizes[open_], size[open_]
        if best > refuted_above or not len(lower):
            return Supremum(best, left if not len(lower) else np.inf, boxes, not len(lower), place)
        if boxes + 2 * len(lower) > BUDGET or np.all((upper - lower) <= _SMALLEST):
            worst = int(np.argmax(size))
            return Supremum(
                best, max(left, float(size[worst])), boxes, False, one_box(lower, upper, worst)
            )
        lower, upper = halve(lower, upper, sizes)


def _improve(target: Range, points: Array, best: float, place: Box) -> tuple[float, Box]:
    value = target.natural(points, points)
    floor = np.maximum(value.lower, -value.upper)
    index = int(np.argmax(floor))
    if floor[index] > best:
        return float(floor[index]), one_box(points, points, index)
    return best, place


def first_failure(
    target: Range, d: int, holds: Callable[[Interval], NDArray[np.bool_]]
) -> tuple[Box | None, int]:
    """The first small box where `holds` cannot be proven, or None: (box, boxes looked at)."""
    lower, upper = start_boxes(d)
    boxes = 0
    while True:
        boxes += len(lower)
        value = target.natural(lower, upper)
        open_ = ~holds(value)
        lower, upper = lower[open_], upper[open_]
        if not len(lower):
            return None, boxes
        value, sizes, _ = target.refined(
            lower, upper, Interval(value.lower[open_], value.upper[open_])
        )
        open_ = ~holds(value)
        lower, upper, sizes = lower[open_], upper[open_], sizes[open_]
        if not len(lower):
            return None, boxes
        point = target.natural(lower, lower)
        failed = np.nonzero(~holds(point))[0]
        if len(failed) or boxes + 2 * len(lower) > BUDGET or np.all(upper - lower <= _SMALLEST):
            index = int(failed[0]) if len(failed) else 0
            return one_box(lower, lower if len(failed) else upper, index), boxes
        lower, upper = halve(lower, upper, sizes)
