"""When the digits of a multiresolution network suffice, and what it errs.

The increments of level l are odd halves of q_i 2^(n (L - l)), q_i = j 2^-k_i for order i; every
level's digits suffice by the same inequalities, since a Taylor remainder and a step both shrink by
2^n from one level to the next.
"""

from __future__ import annotations

from fractions import Fraction
from math import comb, factorial

from qexpr.circuits.registry import SLACK, class_norm
from qexpr.core.levels import TreeErrors
from qexpr.core.query import Query
from qexpr.rigor.constants import k_constant, kappa

__all__ = ["digit_bits", "errors", "order_count"]


def digit_bits(query: Query) -> int:
    """b: digits are odd numbers of +-(2^b - 1)."""
    return query.alphabet.size if query.alphabet.kind == "linear" else 1


def order_count(d: int, i: int) -> int:
    """How many multi-indices have the order i."""
    return comb(i + d - 1, i)


def _least_factorial(d: int, i: int) -> int:
    """The least b! of order i: its parts as equal as can be."""
    part, more = divmod(i, d)
    least: int = factorial(part) ** (d - more) * factorial(part + 1) ** more
    return least


def errors(query: Query, norm: Fraction | None) -> TreeErrors:
    """The terms of digits and errors; an inexact target costs slack, and its norm everywhere.

    A child's centre is half a block of its own off its parent's on each axis, so order i of its
    Taylor coefficients is predicted up to (d/2)^(n-i) h^n/(b! (n-i)!), and up to half a step of
    every order m >= i of its parent, binom(m+d-1, i+d-1) 2^(n-2m+i) times in all.
    """
    d, n, b = query.d, query.n, digit_bits(query)
    size, slack = class_norm(norm), 1 + (Fraction(0) if norm is None else SLACK)
    planes = tuple(-(-(n - i + 1) // b) for i in range(n))
    carried = tuple(
        tuple(
            slack * comb(m + d - 1, i + d - 1) * Fraction(2) ** (n - 2 * m + i) / 2
            for m in range(n)
        )
        for i in range(n)
    )
    return TreeErrors(
        d=d,
        n=n,
        bits=b,
        number=tuple(order_count(d, i) for i in range(n)),
        planes=planes,
        remainder=tuple(
            size * Fraction(d, 2) ** (n - i) / (_least_factorial(d, i) * factorial(n - i))
            for i in range(n)
        ),
        carried=carried,
        size=tuple(size / _least_factorial(d, i) for i in range(n)),
        taylor=size * k_constant(d, n)[1] / factorial(n),
        digit=tuple(slack * order_count(d, i) * (kappa(i)[1] if i else 1) / 2 for i in range(n)),
        # at most d + 1 blocks are nonzero at a point; monomials are weighted by them
        product=tuple(order_count(d, i) * (min(2**d, d + 1) + i - 1) if i else 0 for i in range(n)),
    )
