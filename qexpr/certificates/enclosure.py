"""The result of a search, and the options that all searches share."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from qexpr.core.numbers import read_rational
from qexpr.errors import InvalidInput, shorten

__all__ = ["BUDGET", "Enclosure", "check_budget", "read_gap"]

BUDGET = 60.0  # seconds, unless the caller says otherwise


@dataclass(frozen=True)
class Enclosure:
    """lower <= sup |f - f~| <= upper over the unit cube, and |f - f~| >= lower at `point`.

    Unpacks as ``lower, upper, point``. `closed`: the gap asked for was reached within the budget.
    """

    lower: Fraction
    upper: Fraction
    point: tuple[Fraction, ...]
    method: str
    boxes: int
    closed: bool

    def __iter__(self) -> Iterator[Any]:
        return iter((self.lower, self.upper, self.point))


def read_gap(gap: object) -> float:
    """A gap between 0 and 1, or InvalidInput."""
    share = float(read_rational(gap, "gap"))
    if not 0 < share < 1:
        raise InvalidInput(f"gap must lie between 0 and 1, got {shorten(gap)}")
    return share


def check_budget(budget: object) -> None:
    """InvalidInput unless the budget is a positive number of seconds, or None."""
    if budget is None:
        return
    number = budget if isinstance(budget, int | float) and not isinstance(budget, bool) else 0
    if not 0 < number < math.inf:
        raise InvalidInput(
            f"the budget must be a positive number of seconds, got {shorten(budget)}"
        )
