"""A calculator is data: a name, its parameters with their ranges, a function, its sources.

Calculators take widths, sizes or precisions and not a `Query`, so they stay out of the table of
bounds. Each answer is a list of lines, and every line says where its number comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from qexpr.core.claim import Explicit, Order
from qexpr.core.numbers import MAX_TEXT, read_integer, read_rational
from qexpr.core.source import Source
from qexpr.errors import InvalidInput, shorten

__all__ = ["Calculator", "Line", "Parameter"]

_MAX_LENGTH = 64  # entries of a list


@dataclass(frozen=True, slots=True)
class Line:
    """One number of an answer.

    Parameters
    ----------
    label : str
        What the number is.
    value : int, Fraction, Explicit, Order or str
        An exact number, a guarantee, an order at unit constant, or a word.
    note : str
        What to know about it: an assumption, a caveat.
    source : Source
    """

    label: str
    value: int | Fraction | Explicit | Order | str
    note: str
    source: Source


@dataclass(frozen=True, slots=True)
class Parameter:
    """An argument of a calculator.

    Parameters
    ----------
    name : str
    kind : str
        "integer", "integers" (comma-separated or a sequence) or "rational" (a decimal or p/q).
    least, most : int or Fraction
        The allowed range of the number, or of each entry.
    text : str
        What it means.
    required : bool
    default : object
        Taken where a parameter that is not required is not given; None leaves it out.
    length : int
        For "integers": the fewest entries.
    """

    name: str
    kind: str
    least: int | Fraction
    most: int | Fraction
    text: str
    required: bool = True
    default: Any = None
    length: int = 1

    def read(self, value: object) -> Any:
        """The checked value; raises InvalidInput with the allowed range."""
        if self.kind == "integers":
            return self._read_list(value)
        if self.kind == "integer":
            return read_integer(value, self.name, int(self.least), int(self.most))
        number = read_rational(value, self.name)
        if not self.least <= number <= self.most:
            raise InvalidInput(
                f"{self.name} must be a number from {float(self.least):g} to "
                f"{float(self.most):g}, got {shorten(value)}"
            )
        return number

    def _read_list(self, value: object) -> tuple[int, ...]:
        if isinstance(value, str):
            if len(value) > MAX_TEXT:
                raise InvalidInput(
                    f"{self.name} must be written in at most {MAX_TEXT} characters, "
                    f"got {shorten(value)}"
                )
            entries: Sequence[object] = value.split(",")
        elif isinstance(value, Sequence):
            entries = value
        else:
            raise InvalidInput(
                f"{self.name} must be integers such as 2,64,64,1, got {shorten(value)}"
            )
        if not self.length <= len(entries) <= _MAX_LENGTH:
            raise InvalidInput(
                f"{self.name} must have {self.length} to {_MAX_LENGTH} entries, "
                f"got {shorten(value)}"
            )
        return tuple(
            read_integer(entry, f"each of {self.name}", int(self.least), int(self.most))
            for entry in entries
        )


@dataclass(frozen=True, slots=True)
class Calculator:
    """A named function of checked parameters.

    Parameters
    ----------
    name, title : str
    text : str
        What it computes, in words and LaTeX.
    parameters : tuple of Parameter
    function : callable
        Takes the parameters by name and returns the lines.
    sources : tuple of Source
        Of all lines that it may give.
    curves : callable or None
        Takes the parameters by name and returns what `qexpr.figures` draws under the
        calculator's name.
    """

    name: str
    title: str
    text: str
    parameters: tuple[Parameter, ...]
    function: Callable[..., list[Line]]
    sources: tuple[Source, ...]
    curves: Callable[..., Mapping[str, Any]] | None = None

    def __call__(self, **given: object) -> list[Line]:
        """Read the arguments, compute, and return the lines.

        Raises
        ------
        InvalidInput
            For an unknown, missing or malformed argument.
        OutOfRegime
            Where the statement says nothing about them.
        """
        return self.function(**self.read(given))

    def read(self, given: Mapping[str, object]) -> dict[str, Any]:
        """The checked arguments, defaults filled in."""
        known = {parameter.name: parameter for parameter in self.parameters}
        for name in given:
            if name not in known:
                raise InvalidInput(
                    f"calculator {self.name} takes {', '.join(known)}; got {shorten(name)}"
                )
        values: dict[str, Any] = {}
        for name, parameter in known.items():
            value = given.get(name)
            if value is not None:
                values[name] = parameter.read(value)
            elif parameter.required:
                raise InvalidInput(f"calculator {self.name} needs {name}: {parameter.text}")
            else:
                values[name] = parameter.default
        return values
