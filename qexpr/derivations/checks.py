"""The four ways in which a step is checked; each raises `CertificateError` where it fails."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

from qexpr.derivations.fields import UndecidedError, ball_field, exact_field, symbol_field
from qexpr.derivations.formula import Definition, Meaning, sides
from qexpr.errors import CertificateError
from qexpr.rigor import balls

__all__ = ["Cases", "Check", "Context", "Everywhere", "Identity", "Numbers"]

Functions = tuple[tuple[str, Callable[..., Any]], ...]


@dataclass(frozen=True)
class Context:
    """What the formulas of a derivation may name besides the common functions."""

    definitions: tuple[Definition, ...] = ()
    functions: Functions = ()


class Check(Protocol):
    """How a step is checked."""

    @property
    def kind(self) -> str:
        """Symbolic identity, inequality, finite exhaustion or enclosure."""

    @property
    def scope(self) -> str:
        """For which values of the variables, in words; empty where there are none."""

    def prove(self, formula: str, context: Context) -> str:
        """What was done; raises `CertificateError` where the formula does not hold."""


def _fail(why: str) -> CertificateError:
    return CertificateError(why)


@dataclass(frozen=True)
class Identity:
    """An equation between expressions, by sympy.

    Parameters
    ----------
    real, positive, whole : str
        The symbols, between blanks; `whole` are positive integers.
    cases : tuple
        ``((name, values), ...)``: names that take every one of finitely many values instead.
    """

    real: str = ""
    positive: str = ""
    whole: str = ""
    cases: tuple[tuple[str, tuple[Any, ...]], ...] = ()

    kind = "symbolic identity"

    @property
    def scope(self) -> str:
        """The symbols and the cases, in words."""
        parts = [
            f"{word} {', '.join(names.split())}"
            for word, names in (
                ("real", self.real),
                ("positive", self.positive),
                ("natural", self.whole),
            )
            if names
        ]
        parts += [f"{name} = {_spell(values)}" for name, values in self.cases]
        return "; ".join(parts)

    def _symbols(self) -> dict[str, Any]:
        import sympy

        symbols = {name: sympy.Symbol(name, real=True) for name in self.real.split()}
        symbols |= {name: sympy.Symbol(name, positive=True) for name in self.positive.split()}
        symbols |= {
            name: sympy.Symbol(name, integer=True, positive=True) for name in self.whole.split()
        }
        return symbols

    def prove(self, formula: str, context: Context) -> str:
        """Every difference of two neighbouring sides is simplified to 0."""
        meaning = Meaning(symbol_field(), context.definitions, context.functions)
        codes = [meaning.compile(side) for side in sides(formula)]
        symbols = self._symbols()
        count = 0
        for case in _combinations(self.cases):
            values = [meaning.evaluate(code, **symbols, **case) for code in codes]
            for left, right in itertools.pairwise(values):
                _vanishes(left - right, case)
            count += 1
        return "proven by algebra" + (f" in {count} cases" if self.cases else "")


def _vanishes(difference: Any, case: dict[str, Any]) -> None:
    import sympy

    difference = sympy.sympify(difference)
    if difference == 0 or sympy.expand(difference) == 0:
        return
    where = f" for {case}" if case else ""
    # A value that is clearly not 0 refutes; a value near 0 proves nothing.
    points = {
        symbol: sympy.Integer(3 + 2 * i) if symbol.is_integer else sympy.Rational(3 + 2 * i, 11)
        for i, symbol in enumerate(sorted(difference.free_symbols, key=str))
    }
    value = sympy.N(difference.subs(points), 20)
    if value.is_number and abs(value) > sympy.Rational(1, 10**9):
        at = ", ".join(f"{symbol} = {point}" for symbol, point in points.items())
        raise _fail(f"the two sides differ by {sympy.N(value, 5)}{where}{f' at {at}' * bool(at)}")
    if sympy.simplify(difference) != 0:
        raise _fail(f"the difference of the two sides is not simplified to 0{where}")


@dataclass(frozen=True)
class Everywhere:
    """An inequality at every point of a box, by balls and subdivision.

    Parameters
    ----------
    box : tuple
        ``((name, lower, upper), ...)``, the ends as exact texts.
    cases : tuple
        ``((name, values), ...)``: names that take every one of finitely many values besides.
    limit : int
        The most parts that are looked at.
    """

    box: tuple[tuple[str, str, str], ...]
    cases: tuple[tuple[str, tuple[Any, ...]], ...] = ()
    limit: int = 4000

    kind = "inequality by balls"

    @property
    def scope(self) -> str:
        """The box and the cases, in words."""
        parts = [f"{low} <= {name} <= {high}" for name, low, high in self.box]
        return "; ".join([*parts, *(f"{name} = {_spell(values)}" for name, values in self.cases)])

    def prove(self, formula: str, context: Context) -> str:
        """True on every part, certainly; a part where it is not is halved."""
        with balls.precision(128):
            meaning = Meaning(ball_field(), context.definitions, context.functions)
            code = meaning.compile(formula)
            done = 0
            for case in _combinations(self.cases):
                whole = tuple(
                    (name, Fraction(meaning.evaluate(low)), Fraction(meaning.evaluate(high)))
                    for name, low, high in self.box
                )
                parts = [whole]
                while parts:
                    part = parts.pop()
                    done += 1
                    if done > self.limit:
                        raise _fail(f"not proven within {self.limit} parts of the box")
                    if not _holds(meaning, code, part, case):
                        parts += _halves(part)
        return f"proven by balls on {done} part{'s' * (done > 1)} of the box"


Part = tuple[tuple[str, Fraction, Fraction], ...]


def _holds(meaning: Meaning, code: Any, part: Part, case: dict[str, Any]) -> bool:
    """Whether the formula holds on a part, certainly; raises where it fails at the middle."""
    try:
        values = {name: balls.interval(low, high) for name, low, high in part}
        if meaning.evaluate(code, **values, **case):
            return True
    except UndecidedError:
        pass
    middle = {name: (low + high) / 2 for name, low, high in part}
    at = ", ".join(f"{name} = {float(x):.6g}" for name, x in (middle | case).items())
    try:
        holds = meaning.evaluate(code, **{n: balls.ball(x) for n, x in middle.items()}, **case)
    except UndecidedError:
        raise _fail(f"the inequality cannot be decided at {at}") from None
    if not holds:
        raise _fail(f"the inequality is wrong at {at}")
    return False


def _halves(part: Part) -> list[Part]:
    k = max(range(len(part)), key=lambda i: part[i][2] - part[i][1])
    name, low, high = part[k]
    middle = (low + high) / 2
    return [(*part[:k], (name, *ends), *part[k + 1 :]) for ends in ((low, middle), (middle, high))]


@dataclass(frozen=True)
class Cases:
    """A statement about exact numbers, tried in every one of finitely many cases.

    Parameters
    ----------
    values : tuple
        ``((name, values), ...)``; the values are a tuple or a formula for one.
    where : str
        Only the cases that meet this condition are tried.
    """

    values: tuple[tuple[str, tuple[Any, ...] | str], ...]
    where: str = ""

    kind = "finite exhaustion"

    @property
    def scope(self) -> str:
        """The cases, in words."""
        parts = [
            f"{name} in {values if isinstance(values, str) else _spell(values)}"
            for name, values in self.values
        ]
        return "; ".join(parts) + (f"; with {self.where}" if self.where else "")

    def prove(self, formula: str, context: Context) -> str:
        """True in every case, in exact arithmetic."""
        meaning = Meaning(exact_field(), context.definitions, context.functions)
        code = meaning.compile(formula)
        condition = meaning.compile(self.where) if self.where else None
        domains = tuple(
            (name, tuple(meaning.evaluate(values)) if isinstance(values, str) else values)
            for name, values in self.values
        )
        count = 0
        for case in _combinations(domains):
            if condition is not None and not meaning.evaluate(condition, **case):
                continue
            count += 1
            if not meaning.evaluate(code, **case):
                at = ", ".join(f"{name} = {_spell((value,))}" for name, value in case.items())
                raise _fail(f"it is wrong for {at}")
        if not count:
            raise _fail("there is no case to try")
        return f"true in all {count} cases"


@dataclass(frozen=True)
class Numbers:
    """A statement about given real numbers, by balls at rising precision."""

    cases: tuple[tuple[str, tuple[Any, ...]], ...] = ()

    kind = "enclosure by balls"

    @property
    def scope(self) -> str:
        """The cases, in words."""
        return "; ".join(f"{name} = {_spell(values)}" for name, values in self.cases)

    def prove(self, formula: str, context: Context) -> str:
        """Certain at some precision up to 512 bits, in every case."""
        for case in _combinations(self.cases):
            where = f" for {', '.join(f'{k} = {v}' for k, v in case.items())}" if case else ""
            for bits in (128, 256, 512):
                with balls.precision(bits):
                    meaning = Meaning(ball_field(), context.definitions, context.functions)
                    try:
                        holds = meaning.evaluate(formula, **case)
                    except UndecidedError:
                        continue
                if not holds:
                    raise _fail(f"it is certainly wrong{where}")
                break
            else:
                raise _fail(f"it is not certain at 512 bits{where}")
        return "certain by balls"


def _combinations(
    cases: tuple[tuple[str, tuple[Any, ...]], ...],
) -> Iterator[dict[str, Any]]:
    names = [name for name, _ in cases]
    for values in itertools.product(*(values for _, values in cases)):
        yield dict(zip(names, values, strict=True))


def _spell(values: Any) -> str:
    texts = [
        f"({_spell(value)})" if isinstance(value, tuple | list) else str(value) for value in values
    ]
    if len(texts) > 6:
        texts = [*texts[:2], "..", texts[-1]]
    return ", ".join(texts)
