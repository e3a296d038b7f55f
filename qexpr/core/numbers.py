"""Reading numbers exactly: text, integers, rationals and the shortest decimal of a float."""

from __future__ import annotations

import operator
import re
from decimal import Decimal
from fractions import Fraction

from qexpr.errors import InvalidInput, shorten

__all__ = ["MAX_TEXT", "read_integer", "read_rational"]

MAX_TEXT = 400  # characters; longer text is refused before it is parsed
_MAX_EXPONENT = 1000
_MAX_BITS = 8192

_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE]([+-]?[0-9]+))?", re.ASCII)
_QUOTIENT = re.compile(r"([+-]?[0-9]+)/([0-9]+)", re.ASCII)
_INTEGER = re.compile(r"[+-]?[0-9]+", re.ASCII)


def _check_length(text: str, name: str) -> str:
    if len(text) > MAX_TEXT:
        raise InvalidInput(
            f"{name} must be written in at most {MAX_TEXT} characters, got {shorten(text)}"
        )
    return text.strip()


def _parse_rational(text: str, name: str) -> Fraction:
    text = _check_length(text, name)
    quotient = _QUOTIENT.fullmatch(text)
    if quotient:
        if int(quotient[2]) == 0:
            raise InvalidInput(f"{name} must have a nonzero denominator, got {shorten(text)}")
        return Fraction(int(quotient[1]), int(quotient[2]))
    decimal = _DECIMAL.fullmatch(text)
    if decimal is None:
        raise InvalidInput(
            f"{name} must be a number such as 1e-3, 0.001 or 1/1000, got {shorten(text)}"
        )
    exponent = decimal[1]
    if exponent is not None and abs(int(exponent)) > _MAX_EXPONENT:
        raise InvalidInput(
            f"{name} must have a decimal exponent of at most {_MAX_EXPONENT} in size, "
            f"got {shorten(text)}"
        )
    return Fraction(text)


def read_rational(value: object, name: str) -> Fraction:
    """Return `value` as an exact Fraction.

    Text is read as the number it spells ("1e-3" is 1/1000). A float stands for its shortest
    decimal: 0.001 is read as 1/1000, not as the double next to it.

    Raises
    ------
    InvalidInput
        For anything that is not a finite number, and for text or rationals too long to handle.
    """
    if isinstance(value, bool):
        raise InvalidInput(f"{name} must be a number, got {value}")
    if isinstance(value, str):
        return _parse_rational(value, name)
    if isinstance(value, float):  # numpy's float64 is one too; its own repr has its type in it
        return _parse_rational(float.__repr__(value), name)
    if isinstance(value, Decimal):
        return _parse_rational(str(value), name)
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
        text = _check_length(value, name)
        if not _INTEGER.fullmatch(text):
            raise InvalidInput(f"{name} must be {allowed}, got {shorten(value)}")
        number = int(text)
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
