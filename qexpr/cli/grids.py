"""Grids on the command line: ``1e-1,1e-2``, ``1e-1:1e-6:6`` (log-spaced)."""

from __future__ import annotations

import math
from fractions import Fraction

from qexpr.core.decimals import round_decimal, spell
from qexpr.core.numbers import read_integer, read_rational
from qexpr.errors import InvalidInput, shorten

__all__ = ["MAX_POINTS", "read_grid", "read_list"]

MAX_POINTS = 1000


def read_list(text: str, name: str) -> list[str]:
    """The parts of a comma-separated list."""
    parts = text.split(",")
    if len(parts) > MAX_POINTS:
        raise InvalidInput(f"{name} takes at most {MAX_POINTS} values, got {len(parts)}")
    return [part.strip() for part in parts]


def read_grid(text: str, name: str, integers: bool = False) -> tuple[list[str], str]:
    """The values of a list or a range, as texts, and a remark where points were rounded.

    A range ``a:b:k`` has k points between a and b, log-spaced: the ends as given, the others
    rounded to decimals of few digits, or to integers with repeats left out.
    """
    values: list[str] = []
    remark = ""
    for part in read_list(text, name):
        if ":" in part:
            points, rounded = _log_spaced(part, name, integers)
            values += points
            remark = rounded or remark
        else:
            values.append(part)
    return values, remark


def _log_spaced(text: str, name: str, integers: bool) -> tuple[list[str], str]:
    parts = text.split(":")
    if len(parts) != 3:
        raise InvalidInput(
            f"a range of {name} is FIRST:LAST:POINTS, such as "
            f"{'2:64:6' if integers else '1e-1:1e-6:6'}, got {shorten(text)}"
        )
    first, last = (read_rational(part, name) for part in parts[:2])
    count = read_integer(parts[2], f"the number of points of {name}", 2, MAX_POINTS)
    if first <= 0 or last <= 0 or first == last:
        raise InvalidInput(
            f"a range of {name} needs two different positive ends, got {shorten(text)}"
        )
    start, end = _log10(first), _log10(last)
    step = (end - start) / (count - 1)
    # Neighbours stay at least ten units of the last digit apart.
    digits = max(3, 2 + math.ceil(-math.log10(abs(math.expm1(step * math.log(10))))))
    middle, rounded = [], False
    for i in range(1, count - 1):
        exponent = start + i * step
        whole = math.floor(exponent)
        exact = Fraction(10 ** (exponent - whole)) * Fraction(10) ** whole
        m, k = round_decimal(exact, digits)
        value = Fraction(round(exact)) if integers else m * Fraction(10) ** k
        rounded = rounded or abs(value - exact) > exact / 10**12
        middle.append(str(int(value)) if integers else spell(m, k))
    points = list(dict.fromkeys([parts[0].strip(), *middle, parts[1].strip()]))
    if not rounded:
        return points, ""
    how = "integers, repeats left out" if integers else f"{digits} digits"
    return points, f"{name}: log-spaced, the points between the ends rounded to {how}"


def _log10(value: Fraction) -> float:
    m, k = round_decimal(value, 17)
    return math.log10(m) + k
