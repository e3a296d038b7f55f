"""The readings of a formula: floats, NumPy arrays, balls with exact rationals, SymPy.

Floats and arrays serve order values and drawings and are never a guarantee; balls are.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from typing import Any

from qexpr.bounds.formula import Reading
from qexpr.errors import InvalidInput, OutOfRegime

__all__ = ["FLOATS", "Undecided", "arrays", "balls", "symbols"]

_PYTHON: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
}


class Undecided(ArithmeticError):
    """A ball was too wide for a ceiling, a maximum or a sign: try again more precisely."""


def _operate(symbol: str, left: Any, right: Any) -> Any:
    return _PYTHON[symbol](left, right)


def _float_power(symbol: str, left: float, right: float) -> float:
    result = _PYTHON[symbol](left, right)
    if isinstance(result, complex):
        raise OutOfRegime("the expression is not real here")
    return float(result)


def _binomial(n: float, k: float) -> float:
    return float(math.comb(int(n), int(k)))


FLOATS = Reading(
    float,
    _float_power,
    {
        "abs": abs,
        "binomial": _binomial,
        "ceil": math.ceil,
        "factorial": lambda n: float(math.factorial(int(n))),
        "floor": math.floor,
        "ln": math.log,
        "log": math.log2,
        "max": max,
        "min": min,
        "sqrt": math.sqrt,
    },
)


@lru_cache(maxsize=1)
def arrays() -> Reading:
    """Elementwise float64; invalid points become nan."""
    import numpy as np

    def on_integers(function: Callable[..., float]) -> Callable[..., Any]:
        return np.vectorize(function, otypes=[float])

    return Reading(
        np.float64,
        _operate,
        {
            "abs": np.abs,
            "binomial": on_integers(_binomial),
            "ceil": np.ceil,
            "factorial": on_integers(lambda n: float(math.factorial(int(n)))),
            "floor": np.floor,
            "ln": np.log,
            "log": np.log2,
            "max": np.maximum,
            "min": np.minimum,
            "sqrt": np.sqrt,
        },
    )


@lru_cache(maxsize=1)
def symbols() -> Reading:
    """SymPy; log is base 2, spelled log(x)/log(2)."""
    import sympy as sp

    return Reading(
        sp.Integer,
        _operate,
        {
            "abs": sp.Abs,
            "binomial": sp.binomial,
            "ceil": sp.ceiling,
            "factorial": sp.factorial,
            "floor": sp.floor,
            "ln": sp.log,
            "log": lambda x: sp.log(x) / sp.log(2),
            "max": sp.Max,
            "min": sp.Min,
            "sqrt": sp.sqrt,
        },
    )


@lru_cache(maxsize=1)
def balls() -> Reading:
    """Exact rationals for as long as the numbers are rational, balls from there on."""
    from qexpr.rigor.balls import arb, ball, log2, lower_end, power, upper_end

    def operate(symbol: str, left: Any, right: Any) -> Any:
        if symbol == "**":
            return raise_to(left, right)
        if isinstance(left, Fraction) and isinstance(right, Fraction):
            if symbol == "/" and right == 0:
                raise OutOfRegime("the expression divides by zero here")
            return _PYTHON[symbol](left, right)
        return _PYTHON[symbol](ball(left), ball(right))

    def raise_to(base: Any, exponent: Any) -> Any:
        if isinstance(exponent, Fraction) and exponent.denominator == 1:
            k = exponent.numerator
            if not isinstance(base, Fraction):
                return power(base, k)
            size = max(base.numerator.bit_length(), base.denominator.bit_length())
            if base == 0 and k < 0:
                raise OutOfRegime("the expression divides by zero here")
            # Beyond a megabit the exact power costs more than a ball, and tells no more.
            return base**k if size * abs(k) <= 2**20 else power(ball(base), k)
        return ball(base) ** ball(exponent)

    def round_down(x: Any) -> Fraction:
        if isinstance(x, Fraction):
            return Fraction(math.floor(x))
        low, high = lower_end(x), upper_end(x)
        # Ends are floats only where the ball is not finite; a Fraction may exceed every double.
        if isinstance(low, float) or isinstance(high, float):
            raise Undecided
        if math.floor(low) != math.floor(high):
            raise Undecided
        return Fraction(math.floor(low))

    def larger(a: Any, b: Any) -> Any:
        if isinstance(a, Fraction) and isinstance(b, Fraction):
            return max(a, b)
        return ball(a).max(ball(b))

    def fold(*values: Any) -> Any:
        result = values[0]
        for value in values[1:]:
            result = larger(result, value)
        return result

    def logarithm(x: Any) -> Any:
        if isinstance(x, Fraction):
            if x <= 0:
                raise OutOfRegime("the expression takes the logarithm of a number <= 0 here")
            exact = log2(x)
            integer = exact.unique_fmpz()
            return Fraction(int(integer)) if exact.is_exact() and integer is not None else exact
        return x.log() / arb.const_log2()

    def integer(x: Any) -> int:
        if not isinstance(x, Fraction) or x.denominator != 1:
            raise InvalidInput("binomial and factorial take integers")
        return int(x.numerator)

    return Reading(
        Fraction,
        operate,
        {
            "abs": abs,
            "binomial": lambda n, k: Fraction(math.comb(integer(n), integer(k))),
            "ceil": lambda x: -round_down(-x),
            "factorial": lambda n: Fraction(math.factorial(integer(n))),
            "floor": round_down,
            "ln": lambda x: ball(x).log(),
            "log": logarithm,
            "max": fold,
            "min": lambda *values: -fold(*(-value for value in values)),
            "sqrt": lambda x: ball(x).sqrt(),
        },
    )
