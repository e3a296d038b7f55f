"""The extremal bumps of the entropy floors: perfect B-splines and their products.

phi_n has |phi_n^(n)| = 1 with sign changes at t_k = (1 - cos(k pi / (n+1))) / 2, the zeros of the
Chebyshev polynomial U_n moved to [0, 1], and vanishes with its first n - 1 derivatives at 0 and 1;
among such functions it is the largest at every point. Its height is
A_n = |1 + 2 sum_k (-1)^k cos^n(k pi / (n+1))| / (2^n n!), k <= n/2.
The product over the coordinates divided by A_n^(d-1), height A_n, is in F(d, n) (derived for
qexpr; checked there for n <= 8, d <= 4). Heights are multiplied by a rational rounded down.
"""

from __future__ import annotations

from fractions import Fraction
from math import factorial

from qexpr.core.decimals import round_decimal, spell
from qexpr.core.numbers import read_integer
from qexpr.errors import InvalidInput
from qexpr.rigor import balls
from qexpr.targets.target import Target

__all__ = ["bump", "bump_expression"]

_HALVES = {Fraction(1, 3): "1/4", Fraction(1, 2): "1/2", Fraction(2, 3): "3/4"}
_INVERSE_HEIGHTS = {1: Fraction(2), 2: Fraction(16)}  # the rational ones
_DIGITS = 12


def _spline(n: int, x: str) -> str:
    """n! phi_n as a sum of truncated powers."""
    power = f"^{n}" if n > 1 else ""
    text = f"{x}{power}"
    for k in range(1, n + 1):
        knot = _HALVES.get(Fraction(k, n + 1), f"1/2+cos({k}*pi/{n + 1})/2")
        text += f"{'-' if k % 2 else '+'}2*relu({x}-{knot}){power}"
    return text


def inverse_height(n: int) -> Fraction:
    """1 / A_n where that is rational (n = 1, 2), else a decimal of 12 digits below it."""
    if n in _INVERSE_HEIGHTS:
        return _INVERSE_HEIGHTS[n]

    def compute() -> balls.arb:
        total = balls.ball(1)
        for k in range(1, n // 2 + 1):
            cosine = (balls.arb.pi() * k / (n + 1)).cos()
            total += 2 * (-1) ** k * balls.power(cosine, n)
        return 2**n * factorial(n) / abs(total)

    low, _ = balls.enclosure(compute)
    m, exponent = round_decimal(low, _DIGITS, up=False)
    return m * Fraction(10) ** exponent


def bump_expression(n: int, d: int = 1) -> str:
    """The expression of the extremal bump of F(d, n) on one unit cell."""
    n, d = read_integer(n, "n", 1, 8), read_integer(d, "d", 1, 4)
    factors = [f"({_spline(n, f'x{k}')})" for k in range(d)]
    text = "*".join(factors)
    if d > 1:
        m, exponent = round_decimal(inverse_height(n) ** (d - 1), _DIGITS, up=False)
        text = f"{spell(m, exponent)}*{text}"
    if n > 1:
        text = f"{text}/{factorial(n) ** d}"
    return text


def bump(n: int, d: int = 1) -> Target:
    """The extremal bump of F(d, n) on the unit cube; d n at most about 10 fits the grammar."""
    text = bump_expression(n, d)
    if len(text) > 400:
        raise InvalidInput(f"the bump of n = {n}, d = {d} is too long an expression")
    return Target(text, d)
