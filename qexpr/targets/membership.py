"""The proof that f lies in F(d, n), and the certificate that it leaves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from qexpr.errors import InvalidInput, shorten
from qexpr.targets.continuity import conditions, sides
from qexpr.targets.floats import Interval
from qexpr.targets.search import Box, Range, Supremum, first_failure, supremum
from qexpr.targets.units import Units

if TYPE_CHECKING:
    from qexpr.targets.expressions import Graph
    from qexpr.targets.parser import Obligation

__all__ = [
    "LIMIT",
    "IndexBound",
    "Membership",
    "index_name",
    "multi_indices",
    "place_name",
    "prove_continuity",
    "prove_defined",
    "sup_bound",
]

LIMIT = 1 + Fraction(1, 2**20)  # the largest norm that is carried as a factor: theory, section 7


@dataclass(frozen=True, slots=True)
class IndexBound:
    """A proven bound of one derivative: |D^index f| <= upper on the unit cube."""

    index: tuple[int, ...]
    upper: Fraction
    boxes: int


@dataclass(frozen=True, slots=True)
class Membership:
    """The certificate of `prove_membership`: the norm is the largest of the bounds.

    Parameters
    ----------
    target : str
    d, n : int
    norm : Fraction
        Proven: |D^a f| <= norm almost everywhere for every |a| <= n; at most 1 + 2^-20.
    bounds : tuple of IndexBound
        One for each multi-index.
    boxes : int
        Boxes looked at in all.
    units : Units
        What the unit cube and the unit ball stand for.
    """

    target: str
    d: int
    n: int
    norm: Fraction
    bounds: tuple[IndexBound, ...]
    boxes: int
    units: Units

    def to_dict(self) -> dict[str, Any]:
        """JSON values; rationals as text."""
        return {
            "kind": "membership",
            "version": 1,
            "target": self.target,
            "d": self.d,
            "n": self.n,
            "norm": str(self.norm),
            "bounds": [
                {"index": list(b.index), "upper": str(b.upper), "boxes": b.boxes}
                for b in self.bounds
            ],
            "boxes": self.boxes,
            "units": self.units.to_dict(),
        }

    def __str__(self) -> str:
        return (
            f"{self.target} is in F({self.d},{self.n}): norm <= {float(self.norm):.9g}, "
            f"{len(self.bounds)} derivatives, {self.boxes} boxes"
        )


def multi_indices(d: int, n: int) -> Iterator[tuple[int, ...]]:
    """All multi-indices of size at most n, by size, then in reverse lexicographic order."""
    for size in range(n + 1):
        yield from (a for a in product(range(size, -1, -1), repeat=d) if sum(a) == size)


def index_name(index: tuple[int, ...]) -> str:
    """The derivative's name in messages."""
    return "f" if not any(index) else f"D^({','.join(map(str, index))}) f"


def place_name(place: Box, units: Units) -> str:
    """A box or a point in the user's units."""
    ends = [units.to_user([Fraction(side[end]) for side in place]) for end in (0, 1)]
    sides = [
        f"{float(a):.6g}" if a == b else f"[{float(a):.6g}, {float(b):.6g}]"
        for a, b in zip(*ends, strict=True)
    ]
    return " x ".join(sides) if any("[" in s for s in sides) else f"({', '.join(sides)})"


def prove_defined(
    graph: Graph, obligations: tuple[Obligation, ...], d: int, text: str, units: Units
) -> None:
    """Prove what sqrt, log and division need, on the whole cube."""
    tests = {
        "positive": lambda v: v.lower > 0,
        "nonnegative": lambda v: v.lower >= 0,
        "nonzero": lambda v: (v.lower > 0) | (v.upper < 0),
    }
    for need in dict.fromkeys(obligations):
        place, _ = first_failure(Range.of(graph, need.node, d), d, tests[need.kind])
        if place is not None:
            raise InvalidInput(
                f"target {shorten(text)} cannot be proven to be defined: {need.what} must be "
                f"{need.kind} at {place_name(place, units)}; change the expression or the domain"
            )


def prove_continuity(
    graph: Graph, root: int, index: tuple[int, ...], d: int, text: str, units: Units, n: int
) -> None:
    """Prove that a derivative of order below n has no jump at a kink."""
    for condition in conditions(graph, root):
        plus, minus = sides(graph, root, condition)
        if plus == minus:
            continue
        place, _ = first_failure(
            Range.of(graph, condition, d), d, lambda v: (v.lower > 0) | (v.upper < 0)
        )
        if place is None:
            continue
        proven = _jumps(graph, graph.subtract(plus, minus), place)
        verb = "jumps" if proven else "could not be proven continuous"
        raise InvalidInput(
            f"target {shorten(text)} is not accepted in F({d},{n}): {index_name(index)} {verb} at "
            f"the kink near {place_name(place, units)}; use n <= {sum(index)}"
        )


def _jumps(graph: Graph, jump: int, place: Box) -> bool:
    from qexpr.targets.evaluation import intervals

    ends = [np.array([[side[k] for side in place]]) for k in (0, 1)]
    value: Interval = intervals(graph, [jump], ends[0], ends[1])[0]
    return bool((value.lower[0] > 0) | (value.upper[0] < 0))


_FINE = 1 + 2.0**-24
_COARSE = 1 + 2.0**-7
_AT_ONE = 1 + 2.0**-40


def _enough(best: float) -> float:
    """Sharp near 1, where it decides; within 1 % where the bound is clearly below 1."""
    return max(best * _FINE, min(_AT_ONE, best * _COARSE), 2.0**-40)


def sup_bound(target: Range, d: int, tight: bool) -> Supremum:
    """Enclose sup |g|: to decide whether it is at most LIMIT, or `tight`, to divide by it."""
    if tight:
        return supremum(target, d, lambda best: max(best * (1 + 2.0**-20), 2.0**-100))
    return supremum(target, d, _enough, float(LIMIT))
