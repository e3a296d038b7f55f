"""A derivation: steps that are claims, the moves that lead to them, and checks that run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any

from qexpr.core.decimals import round_decimal, spell
from qexpr.core.source import Source
from qexpr.derivations.checks import Check, Context, Functions
from qexpr.derivations.fields import ball_field
from qexpr.derivations.formula import Definition, Meaning
from qexpr.errors import CertificateError, InvalidInput, QexprError, shorten
from qexpr.rigor import balls

__all__ = ["Constant", "Derivation", "Step", "Verdict"]

_PRECISIONS = (128, 256, 512)
_NO_SENSE = (
    QexprError,
    ArithmeticError,
    LookupError,
    ValueError,
    TypeError,
    NameError,
    RecursionError,
)


@dataclass(frozen=True)
class Step:
    """One step of an argument.

    Parameters
    ----------
    claim : str
        What holds, in words; formulas stand between backticks.
    formula : str
        The claim as a formula. It is what is checked, and what is printed.
    by : str
        The transformation that leads to it, in words.
    check : Check
    """

    claim: str
    formula: str
    by: str
    check: Check


@dataclass(frozen=True)
class Verdict:
    """What the check of a step said."""

    number: int
    step: Step
    passed: bool
    detail: str


@dataclass(frozen=True)
class Constant:
    """A number, or a list of numbers, that a derivation yields.

    Parameters
    ----------
    name : str
    meaning : str
        In words; formulas stand between backticks.
    formula : str
        What it is, in the derivation's definitions and functions.
    """

    name: str
    meaning: str
    formula: str


@dataclass(frozen=True)
class Derivation:
    """A statement with its proof.

    Parameters
    ----------
    name, title : str
    statement : str
        What is derived, in words; formulas stand between backticks.
    source : Source
        Where the statement was made first.
    steps : tuple of Step
    definitions : tuple of Definition
        The abbreviations that the formulas use.
    constants : tuple of Constant
    functions : tuple
        ``((name, function), ...)``: algorithms that formulas may name.
    aliases : tuple of str
        Other names for it.
    """

    name: str
    title: str
    statement: str
    source: Source
    steps: tuple[Step, ...]
    definitions: tuple[Definition, ...] = ()
    constants: tuple[Constant, ...] = ()
    functions: Functions = ()
    aliases: tuple[str, ...] = ()

    @cached_property
    def context(self) -> Context:
        """What the formulas may name."""
        return Context(self.definitions, self.functions)

    def check(self, number: int) -> Verdict:
        """Run the check of one step; the first is 1.

        Raises
        ------
        CertificateError
            If it fails, with the step and the reason.
        InvalidInput
            If there is no such step.
        """
        step = self.step(number)
        try:
            return Verdict(number, step, True, step.check.prove(step.formula, self.context))
        except _NO_SENSE as error:
            # A formula that makes no sense (a division by 0) does not hold either.
            raise CertificateError(f"{self.name}, step {number}: {error}") from error

    def step(self, number: int) -> Step:
        """One step; the first is 1."""
        if isinstance(number, bool) or not isinstance(number, int):
            raise InvalidInput(f"a step is an integer, got {shorten(number)}")
        if not 1 <= number <= len(self.steps):
            raise InvalidInput(
                f"{self.name} has the steps 1 to {len(self.steps)}, got {shorten(number)}"
            )
        return self.steps[number - 1]

    def verdict(self, number: int) -> Verdict:
        """The verdict on one step; nothing is raised by a step that fails."""
        step = self.step(number)
        try:
            return self.check(number)
        except CertificateError as error:
            return Verdict(number, step, False, str(error))

    def verdicts(self) -> Iterator[Verdict]:
        """The verdict on every step in turn."""
        for number in range(1, len(self.steps) + 1):
            yield self.verdict(number)

    def prove(self) -> tuple[Verdict, ...]:
        """Run every step; the first that fails raises `CertificateError`."""
        return tuple(self.check(number) for number in range(1, len(self.steps) + 1))

    def with_formula(self, number: int, formula: str) -> Derivation:
        """The same derivation with another formula in one step."""
        steps = list(self.steps)
        steps[number - 1] = replace(steps[number - 1], formula=formula)
        return replace(self, steps=tuple(steps))

    def constant(self, name: str) -> Constant:
        """The constant of that name."""
        for constant in self.constants:
            if constant.name == name:
                return constant
        known = ", ".join(constant.name for constant in self.constants) or "none"
        raise InvalidInput(f"{self.name} has no constant {shorten(name)} (known: {known})")

    def enclosures(self, name: str, digits: int = 15) -> list[tuple[Fraction, Fraction]]:
        """Rational ends around each number of a constant, close enough for so many digits."""
        constant = self.constant(name)
        for bits in _PRECISIONS:
            with balls.precision(bits):
                value: Any = Meaning(ball_field(), self.definitions, self.functions).evaluate(
                    constant.formula
                )
                found = [_ends(x) for x in (value if isinstance(value, list | tuple) else [value])]
            if all(_rounded(low, digits) == _rounded(high, digits) for low, high in found):
                return found
        raise QexprError(f"{self.name}: {name} is not known to {digits} digits at 512 bits")

    def digits(self, name: str, digits: int = 15) -> list[str]:
        """Each number of a constant, correctly rounded to so many significant digits."""
        return [
            _exact(low, digits) if low == high else _decimal(*_rounded(low, digits))
            for low, high in self.enclosures(name, digits)
        ]


def _ends(value: Any) -> tuple[Fraction, Fraction]:
    if isinstance(value, int | Fraction):
        return Fraction(value), Fraction(value)
    low, high = balls.lower_end(value), balls.upper_end(value)
    if not isinstance(low, Fraction) or not isinstance(high, Fraction):
        raise QexprError("a constant has no finite enclosure")
    return low, high


def _rounded(value: Fraction, digits: int) -> tuple[int, int]:
    return round_decimal(value, digits)


def _decimal(m: int, k: int) -> str:
    """m * 10^k with all its digits, zeros at the end included."""
    if k > 0:
        return spell(m, k)
    # from its parts: arithmetic would round to the decimal context
    return format(Decimal((int(m < 0), tuple(map(int, str(abs(m)))), k)), "f")


def _exact(value: Fraction, digits: int) -> str:
    """A rational in full: as a quotient where its decimals do not end."""
    m, k = _rounded(value, digits)
    decimal = Fraction(m) * Fraction(10) ** k
    return spell(m, k) if decimal == value else str(value)
