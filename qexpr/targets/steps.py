"""The range of a step function over many intervals at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from qexpr.targets import floats
from qexpr.targets.floats import Interval

__all__ = ["StepRange"]


@dataclass(frozen=True, slots=True, eq=False)
class StepRange:
    """Sparse tables of least and largest steps; breaks as enclosures in doubles.

    Parameters
    ----------
    minima, maxima : tuple of arrays
        Level k holds the extremes of 2^k consecutive steps, rounded outward.
    breaks : Interval
    largest : float
        An upper bound of every step's size, at least 1.
    """

    minima: tuple[NDArray[np.float64], ...]
    maxima: tuple[NDArray[np.float64], ...]
    breaks: Interval
    largest: float

    @classmethod
    def of(cls, steps: Sequence[Fraction], breaks: Sequence[Fraction]) -> StepRange:
        """Build the tables."""
        low, high = zip(*map(floats.constant, steps), strict=True)
        minima, maxima = [np.array(low)], [np.array(high)]
        while 2 ** len(minima) <= len(steps):
            half = 2 ** (len(minima) - 1)
            minima.append(np.minimum(minima[-1][:-half], minima[-1][half:]))
            maxima.append(np.maximum(maxima[-1][:-half], maxima[-1][half:]))
        ends = zip(*map(floats.constant, breaks), strict=True)
        largest = max(1.0, float(np.max(maxima[0])), float(-np.min(minima[0])))
        return cls(
            tuple(minima), tuple(maxima), Interval(*(np.array(end) for end in ends)), largest
        )

    def cell(self, t: NDArray[np.float64]) -> NDArray[np.int64]:
        """The cell of a double; at most the rounding of one break away from it."""
        cells = len(self.minima[0])
        return np.clip(np.searchsorted(self.breaks.lower, t, side="right") - 1, 0, cells - 1)

    def left(self, cell: NDArray[np.int64]) -> Interval:
        """The left break of each cell."""
        return Interval(self.breaks.lower[cell], self.breaks.upper[cell])

    def over(self, side: Interval) -> Interval:
        """The least and the largest step on each interval, of both sides where it is one break."""
        last_cell = len(self.minima[0]) - 1
        start = np.searchsorted(self.breaks.upper, side.lower, side="right") - 1
        end = np.searchsorted(self.breaks.lower, side.upper, side="left") - 1
        first = np.clip(np.minimum(start, end), 0, last_cell)
        last = np.clip(np.maximum(start, end), 0, last_cell)
        level = np.floor(np.log2(last - first + 1)).astype(np.int64)
        lower, upper = np.empty(len(first)), np.empty(len(first))
        for k in np.unique(level).tolist():
            rows = level == k
            a, b = first[rows], last[rows] - 2**k + 1
            lower[rows] = np.minimum(self.minima[k][a], self.minima[k][b])
            upper[rows] = np.maximum(self.maxima[k][a], self.maxima[k][b])
        return Interval(lower, upper)
