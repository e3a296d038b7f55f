"""Values of formula texts for calculators: explicit by balls, orders at unit constant."""

from __future__ import annotations

from fractions import Fraction

from qexpr.bounds.evaluation import enclose
from qexpr.bounds.formula import parse
from qexpr.bounds.readings import balls
from qexpr.core.claim import Explicit, Order, Side
from qexpr.errors import OutOfRegime, QexprError

__all__ = ["explicit", "order"]

_TOO_LARGE = "the value is beyond the range of a double"


def _ends(text: str, names: dict[str, int | Fraction]) -> tuple[Fraction, Fraction]:
    exact = {name: Fraction(value) for name, value in names.items()}
    try:
        return enclose(lambda: parse(text).evaluate(balls(), exact))
    except OutOfRegime:
        raise
    except QexprError:  # exponents too large for any ball
        raise OutOfRegime(_TOO_LARGE) from None


def explicit(text: str, side: Side, **names: int | Fraction) -> Explicit:
    """A guarantee: the text's value enclosed and rounded outward."""
    return Explicit(*_ends(text, names), side)


def order(text: str, **names: int | Fraction) -> Order:
    """An order expression at unit constant, to double accuracy."""
    low, high = _ends(text, names)
    try:
        return Order(float((low + high) / 2))
    except OverflowError:
        raise OutOfRegime(_TOO_LARGE) from None
