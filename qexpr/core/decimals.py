"""Numbers as short decimals for people: outward rounded, at any size."""

from __future__ import annotations

import math
from fractions import Fraction

__all__ = ["digits_of", "round_decimal", "short", "spell"]


def digits_of(number: int) -> str:
    """All decimal digits of an integer, of any length.

    ``str`` refuses beyond a few thousand digits and is quadratic; this halves instead.
    """
    if number < 0:
        return f"-{digits_of(-number)}"
    if number.bit_length() <= 8192:
        return str(number)
    half = number.bit_length() * 1233 >> 13  # about half the digits: log10(2)/2 = 1233/8192
    high, low = divmod(number, 10**half)
    return digits_of(high) + digits_of(low).rjust(half, "0")


def _magnitude(value: Fraction) -> int:
    """floor(log10(value)) of a positive rational, exactly."""
    top, bottom = value.numerator, value.denominator
    guess = math.floor((top.bit_length() - bottom.bit_length()) * math.log10(2))
    # The bit lengths place the logarithm within one bit, so the guess is off by one at most.
    for k in (guess + 1, guess, guess - 1):
        if (top >= 10**k * bottom) if k >= 0 else (top * 10**-k >= bottom):
            return k
    return guess - 2


def round_decimal(value: Fraction, digits: int, up: bool | None = None) -> tuple[int, int]:
    """``(m, k)`` with m * 10^k near a rational, m of at most `digits` digits.

    `up` True or False rounds towards plus or minus infinity, None to nearest.
    """
    if value == 0:
        return 0, 0
    if value < 0:
        m, k = round_decimal(-value, digits, None if up is None else not up)
        return -m, k
    k = _magnitude(value) - digits + 1
    scaled = value / 10**k if k >= 0 else value * 10**-k
    m = round(scaled) if up is None else (math.ceil(scaled) if up else math.floor(scaled))
    return (m // 10, k + 1) if m == 10**digits else (m, k)


def spell(m: int, k: int) -> str:
    """m * 10^k in the shortest usual notation: 0.0125, 1250, 1.25e+12, 1e-3."""
    if m == 0:
        return "0"
    sign, text = ("-" if m < 0 else ""), str(abs(m))
    stripped = text.rstrip("0")
    k += len(text) - len(stripped)
    size = len(stripped) + k - 1  # the exponent of the first digit
    if 0 <= size < 7:
        whole = stripped[: size + 1].ljust(size + 1, "0")
        rest = stripped[size + 1 :]
        return sign + whole + (f".{rest}" if rest else "")
    if -2 <= size < 0:
        return f"{sign}0.{'0' * (-size - 1)}{stripped}"
    mantissa = stripped[0] + (f".{stripped[1:]}" if len(stripped) > 1 else "")
    return f"{sign}{mantissa}e{size}"


def short(value: Fraction, most: int = 12) -> str:
    """A rational as an exact decimal where one of at most `most` digits exists, else p/q."""
    m, k = round_decimal(value, most)
    exact = Fraction(m) * 10**k if k >= 0 else Fraction(m, 10**-k)
    if exact == value:
        return spell(m, k)
    return f"{digits_of(value.numerator)}/{digits_of(value.denominator)}"
