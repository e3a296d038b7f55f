"""The constants of the project as rational enclosures (lower, upper), each computed once.

A bound rounds in its own safe direction by taking the end that suits it: K(d, n) up, A_n, g_n and
the ice constant down.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache

from qexpr.core.numbers import read_integer
from qexpr.core.query import MAX_DIMENSION
from qexpr.rigor.balls import ball, enclosure, log2, power
from qexpr.rigor.library import arb, fmpq

__all__ = [
    "SHARP_G",
    "a_constant",
    "g_constant",
    "ice_constant",
    "k_constant",
    "kappa",
    "spline_value",
]

SHARP_G = 64
"""g_n is enclosed to 2^-60 up to this n, and by its two-sided asymptotic form above it."""

_WIDTH = Fraction(1, 2**60)  # of an enclosure, relative to its value


def _order(n: int) -> int:
    return read_integer(n, "n", 1, MAX_DIMENSION)


@cache
def kappa(n: int) -> tuple[Fraction, Fraction]:
    r"""Enclose :math:`\kappa_n = \max_{0 \le p \le 1/4} p\,s_{n-1}(p)`.

    Here s_0 = 2, s_1 = 1, s_k = s_{k-1} - p s_{k-2}; with p = u(1-u), s_k = u^k + (1-u)^k. The
    zeros of s_k, 1/(4 cos^2((2j-1) pi/2k)), all lie above 1/4, so log(p s_{n-1}(p)) is a sum of
    concave functions there: its tangent at any point bounds it, and a point close to the maximum
    gives a close enclosure whatever way it was found. Exact for n <= 3, where it grows up to 1/4.

    Source: derived for this project; the constant of the Taylor term on the Kuhn mesh.
    """
    n = _order(n)
    if n <= 3:
        value = Fraction(1, (2, 4, 8)[n - 1])
        return value, value
    return enclosure(lambda: _tangent_bound(n), _WIDTH)


def _tangent_bound(n: int) -> arb:
    """A ball around max p s_{n-1}(p) from the value and the slope of its logarithm at a point."""
    u = arb(1) / (n + 1)  # the maximum of u (1-u)^n; Newton's steps need not be rigorous
    for _ in range(16):
        v = 1 - u
        slope = (power(v, n) - power(u, n)) + n * (v * power(u, n - 1) - u * power(v, n - 1))
        curvature = n * (n - 1) * (u * power(v, n - 2) + v * power(u, n - 2)) - 2 * n * (
            power(v, n - 1) + power(u, n - 1)
        )
        u = (u - slope / curvature).mid()
    v = 1 - u
    p, k = u * v, n - 1
    s = power(u, k) + power(v, k)
    log_slope = 1 / p - k * (power(v, k - 1) - power(u, k - 1)) / ((v - u) * s)
    # The tangent stays below |slope| / 4 over [0, 1/4], since p and the point both lie in it.
    return (p * s).union(p * s * (abs(log_slope) / 4).exp())


@cache
def k_constant(d: int, n: int) -> tuple[Fraction, Fraction]:
    r"""Enclose :math:`K(d, n) = d^n \kappa_n`, the constant of the Taylor term.

    .. math:: \Big|f - \sum_m \phi_m T_m\Big| \le \frac{K(d,n)}{n!\,N^n}

    K is the maximum over the simplex 1 >= u_1 >= ... >= u_d >= 0 of
    sum_j (u_j - u_{j+1}) ||u - v_j||_1^n with u_0 = 1, u_{d+1} = 0 and v_j = (1,..,1,0,..,0):
    E||u - V||_1^n for comonotone Bernoulli V. Minkowski's inequality bounds it by
    d^n max_u E|u - V|^n, with equality on the diagonal u_1 = .. = u_d.

    Source: derived for this project.
    """
    factor = read_integer(d, "d", 1, MAX_DIMENSION) ** _order(n)
    lower, upper = kappa(n)
    return factor * lower, factor * upper


@cache
def a_constant(n: int) -> tuple[Fraction, Fraction]:
    r"""Enclose A_n, the height at 1/2 of the perfect B-spline of degree n on [0, 1].

    .. math:: A_n = \frac{1}{2^n n!} \Big|1 + 2 \sum_{k=1}^{\lfloor n/2 \rfloor} (-1)^k
              \cos^n \frac{k\pi}{n+1}\Big|

    No function supported in [0, 1] with |f^(n)| <= 1 is higher anywhere.

    Source: derived for this project; the zeros of U_n carry the sign changes of phi^(n).
    """
    n = _order(n)
    if n == 1:
        return Fraction(1, 2), Fraction(1, 2)

    def height() -> arb:
        total = arb(1)
        for k in range(1, n // 2 + 1):
            total += 2 * (-1) ** k * power(arb.cos_pi_fmpq(fmpq(k, n + 1)), n)
        return abs(total) / (2**n * math.factorial(n))

    return enclosure(height, _WIDTH)


def spline_value(n: int, x: Fraction) -> Fraction:
    """The centred cardinal B-spline of degree n at x: exactly, from its truncated powers."""
    place = x + Fraction(n + 1, 2)
    total = sum(
        ((-1) ** j * math.comb(n + 1, j) * (place - j) ** n for j in range(n + 2) if j < place),
        Fraction(0),
    )
    return total / math.factorial(n) if place < n + 1 else Fraction(0)


@cache
def g_constant(n: int) -> tuple[Fraction, Fraction]:
    r"""Enclose g_n, the geometric mean of the Euler-Frobenius symbol of degree n.

    .. math:: g_n = \exp \frac{1}{2\pi} \int_0^{2\pi} \log \sum_k B_n(k) e^{ik\theta} d\theta

    Szego's theorem bounds the determinant of the collocation matrix of the cardinal spline B_n by
    g_n to its order. The zeros z_j of the symbol are real and negative, so with an even number M
    of points the trapezoidal rule is low by the factors (1 - |z_j|^M)^(2/M) and the rule at the
    half steps high by (1 + |z_j|^M)^(2/M). For n > `SHARP_G` the enclosure is wider, by a factor
    of exp(1/(2n+2) + 4/3^(n+1)), see `_asymptotic`.

    Source: derived for this project.
    """
    n = _order(n)
    if n == 1:
        return Fraction(1), Fraction(1)
    return enclosure(lambda: _two_rules(n), _WIDTH) if n <= SHARP_G else _asymptotic(n)


def _two_rules(n: int) -> arb:
    """The trapezoidal and the shifted rule as the two ends of a ball."""
    # The zero nearest to the circle is about -exp(-eta), eta = pi^2 / (2 (n + 1)).
    half = 8
    while half * math.pi**2 / (n + 1) < 48:
        half *= 2
    size = 2 * half
    cosine = [arb.cos_pi_fmpq(fmpq(j, size)) for j in range(2 * size)]
    values = [ball(spline_value(n, Fraction(k))) for k in range(n // 2 + 1)]

    def symbol(j: int) -> arb:
        """The symbol at the angle pi j / size."""
        waves = (values[k] * cosine[j * k % (2 * size)] for k in range(1, len(values)))
        return values[0] + 2 * sum(waves, arb(0))

    trapezoid, shifted = symbol(size), arb(1)  # the symbol at 0 is 1
    for j in range(1, size, 2):
        shifted *= power(symbol(j), 2)
    for j in range(2, size, 2):
        trapezoid *= power(symbol(j), 2)
    return (trapezoid.log() / size).exp().union((shifted.log() / size).exp())


def _asymptotic(n: int) -> tuple[Fraction, Fraction]:
    """(e/pi)^(n+1) and exp(1/(2n+2) + 4/3^(n+1)) times it.

    The symbol is sum_k (sin(t/2 + pi k)/(t/2 + pi k))^(n+1): its term k = 0 has the geometric
    mean (e/pi)^(n+1); over it the others add up to something between 0 and
    (t/(2 pi - t))^(n+1) + 4/3^(n+1), whose mean over [0, pi] is at most the exponent above.
    """
    low = enclosure(lambda: power(arb(1).exp() / arb.pi(), n + 1), _WIDTH)
    factor = enclosure(lambda: ball(Fraction(1, 2 * n + 2) + Fraction(4, 3 ** (n + 1))).exp())
    return low[0], low[1] * factor[1]


@cache
def ice_constant() -> tuple[Fraction, Fraction]:
    """Enclose 1.5 log2(4/3), the entropy of square ice in bits a vertex (Lieb 1967)."""
    return enclosure(lambda: 3 * log2(Fraction(4, 3)) / 2, _WIDTH)
