"""The proof that f lies in F(d, n), and the certificate that it leaves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from qexpr.core.units import Units
from qexpr.errors import InvalidInput, shorten
from qexpr.targets.continuity import conditions, sides
from qexpr.targets.evaluation import intervals
from qexpr.targets.ranges import Range
from qexpr.targets.search import (
    Box,
    Supremum,
    first_failure,
    halve,
    one_box,
    start_boxes,
)
from qexpr.targets.separation import separate_supremum

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

LIMIT = 1 + Fraction(1, 2**20)  # the largest norm that is carried as a factor


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
        f"{float(a):.6g}"
        if f"{float(a):.6g}" == f"{float(b):.6g}"
        else f"[{float(a):.6g}, {float(b):.6g}]"
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
        place = _kink(
            graph, condition, graph.subtract(*sides(graph, root, condition, opaque=False)), d
        )
        if place is None:
            continue
        verb = "jumps" if place.proven else "could not be proven continuous"
        raise InvalidInput(
            f"target {shorten(text)} is not accepted in F({d},{n}): {index_name(index)} {verb} at "
            f"the kink near {place_name(place.box, units)}; use n <= {sum(index)}"
        )


@dataclass(frozen=True, slots=True)
class _Kink:
    box: Box
    proven: bool


def _kink(graph: Graph, condition: int, jump: int, d: int, rounds: int = 24) -> _Kink | None:
    """A box with a zero of the condition, with a proven jump if one is found; None: no zero."""
    lower, upper = start_boxes(d)
    zero: _Kink | None = None
    last: Box = one_box(lower, upper, 0)
    complete = True  # no box has been left out, so that "no zero" would be a proof
    for _ in range(rounds):
        sign, gap = intervals(graph, [condition, jump], lower, upper)
        touched = (sign.lower <= 0) & (sign.upper >= 0)
        if not touched.any():
            return None if complete else zero or _Kink(last, False)
        lower, upper = lower[touched], upper[touched]
        last = one_box(lower, upper, 0)
        apart = (gap.lower[touched] > 0) | (gap.upper[touched] < 0)
        ends = [intervals(graph, [condition], x, x)[0] for x in (lower, upper, (lower + upper) / 2)]
        below = np.any([e.upper <= 0 for e in ends], axis=0)
        above = np.any([e.lower >= 0 for e in ends], axis=0)
        for found in (below & above & apart, below & above):
            if found.any():
                index = int(np.argmax(found))
                zero = _Kink(one_box(lower, upper, index), bool(apart[index]))
                if zero.proven:
                    return zero
                break
        if len(lower) > 4096:
            lower, upper, complete = (
                lower[:: len(lower) // 1024],
                upper[:: len(lower) // 1024],
                False,
            )
        lower, upper = halve(lower, upper, np.ones_like(lower))
    return zero or _Kink(last, False)


_FINE = 1 + 2.0**-24
_COARSE = 1 + 2.0**-7
_AT_ONE = 1 + 2.0**-40


def _enough(best: float) -> float:
    """Sharp near 1, where it decides; within 1 % where the bound is clearly below 1."""
    return max(best * _FINE, min(_AT_ONE, best * _COARSE), 2.0**-40)


def sup_bound(
    target: Range, d: int, tight: bool, known: dict[int, Supremum]
) -> tuple[Fraction, Supremum]:
    """Enclose sup |g|, to decide whether it is at most LIMIT, or `tight`, to divide by it.

    The upper bound is exact, and 0 where the search has none: see its `upper`. `known` keeps the
    suprema of factors between calls.
    """
    enough, limit = (_tight, np.inf) if tight else (_enough, float(LIMIT))
    return separate_supremum(target, d, enough, limit, known)


def _tight(best: float) -> float:
    return max(best * (1 + 2.0**-20), 2.0**-100)
