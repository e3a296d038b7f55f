"""Balls (arb) from exact numbers only, exact ends out of them, and decisions that are certain.

The traps of the library are met here, once: ``arb ** int`` is nan on balls around 0, nan
compares False both ways, ``arb(0.1)`` is the double, the working precision is global, and a
ball's text says nothing rigorous.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction

from qexpr.errors import InvalidInput, QexprError
from qexpr.rigor.library import arb, ctx, fmpq, fmpz

__all__ = [
    "PRECISIONS",
    "arb",
    "ball",
    "certain_ceil",
    "certain_floor",
    "enclose",
    "enclosure",
    "interval",
    "is_finite",
    "log2",
    "lower_end",
    "power",
    "precision",
    "upper_end",
    "working_bits",
]

PRECISIONS = (64, 128, 256, 512, 1024, 2048, 4096, 8192)
_MAX_EXPONENT = 2**20


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """Set the working precision for a block, and give the old one back."""
    old = ctx.prec
    ctx.prec = bits
    try:
        yield
    finally:
        ctx.prec = old


def working_bits() -> int:
    """The working precision."""
    return int(ctx.prec)


def ball(value: int | Fraction | fmpq | fmpz | arb) -> arb:
    """A ball that contains an exact number; floats are refused, they are rarely what is meant."""
    if isinstance(value, arb):
        return value
    if isinstance(value, Fraction):
        return arb(fmpq(value.numerator, value.denominator))
    if isinstance(value, int | fmpq | fmpz):
        return arb(value)
    raise InvalidInput(f"a ball needs an exact number, got {type(value).__name__}")


def interval(lower: int | Fraction, upper: int | Fraction) -> arb:
    """A ball that contains [lower, upper]."""
    return ball(lower).union(ball(upper))


def is_finite(x: arb) -> bool:
    """False for nan and infinite balls, which compare False both ways, and for ends over 2^(2^20).

    The exponential of a wide ball is finite to the library, but no rational that can be written.
    """
    return bool(x.is_finite()) and max(x.mid().man_exp()[1], x.rad().man_exp()[1]) < _MAX_EXPONENT


def _ends(x: arb) -> tuple[Fraction, Fraction]:
    """The exact ends of a finite ball; digits below 2^-(2^20) are rounded outward.

    Not ``x.lower()`` and ``x.upper()``: they round to the working precision, 53 bits outside a
    `precision` block, whatever the ball was computed with.
    """
    (middle, e), (radius, f) = (
        (int(mantissa), int(exponent))
        for mantissa, exponent in (x.mid().man_exp(), x.rad().man_exp())
    )
    unit = max(min(e, f), -_MAX_EXPONENT)
    if unit > min(e, f):
        middle, radius = _shift(middle, e - unit), _shift(radius, f - unit) + 2
    else:
        middle, radius = middle << (e - unit), radius << (f - unit)
    if unit >= 0:
        return Fraction((middle - radius) << unit), Fraction((middle + radius) << unit)
    return Fraction(middle - radius, 1 << -unit), Fraction(middle + radius, 1 << -unit)


def _shift(mantissa: int, places: int) -> int:
    """mantissa * 2^places, rounded down."""
    return mantissa << places if places >= 0 else mantissa >> min(-places, 2**62)


def lower_end(x: arb) -> Fraction | float:
    """The least point of the ball, exactly; -inf for a ball that is not finite."""
    return _ends(x)[0] if is_finite(x) else -math.inf


def upper_end(x: arb) -> Fraction | float:
    """The greatest point of the ball, exactly; +inf for a ball that is not finite."""
    return _ends(x)[1] if is_finite(x) else math.inf


def power(x: arb, exponent: int) -> arb:
    """x ** exponent for an integer exponent: the range over the ball, from its ends."""
    if exponent < 0:
        return 1 / power(x, -exponent)
    if x.is_exact():
        return _binary_power(x, exponent)
    # Monotone between 0 and the ends; products of the ball with itself would be wider.
    low, high = x.lower(), x.upper()
    if exponent % 2:
        return _binary_power(low, exponent).union(_binary_power(high, exponent))
    if x.contains(0):
        low, high = arb(0), abs(x).upper()
    # The union's radius is rounded up to 30 bits, and may reach below 0 again.
    return _binary_power(low, exponent).union(_binary_power(high, exponent)).nonnegative_part()


def _binary_power(x: arb, exponent: int) -> arb:
    result = arb(1)
    while exponent:
        if exponent & 1:
            result *= x
        exponent >>= 1
        if exponent:
            x *= x
    return result


def log2(x: int | Fraction | arb) -> arb:
    """Log to base 2; exact for integer powers of two and their reciprocals."""
    if isinstance(x, int | Fraction):
        x = Fraction(x)
        if x <= 0:
            raise InvalidInput("the logarithm needs a positive number")
        p, q = x.numerator, x.denominator
        if p & (p - 1) == 0 and q & (q - 1) == 0:
            return arb(p.bit_length() - q.bit_length())
        x = ball(x)
    return x.log() / arb.const_log2()


def enclose(compute: Callable[[], arb], width: Fraction = Fraction(1, 2**60)) -> arb:
    """Evaluate at rising precision until the ball is narrower than `width` times its size.

    Returns the narrowest ball found; a ball that never becomes finite raises.
    """
    best: arb | None = None
    for bits in PRECISIONS:
        with precision(bits):
            x = compute()
        if not is_finite(x):
            continue
        best = x
        low, high = _ends(x)
        if high - low <= width * max(abs(low), abs(high)):
            return x
    if best is None:
        raise QexprError("an enclosure did not become finite at any working precision")
    return best


def enclosure(
    compute: Callable[[], arb], width: Fraction = Fraction(1, 2**60)
) -> tuple[Fraction, Fraction]:
    """The rational ends of `enclose`."""
    return _ends(enclose(compute, width))


def certain_floor(compute: Callable[[], arb | int | Fraction]) -> int:
    """floor of a real number, decided at rising precision; exact numbers are taken as they are.

    Raises
    ------
    QexprError
        If the number cannot be told from an integer at 8192 bits: that case needs exact
        arithmetic from the caller.
    """
    for bits in PRECISIONS:
        with precision(bits):
            x = compute()
        if isinstance(x, int | Fraction):
            return math.floor(x)
        if is_finite(x):
            low, high = (math.floor(end) for end in _ends(x))
            if low == high:
                return low
    raise QexprError("a number could not be told from an integer at 8192 bits")


def certain_ceil(compute: Callable[[], arb | int | Fraction]) -> int:
    """ceil of a real number, decided like `certain_floor`."""
    return -certain_floor(lambda: -compute())
