"""What is said: a quantity, its side, for whom it holds, and a value that knows its kind.

A value is `Explicit` (a guarantee, outward rounded) or `Order` (an expression at unit constant,
true only up to a factor nobody named). The two never mix: every comparison or sum of unlike
values raises.
"""

from __future__ import annotations

import math
from enum import StrEnum
from fractions import Fraction
from typing import NoReturn

from qexpr.core.decimals import digits_of, round_decimal, spell
from qexpr.core.record import Record
from qexpr.core.source import Source
from qexpr.errors import InvalidInput, shorten

__all__ = [
    "QUANTITIES",
    "Claim",
    "Explicit",
    "Kind",
    "Order",
    "Quantifier",
    "Scope",
    "Side",
    "comparable",
    "double_below",
]

QUANTITIES = ("depth", "weights", "bits", "free_bits", "width", "eps")


class Side(StrEnum):
    """Upper: that much is enough. Lower: less is impossible."""

    UPPER = "upper"
    LOWER = "lower"


class Kind(StrEnum):
    """Explicit: holds as written. Order: holds up to an unnamed constant."""

    EXPLICIT = "explicit"
    ORDER = "order"


class Quantifier(StrEnum):
    """For which functions, and with which freedom of structure.

    ``class``: every f of F(d, n); ``function``: the f at hand. ``fixed``: one graph and one set
    of fixed weights for every f; ``any``: the structure may depend on f.
    """

    CLASS_FIXED = "class fixed"
    CLASS_ANY = "class any"
    FUNCTION_FIXED = "function fixed"
    FUNCTION_ANY = "function any"


class Scope(StrEnum):
    """What a count is taken over; it matters for bits.

    ``network``: the weights of a network, at ceil(log2 lambda) bits each, its graph not counted.
    ``description``: everything that tells one function from another, the graph included. With a
    graph that depends on f a network's bits may lie below what a description needs.
    """

    NETWORK = "network"
    DESCRIPTION = "description"


def double_below(value: Fraction) -> float:
    """The largest double that is at most `value` (-inf below the range of doubles)."""
    try:
        nearest = value.numerator / value.denominator  # correctly rounded for integers
    except OverflowError:
        return math.nextafter(math.inf, 0) if value > 0 else -math.inf
    return nearest if Fraction(nearest) <= value else math.nextafter(nearest, -math.inf)


def _refuse(left: object, right: object) -> NoReturn:
    names = " with ".join(
        f"{type(x).__name__} value" if isinstance(x, Explicit | Order) else f"number {shorten(x)}"
        for x in (left, right)
    )
    raise InvalidInput(
        f"cannot compare or mix an {names}: an order value holds up to an unnamed constant; "
        "take its .value if a number at unit constant is what is wanted"
    )


class _Guarded:
    """Arithmetic and order that refuse; subclasses allow what means something."""

    __slots__ = ()

    def _mixed(self, other: object) -> NoReturn:
        _refuse(self, other)

    def _refuse_order(self, other: object) -> bool:
        _refuse(self, other)

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _mixed
    __truediv__ = __rtruediv__ = _mixed
    __lt__ = __le__ = __gt__ = __ge__ = _refuse_order


class Order(_Guarded, Record):
    """The value of an order expression at unit constant: never a guarantee.

    Arithmetic and comparisons raise InvalidInput; `value` is the bare double.
    """

    value: float

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        return f"{self.value:.4g} (order, unit constant)"


class Explicit(_Guarded, Record):
    """A guarantee: a real number enclosed by two rationals, and the side it is taken from.

    Parameters
    ----------
    lower, upper : Fraction
        The bound's real value lies in [lower, upper]; equal for an exact value.
    side : Side
        What may be quoted is `guarantee`: `upper` of an upper bound, `lower` of a lower bound.
        ``float()`` rounds it outward: up for an upper bound, down for a lower one.

    Order and comparison are those of the guarantees, against Explicit values and exact
    numbers (int, Fraction); anything else raises InvalidInput.
    """

    lower: Fraction
    upper: Fraction
    side: Side

    def __post_init__(self) -> None:
        if not self.lower <= self.upper:
            raise InvalidInput("an enclosure must have lower <= upper")

    @classmethod
    def exact(cls, value: int | Fraction, side: Side) -> Explicit:
        """An exactly known value."""
        return cls(Fraction(value), Fraction(value), side)

    @property
    def guarantee(self) -> Fraction:
        """The end that may be quoted."""
        return self.upper if self.side is Side.UPPER else self.lower

    @property
    def value(self) -> int | None:
        """The integer, where the value is exactly one; else None."""
        if self.lower == self.upper and self.lower.denominator == 1:
            return int(self.lower)
        return None

    def __float__(self) -> float:
        if self.side is Side.UPPER:
            return -double_below(-self.upper)
        return double_below(self.lower)

    def __str__(self) -> str:
        upper = self.side is Side.UPPER
        if self.value is not None:
            text = digits_of(self.value)
        else:  # a rounded decimal is a guarantee only when it is rounded outward
            text = spell(*round_decimal(self.guarantee, 6, up=upper))
        return f"{'<=' if upper else '>='} {text}"

    def _other(self, other: object) -> Fraction:
        if isinstance(other, Explicit):
            return other.guarantee
        if isinstance(other, int | Fraction) and not isinstance(other, bool):
            return Fraction(other)
        _refuse(self, other)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Explicit):
            return (self.lower, self.upper, self.side) == (other.lower, other.upper, other.side)
        if isinstance(other, int | Fraction):
            return self.lower == self.upper == other
        if isinstance(other, Order):
            _refuse(self, other)
        return NotImplemented

    def __hash__(self) -> int:
        if self.lower == self.upper:
            return hash(self.lower)
        return hash((self.lower, self.upper, self.side))

    def __lt__(self, other: object) -> bool:
        return self.guarantee < self._other(other)

    def __le__(self, other: object) -> bool:
        return self.guarantee <= self._other(other)

    def __gt__(self, other: object) -> bool:
        return self.guarantee > self._other(other)

    def __ge__(self, other: object) -> bool:
        return self.guarantee >= self._other(other)

    def ratio(self, floor: Explicit) -> Fraction:
        """How far this upper bound is above a lower bound: guarantee over guarantee, exactly."""
        if not isinstance(floor, Explicit):
            _refuse(self, floor)
        if self.side is not Side.UPPER or floor.side is not Side.LOWER:
            raise InvalidInput("a ratio is an explicit upper bound over an explicit lower bound")
        if floor.lower <= 0:
            raise InvalidInput("a ratio needs a positive lower bound")
        return self.upper / floor.lower


class Claim(Record):
    """One statement about one quantity, as a value with everything needed to judge it.

    Parameters
    ----------
    id : str
        The bound or construction that makes it.
    quantity : str
        depth, weights, bits, free_bits, width or eps.
    side : Side
    quantifier : Quantifier
    value : Explicit or Order
    source : Source
    scope : Scope
        Whether a network's weights are counted, or a complete description.
    """

    id: str
    quantity: str
    side: Side
    quantifier: Quantifier
    value: Explicit | Order
    source: Source
    scope: Scope = Scope.NETWORK

    @property
    def kind(self) -> Kind:
        """Whether the value is a guarantee or an order."""
        return Kind.EXPLICIT if isinstance(self.value, Explicit) else Kind.ORDER


def _holds_free_bits(whole: Claim, part: Claim) -> bool:
    """Whether all bits are bounded from above and the free ones from below: bits >= free bits."""
    asked = (whole.quantity, part.quantity)
    return asked == ("bits", "free_bits") and (whole.side, part.side) == (Side.UPPER, Side.LOWER)


def comparable(a: Claim, b: Claim) -> bool:
    """Whether two claims may be held against each other; an unlike pair raises.

    They have to be of one kind, both explicit, about one quantity, counted over the same thing,
    firmly sourced, and for the same functions and freedom of structure. All bits of a network
    hold its free ones, so an upper bound on bits may be held against a floor of free bits.

    Returns
    -------
    bool
        True: an unlike pair never returns.

    Raises
    ------
    InvalidInput
        With the first reason that forbids it.
    """
    pair = f"{a.id} and {b.id}"
    for claim in (a, b):
        if claim.kind is Kind.ORDER:
            raise InvalidInput(
                f"{pair} are not comparable: {claim.id} is an order at unit constant"
            )
        if not claim.source.trust.is_firm:
            raise InvalidInput(
                f"{pair} are not comparable: {claim.id} is {claim.source.trust}, not a firm value"
            )
    if a.quantity != b.quantity and not (_holds_free_bits(a, b) or _holds_free_bits(b, a)):
        raise InvalidInput(f"{pair} are not comparable: {a.quantity} is not {b.quantity}")
    if a.scope is not b.scope:
        raise InvalidInput(
            f"{pair} are not comparable: {a.quantity} of a {a.scope} are not those of a {b.scope}"
        )
    if a.quantifier is not b.quantifier:
        raise InvalidInput(f"{pair} are not comparable: '{a.quantifier}' is not '{b.quantifier}'")
    return True
