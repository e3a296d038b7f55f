"""The table that people read: upper bounds, lower bounds, floors and ratios, and what is out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import groupby

from qexpr.bounds.rows import Row
from qexpr.cli.glossary import Notes, footer, heading, holds_for
from qexpr.cli.output import columns, paragraph
from qexpr.core.claim import Explicit, Kind, Order, Side
from qexpr.core.decimals import round_decimal, short, spell

__all__ = ["render"]

_QUANTITIES = ("depth", "width", "weights", "bits", "free_bits", "eps")
_NUMERIC = {"depth", "width", "weights", "bits", "free bits", "least eps"}
_TITLES = {
    Side.UPPER: "UPPER BOUNDS: so much is enough",
    Side.LOWER: "LOWER BOUNDS: less is impossible",
}
_INVERSE_TITLES = {
    Side.UPPER: "UPPER BOUNDS: every eps from here on is reached",
    Side.LOWER: "LOWER BOUNDS: every eps below is out of reach",
}


def number(value: Explicit | Order) -> str:
    """A value for people: exact counts whole, guarantees rounded outward, orders to 4 digits."""
    if isinstance(value, Order):
        return commas(spell(*round_decimal(Fraction(value.value), 4)))
    if value.value is not None and abs(value.value) < 10**9:
        return f"{value.value:,}"
    return commas(spell(*round_decimal(value.guarantee, 5, up=value.side is Side.UPPER)))


def commas(decimal: str) -> str:
    """Thousands apart, where the number is written without an exponent."""
    whole, point, rest = decimal.partition(".")
    return f"{int(whole):,}{point}{rest}" if whole.isdigit() else decimal


def render(rows: Sequence[Row], remarks: Iterable[str] = ()) -> str:
    """The whole table as text."""
    good = [row for row in rows if row.applies]
    varying = _varying(rows)
    inverse = any(row.quantity == "eps" for row in rows)
    notes = Notes(sorted(good, key=lambda row: row.bound.side is Side.LOWER))
    lines = [*heading(rows, varying), ""]
    body = {side: _lines(good, side, varying, notes) for side in Side}
    names = ["bound", *varying, *(_column(q) for q in _QUANTITIES)]
    names += ["kind", "holds for", "trust", "note"]
    everything = [line for side in Side for line in body[side]]
    keep = [i for i in range(len(names)) if any(line[i] for line in everything)]
    widths = [max(len(line[i]) for line in [names, *everything]) for i in keep]
    right = [names[i] in _NUMERIC or names[i] in varying for i in keep]
    for side, title in (_INVERSE_TITLES if inverse else _TITLES).items():
        if body[side]:
            table = [[line[i] for i in keep] for line in [names, *body[side]]]
            lines += [title, *columns(table, right, widths), ""]
    if not good:
        lines += ["No bound applies.", ""]
    if not inverse:
        lines += _floors(good, varying)
    lines += _out(rows, varying)
    lines += footer(good, notes, remarks)
    return "\n".join(lines).rstrip() + "\n"


def _column(quantity: str) -> str:
    return "least eps" if quantity == "eps" else quantity.replace("_", " ")


def _parameters(row: Row) -> dict[str, str]:
    query = row.query
    return {
        "d": str(query.d),
        "n": str(query.n),
        "alphabet": str(query.alphabet),
        "eps": "" if row.eps is None else short(row.eps),
    }


def _varying(rows: Sequence[Row]) -> list[str]:
    """The parameters that take more than one value; they become columns."""
    seen: dict[str, set[str]] = {}
    for row in {(row.query, row.eps): row for row in rows}.values():
        for name, text in _parameters(row).items():
            seen.setdefault(name, set()).add(text)
    return [name for name, texts in seen.items() if len(texts) > 1]


def _lines(
    rows: Sequence[Row], side: Side, varying: Sequence[str], notes: Notes
) -> list[list[str]]:
    """One line for each bound and query; a bound's name stands on its first line only."""
    mine = [row for row in rows if row.bound.side is side]
    first_seen = {row.bound.id: i for i, row in reversed(list(enumerate(mine)))}
    mine.sort(key=lambda row: first_seen[row.bound.id])  # stable: queries stay in their order
    lines, last = [], ""
    for (id, _query), group in groupby(mine, key=lambda row: (row.bound.id, row.query)):
        cells = {row.quantity: row for row in group}
        first = next(iter(cells.values()))
        where = _parameters(first)
        lines.append(
            [
                "" if id == last else id,
                *(where[name] for name in varying),
                *(
                    number(cells[q].claim.value) if q in cells else ""  # type: ignore[union-attr]
                    for q in _QUANTITIES
                ),
                "explicit" if first.bound.kind is Kind.EXPLICIT else "order, unit constant",
                holds_for([row.quantifier for row in cells.values()]),
                str(first.bound.source.trust),
                notes.number(first.bound),
            ]
        )
        last = id
    return lines


def _floors(rows: Sequence[Row], varying: Sequence[str]) -> list[str]:
    """Every explicit upper bound over the best explicit floor that it may be held against."""
    from qexpr.cli.ratios import floor_lines

    lines = []
    for _, group in groupby(rows, key=lambda row: row.query):
        same = list(group)
        where = _parameters(same[0])
        label = ", ".join(f"{name} = {where[name]}" for name in varying)
        lines += floor_lines(same, label, number)
    if not lines:
        return []
    title = (
        "FLOORS: the best explicit lower bounds, and how far explicit upper bounds are above them"
    )
    return [title, *lines, ""]


def _out(rows: Sequence[Row], varying: Sequence[str]) -> list[str]:
    """Why bounds do not apply; on a grid, at how many of its points."""
    places = len({(row.query, row.eps) for row in rows})
    where: dict[tuple[str, str], set[object]] = {}
    for row in rows:
        if row.reason is not None:
            where.setdefault((row.bound.id, row.reason), set()).add((row.query, row.eps))
    if not where:
        return []
    alike: dict[str, list[str]] = {}
    for (id, reason), points in where.items():
        some = f" (at {len(points)} of {places} points)" if len(points) < places else ""
        alike.setdefault(reason + some, []).append(id)
    lines = ["DO NOT APPLY HERE"]
    for reason, ids in alike.items():
        lines += paragraph(", ".join(ids), reason, hang=26)
    return [*lines, ""]
