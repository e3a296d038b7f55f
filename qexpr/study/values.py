"""Values of parameters in their one canonical JSON form."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from qexpr.core.decimals import short
from qexpr.core.numbers import read_rational
from qexpr.core.suggest import suggest
from qexpr.errors import InvalidInput, shorten
from qexpr.study.kind import Parameter

__all__ = ["canonical_value"]


def canonical_value(parameter: Parameter, value: Any) -> Any:
    """The JSON form of a value that a specification gives to a parameter.

    Raises
    ------
    InvalidInput
        With what is allowed, where it is not.
    """
    read = _READERS[parameter.type](parameter, value)
    if parameter.read is not None:
        read = parameter.read(read)
    if parameter.choices and read not in parameter.choices:
        allowed = ", ".join(map(str, parameter.choices))
        near = suggest(str(read), [str(c) for c in parameter.choices])
        raise InvalidInput(f"{parameter.name} must be one of {allowed}, got {shorten(value)}{near}")
    return read


def _int(parameter: Parameter, value: Any) -> int:
    if type(value) is not int:
        raise InvalidInput(f"{parameter.name} must be an integer, got {_given(value)}")
    _range(parameter, value)
    return value


def _rational(parameter: Parameter, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | Fraction | str):
        raise InvalidInput(f"{parameter.name} must be a number, got {_given(value)}")
    read = read_rational(value, parameter.name)
    _range(parameter, read)
    return str(read)


def _text(parameter: Parameter, value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidInput(f"{parameter.name} must be a text, got {_given(value)}")
    return value


def _flag(parameter: Parameter, value: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidInput(f"{parameter.name} must be true or false, got {_given(value)}")
    return value


def _ints(parameter: Parameter, value: Any) -> list[int]:
    if not isinstance(value, list) or not value:
        raise InvalidInput(f"{parameter.name} must be a list of integers, got {_given(value)}")
    return [_int(parameter, item) for item in value]


def _range(parameter: Parameter, value: int | Fraction) -> None:
    least, most = parameter.least, parameter.most
    if (least is None or value >= least) and (most is None or value <= most):
        return
    ends = [f"at least {_given(least)}"] if least is not None else []
    ends += [f"at most {_given(most)}"] if most is not None else []
    raise InvalidInput(f"{parameter.name} must be {' and '.join(ends)}, got {_given(value)}")


def _given(value: Any) -> str:
    return short(value) if isinstance(value, Fraction) else shorten(value)


_READERS = {"int": _int, "rational": _rational, "text": _text, "flag": _flag, "ints": _ints}
