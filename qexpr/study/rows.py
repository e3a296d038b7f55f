"""Values of columns: from what a kind returns to JSON, and from JSON to the text of a CSV."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from qexpr.core.claim import double_below
from qexpr.core.decimals import digits_of
from qexpr.errors import InvalidInput, shorten
from qexpr.study.kind import Cell, Column, Finding, Kind, Result, Row, digest_column

__all__ = [
    "VERDICTS",
    "agree",
    "cell_row",
    "encode_values",
    "field_text",
    "parse_field",
    "render_field",
    "require_fields",
]

VERDICTS = ("consistent", "violates", "incomparable")


def encode_values(kind: Kind, result: Result) -> dict[str, Any]:
    """The values of a result as JSON, checked against the columns of the kind.

    Raises
    ------
    InvalidInput
        Where a value has no column, or not the column's type.
    """
    known = {column.name: column for column in kind.columns}
    for name in result.values:
        if name not in known:
            raise InvalidInput(f"kind {kind.name} returned {name}, which is none of its columns")
    for name in result.files:
        if name not in kind.files:
            raise InvalidInput(f"kind {kind.name} returned the file {name}, which it does not name")
    return {column.name: _encode(column, result.values.get(column.name)) for column in kind.columns}


def _encode(column: Column, value: Any) -> Any:
    if value is None:
        return None
    encoded = _ENCODERS[column.type](value)
    if encoded is None:
        raise InvalidInput(
            f"column {column.name} holds {column.type} values, got {shorten(value)} "
            f"of type {type(value).__name__}"
        )
    return encoded


def _int(value: Any) -> str | int | None:
    try:
        number = operator.index(value)
    except TypeError:
        return None
    if isinstance(value, bool):
        return None
    return number if abs(number) < 2**53 else digits_of(number)  # JSON's readers know doubles


def _float(value: Any) -> float | None:
    return float(value) if isinstance(value, float) and math.isfinite(value) else None


def _rational(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | Fraction):
        return None
    exact = Fraction(value)
    return f"{digits_of(exact.numerator)}/{digits_of(exact.denominator)}"


def _lower(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | Fraction):
        return None
    rounded = double_below(Fraction(value))
    return rounded if math.isfinite(rounded) else None


def _upper(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | Fraction):
        return None
    rounded = -double_below(-Fraction(value))
    return rounded if math.isfinite(rounded) else None


def _text(value: Any) -> str | None:
    return " ".join(value.split()) if isinstance(value, str) else None


def _verdict(value: Any) -> str | None:
    return value if value in VERDICTS else None


_ENCODERS = {
    "int": _int,
    "float": _float,
    "rational": _rational,
    "lower": _lower,
    "upper": _upper,
    "text": _text,
    "verdict": _verdict,
}


def render_field(column: Column, value: Any) -> str:
    """The text of a JSON value in results.csv; empty for null."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return repr(value + 0.0)  # no negative zero
    if column.type == "rational":
        return value if "/" in str(value) else f"{value}/1"
    if isinstance(value, list):
        return " ".join(map(str, value))
    return str(value)


def field_text(column: Column, value: Any) -> str:
    """The text in results.csv of a value as `Kind.run` returns it."""
    return render_field(column, _encode(column, value))


def parse_field(column: Column, text: str) -> Any:
    """What a text in results.csv says, in the types of `qexpr.study.kind.Row`."""
    if text == "":
        return None
    try:
        if column.type == "int":
            return int(text)
        if column.type == "float":
            return float(text)
        if column.type in ("rational", "lower", "upper"):
            return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise InvalidInput(
            f"column {column.name} holds {shorten(text)}, no {column.type}"
        ) from None
    if column.type == "verdict" and text not in VERDICTS:
        raise InvalidInput(f"column {column.name} holds {shorten(text)}, no verdict")
    return text


def require_fields(row: Row, names: Iterable[str]) -> None:
    """Refuse a row in which one of these is empty.

    Raises
    ------
    InvalidInput
        With the column's name.
    """
    for name in names:
        if row[name] is None:
            raise InvalidInput(f"column {name} is empty, which no row that is ok leaves so")


def agree(kind: Kind, row: Row, values: Mapping[str, Any]) -> Iterator[Finding]:
    """A finding for each value that was derived again, beside what the row says.

    Parameters
    ----------
    kind : Kind
    row : Row
        A row of results.csv.
    values : mapping
        Columns of the kind, with values as `Kind.run` returns them.
    """
    known = {column.name: column for column in kind.columns}
    for name, value in values.items():
        column = known[name]
        text = field_text(column, value)
        if parse_field(column, text) == row[name]:
            yield Finding(True, name)
        else:
            ends = column.type in ("lower", "upper") and row[name] is not None
            value = float(row[name]) if ends else row[name]  # as the table spells them
            there = "nothing" if value is None else shorten(value)
            yield Finding(False, f"{name} is {text or 'nothing'}, the table says {there}")


def cell_row(kind: Kind, cell: Cell, record: Row) -> dict[str, Any]:
    """The JSON values of one row: a cell and the record that is stored for it."""
    digests = {digest_column(name): file["sha256"] for name, file in record["files"].items()}
    said = {name: record[name] or None for name in ("status", "reason", "error")}
    values = {**cell, **record["values"], **digests, **said}
    return {column.name: values.get(column.name) for column in kind.all_columns}
