"""The parts of a bound: conditions of its regime, what it says of each quantity, its values."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from qexpr.bounds.evaluation import enclose, exact_values
from qexpr.bounds.formula import parse
from qexpr.bounds.readings import balls
from qexpr.core.claim import QUANTITIES, Explicit, Order, Quantifier, Scope
from qexpr.core.query import Query
from qexpr.core.record import Record
from qexpr.errors import InvalidInput

__all__ = ["Condition", "Rate", "Statement", "Values"]


class Values(dict[str, "Explicit | Order"]):
    """Values by quantity, as items and as attributes: ``v["weights"]`` is ``v.weights``."""

    def __getattr__(self, name: str) -> Explicit | Order:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"no value for {name}; there are {', '.join(self)}") from None


@lru_cache(maxsize=256)  # many bounds have a condition in common
def _holds(text: str, query: Query) -> bool:
    left, sign, right = parse(text).comparison
    names = exact_values(query)

    def difference() -> Any:
        reading = balls()
        return reading.operate("-", left.evaluate(reading, names), right.evaluate(reading, names))

    low, high = enclose(difference)
    match sign:
        case "<":
            return high < 0
        case "<=":
            return high <= 0
        case ">":
            return low > 0
        case ">=":
            return low >= 0
        case _:
            return low == high == 0


class Condition(NamedTuple):
    """A part of the regime: a comparison text that has to hold, and why."""

    text: str
    reason: str

    def holds(self, query: Query) -> bool:
        """Decide the comparison exactly, or by balls that are narrow enough."""
        return _holds(self.text, query)


class Rate(NamedTuple):
    """The stated growth as eps falls: (1/eps)^power * log2(1/eps)^logs, both formula texts."""

    power: str
    logs: str = "0"


class Statement(Record):
    """What a bound says of one quantity.

    `quantifier` stands only where it differs from the bound's own; `scope` says whether bits are
    those of a network's weights or of a complete description.
    """

    quantity: str
    text: str
    rate: Rate | None = None
    quantifier: Quantifier | None = None
    scope: Scope = Scope.NETWORK

    def __post_init__(self) -> None:
        if self.quantity not in QUANTITIES:
            raise InvalidInput(f"quantity must be one of {', '.join(QUANTITIES)}")
