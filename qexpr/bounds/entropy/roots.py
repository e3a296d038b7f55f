"""Integer roots, integer search, logarithms to choose parameters by, and the limit of size."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from qexpr.bounds.entropy.sources import MAX_DIGITS
from qexpr.errors import OutOfRegime, shorten

__all__ = ["TooLong", "cells_below", "check_size", "least", "log", "root_floor"]


class TooLong(OutOfRegime):
    """The value is known, but has more digits than are given."""


def root_floor(y: int, n: int) -> int:
    """The largest integer k >= 0 with k^n <= y, in integers."""
    if y <= 0 or n == 1:
        return max(y, 0)
    k = int(math.exp(math.log(y) / n) * (1 + 2.0**-30)) + 1  # from above, where Newton descends
    while k**n > y:
        k = min(k - 1, ((n - 1) * k + y // k ** (n - 1)) // n)
    while (k + 1) ** n <= y:
        k += 1
    return k


def cells_below(x: Fraction, n: int) -> int:
    """The largest integer N >= 0 with N^n < x; the least integer >= x^(1/n) is one more."""
    return root_floor(math.ceil(x) - 1, n)


def log(x: Fraction) -> float:
    """Natural logarithm of a rational of any size, to choose parameters by."""
    return math.log(x.numerator) - math.log(x.denominator)


def check_size(base: int, d: int, eps: Fraction) -> None:
    """Refuse a value of about base^d that has more digits than are given."""
    if d * base.bit_length() > MAX_DIGITS:
        raise TooLong(
            f"with d = {d} and eps = {shorten(eps)} its value has more than {MAX_DIGITS} binary "
            "digits; take fewer dimensions or a larger eps"
        )


def least(enough: Callable[[int], bool], guess: int) -> int:
    """The least W >= 0 with enough(W), for a monotone predicate, galloping from a guess."""
    step = 1
    if enough(guess):
        high, low = guess, guess - 1
        while low >= 0 and enough(low):
            high, low, step = low, low - step, 2 * step
        low = max(low, -1)
    else:
        low, high = guess, guess + 1
        while not enough(high):
            low, high, step = high, high + step, 2 * step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
