"""Integrated telegraphs: f(x) = g(x_0 + .. + x_(d-1)), the n-th derivative of g a step function.

g is a polynomial of degree n with rational coefficients on each cell, so every enclosure at a
rational point is exact. With steps +-1 these attain the class constants: zigzags (n = 1) and
their integrals are what interpolation errors are worst on.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from math import comb, factorial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qexpr.core.numbers import read_integer, read_rational
from qexpr.core.progress import Progress
from qexpr.core.units import Units
from qexpr.errors import InvalidInput, shorten
from qexpr.targets import floats
from qexpr.targets.floats import Interval
from qexpr.targets.lattice import read_points, to_integers
from qexpr.targets.membership import LIMIT, IndexBound, Membership, index_name, multi_indices
from qexpr.targets.steps import StepRange

__all__ = ["Telegraph", "thue_morse"]

_MAX_CELLS = 1 << 20
_MAX_N = 8
_KNOT_SLACK = 2.0**-46  # breaks up to 16 are rounded by 2^-48 at most, steps differ by 2 largest


def thue_morse(cells: int) -> tuple[int, ...]:
    """The first signs of the Thue-Morse sequence: +1, -1, -1, +1, -1, +1, +1, -1, ..."""
    return tuple(-1 if k.bit_count() & 1 else 1 for k in range(cells))


@dataclass(frozen=True, eq=False)
class Telegraph:
    """A ridge function with piecewise constant n-th derivative; core.function.Function.

    Parameters
    ----------
    steps : sequence of rationals
        The values of g^(n), one a cell.
    n : int
        How often they are integrated, 1 to 8.
    d : int
        The number of variables; g lives on [0, d].
    breaks : sequence of rationals, optional
        The ends of the cells, from 0 to d; equal cells by default.
    start : sequence of rationals, optional
        g(0), g'(0), .., g^(n-1)(0); zeros by default.
    """

    steps: tuple[Fraction, ...]
    n: int
    d: int
    breaks: tuple[Fraction, ...]
    start: tuple[Fraction, ...]

    def __init__(
        self,
        steps: Sequence[object],
        n: int = 1,
        d: int = 1,
        *,
        breaks: Sequence[object] | None = None,
        start: Sequence[object] | None = None,
    ) -> None:
        n, d = read_integer(n, "n", 1, _MAX_N), read_integer(d, "d", 1, 16)
        values = tuple(read_rational(value, "a step") for value in steps)
        if not 1 <= len(values) <= _MAX_CELLS:
            raise InvalidInput(f"a telegraph needs 1 to {_MAX_CELLS} steps, got {len(values)}")
        if breaks is None:
            ends = tuple(Fraction(d * k, len(values)) for k in range(len(values) + 1))
        else:
            ends = tuple(read_rational(value, "a break") for value in breaks)
        if len(ends) != len(values) + 1 or ends[0] != 0 or ends[-1] != d:
            raise InvalidInput(f"breaks must be {len(values) + 1} rationals from 0 to {d}")
        if not all(a < b for a, b in pairwise(ends)):
            raise InvalidInput("breaks must increase")
        first = (0,) * n if start is None else tuple(start)
        if len(first) != n:
            raise InvalidInput(f"start must be the {n} values of g, .., g^({n - 1}) at 0")
        for name, value in (
            ("steps", values),
            ("n", n),
            ("d", d),
            ("breaks", ends),
            ("start", tuple(read_rational(value, "a start value") for value in first)),
        ):
            object.__setattr__(self, name, value)

    # The polynomial pieces -----------------------------------------------------------------

    @cached_property
    def _jets(self) -> list[tuple[Fraction, ...]]:
        """(g, g', .., g^(n)) at the left end of every cell, exactly."""
        jets, left = [], self.start
        for step, a, b in zip(self.steps, self.breaks, self.breaks[1:], strict=False):
            jet = (*left, step)
            jets.append(jet)
            left = tuple(_taylor(jet, j, b - a) for j in range(self.n))
        return jets

    def _at(self, j: int, t: Fraction) -> Fraction:
        cell = min(bisect_right(self.breaks, t), len(self.steps)) - 1
        return _taylor(self._jets[cell], j, t - self.breaks[cell])

    def _order(self, order: Sequence[int]) -> int:
        index = tuple(order)
        if len(index) != self.d or not all(isinstance(k, int) and k >= 0 for k in index):
            raise InvalidInput(f"an order must be {self.d} integers >= 0, got {shorten(order)}")
        if sum(index) > self.n:
            raise InvalidInput(f"a telegraph of order {self.n} has no derivative of order {index}")
        return sum(index)

    # Enclosures ----------------------------------------------------------------------------

    def enclose(
        self,
        order: Sequence[int],
        numerators: Sequence[Sequence[int]],
        denominator: int,
        bits: int,
    ) -> tuple[list[int], list[int]]:
        """Enclose D^order f at numerators / denominator; core.function.Function.enclose.

        At a break the n-th derivative is enclosed with both neighbouring steps.
        """
        j = self._order(order)
        points = read_points(numerators, denominator, self.d)
        sums = points.sum(axis=1).tolist()
        known = {}
        for total in set(sums):
            low, high = self._both_sides(j, Fraction(total, denominator))
            known[total] = to_integers(low, high, bits)
        return [known[s][0] for s in sums], [known[s][1] for s in sums]

    def _both_sides(self, j: int, t: Fraction) -> tuple[Fraction, Fraction]:
        right = self._at(j, t)
        if j < self.n:
            return right, right
        cell = bisect_right(self.breaks, t) - 1
        left = self.steps[cell - 1] if cell > 0 and self.breaks[cell] == t else right
        return min(left, right), max(left, right)

    def value(
        self, point: Sequence[object], order: Sequence[int] | None = None, bits: int = 128
    ) -> tuple[Fraction, Fraction]:
        """D^order f at a rational point, exactly (`bits` is not needed)."""
        if len(point) != self.d:
            raise InvalidInput(f"a point must have {self.d} coordinates, got {len(point)}")
        t = sum((read_rational(x, "a coordinate") for x in point), Fraction(0))
        if not 0 <= t <= self.d:
            raise InvalidInput("points must lie in the unit cube")
        return self._both_sides(self._order((0,) * self.d if order is None else order), t)

    def ball(
        self, order: Sequence[int], box: Sequence[Sequence[object]], bits: int = 128
    ) -> tuple[Fraction, Fraction]:
        """Enclose the range of D^order f over a box of rationals, by exact Bernstein forms."""
        ends = [tuple(read_rational(end, "an end of the box") for end in side) for side in box]
        if len(ends) != self.d or any(len(e) != 2 or not 0 <= e[0] <= e[1] <= 1 for e in ends):
            raise InvalidInput(f"a box must be {self.d} pairs 0 <= a <= b <= 1, got {shorten(box)}")
        j = self._order(order)
        a, b = sum(e[0] for e in ends), sum(e[1] for e in ends)
        first = max(0, bisect_right(self.breaks, a) - 1)
        if self.breaks[first] == a and first:
            first -= 1  # the step left of a break counts for the n-th derivative
        last = min(bisect_right(self.breaks, b), len(self.steps))
        low_high = [
            _range(
                self._jets[cell],
                j,
                max(a, self.breaks[cell]) - self.breaks[cell],
                min(b, self.breaks[cell + 1]) - self.breaks[cell],
            )
            for cell in range(min(first, last - 1), last)
        ]
        return min(r[0] for r in low_high), max(r[1] for r in low_high)

    @cached_property
    def _steps(self) -> StepRange:
        return StepRange.of(self.steps, self.breaks)

    @cached_property
    def _columns(self) -> list[Interval]:
        """The jets' entries as intervals of doubles, one array for each order."""
        return [
            Interval(*(np.array(end) for end in zip(*map(floats.constant, column), strict=True)))
            for column in zip(*self._jets, strict=True)
        ]

    def enclose_boxes(
        self, order: Sequence[int], lower: NDArray[np.float64], upper: NDArray[np.float64]
    ) -> Interval:
        """Enclose the range of D^order f over boxes; as `Target.enclose_boxes`.

        Taylor's form about the box's centre, its last term from the steps that the box meets.
        """
        lower, upper = (np.asarray(x, dtype=np.float64) for x in (lower, upper))
        if lower.shape != upper.shape or lower.ndim != 2 or lower.shape[1] != self.d:
            raise InvalidInput(f"boxes must be two arrays of shape (m, {self.d})")
        if not (np.all(lower >= 0) and np.all(lower <= upper) and np.all(upper <= 1)):
            raise InvalidInput("boxes must satisfy 0 <= lower <= upper <= 1")
        side = Interval(np.zeros(len(lower)), np.zeros(len(lower)))
        for k in range(self.d):
            side = floats.add(side, Interval(lower[:, k], upper[:, k]))
        j = self._order(order)
        result = self._steps.over(side)
        middle = side.lower + (side.upper - side.lower) / 2
        offset = floats.add(side, Interval(-middle, -middle))
        cell = self._steps.cell(middle)
        for i in range(self.n - 1, j - 1, -1):
            centre = self._point(i, middle, cell)
            result = floats.add(centre, floats.multiply(result, offset))
        return result

    def _point(self, i: int, t: NDArray[np.float64], cell: NDArray[np.int64]) -> Interval:
        """g^(i), i < n, at doubles: the cell may be off by one break, whence the slack."""
        left = self._steps.left(cell)
        u = floats.add(Interval(t, t), Interval(-left.upper, -left.lower))
        columns = [Interval(c.lower[cell], c.upper[cell]) for c in self._columns[i:]]
        value = columns[-1]
        for k in range(len(columns) - 2, -1, -1):
            value = floats.scale(Fraction(1, k + 1), floats.multiply(value, u))
            value = floats.add(value, columns[k])
        slack = _KNOT_SLACK * self._steps.largest
        return floats.add(value, Interval(np.asarray(-slack), np.asarray(slack)))

    def __call__(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """f in ordinary doubles, shape (m, d) -> (m,): no guarantee."""
        points = np.asarray(x, dtype=np.float64)
        if points.ndim != 2 or points.shape[1] != self.d:
            raise InvalidInput(f"points must have shape (m, {self.d}), got {points.shape}")
        t = points.sum(axis=1)
        value = self._point(0, t, self._steps.cell(t))
        return (value.lower + value.upper) / 2

    # Membership ----------------------------------------------------------------------------

    @property
    def text(self) -> str:
        """What it is, for messages and reports."""
        kind = "telegraph" if self.n > 1 else "zigzag"
        return f"{kind} of {len(self.steps)} steps, n = {self.n}, d = {self.d}"

    @property
    def units(self) -> Units:
        """The unit cube and ball."""
        return Units.read(None, 1, self.d)

    def to_dict(self) -> dict[str, Any]:
        """JSON values from which `targets.read` makes the same function."""
        return {
            "kind": "telegraph",
            "version": 1,
            "n": self.n,
            "d": self.d,
            "steps": [str(value) for value in self.steps],
            "breaks": [str(value) for value in self.breaks],
            "start": [str(value) for value in self.start],
        }

    def prove_membership(self, n: int, progress: Progress | None = None) -> Membership:
        """Prove membership in F(d, n), n at most the number of integrations, by exact ranges.

        Too quick for `progress` to be told anything before the end.
        """
        n = read_integer(n, "n", 1, self.n)
        sizes = []
        for j in range(n + 1):
            ranges = [
                _range(jet, j, Fraction(0), b - a)
                for jet, (a, b) in zip(self._jets, pairwise(self.breaks), strict=True)
            ]
            sizes.append(max(max(-low, high) for low, high in ranges))
            if sizes[-1] > LIMIT:
                worst = next(k for k, (low, high) in enumerate(ranges) if max(-low, high) > LIMIT)
                index = (j, *(0,) * (self.d - 1))
                raise InvalidInput(
                    f"target {self.text} is not accepted in F({self.d},{n}): |{index_name(index)}| "
                    f"<= {float(sizes[-1]):.6g} is proven, more than 1, where the coordinates sum "
                    f"to [{self.breaks[worst]}, {self.breaks[worst + 1]}]; scale the steps down"
                )
        bounds = tuple(
            IndexBound(a, sizes[sum(a)], len(self.steps)) for a in multi_indices(self.d, n)
        )
        boxes = len(self.steps) * (n + 1)
        if progress is not None:
            progress(len(bounds), len(bounds))
        return Membership(self.text, self.d, n, max(sizes), bounds, boxes, self.units)

    def norm(self, n: int) -> Fraction:
        """The proven norm; core.function.Function.norm."""
        return self.prove_membership(n).norm


def _taylor(jet: Sequence[Fraction], j: int, u: Fraction) -> Fraction:
    return sum((jet[j + k] * u**k / factorial(k) for k in range(len(jet) - j)), start=Fraction(0))


def _range(jet: Sequence[Fraction], j: int, a: Fraction, b: Fraction) -> tuple[Fraction, Fraction]:
    """Enclose the j-th derivative of one piece on [a, b]: exact up to degree 2, else Bernstein."""
    degree = len(jet) - 1 - j
    shifted = [_taylor(jet, j + k, a) for k in range(degree + 1)]
    width = b - a
    monomials = [c * width**k / factorial(k) for k, c in enumerate(shifted)]
    if degree == 2:
        values = [monomials[0], sum(monomials, start=Fraction(0))]
        if monomials[2]:
            peak = -monomials[1] / (2 * monomials[2])
            if 0 < peak < 1:
                values.append(monomials[0] + peak * (monomials[1] + peak * monomials[2]))
    else:
        values = [
            sum(
                (monomials[k] * Fraction(comb(i, k), comb(degree, k)) for k in range(i + 1)),
                start=Fraction(0),
            )
            for i in range(degree + 1)
        ]
    return min(values), max(values)
