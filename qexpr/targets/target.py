"""A target: an expression, its exact derivatives, and rigorous enclosures of them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qexpr.core.numbers import read_integer, read_rational
from qexpr.core.progress import Progress
from qexpr.core.units import Units
from qexpr.errors import InvalidInput, shorten
from qexpr.rigor import balls
from qexpr.targets import evaluation, lattice, membership, parser
from qexpr.targets.expressions import Graph
from qexpr.targets.floats import Interval
from qexpr.targets.membership import LIMIT, IndexBound, Membership, index_name, place_name
from qexpr.targets.ranges import Range
from qexpr.targets.search import Supremum

__all__ = ["Target"]

_MAX_D, _MAX_ORDER = 16, 32


class Target:
    """A function on the unit cube given by an expression; core.function.Function.

    Parameters
    ----------
    expression : str
        For example ``"sin(3*x0)*cos(2*x1)/27"``; x, y, z also stand for x0, x1, x2. Grammar and
        limits: `qexpr.targets.parser`.
    d : int, optional
        The number of variables; by default the least that the expression allows.
    domain : sequence of pairs, optional
        The box on which the expression is meant; it is mapped to the unit cube.
    norm : rational, optional
        The function on the unit cube is the expression divided by this.

    Raises
    ------
    InvalidInput
        If the text is outside the grammar, or sqrt, log or a division cannot be proven to be
        defined on the whole domain.
    """

    def __init__(
        self,
        expression: str,
        d: int | None = None,
        *,
        domain: Sequence[Sequence[object]] | None = None,
        norm: object = 1,
    ) -> None:
        least = parser.variables(expression)
        self._d = least if d is None else read_integer(d, "d", 1, _MAX_D)
        self._text = " ".join(expression.split())
        self._units = Units.read(domain, norm, self._d) if self._d <= _MAX_D else _refuse_d(least)
        self._graph = Graph()
        coordinates = [
            self._graph.sum([(b - a, self._graph.var(k))], a)
            for k, (a, b) in enumerate(self._units.domain)
        ]
        parsed = parser.parse(expression, self._graph, coordinates)
        membership.prove_defined(self._graph, parsed.obligations, self._d, self._text, self._units)
        self._root = self._graph.scale(1 / self._units.norm, parsed.root)
        self._ranges: dict[tuple[int, ...], Range] = {}
        self._proofs: dict[int, Membership] = {}

    @property
    def d(self) -> int:
        """The number of variables."""
        return self._d

    @property
    def text(self) -> str:
        """The expression as given."""
        return self._text

    @property
    def units(self) -> Units:
        """What the unit cube and the unit ball stand for."""
        return self._units

    def __repr__(self) -> str:
        extra = "" if self._units.trivial else f", {self._units.describe()}"
        return f"Target({self._text!r}, d={self._d}{extra})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self._text, self._d, self._units.domain, self._units.norm)

    def to_dict(self) -> dict[str, Any]:
        """JSON values from which `targets.read` makes the same function."""
        return {
            "kind": "expression",
            "version": 1,
            "expression": self._text,
            "d": self._d,
            "units": self._units.to_dict(),
        }

    # Enclosures --------------------------------------------------------------------------

    def _order(self, order: Sequence[int]) -> tuple[int, ...]:
        index = tuple(order)
        if len(index) != self._d or not all(isinstance(k, int) and k >= 0 for k in index):
            raise InvalidInput(f"an order must be {self._d} integers >= 0, got {shorten(order)}")
        if sum(index) > _MAX_ORDER:
            raise InvalidInput(f"an order must sum to at most {_MAX_ORDER}, got {sum(index)}")
        return index

    def _node(self, order: Sequence[int]) -> int:
        node = self._root
        for k, times in enumerate(self._order(order)):
            for _ in range(times):
                node = self._graph.derivative(node, k)
        return node

    def _range(self, order: Sequence[int]) -> Range:
        index = self._order(order)
        if index not in self._ranges:
            self._ranges[index] = Range.of(self._graph, self._node(index), self._d)
        return self._ranges[index]

    def enclose(
        self,
        order: Sequence[int],
        numerators: Sequence[Sequence[int]],
        denominator: int,
        bits: int,
    ) -> tuple[list[int], list[int]]:
        """Enclose D^order f at numerators / denominator; core.function.Function.enclose."""
        return lattice.enclose_points(
            self._graph, self._node(order), numerators, denominator, bits, self._d
        )

    def ball(
        self, order: Sequence[int], box: Sequence[Sequence[object]], bits: int = 128
    ) -> tuple[Fraction | float, Fraction | float]:
        """Enclose the range of D^order f over a box of rationals inside the unit cube.

        Natural evaluation in balls of `bits` bits, intersected with the refined enclosure of
        `enclose_boxes`; infinite ends (floats) where nothing finite can be said.
        """
        ends = [tuple(read_rational(end, "an end of the box") for end in side) for side in box]
        if len(ends) != self._d or any(len(e) != 2 or not 0 <= e[0] <= e[1] <= 1 for e in ends):
            raise InvalidInput(
                f"a box must be {self._d} pairs 0 <= a <= b <= 1, got {shorten(box)}"
            )
        with balls.precision(bits):
            point = [balls.interval(a, b) for a, b in ends]
            value = evaluation.balls_of(self._graph, [self._node(order)], point)[0]
            low, high = balls.lower_end(value), balls.upper_end(value)
        if all(a == b for a, b in ends):
            return low, high
        outer = [np.array([[float(_outward(e[k], k)) for e in ends]]) for k in (0, 1)]
        refined = self.enclose_boxes(order, outer[0], outer[1])
        first, second = (float(end[0]) for end in refined)
        if np.isfinite(first):
            low = max(low, Fraction(first))
        if np.isfinite(second):
            high = min(high, Fraction(second))
        return low, high

    def value(
        self, point: Sequence[object], order: Sequence[int] | None = None, bits: int = 128
    ) -> tuple[Fraction | float, Fraction | float]:
        """Enclose D^order f at a rational point of the unit cube."""
        exact = [read_rational(x, "a coordinate") for x in point]
        index = (0,) * self._d if order is None else order
        return self.ball(index, [(x, x) for x in exact], bits)

    def enclose_boxes(
        self, order: Sequence[int], lower: NDArray[np.float64], upper: NDArray[np.float64]
    ) -> Interval:
        """Enclose the range of D^order f over many boxes at once.

        Parameters
        ----------
        order : sequence of int
        lower, upper : arrays of float64, shape (m, d)
            The boxes [lower[i], upper[i]], inside the unit cube.

        Returns
        -------
        Interval
            `lower` and `upper`, arrays of float64 of length m: rigorous, infinite where nothing
            finite can be said. Where a kink crosses a box, both branches are enclosed.
        """
        lower, upper = (np.asarray(x, dtype=np.float64) for x in (lower, upper))
        if lower.shape != upper.shape or lower.ndim != 2 or lower.shape[1] != self._d:
            raise InvalidInput(f"boxes must be two arrays of shape (m, {self._d})")
        if not (np.all(lower >= 0) and np.all(lower <= upper) and np.all(upper <= 1)):
            raise InvalidInput("boxes must satisfy 0 <= lower <= upper <= 1")
        return self._range(order).enclose(lower, upper)

    def __call__(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """f at points of the unit cube, shape (m, d), in ordinary doubles: no guarantee."""
        points = np.asarray(x, dtype=np.float64)
        if points.ndim != 2 or points.shape[1] != self._d:
            raise InvalidInput(f"points must have shape (m, {self._d}), got {points.shape}")
        return evaluation.plain(self._graph, self._root, points)

    def derivative(self, order: Sequence[int] | None = None) -> Any:
        """D^order f as a sympy expression in the symbols x0, x1, .. of the unit cube."""
        from qexpr.targets.symbolic import to_sympy

        return to_sympy(self._graph, self._node((0,) * self._d if order is None else order))

    def latex(self, order: Sequence[int] | None = None) -> str:
        """`derivative` in LaTeX."""
        import sympy

        return str(sympy.latex(self.derivative(order)))

    # Membership --------------------------------------------------------------------------

    def prove_membership(self, n: int, progress: Progress | None = None) -> Membership:
        """Prove that f lies in F(d, n), up to a norm of at most 1 + 2^-20.

        Every |D^a f|, |a| <= n, is enclosed over the unit cube, and every derivative of order
        below n is proven continuous across kinks, so that f is in W^(n, infinity). `progress` is
        told the derivatives done and how many there are.

        Raises
        ------
        InvalidInput
            Naming the multi-index and the place, if it is refuted or cannot be proven.
        """
        n = read_integer(n, "n", 1, _MAX_ORDER)
        if n not in self._proofs:
            self._proofs[n] = self._prove(n, progress)
        return self._proofs[n]

    def _prove(self, n: int, progress: Progress | None) -> Membership:
        bounds: list[IndexBound] = []
        known: dict[int, Supremum] = {}
        indices = list(membership.multi_indices(self._d, n))
        for index in indices:
            if progress is not None:
                progress(len(bounds), len(indices))
            target = self._range(index)
            if sum(index) < n:
                membership.prove_continuity(
                    self._graph, target.root, index, self._d, self._text, self._units, n
                )
            upper, found = membership.sup_bound(target, self._d, False, known)
            where = place_name(found.place, self._units)
            if Fraction(found.lower) > LIMIT:
                raise InvalidInput(
                    f"target {shorten(self._text)} is not in F({self._d},{n}): "
                    f"|{index_name(index)}| >= {found.lower:.9g} at {where}{self._scaled()}; "
                    "scale it down, or divide by its norm (--normalise, normalise(n))"
                )
            advice = (
                "scale it down a little"
                if np.isfinite(found.upper)
                else "use a smaller n, or a function whose derivatives are bounded"
            )
            if not found.closed or upper > LIMIT:
                raise InvalidInput(
                    f"target {shorten(self._text)} could not be proven to be in F({self._d},{n}): "
                    f"|{index_name(index)}| <= {found.upper:.6g} on {where}{self._scaled()} is all "
                    f"that {found.boxes} boxes show; {advice}"
                )
            bounds.append(IndexBound(index, upper, found.boxes))
        if progress is not None:
            progress(len(bounds), len(indices))
        return Membership(
            self._text,
            self._d,
            n,
            max(bound.upper for bound in bounds),
            tuple(bounds),
            sum(bound.boxes for bound in bounds),
            self._units,
        )

    def _scaled(self) -> str:
        return "" if self._units.trivial else " (of f on the unit cube and over the norm)"

    def norm(self, n: int) -> Fraction:
        """The proven norm of `prove_membership`; core.function.Function.norm."""
        return self.prove_membership(n).norm

    def normalise(self, n: int) -> Target:
        """This function divided by a proven upper bound of its norm, as a new target.

        The divisor, a rational within 2^-20 of the norm where the search closes, multiplies
        `units.norm`, so that results still come back in the user's units.
        """
        n = read_integer(n, "n", 1, _MAX_ORDER)
        largest = Fraction(0)
        known: dict[int, Supremum] = {}
        for index in membership.multi_indices(self._d, n):
            target = self._range(index)
            if sum(index) < n:
                membership.prove_continuity(
                    self._graph, target.root, index, self._d, self._text, self._units, n
                )
            upper, found = membership.sup_bound(target, self._d, True, known)
            if not np.isfinite(found.upper):
                raise InvalidInput(
                    f"target {shorten(self._text)} cannot be normalised: |{index_name(index)}| "
                    f"could not be bounded on {place_name(found.place, self._units)}"
                )
            largest = max(largest, upper)
        if largest == 0:
            raise InvalidInput(f"target {shorten(self._text)} is 0 and cannot be normalised")
        return Target(
            self._text,
            self._d,
            domain=self._units.domain,
            norm=self._units.norm * _short_above(largest),
        )


def _refuse_d(d: int) -> Units:
    raise InvalidInput(f"d must satisfy 1 <= d <= {_MAX_D}, the expression uses x{d - 1}")


def _restore(
    text: str, d: int, domain: tuple[tuple[Fraction, Fraction], ...], norm: Fraction
) -> Target:
    return Target(text, d, domain=domain, norm=norm)


def _outward(value: Fraction, end: int) -> float:
    from qexpr.core.claim import double_below

    return max(double_below(value), 0.0) if end == 0 else min(-double_below(-value), 1.0)


def _short_above(value: Fraction) -> Fraction:
    """A rational of few digits, at least the value and within 2^-30 of it, relatively."""
    if value.denominator == 1 and value.numerator < 2**20:
        return value
    shift = 30 - (value.numerator.bit_length() - value.denominator.bit_length())
    scale = Fraction(2) ** shift
    return Fraction(-(-value * scale // 1)) / scale
