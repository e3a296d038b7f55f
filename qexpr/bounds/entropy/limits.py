"""What floors and the code, times eps^(d/n), come to as eps falls: enclosed."""

from __future__ import annotations

import math
from fractions import Fraction

from qexpr.bounds.entropy.bumps import TENSOR_LIMIT, level_candidates
from qexpr.bounds.entropy.codes import taylor_error
from qexpr.core.claim import Explicit, Side
from qexpr.rigor.balls import ball, enclosure, interval, log2
from qexpr.rigor.constants import a_constant, g_constant, ice_constant
from qexpr.rigor.library import arb

__all__ = ["code_constant", "floor_constant"]


def _rational_power(x: arb, above: int, below: int) -> arb:
    """x^(above/below)."""
    return (x.log() * above / below).exp()


def _bump(d: int, n: int) -> arb:
    """A_n^(d/n) max over numbers l of levels of log2(l) / (l - 1)^(d/n)."""
    levels = [
        log2(level) / _rational_power(ball(level - 1), d, n) for level in level_candidates(d, n)
    ]
    best = max(levels, key=lambda value: float(value.mid()))
    return _rational_power(interval(*a_constant(n)), d, n) * best


def _volume(d: int, n: int) -> arb:
    """n / (e ln 2) (n!)^(-1/n) for d = 1; of splines (n/d) g_n^(d^2/n) 2^-d / (e ln 2)."""
    unit = arb(-1).exp() / arb(2).log()
    spline = _rational_power(interval(*g_constant(n)), d * d, n) * n / (d * 2**d)
    if d > 1:
        return unit * spline
    pieces = n / _rational_power(ball(math.factorial(n)), 1, n)
    return unit * max(spline, pieces, key=lambda value: float(value.mid()))


def _special(d: int, n: int) -> tuple[Fraction, Fraction]:
    """n = 1: zigzags, square ice, checkerboards."""
    if n > 1:
        return Fraction(0), Fraction(0)
    if d == 1:
        return Fraction(1), Fraction(1)
    return ice_constant() if d == 2 else (Fraction(1, 2), Fraction(1, 2))


def floor_constant(d: int, n: int) -> Explicit:
    """c with M(eps) >= (c - o(1)) eps^(-d/n): the largest of the floors' constants, enclosed.

    M is the least log2 of the size of a family that comes within eps of every member of F(d, n).
    """
    found = [enclosure(lambda: _volume(d, n)), _special(d, n)]
    if d == 1 or n <= TENSOR_LIMIT:
        found.append(enclosure(lambda: _bump(d, n)))
    return Explicit(*max(found), Side.LOWER)


def code_constant(d: int, n: int) -> Explicit:
    """c with M(eps) <= (c + o(1)) eps^(-d/n), by the path's code; for F(1, 1) the signs' code."""
    if d == n == 1:
        return Explicit.exact(1, Side.UPPER)

    def compute() -> arb:
        return log2(3) * math.comb(n + d - 1, d) * _rational_power(ball(taylor_error(d, n)), d, n)

    return Explicit(*enclosure(compute), Side.UPPER)
