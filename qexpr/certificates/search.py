"""Best-first branch and bound for a supremum over boxes, in batches.

The search proves nothing by itself: upper ends come rigorous out of `bounds`, the lower end is a
float guess that the caller verifies exactly at its point.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from qexpr.certificates.error_bounds import BoxBounds
from qexpr.certificates.splits import Boxes, Forest

__all__ = ["Progress", "Result", "search"]

Progress = Callable[[float, float, int], None]
Bounds = Callable[[Boxes], BoxBounds]
Values = Callable[[np.ndarray], np.ndarray]

_START = 64  # boxes in the first round
_LEAST_BATCH = 64
_MOST_BATCH = 512
_PROBED = 24  # corners tried in each round


@dataclass(frozen=True, eq=False)
class Result:
    """upper is proven; lower is |e| in floats at `point`; tree is what check needs."""

    lower: float
    upper: float
    point: np.ndarray
    tree: str
    boxes: int
    closed: bool


def search(
    bounds: Bounds,
    values: Values,
    boxes: Boxes,
    enough: Callable[[float], float],
    *,
    stop_above: float = np.inf,
    deadline: float | None = None,
    most: int | None = None,
    progress: Progress | None = None,
) -> Result:
    """Search until every box is closed.

    Parameters
    ----------
    bounds : rigorous bounds over boxes
    values : from points (m, d), |e| in floats
    boxes : the roots
    enough : from the best lower end so far, the upper end at which a box is closed
    stop_above : stop as soon as the lower end exceeds it
    deadline : of time.monotonic()
    most : boxes; the search ends with the round that reaches them
    progress : called with both ends and the number of boxes
    """
    forest = Forest(len(boxes))
    numbers = np.arange(len(boxes))
    while len(boxes) < _START:
        axes = _axes(boxes.upper - boxes.lower, boxes)
        numbers = forest.split(numbers, axes)
        boxes = boxes.halved(axes)
    found = bounds(boxes)
    upper, weight = found.upper, found.weight
    best, point = _probe(values, found, boxes, -np.inf, boxes.lower[0])
    count, batch, done = len(boxes), _LEAST_BATCH, -np.inf  # done: the largest end left behind
    while True:
        live = (upper > enough(best)) & boxes.divisible().any(axis=1)
        if not live.all():
            done = max(done, float(upper[~live].max()))
            numbers, boxes, upper, weight = numbers[live], boxes[live], upper[live], weight[live]
        top = max(done, float(upper.max())) if len(boxes) else done
        if progress is not None:
            progress(best, top, count)
        late = deadline is not None and time.monotonic() >= deadline
        late = late or (most is not None and count >= most)
        # a box too small to be halved may keep the upper end where it is: more boxes are in vain
        if not len(boxes) or best > stop_above or late or done > enough(best):
            break
        size = min(len(boxes), batch)
        chosen = np.argpartition(upper, -size)[-size:]
        axes = _axes(weight[chosen], boxes[chosen])
        rest = np.ones(len(boxes), dtype=bool)
        rest[chosen] = False
        new = boxes[chosen].halved(axes)
        found = bounds(new)
        count += len(new)
        best, point = _probe(values, found, new, best, point)
        numbers = np.concatenate([numbers[rest], forest.split(numbers[chosen], axes)])
        boxes = boxes[rest].joined(new)
        upper = np.concatenate([upper[rest], found.upper])
        weight = np.concatenate([weight[rest], found.weight])
        batch = min(2 * batch, _MOST_BATCH)
    return Result(best, top, point, forest.text(), count, top <= enough(best))


def _axes(weight: np.ndarray, boxes: Boxes) -> np.ndarray:
    """The coordinate to halve: the largest weight, and the longest side where weights are equal."""
    share = np.where(np.isfinite(weight), weight, 2.0**500) + 2.0**-200
    width = boxes.upper - boxes.lower
    return np.argmax(np.where(boxes.divisible(), share * (1 + width), -1.0), axis=1)


def _better(
    values: Values, points: np.ndarray, best: float, point: np.ndarray
) -> tuple[float, np.ndarray]:
    sizes = values(points)
    sizes = np.where(np.isfinite(sizes), sizes, -np.inf)
    k = int(np.argmax(sizes))
    return (float(sizes[k]), points[k].copy()) if sizes[k] > best else (best, point)


def _probe(
    values: Values, found: BoxBounds, boxes: Boxes, best: float, point: np.ndarray
) -> tuple[float, np.ndarray]:
    count = min(_PROBED, len(boxes))
    chosen = np.argpartition(found.upper, -count)[-count:]
    lower, upper = boxes.lower[chosen], boxes.upper[chosen]
    points = np.concatenate([found.corner[chosen], lower + (upper - lower) / 2])
    return _better(values, points, best, point)
