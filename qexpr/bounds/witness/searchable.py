"""How far the bounds of bit-plane networks search: beyond that they say so and give no value."""

from __future__ import annotations

from fractions import Fraction
from math import comb, log2

from qexpr.core.query import Query
from qexpr.errors import OutOfRegime

__all__ = ["require_few_coefficients", "require_few_nodes"]

_COEFFICIENTS = 35
_VALUES = 16  # of a nonlinear alphabet
_BITS = 64  # log2 of the number of nodes


def require_few_coefficients(query: Query) -> None:
    """Raise OutOfRegime where a node has too many coefficients, or the alphabet too many values."""
    d, n, alphabet = query.d, query.n, query.alphabet
    if comb(n + d - 1, d) > _COEFFICIENTS:
        raise OutOfRegime(
            f"with d = {d} and n = {n} there are more than {_COEFFICIENTS} coefficients a node, "
            "too many to search their digits: take fewer variables or a smaller n"
        )
    if alphabet.kind == "nonlinear" and alphabet.size > _VALUES:
        raise OutOfRegime(f"alphabets nonlinear are searched up to {_VALUES} values")


def require_few_nodes(query: Query, taylor: Fraction) -> None:
    """Raise OutOfRegime where a grid of error taylor / N^n has more nodes than are counted."""
    d, n, eps = query.d, query.n, query.eps
    size = log2(taylor.numerator) - log2(taylor.denominator)
    size += log2(eps.denominator) - log2(eps.numerator)
    if max(size, 0) * d / n > _BITS:
        raise OutOfRegime(
            f"with d = {d}, n = {n} and this eps the grid has more than 2^{_BITS} nodes: take a "
            "larger eps, a larger n or fewer variables"
        )
