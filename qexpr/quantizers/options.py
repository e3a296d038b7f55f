"""Checks of options: each message quotes the value and the allowed set."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from qexpr.core.numbers import read_integer
from qexpr.errors import InvalidInput, shorten

__all__ = ["check_choice", "check_flag", "check_integer", "check_real", "check_reals"]


def check_choice(value: object, name: str, allowed: Sequence[str]) -> None:
    """Refuse a value that is not one of the texts allowed."""
    if not isinstance(value, str) or value not in allowed:
        raise InvalidInput(f"{name} must be one of {', '.join(allowed)}, got {shorten(value)}")


def check_flag(value: object, name: str) -> None:
    """Refuse a value that is not a bool."""
    if not isinstance(value, bool):
        raise InvalidInput(f"{name} must be True or False, got {shorten(value)}")


def check_integer(value: object, name: str, least: int, most: int) -> int:
    """Return the integer, which must lie in [least, most]."""
    return read_integer(value, name, least, most)


def check_real(value: object, name: str, *, above: float = -math.inf) -> float:
    """Return a finite float larger than `above`."""
    allowed = "a finite number" if above == -math.inf else f"a finite number above {above:g}"
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise InvalidInput(f"{name} must be {allowed}, got {shorten(value)}")
    try:
        number = float(value)
    except OverflowError:
        raise InvalidInput(f"{name} must be {allowed}, got {shorten(value)}") from None
    if not math.isfinite(number) or number <= above:
        raise InvalidInput(f"{name} must be {allowed}, got {shorten(value)}")
    return number


def check_reals(value: object, name: str, length: int) -> tuple[float, ...]:
    """Return a tuple of `length` finite floats."""
    if isinstance(value, str) or not isinstance(value, Sequence | np.ndarray):
        raise InvalidInput(f"{name} must be a list of {length} numbers, got {shorten(value)}")
    if len(value) != length:
        raise InvalidInput(f"{name} must have {length} entries, got {len(value)}")
    return tuple(check_real(entry, f"each entry of {name}") for entry in value)
