"""The three readings of a formula: exact rationals, balls, symbols."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from functools import cache
from typing import Any

from qexpr.derivations.formula import Field
from qexpr.errors import QexprError
from qexpr.rigor import balls
from qexpr.rigor.balls import arb, ball

__all__ = ["UndecidedError", "ball_field", "exact_field", "symbol_field"]


class UndecidedError(QexprError):
    """Two balls overlap: neither an inequality nor its contrary is certain."""


_COMMON: dict[str, Any] = {
    "True": True,
    "False": False,
    "all": all,
    "any": any,
    "range": range,
    "len": len,
    "zip": zip,
    "tuple": tuple,
    "list": list,
    "set": set,
    "reversed": reversed,
}


def _divide(a: Any, b: Any) -> Any:
    return Fraction(a) / b if isinstance(a, int) else a / b


def _power(a: Any, b: Any) -> Any:
    return Fraction(a) ** b if b < 0 else a**b


def _sign(x: Any) -> int:
    return 1 if x >= 0 else -1


def _product(values: Iterable[Any]) -> Any:
    return math.prod(values)


def _vectors(values: Iterable[Any], size: int) -> Iterator[tuple[Any, ...]]:
    return itertools.product(tuple(values), repeat=size)


def _least_root(number: int, k: int) -> int:
    """The least s with s^k >= number, in integers."""
    s = 1
    while s**k < number:
        s += 1
    return s


@cache
def exact_field() -> Field:
    """Integers and fractions; every comparison is exact."""
    return Field(
        {
            **_COMMON,
            "number_": Fraction,
            "divide_": _divide,
            "power_": _power,
            "sum": sum,
            "abs": abs,
            "min": min,
            "max": max,
            "sorted": sorted,
            "sign": _sign,
            "floor": math.floor,
            "ceil": math.ceil,
            "relu": lambda x: x if x > 0 else Fraction(0),
            "product": _product,
            "vectors": _vectors,
            "subsets": lambda n, k: itertools.combinations(range(n), k),
            "factorial": math.factorial,
            "binomial": math.comb,
            "least_root": _least_root,
            "digits": _digits,
        }
    )


def _digits(number: int, base: int) -> list[int]:
    found = []
    while number:
        number, digit = divmod(number, base)
        found.append(digit)
    return found


# balls --------------------------------------------------------------------------------------


def _is_exact(*values: Any) -> bool:
    return all(isinstance(value, int | Fraction) for value in values)


def _on_balls(exact: Callable[..., Any], rough: Callable[..., Any]) -> Callable[..., Any]:
    """A sign that stays exact between exact numbers."""

    def apply(*values: Any) -> Any:
        return exact(*values) if _is_exact(*values) else rough(*map(ball, values))

    return apply


def _ball_power(a: Any, b: Any) -> Any:
    if isinstance(b, int):
        return _power(a, b) if _is_exact(a) else balls.power(a, b)
    if _is_exact(a) and a == 0:
        return 0
    return (ball(b) * ball(a).log()).exp()


def _ball_compare(signs: list[str], values: list[Any]) -> bool:
    for sign, a, b in zip(signs, values, values[1:], strict=False):
        if not (a == b if sign == "==" else _certain(sign, a, b)):
            return False
    return True


def _certain(sign: str, a: Any, b: Any) -> bool:
    if not _is_exact(a, b):
        a, b = ball(a), ball(b)
    if sign in (">", ">="):
        a, b = b, a
    strict = sign in ("<", ">")
    if (a < b) if strict else (a <= b):
        return True
    if (b <= a) if strict else (b < a):
        return False
    raise UndecidedError("two balls overlap")


def _extreme(pick: Callable[..., Any], name: str) -> Callable[..., Any]:
    def apply(*values: Any) -> Any:
        items = list(values[0]) if len(values) == 1 else list(values)
        if _is_exact(*items):
            return pick(items)
        result = ball(items[0])
        for item in items[1:]:
            result = getattr(result, name)(ball(item))
        return result

    return apply


def _ball_sum(values: Iterable[Any]) -> Any:
    exact, rough = Fraction(0), None
    for value in values:
        if _is_exact(value):
            exact += value
        else:
            rough = value if rough is None else rough + value
    return exact if rough is None else rough + ball(exact)


def _ball_root(f: Callable[[Any], Any], low: Fraction, high: Fraction) -> arb:
    """A ball with a root of `f` in it, proven by a change of sign at its ends."""
    low, high = Fraction(low), Fraction(high)

    def sign(x: Fraction) -> int:
        y = f(ball(x))
        if y > 0:
            return 1
        if y < 0:
            return -1
        raise UndecidedError("the sign of a function is not certain")

    left, right = sign(low), sign(high)
    if left == right:
        raise UndecidedError("a function does not change its sign where a root is asked for")
    for _ in range(24):
        middle = (low + high) / 2
        if sign(middle) == left:
            low = middle
        else:
            high = middle
    # secants from here on; only the change of sign at the end is trusted
    a, b = ball(low), ball(high)
    target = (high - low) / 2 ** (balls.working_bits() * 3 // 4 - 24)
    for _ in range(14):
        fa, fb = f(a).mid(), f(b).mid()
        if not abs(b - a) > ball(target) / 4 or fa == fb:
            break
        a, b = b, (b - fb * (b - a) / (fb - fa)).mid()
    middle = Fraction(balls.lower_end(b))  # secants are finite
    for _ in range(balls.working_bits() // 8):  # wider where the function itself is known less well
        ends = max(low, middle - target), min(high, middle + target)
        try:
            if ends[0] < ends[1] and sign(ends[0]) != sign(ends[1]):
                return balls.interval(*ends)
        except UndecidedError:
            pass
        target *= 16
    raise UndecidedError("a root is not certain")


@cache
def ball_field() -> Field:
    """Balls; a comparison that is not certain raises `UndecidedError`."""
    return Field(
        {
            **_COMMON,
            "number_": Fraction,
            "add_": _on_balls(lambda a, b: a + b, lambda a, b: a + b),
            "subtract_": _on_balls(lambda a, b: a - b, lambda a, b: a - b),
            "multiply_": _on_balls(lambda a, b: a * b, lambda a, b: a * b),
            "divide_": _on_balls(_divide, lambda a, b: a / b),
            "negate_": lambda a: -a,
            "power_": _ball_power,
            "compare_": _ball_compare,
            "sum": _ball_sum,
            "abs": abs,
            "min": _extreme(min, "min"),
            "max": _extreme(max, "max"),
            "relu": lambda x: _extreme(max, "max")(x, 0),
            "sqrt": lambda x: ball(x).sqrt(),
            "exp": lambda x: ball(x).exp(),
            "ln": lambda x: ball(x).log(),
            "log2": balls.log2,
            "erfc": lambda x: ball(x).erfc(),
            "cos": lambda x: ball(x).cos(),
            "sin": lambda x: ball(x).sin(),
            "pi_once_": lambda: arb.pi(),
            "factorial": math.factorial,
            "binomial": math.comb,
            "root": _ball_root,
            "product": _product_of_balls,
        }
    )


def _product_of_balls(values: Iterable[Any]) -> Any:
    result: Any = 1
    for value in values:
        result = result * value if _is_exact(result, value) else ball(result) * ball(value)
    return result


# symbols ------------------------------------------------------------------------------------


@cache
def symbol_field() -> Field:
    """sympy's expressions; numbers are exact, and nothing is evaluated in floats."""
    import sympy

    def integral(e: Any, x: Any, a: Any, b: Any) -> Any:
        return sympy.integrate(e, (x, a, b))

    return Field(
        {
            **_COMMON,
            "number_": lambda q: sympy.Rational(q.numerator, q.denominator),
            "divide_": lambda a, b: sympy.sympify(a) / sympy.sympify(b),
            "power_": lambda a, b: sympy.sympify(a) ** sympy.sympify(b),
            "sum": lambda values: sum(values, sympy.Integer(0)),
            "abs": sympy.Abs,
            "sqrt": sympy.sqrt,
            "exp": sympy.exp,
            "ln": sympy.log,
            "log2": lambda x: sympy.log(x) / sympy.log(2),
            "erfc": sympy.erfc,
            "cos": sympy.cos,
            "sin": sympy.sin,
            "pi": sympy.pi,
            "infinity": sympy.oo,
            "factorial": sympy.factorial,
            "binomial": sympy.binomial,
            "derivative": lambda e, x, *n: sympy.diff(e, x, *n),
            "integral": integral,
            "limit": lambda e, x, a, *side: sympy.limit(e, x, a, *side),
            "product": lambda values: math.prod(values, start=sympy.Integer(1)),
            "vectors": _vectors,
        }
    )
