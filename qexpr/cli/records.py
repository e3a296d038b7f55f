"""Rows for programs: JSON and CSV, with the same keys."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qexpr.core.decimals import digits_of

if TYPE_CHECKING:
    from qexpr.bounds.rows import Table

__all__ = ["dump", "to_csv", "to_json"]


def dump(document: Any) -> str:
    """JSON text; integers of any size, no NaN."""
    # Counts are our own numbers: the interpreter's guard against long digit strings is for input.
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        return json.dumps(document, indent=2, allow_nan=False) + "\n"
    finally:
        sys.set_int_max_str_digits(before)


def to_json(query: Mapping[str, str], table: Table) -> str:
    """``{"query": {...}, "rows": [...]}``; exact counts are integers of any size."""
    return dump({"query": dict(query), "rows": table.to_dicts()})


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return digits_of(value) if isinstance(value, int) else str(value)


def to_csv(table: Table) -> str:
    """One line for each row under a header; empty cells for null, floats in full."""
    from qexpr.bounds.rows import KEYS

    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(KEYS)
    for row in table.to_dicts():
        writer.writerow([_cell(row[key]) for key in KEYS])
    return file.getvalue()
