"""The table that people read: upper bounds, lower bounds, floors and ratios, and what is out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import groupby

from qexpr.bounds.pivot import lines_of, parameters, varying
from qexpr.bounds.rows import Row
from qexpr.cli.glossary import Notes, footer, heading, holds_for
from qexpr.cli.output import columns, paragraph
from qexpr.core.claim import Explicit, Kind, Order, Side
from qexpr.core.decimals import round_decimal, spell

__all__ = ["render"]

_QUANTITIES = ("depth", "width", "weights", "bits", "free_bits", "eps")
_NUMERIC = {"depth", "width", "weights", "bits", "free", "least eps", "#"}
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
    free = varying(rows)
    inverse = any(row.quantity == "eps" for row in rows)
    notes = Notes(sorted(good, key=lambda row: row.bound.side is Side.LOWER))
    lines = [*heading(rows, free), ""]
    body = {side: _lines(good, side, free, notes) for side in Side}
    of_class = all(row.quantifier.startswith("class ") for row in good)
    names = ["bound", *free, *(_column(q) for q in _QUANTITIES)]
    names += ["kind", "class" if of_class else "holds for", "trust", "#"]
    everything = [line for side in Side for line in body[side]]
    if of_class:  # a narrower column: the word stands in its head
        for line in everything:
            line[-3] = line[-3].removeprefix("class ")
    keep = [i for i in range(len(names)) if any(line[i] for line in everything)]
    widths = [max(len(line[i]) for line in [names, *everything]) for i in keep]
    right = [names[i] in _NUMERIC or names[i] in free for i in keep]
    for side, title in (_INVERSE_TITLES if inverse else _TITLES).items():
        if body[side]:
            table = [[line[i] for i in keep] for line in [names, *body[side]]]
            lines += [title, *columns(table, right, widths), ""]
    if not good:
        lines += ["No bound applies.", ""]
    if not inverse:
        lines += _floors(good, free)
    lines += _out(rows, free)
    lines += footer(good, notes, remarks)
    return "\n".join(lines).rstrip() + "\n"


def _column(quantity: str) -> str:
    return {"eps": "least eps", "free_bits": "free"}.get(quantity, quantity)


def _lines(rows: Sequence[Row], side: Side, free: Sequence[str], notes: Notes) -> list[list[str]]:
    """One line for each bound and query; a bound's name stands on its first line only."""
    lines, last = [], ""
    for line in lines_of(rows, side):
        bound = line.bound
        lines.append(
            [
                "" if bound.id == last else bound.id,
                *(line.where[name] for name in free),
                *(_cell(line.cells.get(quantity)) for quantity in _QUANTITIES),
                "explicit" if bound.kind is Kind.EXPLICIT else "order, unit constant",
                holds_for(line.quantifiers),
                str(bound.source.trust),
                notes.number(bound),
            ]
        )
        last = bound.id
    return lines


def _cell(row: Row | None) -> str:
    return "" if row is None or row.claim is None else number(row.claim.value)


def _floors(rows: Sequence[Row], free: Sequence[str]) -> list[str]:
    """Every explicit upper bound over the best explicit floor that it may be held against."""
    from qexpr.cli.ratios import floor_lines

    lines = []
    for _, group in groupby(rows, key=lambda row: row.query):
        same = list(group)
        where = parameters(same[0])
        label = ", ".join(f"{name} = {where[name]}" for name in free)
        lines += floor_lines(same, label, number)
    if not lines:
        return []
    title = (
        "FLOORS: the best explicit lower bounds, and how far explicit upper bounds are above them"
    )
    return [title, *lines, ""]


def _out(rows: Sequence[Row], free: Sequence[str]) -> list[str]:
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
        lines += [*paragraph("", f"{reason}:", hang=0), *paragraph("", ", ".join(ids), hang=4)]
    return [*lines, ""]
