"""The best floor and the best code: what everything else is held against."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any

from qexpr.bounds.bound import Bound, Parameters, Rate
from qexpr.bounds.entropy.bumps import BUMP
from qexpr.bounds.entropy.codes import CODE, CODE_LIPSCHITZ
from qexpr.bounds.entropy.lattice import CHECKERBOARD, DP, ICE, ZIGZAG
from qexpr.bounds.entropy.roots import TooLong
from qexpr.bounds.entropy.sources import floor_bound
from qexpr.bounds.entropy.volumes import VOLUME1, VOLUME_SPLINE
from qexpr.core.claim import Explicit
from qexpr.core.query import Query
from qexpr.errors import OutOfRegime

__all__ = [
    "BOUNDS",
    "CODES",
    "DECODERS",
    "FLOOR",
    "FLOORS",
    "best_code",
    "best_floor",
    "code_bits",
    "floor_bits",
]

FLOORS = (ZIGZAG, DP, CHECKERBOARD, ICE, BUMP, VOLUME1, VOLUME_SPLINE)
CODES = (CODE, CODE_LIPSCHITZ)
DECODERS = ("witness.cones", "witness.bubbles", "witness.multiresolution")
"""Fixed graphs: at two weight values their free bits are a code, and the network decodes it."""


def _values(bounds: tuple[Bound, ...], query: Query) -> list[tuple[Explicit, Bound]]:
    values, reasons = [], []
    for bound in bounds:
        try:
            value = bound.evaluate(query.d, query.n, eps=query.eps)["bits"]
        except TooLong:  # this one would be the largest: another one in its place would mislead
            raise
        except OutOfRegime as error:
            reasons.append(f"{bound.id}: {error}")
        else:
            assert isinstance(value, Explicit)  # every bound of this package is
            values.append((value, bound))
    if not values:
        raise OutOfRegime("; ".join(reasons))
    return values


@lru_cache(maxsize=1024)
def _best_floor(d: int, n: int, eps: Fraction) -> tuple[Explicit, Bound]:
    return max(_values(FLOORS, Query(d, n, eps=eps)), key=lambda pair: pair[0])


def best_floor(d: Any, n: Any, eps: Any) -> tuple[Explicit, Bound]:
    """The largest of `FLOORS`, and the bound that gives it."""
    query = Query(d, n, eps=eps)
    return _best_floor(query.d, query.n, query.eps)


@lru_cache(maxsize=1024)
def _best_code(d: int, n: int, eps: Fraction) -> tuple[Explicit, Bound]:
    from qexpr.bounds.registry import all_bounds

    found = _values(CODES, Query(d, n, eps=eps))
    for bound in all_bounds():
        if bound.id not in DECODERS:
            continue
        try:
            value = bound.evaluate(d, n, 2, eps)["free_bits"]
        except OutOfRegime:
            continue
        assert isinstance(value, Explicit)
        found.append((value, bound))
    return min(found, key=lambda pair: pair[0])


def best_code(d: Any, n: Any, eps: Any) -> tuple[Explicit, Bound]:
    """The smallest of `CODES` and of the free bits of `DECODERS`, and the bound that gives it."""
    query = Query(d, n, eps=eps)
    return _best_code(query.d, query.n, query.eps)


def floor_bits(d: Any, n: Any, eps: Any) -> Explicit:
    """Bits that no approximation of F(d, n) within eps can do without.

    Every family of functions that brings each f of F(d, n) within eps has at least 2^M members;
    the value encloses the largest M among the entropy bounds. With a fixed graph it bounds free
    bits; with a graph that depends on f, the bits of a complete description.

    Parameters
    ----------
    d, n, eps
        As in `Query`.

    Returns
    -------
    Explicit
        A lower bound: ``float()`` is its lower end rounded down. The integer statement is the
        ceiling of ``guarantee``.

    Raises
    ------
    InvalidInput
        If an argument is outside its range.
    OutOfRegime
        If the value has more than 12288 binary digits.
    """
    return best_floor(d, n, eps)[0]


def code_bits(d: Any, n: Any, eps: Any) -> Explicit:
    """Bits that are enough for some code to bring every f of F(d, n) within eps.

    An upper bound on the entropy that `floor_bits` bounds from below. The decoder is any map from
    bits to functions; where the best one known is a built network, its free bits are meant.

    Parameters
    ----------
    d, n, eps
        As in `Query`.

    Raises
    ------
    InvalidInput, OutOfRegime
        Like `floor_bits`.
    """
    return best_code(d, n, eps)[0]


def _floor(query: Query) -> Parameters:
    return {"M": best_floor(query.d, query.n, query.eps)[0].guarantee}


FLOOR = floor_bound(
    "entropy.floor",
    "the best entropy floor, in whole bits",
    r"At least $\lceil M \rceil$ bits, $M$ being the largest of "
    + ", ".join(bound.id for bound in FLOORS)
    + ".",
    "ceil(M)",
    Rate("d/n"),
    "entropy floors, the largest of all",
    parameters={"M": "the lower end of the best floor"},
    search=_floor,
)

BOUNDS = (FLOOR,)
