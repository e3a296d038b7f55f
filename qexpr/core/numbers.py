"""Reading numbers exactly: text, integers, rationals and the shortest decimal of a float."""

from __future__ import annotations

import operator
import re
from decimal import Decimal
from fractions import Fraction
from typing import NoReturn

from qexpr.errors import InvalidInput, shorten

__all__ = ["MAX_TEXT", "read_integer", "read_rational"]

MAX_TEXT = 400  # characters; longer text is refused before it is parsed
_MAX_EXPONENT = 1000
_MAX_BITS = 8192

_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE]([+-]?[0-9]+))?", re.ASCII)
_QUOTIENT = re.compile(r"([+-]?[0-9]+)/([0-9]+)", re.ASCII)
_INTEGER = re.compile(r"[+-]?[0-9]+", re.ASCII)


def _parse_rational(text: str, name: str, allowed: str) -> Fraction:
    def refuse(demand: str) -> NoReturn:
        also = f" ({allowed})" if allowed else ""
        raise InvalidInput(f"{name} must be {demand}{also}, got {shorten(text)}")

    if len(text) > MAX_TEXT:
        refuse(f"a number of at most {MAX_TEXT} characters")
    text = text.strip()
    quotient = _QUOTIENT.fullmatch(text)
    if quotient:
        if int(quotient[2]) == 0:
            refuse("a number with a nonzero denominator")
        return Fraction(int(quotient[1]), int(quotient[2]))
    decimal = _DECIMAL.fullmatch(text)
    if decimal is None:
        refuse("a number such as 1e-3, 0.001 or 1/1000")
    exponent = decimal[1]
    if exponent is not None and abs(int(exponent)) > _MAX_EXPONENT:
        refuse(f"a number with a decimal exponent from -{_MAX_EXPONENT} to {_MAX_EXPONENT}")
    return Fraction(text)


def read_rational(value: object, name: str, allowed: str = "") -> Fraction:
    """Return `value` as an exact Fraction.

    Text is read as the number it spells ("1e-3" is 1/1000). A float stands for its shortest
    decimal: 0.001 is read as 1/1000, not as the double next to it. `allowed` is the range that the
    caller checks, for the messages: "1e-300 <= eps < 1".

    Raises
    ------
    InvalidInput
        For anything that is not a finite number, and for text or rationals too long to handle.
    """
    if isinstance(value, bool):
        raise InvalidInput(f"{name} must be a number, got {value}")
    if isinstance(value, str):
        return _parse_rational(value, name, allowed)
    if isinstance(value, float):  # numpy's float64 is one too; its own repr has its type in it
        return _parse_rational(float.__repr__(value), name, allowed)
    if isinstance(value, Decimal):
        return _parse_rational(str(value), name, allowed)
    if isinstance(value, int | Fraction):
        if max(value.numerator.bit_length(), value.denominator.bit_length()) > _MAX_BITS:
            raise InvalidInput(
                f"{name} must have numerator and denominator of at most {_MAX_BITS} bits"
            )
        return Fraction(value)
    try:
        return Fraction(operator.index(value))  # type: ignore[arg-type]
    except TypeError:
        raise InvalidInput(
            f"{name} must be text, an int, a Fraction or a float, got {shorten(value)} "
            f"of type {type(value).__name__}"
        ) from None


def read_integer(value: object, name: str, least: int, most: int, most_text: str = "") -> int:
    """Return `value` as an int in [least, most].

    Integral text is accepted; floats are not, even integral ones.

    Raises
    ------
    InvalidInput
        If it is not an integer or not in the range; `most_text` writes the upper end for people.
    """
    allowed = f"an integer from {least} to {most_text or most}"
    if isinstance(value, str):
        if len(value) > MAX_TEXT or not _INTEGER.fullmatch(value.strip()):
            raise InvalidInput(f"{name} must be {allowed}, got {shorten(value)}")
        number = int(value)
    elif isinstance(value, bool):
        raise InvalidInput(f"{name} must be {allowed}, got {value}")
    else:
        try:
            number = operator.index(value)  # type: ignore[arg-type]
        except TypeError:
            raise InvalidInput(f"{name} must be {allowed}, got {shorten(value)}") from None
    if not least <= number <= most:
        raise InvalidInput(f"{name} must be {allowed}, got {shorten(number)}")
    return number
