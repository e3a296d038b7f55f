"""Rows side by side: one line for each bound and query, one cell for each quantity."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from qexpr.core.claim import Side
from qexpr.core.decimals import short

if TYPE_CHECKING:
    from qexpr.bounds.bound import Bound
    from qexpr.bounds.rows import Row

__all__ = ["Line", "lines_of", "parameters", "varying"]


class Line(NamedTuple):
    """What one bound says at one query, by quantity."""

    bound: Bound
    where: dict[str, str]
    cells: dict[str, Row]

    @property
    def quantifiers(self) -> list[str]:
        """Those of its cells, each once."""
        return list(dict.fromkeys(row.quantifier for row in self.cells.values()))


def parameters(row: Row) -> dict[str, str]:
    """The query of a row as texts."""
    query = row.query
    return {
        "d": str(query.d),
        "n": str(query.n),
        "alphabet": str(query.alphabet),
        "eps": "" if row.eps is None else short(row.eps),
    }


def varying(rows: Sequence[Row]) -> list[str]:
    """The parameters that take more than one value in a table."""
    seen: dict[str, set[str]] = {}
    for row in {(row.query, row.eps): row for row in rows}.values():
        for name, text in parameters(row).items():
            seen.setdefault(name, set()).add(text)
    return [name for name, texts in seen.items() if len(texts) > 1]


def lines_of(rows: Sequence[Row], side: Side) -> list[Line]:
    """The rows of one side that apply, bound by bound in the order of their first appearance."""
    mine = [row for row in rows if row.applies and row.bound.side is side]
    first_seen = {row.bound.id: i for i, row in reversed(list(enumerate(mine)))}
    mine.sort(key=lambda row: first_seen[row.bound.id])  # stable: queries stay in their order
    lines = []
    for _, group in groupby(mine, key=lambda row: (row.bound.id, row.query)):
        cells = {row.quantity: row for row in group}
        first = next(iter(cells.values()))
        lines.append(Line(first.bound, parameters(first), cells))
    return lines
