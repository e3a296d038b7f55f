"""Vectorised interval arithmetic in double precision, rigorous without any libm.

Additions carry their exact rounding error (Knuth's two-sum) and are rounded outward only where
they are inexact; products, quotients and roots are correctly rounded by IEEE 754, so that one
step of `nextafter` outward encloses them. sin, cos, exp and log are evaluated by the Taylor
polynomials of this module out of those operations alone, and their error bounds are derived
beside the constants: u = 2^-53, and k roundings cost at most gamma_k = k u / (1 - k u) times the
sum of absolute values (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., 3.1).
An end that cannot be computed becomes infinite in `finish`: nan is never compared silently.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qexpr.core.claim import double_below

__all__ = [
    "Interval",
    "add",
    "constant",
    "finish",
    "function",
    "hull",
    "multiply",
    "power",
    "scale",
]

Array = NDArray[np.float64]


class Interval(NamedTuple):
    """Arrays of lower and upper ends, each pair enclosing a real number or a range."""

    lower: Array
    upper: Array


def constant(value: Fraction) -> Interval:
    """The tightest interval of doubles around a rational."""
    return Interval(np.asarray(double_below(value)), np.asarray(-double_below(-value)))


PI = Interval(np.asarray(math.pi), np.asarray(math.nextafter(math.pi, 4.0)))  # 3.14159..793 < pi

_TINY = 2.0**-1000  # products by powers of two are exact above it


def _down(x: Array) -> Array:
    return np.nextafter(x, -np.inf)


def _up(x: Array) -> Array:
    return np.nextafter(x, np.inf)


def _sum_error(a: Array, b: Array, s: Array) -> Array:
    """The exact error (a + b) - s of s = fl(a + b); nan on overflow."""
    t = s - a
    return (a - (s - t)) + (b - t)


def add(a: Interval, b: Interval) -> Interval:
    """a + b."""
    lower, upper = a.lower + b.lower, a.upper + b.upper
    low_exact = _sum_error(a.lower, b.lower, lower) >= 0
    high_exact = _sum_error(a.upper, b.upper, upper) <= 0
    return Interval(
        np.where(low_exact, lower, _down(lower)), np.where(high_exact, upper, _up(upper))
    )


def _product_ends(a: Array, b: Array) -> tuple[Array, Array]:
    p = a * b
    one, other = np.abs(a), np.abs(b)
    exact = (one == 1) | (other == 1) | (one == 0) | (other == 0)
    return np.where(exact, p, _down(p)), np.where(exact, p, _up(p))


def multiply(a: Interval, b: Interval) -> Interval:
    """a * b."""
    ends = [_product_ends(x, y) for x in a for y in b]
    lower = np.minimum(np.minimum(ends[0][0], ends[1][0]), np.minimum(ends[2][0], ends[3][0]))
    upper = np.maximum(np.maximum(ends[0][1], ends[1][1]), np.maximum(ends[2][1], ends[3][1]))
    return Interval(lower, upper)


def scale(factor: Fraction, a: Interval) -> Interval:
    """A rational times a."""
    if factor == 1:
        return a
    if factor == -1:
        return Interval(-a.upper, -a.lower)
    c = constant(abs(factor))
    if c.lower == c.upper and np.frexp(c.lower)[0] == 0.5:
        low, high = a.lower * c.lower, a.upper * c.lower
        low = np.where((np.abs(low) > _TINY) | (a.lower == 0), low, _down(low))
        high = np.where((np.abs(high) > _TINY) | (a.upper == 0), high, _up(high))
        return Interval(low, high) if factor > 0 else Interval(-high, -low)
    one = _product_ends(np.where(a.lower >= 0, c.lower, c.upper), a.lower)[0]
    two = _product_ends(np.where(a.upper >= 0, c.upper, c.lower), a.upper)[1]
    return Interval(one, two) if factor > 0 else Interval(-two, -one)


def hull(a: Interval, b: Interval) -> Interval:
    """The smallest interval that contains both."""
    return Interval(np.minimum(a.lower, b.lower), np.maximum(a.upper, b.upper))


def _magnitude(a: Interval) -> Interval:
    low = np.maximum(np.maximum(a.lower, -a.upper), 0.0)
    return Interval(low, np.maximum(-a.lower, a.upper))


def _power_of_nonnegative(x: Array, exponent: int, up: bool) -> Array:
    result, base = np.ones_like(x), x
    while exponent:
        if exponent & 1:
            result = _product_ends(result, base)[up]
        exponent >>= 1
        if exponent:
            base = _product_ends(base, base)[up]
        if not up:
            result, base = np.maximum(result, 0.0), np.maximum(base, 0.0)
    return result


def power(a: Interval, exponent: int) -> Interval:
    """a ** exponent, for a nonzero integer."""
    if exponent < 0:
        return _reciprocal(power(a, -exponent))
    if exponent % 2 == 0:
        m = _magnitude(a)
        return Interval(
            _power_of_nonnegative(m.lower, exponent, False),
            _power_of_nonnegative(m.upper, exponent, True),
        )

    def signed(x: Array, up: bool) -> Array:
        m = np.abs(x)
        return np.where(
            x < 0,
            -_power_of_nonnegative(m, exponent, not up),
            _power_of_nonnegative(m, exponent, up),
        )

    return Interval(signed(a.lower, False), signed(a.upper, True))


def _reciprocal(a: Interval) -> Interval:
    apart = (a.lower > 0) | (a.upper < 0)
    lower = np.where(np.abs(a.upper) == 1, a.upper, _down(1.0 / a.upper))
    upper = np.where(np.abs(a.lower) == 1, a.lower, _up(1.0 / a.lower))
    return Interval(np.where(apart, lower, -np.inf), np.where(apart, upper, np.inf))


# sin and cos ------------------------------------------------------------------------------------
# Cody and Waite: pi/2 = P1 + P2 + P3 with P1, P2 of 33 bits, so k P1, k P2 are exact for
# |k| < 2^20. The remainder r is then off by three roundings of numbers below 1 and by
# k |pi/2 - P1 - P2 - P3| < 2^-90: less than 2^-51. For |r| <= 0.8 the Taylor remainders are below
# 2^-64, and Horner's 30 roundings (coefficients included) cost gamma_30 cosh(0.8) < 2^-47.
_SINE_ERROR = 2.0**-46
_LARGEST_ANGLE = 2.0**15
_TWO_OVER_PI = 2 / math.pi
_P1 = float.fromhex("0x1.921fb544p+0")
_P2 = float.fromhex("0x1.0b4611a6p-34")
_P3 = float.fromhex("0x1.3198a2e037073p-69")
_SIN = [(-1) ** j / math.factorial(2 * j + 1) for j in range(10)]
_COS = [(-1) ** j / math.factorial(2 * j) for j in range(11)]
_TURN_SLACK = 2.0**-30  # the quarter turns below are off by less: 2^15 * 2^-51


def _horner(coefficients: list[float], z: Array) -> Array:
    result = np.full_like(z, coefficients[-1])
    for c in reversed(coefficients[:-1]):
        result = result * z + c
    return result


def _sine_of_point(x: Array, quarter: int) -> Array:
    """sin(x + quarter pi / 2) to within _SINE_ERROR, for |x| <= _LARGEST_ANGLE."""
    k = np.rint(x * _TWO_OVER_PI)
    r = ((x - k * _P1) - k * _P2) - k * _P3
    z = r * r
    turn = np.mod(k + quarter, 4.0)
    value = np.where(np.mod(turn, 2.0) == 0, r * _horner(_SIN, z), _horner(_COS, z))
    return np.where(turn >= 2, -value, value)


def _sine(a: Interval, quarter: int) -> Interval:
    small = (np.abs(a.lower) <= _LARGEST_ANGLE) & (np.abs(a.upper) <= _LARGEST_ANGLE)
    left, right = np.where(small, a.lower, 0.0), np.where(small, a.upper, 0.0)
    first, second = _sine_of_point(left, quarter), _sine_of_point(right, quarter)
    # sin 0 = 0 and cos 0 = 1 come out exactly, which keeps sin >= 0 on [0, b]
    e, g = (np.where(x == 0, 0.0, 2 * _SINE_ERROR) for x in (left, right))
    lower = np.maximum(np.minimum(first - e, second - g), -1.0)
    upper = np.minimum(np.maximum(first + e, second + g), 1.0)
    start = left * _TWO_OVER_PI + (quarter - _TURN_SLACK)
    end = right * _TWO_OVER_PI + (quarter + _TURN_SLACK)
    crest = np.floor((end - 1) / 4) >= np.ceil((start - 1) / 4)
    trough = np.floor((end - 3) / 4) >= np.ceil((start - 3) / 4)
    return Interval(np.where(trough | ~small, -1.0, lower), np.where(crest | ~small, 1.0, upper))


# exp: x = k ln 2 + r, |r| <= 0.35, k L1 exact (L1 of 33 bits, |k| <= 1024); r is off by less than
# 2^-52 + |k| 2^-86, the remainder of degree 14 is below 2^-62, Horner costs gamma_30 e^0.35:
# relative error below 2^-47.
_EXP_ERROR = 2.0**-46
_LARGEST_EXPONENT = 700.0
_L1 = float.fromhex("0x1.62e42fefp-1")
_L2 = float.fromhex("0x1.473de6af278edp-34")
_EXP = [1 / math.factorial(j) for j in range(15)]


def _exp_of_point(x: Array, up: bool) -> Array:
    clipped = np.clip(x, -_LARGEST_EXPONENT, _LARGEST_EXPONENT)
    k = np.rint(clipped / math.log(2))
    r = (clipped - k * _L1) - k * _L2
    value = np.ldexp(_horner(_EXP, r), k.astype(np.int64))
    if up:
        value = np.where(x > _LARGEST_EXPONENT, np.inf, value * (1 + 2 * _EXP_ERROR))
        return np.where(x == 0, 1.0, value)
    value = np.where(x < -_LARGEST_EXPONENT, 0.0, value * (1 - 2 * _EXP_ERROR))
    return np.where(x == 0, 1.0, value)


def _exp(a: Interval) -> Interval:
    lower = np.where(np.isnan(a.lower), 0.0, a.lower)
    upper = np.where(np.isnan(a.upper), np.inf, a.upper)
    return Interval(
        np.where(np.isnan(a.lower), 0.0, _exp_of_point(lower, False)),
        _exp_of_point(upper, True),
    )


# log: x = 2^k m, m in [0.7, 1.42); log m = 2 artanh(s), s = (m-1)/(m+1), |s| < 0.1716, m - 1 exact;
# the series after s^23 is below 2^-60; the roundings cost less than 2^-48 plus 2^-52 |k|.
_LOG_ERROR = 2.0**-46
_ARTANH = [2 / (2 * j + 1) for j in range(12)]


def _log_of_point(x: Array, up: bool) -> Array:
    m, k = np.frexp(x)
    small = m < math.sqrt(0.5)
    m, k = np.where(small, 2 * m, m), np.where(small, k - 1, k).astype(np.float64)
    s = (m - 1) / (m + 1)
    value = k * math.log(2) + s * _horner(_ARTANH, s * s)
    error = 2 * _LOG_ERROR * (1 + np.abs(k))
    return np.where(x == 1, 0.0, value + error if up else value - error)


def _log(a: Interval) -> Interval:
    inside = (a.lower > 0) & np.isfinite(a.upper)
    lower, upper = np.where(inside, a.lower, 1.0), np.where(inside, a.upper, 1.0)
    return Interval(
        np.where(inside, _log_of_point(lower, False), -np.inf),
        np.where(inside, _log_of_point(upper, True), np.inf),
    )


def _tanh(a: Interval) -> Interval:
    """1 - 2 / (e^(2x) + 1), increasing in x; exact at 0."""
    grown = add(_exp(scale(Fraction(2), a)), constant(Fraction(1)))
    t = add(constant(Fraction(1)), scale(Fraction(-2), _reciprocal(grown)))
    lower = np.where(a.lower == 0, 0.0, np.maximum(t.lower, -1.0))
    upper = np.where(a.upper == 0, 0.0, np.minimum(t.upper, 1.0))
    return Interval(lower, upper)


def _sqrt(a: Interval) -> Interval:
    low, high = np.sqrt(a.lower), np.sqrt(a.upper)
    low_exact = (a.lower == 0) | (a.lower == 1)
    high_exact = (a.upper == 0) | (a.upper == 1)
    return Interval(np.where(low_exact, low, _down(low)), np.where(high_exact, high, _up(high)))


def function(name: str, a: Interval) -> Interval:
    """The range of a function of one variable over a."""
    if name == "sin":
        return _sine(a, 0)
    if name == "cos":
        return _sine(a, 1)
    if name == "exp":
        return _exp(a)
    if name == "log":
        return _log(a)
    if name == "tanh":
        return _tanh(a)
    if name == "sqrt":
        return _sqrt(a)
    if name == "abs":
        return _magnitude(a)
    return Interval(np.maximum(a.lower, 0.0), np.maximum(a.upper, 0.0))  # relu


def finish(a: Interval) -> Interval:
    """Make every end that is not a number infinite."""
    return Interval(
        np.where(np.isnan(a.lower), -np.inf, a.lower), np.where(np.isnan(a.upper), np.inf, a.upper)
    )
