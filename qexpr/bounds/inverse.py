"""The inverse question: the least eps that a bound allows at a given size."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from qexpr.bounds.bound import Bound
from qexpr.bounds.rows import Row, Table, grid, select
from qexpr.core.claim import Claim, Explicit, Kind, Order
from qexpr.core.numbers import read_integer
from qexpr.core.query import Query
from qexpr.errors import InvalidInput, OutOfRegime, shorten

__all__ = ["inverse_table", "least_eps"]

_STEPS = 45  # bisections of the exponent: eps to 12 digits and more
_SMALLEST = -300.0
# Exponents at which the search starts: the first one inside the regime.
_LADDER = (-0.01, -0.1, -0.2, -0.302, -0.4, -0.6, -1.0, -1.5, -2.0, -3.0, -5.0, -10.0, -30.0)


def _size(bound: Bound, quantity: str, query: Query) -> Explicit | Order | None:
    try:
        claims = bound.claims(query)
    except OutOfRegime:
        return None
    return next(claim.value for claim in claims if claim.quantity == quantity)


def _eps_at(exponent: float) -> Fraction:
    """A decimal near 10^exponent with few digits, so that bisection stays cheap and exact."""
    whole = math.floor(exponent)
    mantissa = round(10 ** (exponent - whole + 15))
    return Fraction(mantissa) * Fraction(10) ** (whole - 15)


def _at(query: Query, exponent: float) -> Query:
    return Query(query.d, query.n, eps=_eps_at(exponent), alphabet=query.alphabet)


def least_eps(bound: Bound, quantity: str, size: int, query: Query) -> Claim:
    """The least eps at which the bound's value is at most `size`, by bisection.

    For an upper bound: with that size every eps from there on is guaranteed. For a lower one:
    below it the size is proven too small. The value of an explicit bound encloses the point
    where it passes `size`; an order's is at unit constant.

    Parameters
    ----------
    bound : Bound
    quantity : str
        The quantity that `size` counts: weights or bits, say.
    size : int
    query : Query
        d, n and the alphabet; its eps is not used.

    Raises
    ------
    OutOfRegime
        If the bound says nothing of such queries, or no eps in 1e-300 .. 1 is the answer.
    """

    def fits(exponent: float) -> bool | None:
        value = _size(bound, quantity, _at(query, exponent))
        if value is None:
            return None
        return value.value <= size if isinstance(value, Order) else value.guarantee <= size

    start = next((e for e in _LADDER if fits(e) is not None), None)
    if start is None:
        bound.check(_at(query, -3.0))  # says why, where no accuracy would help
        raise OutOfRegime("it has no value on the ladder of eps that was tried")
    if not fits(start):
        raise OutOfRegime(
            f"{quantity} {shorten(size)} is too little already at eps = {float(_eps_at(start)):.3g}"
        )
    low, high = 2 * start, start
    while fits(low):
        if low == _SMALLEST:
            raise OutOfRegime(f"{quantity} {shorten(size)} is enough for every eps down to 1e-300")
        low, high = max(2 * low, _SMALLEST), low
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if fits(middle):
            high = middle
        else:
            low = middle
    at_low = _size(bound, quantity, _at(query, low))
    if at_low is None and bound.kind is Kind.EXPLICIT:
        raise OutOfRegime(
            f"{quantity} {shorten(size)} is enough down to eps = {float(_eps_at(high)):.3g}, "
            "below which it has no value"
        )
    value: Explicit | Order
    if bound.kind is Kind.ORDER:
        value = Order(float(_eps_at(high)))
    else:
        value = Explicit(_eps_at(low), _eps_at(high), bound.side)
    stated = bound.stated(quantity)
    quantifier = stated.quantifier or bound.quantifier
    return Claim(bound.id, "eps", bound.side, quantifier, value, bound.source, stated.scope)


def inverse_table(
    d: Any = 1,
    n: Any = 1,
    lam: Any = None,
    *,
    weights: Any = None,
    bits: Any = None,
    alphabet: Any = None,
    only: Iterable[str] | str | None = None,
) -> Table:
    """The least eps that each bound allows with so many weights, or so many bits.

    Parameters
    ----------
    d, n, lam, alphabet
        As in `table`, lists included.
    weights, bits : int
        One of them: the size at hand.
    only : str or list of str
        Ids of bounds, or of whole papers; all by default.

    Returns
    -------
    Table
        Rows of quantity "eps" whose own eps is None.
    """
    if (weights is None) == (bits is None):
        raise InvalidInput("give the size at hand as one of weights and bits")
    quantity = "weights" if bits is None else "bits"
    size = read_integer(weights if bits is None else bits, quantity, 1, 10**300, "1e300")
    result = Table()
    for query in grid(d, n, lam, "1/4", alphabet):
        for bound in select(only):
            if quantity in bound.quantities:
                try:
                    claim, reason = least_eps(bound, quantity, size, query), None
                except OutOfRegime as error:
                    claim, reason = None, str(error)
                result.append(Row(bound, "eps", query, None, claim, reason))
    return result
