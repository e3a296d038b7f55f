"""The errors of a shared bit-plane network, coefficient by coefficient."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from math import factorial, prod

from qexpr.core.search import PlaneErrors
from qexpr.rigor.constants import k_constant

__all__ = ["errors", "orders", "ranges"]


@cache
def orders(d: int, n: int) -> tuple[tuple[int, ...], ...]:
    """The multi-indices of degree below n, by degree, in falling lexicographical order."""

    def split(total: int, parts: int) -> Iterator[tuple[int, ...]]:
        if parts == 1:
            yield (total,)
        else:
            for first in range(total, -1, -1):
                yield from ((first, *rest) for rest in split(total - first, parts - 1))

    return tuple(a for total in range(n) for a in split(total, d))


@cache
def ranges(d: int, n: int) -> tuple[int, ...]:
    """The exponent of the least power of two above each coefficient of a member.

    A coefficient of order a is at most 2^-|a|/a! sum_{j < n-|a|} (d/2)^j/j!.
    """
    sums, term, total = [], Fraction(1), Fraction(0)
    for j in range(n):
        total += term
        sums.append(total)
        term = term * d / (2 * (j + 1))
    found = []
    for a in orders(d, n):
        degree = sum(a)
        bound = sums[n - 1 - degree] / (prod(map(factorial, a)) << degree)
        top, bottom, power = bound.numerator, bound.denominator, 0
        power = top.bit_length() - bottom.bit_length() - 1
        while top << max(-power, 0) > bottom << max(power, 0):
            power += 1
        found.append(power)
    return tuple(found)


def errors(d: int, n: int, b: int) -> PlaneErrors:
    """K(d,n)/(n! N^n) + sum_a C_a (2^(-b p_a) + |a| 4^-(r+1)), C_a for a dropped one."""
    scales = tuple(Fraction(2) ** power for power in ranges(d, n))
    degrees = [sum(a) for a in orders(d, n)]
    return PlaneErrors(
        n=n,
        taylor=k_constant(d, n)[1] / factorial(n),
        fixed=(Fraction(0),) * len(scales),
        digit=scales,
        product=tuple(k * scale for k, scale in zip(degrees, scales, strict=True)),
        dropped=scales,
        bits=b,
    )
