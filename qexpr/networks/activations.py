"""What follows a layer: Relu, Clip, or a step function of finitely many values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

from qexpr.errors import InvalidInput, shorten
from qexpr.networks.values import exact

__all__ = ["Activation", "Clip", "Relu", "Steps", "sign"]


@dataclass(frozen=True, slots=True)
class Relu:
    """max(x, 0)."""


@dataclass(frozen=True, slots=True)
class Clip:
    """min(max(x, lower), upper)."""

    lower: Fraction
    upper: Fraction

    def __post_init__(self) -> None:
        object.__setattr__(self, "lower", exact(self.lower, "clip lower"))
        object.__setattr__(self, "upper", exact(self.upper, "clip upper"))
        if self.lower > self.upper:
            raise InvalidInput(
                f"clip needs lower <= upper, got {shorten(self.lower)} > {shorten(self.upper)}"
            )


@dataclass(frozen=True, slots=True)
class Steps:
    """A step function: ``values[k]`` where k thresholds lie at or below x.

    Every activation quantizer is of this form: sign is one threshold at 0 and two values, M
    residual levels are 2^M values, k bits are 2^k values.

    Parameters
    ----------
    thresholds : increasing rationals, at least one
    values : one more than thresholds, in any order
    closed : for each threshold, whether the upper value holds at the threshold itself (the
        default: sign(0) = +1); False where the lower one does (half-wave quantizers at 0, every
        second threshold of rounding half to even)
    """

    thresholds: tuple[Fraction, ...]
    values: tuple[Fraction, ...]
    closed: tuple[bool, ...] = ()

    def __post_init__(self) -> None:
        thresholds = _exact_tuple(self.thresholds, "thresholds")
        values = _exact_tuple(self.values, "values")
        closed = tuple(self.closed) or (True,) * len(thresholds)
        if not thresholds or any(a >= b for a, b in pairwise(thresholds)):
            raise InvalidInput(
                "thresholds must be at least one number, strictly increasing, "
                f"got {shorten(list(map(str, thresholds)))}"
            )
        if len(values) != len(thresholds) + 1:
            raise InvalidInput(
                f"{len(thresholds)} thresholds need {len(thresholds) + 1} values, got {len(values)}"
            )
        if len(closed) != len(thresholds) or not all(isinstance(c, bool) for c in closed):
            raise InvalidInput(f"closed must be {len(thresholds)} booleans, got {shorten(closed)}")
        object.__setattr__(self, "thresholds", thresholds)
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "closed", closed)


Activation = Relu | Clip | Steps


def sign(scale: Any = 1) -> Steps:
    """-scale below 0, +scale from 0 on."""
    scale = exact(scale, "scale")
    return Steps((Fraction(0),), (-scale, scale))


def _exact_tuple(values: Sequence[Any], name: str) -> tuple[Fraction, ...]:
    try:
        items = list(values)
    except TypeError:
        raise InvalidInput(f"{name} must be a sequence of numbers, got {shorten(values)}") from None
    return tuple(exact(value, f"{name}[{k}]") for k, value in enumerate(items))
