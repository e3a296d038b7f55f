"""The table of a study for a paper: booktabs, orders marked, notes beneath."""

from __future__ import annotations

from collections.abc import Sequence

from qexpr.bounds.paper import escape
from qexpr.study.kind import Column, Row
from qexpr.study.report_text import number
from qexpr.study.spec import Study

__all__ = ["latex_table"]

_LONG = 45  # rows; a longer table runs over pages

_NOTES = {
    "order": "Order: an expression with its unnamed constant put to 1; no guarantee.",
    "upper": "Upper and lower ends are rounded outward.",
}


def latex_table(columns: Sequence[Column], rows: Sequence[Row], study: Study) -> str:
    r"""All rows that have values, as ``tabular`` or, where they are many, ``longtable``.

    The document needs ``booktabs`` (and ``longtable``).
    """
    columns = [column for column in columns if column.name not in ("status", "reason", "error")]
    right = ["l" if column.type in ("text", "verdict") else "r" for column in columns]
    heads = " & ".join(_head(column) for column in columns) + r" \\"
    body = [
        " & ".join(escape(number(column, row[column.name])) for column in columns) + r" \\"
        for row in rows
        if row["status"] == "ok"
    ]
    caption = rf"\caption{{{escape(study.title)}.{_notes(columns)}}}"
    label = rf"\label{{tab:{study.name}}}"
    start = [
        f"% {study.name}, written by qexpr study report; packages booktabs"
        + (", longtable" if len(body) > _LONG else "")
    ]
    if len(body) > _LONG:
        start += [rf"\begin{{longtable}}{{{''.join(right)}}}", caption + label + r"\\"]
        start += [
            r"\toprule",
            heads,
            r"\midrule",
            r"\endfirsthead",
            r"\toprule",
            heads,
            r"\midrule",
        ]
        start += [r"\endhead", r"\bottomrule", r"\endfoot"]
        return "\n".join([*start, *body, r"\end{longtable}", ""])
    start += [r"\begin{table}", r"\centering", caption, label]
    start += [rf"\begin{{tabular}}{{{''.join(right)}}}", r"\toprule", heads, r"\midrule"]
    return "\n".join([*start, *body, r"\bottomrule", r"\end{tabular}", r"\end{table}", ""])


def _head(column: Column) -> str:
    name = escape(column.name.replace("_", " "))
    return rf"\textit{{{name}}}" if column.order else name


def _notes(columns: Sequence[Column]) -> str:
    notes = []
    if any(column.order for column in columns):
        notes.append(f"In italics: {_NOTES['order'][0].lower()}{_NOTES['order'][1:]}")
    if any(column.type in ("lower", "upper") for column in columns):
        notes.append(_NOTES["upper"])
    return "".join(f" {note}" for note in notes)
