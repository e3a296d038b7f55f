"""Exact and enclosed values of formula texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from qexpr.bounds.readings import Undecided
from qexpr.core.query import Query
from qexpr.errors import QexprError

__all__ = ["Parameters", "enclose", "exact", "exact_values"]

# What a search gives: exact numbers, or enclosures of irrational ones.
Parameters = Mapping[str, "int | Fraction | tuple[Fraction, Fraction]"]


def exact_values(query: Query) -> dict[str, Any]:
    """The variables of a formula as exact rationals."""
    return {
        "d": Fraction(query.d),
        "n": Fraction(query.n),
        "lam": Fraction(query.lam),
        "eps": query.eps,
    }


def exact(value: int | Fraction | tuple[Fraction, Fraction]) -> Any:
    """A parameter as a Fraction, or as a ball that contains its enclosure."""
    if isinstance(value, tuple):
        from qexpr.rigor.balls import interval

        return interval(*value)
    return Fraction(value)


def enclose(compute: Callable[[], Any]) -> tuple[Fraction, Fraction]:
    """Rational ends of a value that is exact or a ball, at rising precision."""
    from qexpr.rigor import balls as rigor

    best: tuple[Fraction, Fraction] | None = None
    for bits in rigor.PRECISIONS:
        with rigor.precision(bits):
            try:
                value = compute()
            except Undecided:
                continue
            if isinstance(value, Fraction):
                return value, value
            low, high = rigor.lower_end(value), rigor.upper_end(value)
        if isinstance(low, float) or isinstance(high, float):
            continue
        best = (low, high)
        if high - low <= max(abs(low), abs(high)) / 2**60:
            return best
    if best is None:
        raise QexprError("a value could not be enclosed at 8192 bits")
    return best
