"""Refined enclosures of a node over boxes: mean-value and monotone forms, branch by branch.

Where g is Lipschitz on a box, the natural interval evaluation is cut with the mean-value form and
with the monotone form (a coordinate in which g is monotone is replaced by its end): Moore,
Kearfott, Cloud, Introduction to Interval Analysis, chapter 6. Where the sign of a condition is
open on a box, g has there the values of its two branches almost everywhere, and each branch is
enclosed for itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product

import numpy as np
from numpy.typing import NDArray

from qexpr.targets import floats
from qexpr.targets.continuity import branch, conditions
from qexpr.targets.evaluation import intervals
from qexpr.targets.expressions import Graph
from qexpr.targets.floats import Interval

__all__ = ["Range"]

Array = NDArray[np.float64]
_OPEN_CONDITIONS = 3  # so many open conditions in one box are followed into their branches


@dataclass(frozen=True, slots=True, eq=False)
class Range:
    """A node with what its refined enclosure needs: gradient, and the conditions of its jumps."""

    graph: Graph
    root: int
    gradient: tuple[int, ...]
    conditions: tuple[int, ...]
    _resolved: dict[tuple[int, ...], Range] = field(default_factory=dict)

    @classmethod
    def of(cls, graph: Graph, root: int, d: int) -> Range:
        """Differentiate once and collect the conditions that the root's value switches on."""
        gradient = tuple(graph.derivative(root, k) for k in range(d))
        return cls(graph, root, gradient, tuple(conditions(graph, root)))

    def natural(self, lower: Array, upper: Array) -> Interval:
        """Plain interval evaluation."""
        return intervals(self.graph, [self.root], lower, upper)[0]

    def enclose(self, lower: Array, upper: Array) -> Interval:
        """The refined enclosure over every box."""
        return self.refined(lower, upper, self.natural(lower, upper))[0]

    def refined(self, lower: Array, upper: Array, value: Interval) -> tuple[Interval, Array, Array]:
        """Tighten `value`: (enclosure, sizes of the partial derivatives, an uphill point)."""
        if not self.conditions:
            return self._forms(lower, upper, value)
        signs = intervals(self.graph, self.conditions, lower, upper)
        pattern = np.stack([_side(sign) for sign in signs], axis=1)
        best = Interval(value.lower.copy(), value.upper.copy())
        sizes, top = np.full_like(lower, np.inf), lower + (upper - lower) / 2
        kinds, which = np.unique(pattern, axis=0, return_inverse=True)
        for index, kind in enumerate(kinds.tolist()):
            if kind.count(0) > _OPEN_CONDITIONS:
                continue
            rows = np.nonzero(which.ravel() == index)[0]
            low, high = lower[rows], upper[rows]
            both: Interval | None = None
            sizes[rows] = 0.0
            for choice in product(*((1, 2) if side == 0 else (side,) for side in kind)):
                part = self._branch(choice)
                found, slopes, top[rows] = part._forms(low, high, part.natural(low, high))
                sizes[rows] = np.maximum(sizes[rows], slopes)
                both = found if both is None else floats.hull(both, found)
            if both is not None:
                best.lower[rows] = np.maximum(best.lower[rows], both.lower)
                best.upper[rows] = np.minimum(best.upper[rows], both.upper)
        return best, sizes, top

    def _branch(self, choice: tuple[int, ...]) -> Range:
        if choice not in self._resolved:
            sides = dict(zip(self.conditions, choice, strict=True))
            root = branch(self.graph, self.root, sides)
            self._resolved[choice] = Range.of(self.graph, root, len(self.gradient))
        return self._resolved[choice]

    def _forms(self, lower: Array, upper: Array, value: Interval) -> tuple[Interval, Array, Array]:
        """The mean-value and the monotone form of a node without jumps."""
        d = lower.shape[1]
        results = intervals(self.graph, self.gradient, lower, upper)
        middle = np.clip(lower + (upper - lower) / 2, lower, upper)
        up, down = middle.copy(), middle.copy()
        low_box, high_box = [lower.copy(), upper.copy()], [lower.copy(), upper.copy()]
        sizes = np.empty_like(lower)
        centre = self.natural(middle, middle)
        mean = centre
        with np.errstate(all="ignore"):
            for k in range(d):
                slope = results[k]
                side = Interval(lower[:, k], upper[:, k])
                offset = floats.add(side, Interval(-middle[:, k], -middle[:, k]))
                mean = floats.add(mean, floats.multiply(slope, offset))
                rising, falling = slope.lower >= 0, slope.upper <= 0
                sizes[:, k] = np.maximum(-slope.lower, slope.upper)
                up[:, k] = np.where(rising, upper[:, k], np.where(falling, lower[:, k], up[:, k]))
                down[:, k] = np.where(
                    rising, lower[:, k], np.where(falling, upper[:, k], down[:, k])
                )
                for end, (box, left) in enumerate(((low_box, rising), (high_box, falling))):
                    right = falling if end == 0 else rising
                    box[0][:, k] = np.where(right & ~left, upper[:, k], box[0][:, k])
                    box[1][:, k] = np.where(left, lower[:, k], box[1][:, k])
            mean = floats.finish(mean)
        below = self.natural(*low_box).lower
        above = self.natural(*high_box).upper
        best = Interval(
            np.maximum(value.lower, np.maximum(mean.lower, below)),
            np.minimum(value.upper, np.minimum(mean.upper, above)),
        )
        rising = centre.lower + centre.upper >= 0
        return best, sizes, np.where(rising[:, None], up, down)


def _side(sign: Interval) -> NDArray[np.int64]:
    """1 or 2 for the branch that a condition selects almost everywhere in a box, 0 if both."""
    ahead = (sign.lower >= 0) & (sign.upper > 0)
    behind = (sign.upper <= 0) & (sign.lower < 0)
    return np.where(ahead, 1, np.where(behind, 2, 0))
