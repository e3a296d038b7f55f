"""The pieces of a report's text: numbers for people, references, counts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from qexpr.core.decimals import round_decimal, short, spell
from qexpr.errors import InvalidInput
from qexpr.study.kind import Column, Kind, Row, Summary

__all__ = ["count_words", "field", "number", "reference_list", "shorter", "small_field"]

_SIGNS = {"consistent": "✓ ", "violates": "✗ ", "incomparable": "– "}
_DIGITS = 5


def number(column: Column, value: Any) -> str:
    """A value for people: integers whole, ends rounded outward, other floats to five digits."""
    if value is None:
        return ""
    if isinstance(value, float):
        return spell(*round_decimal(Fraction(value), _DIGITS))
    if column.type in ("lower", "upper"):
        return spell(*round_decimal(value, _DIGITS, up=column.type == "upper"))
    return short(value) if isinstance(value, Fraction) else str(value)


def field(column: Column, value: Any) -> dict[str, Any]:
    """A field of the HTML table: text, how it looks, and the number that it is sorted by."""
    looks = ["text"] if column.type in ("text", "verdict") else []
    if column.order:
        looks.append("order")
    if column.type == "verdict" and value is not None:
        looks.append(value)
    if column.name == "status" and value == "failed":
        looks.append("failed")
    sign = _SIGNS.get(value, "") if column.type == "verdict" else ""
    numeric = isinstance(value, int | float | Fraction)
    return {
        "text": sign + shorter(number(column, value), 60),
        "look": " ".join(looks),
        "sort": _double(value) if numeric else None,
    }


_LEADING = re.compile(r"(?:at least )?([-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?)(?:/(\d+))?(?![\w:])")


def small_field(text: str) -> dict[str, Any]:
    """A field of a small table; a text that begins with a number is sorted by it."""
    found = _LEADING.match(text)
    if found is None:
        return {"text": text, "look": "text" if text else "", "sort": None}
    return {
        "text": text,
        "look": "",
        "sort": float(found[1].replace(",", "")) / float(found[2] or 1),
    }


def _double(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return 1.7e308


def shorter(text: str, most: int = 300) -> str:
    """A text cut to a length."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def count_words(statuses: Mapping[str, int]) -> str:
    """How many rows have which status: ``12 ok, 4 excluded``."""
    return ", ".join(f"{count} {status}" for status, count in sorted(statuses.items()))


def reference_list(
    summary: Summary, kind: Kind, rows: Sequence[Row]
) -> tuple[list[str], list[str]]:
    """BibTeX entries and texts of everything that a study cites, each once.

    That is what its summary names, and the bounds in the columns ``*_claim``.
    """
    from qexpr.bounds.citations import cited

    columns = [c.name for c in kind.columns if c.name.endswith("_claim")]
    claims = {str(row[name]).partition(":")[0] for row in rows for name in columns if row[name]}
    found = {}
    for name in (*summary.sources, *sorted(claims)):
        try:
            found |= {reference.key: reference for reference in cited(name)}
        except InvalidInput:
            if name in summary.sources:
                raise  # a claim may be the study's own; a source may not be misspelt
    ordered = [found[key] for key in sorted(found)]
    return [one.bibtex for one in ordered], [str(one) for one in ordered]
