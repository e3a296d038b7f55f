"""The table that people read: upper bounds, lower bounds, floors and ratios, and what is out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import groupby

from qexpr.bounds.rows import Row
from qexpr.cli.glossary import footer, heading
from qexpr.cli.output import columns, paragraph
from qexpr.core.claim import Explicit, Order, Side
from qexpr.core.decimals import round_decimal, short, spell

__all__ = ["render"]

_QUANTITIES = ("depth", "width", "weights", "bits", "free_bits", "eps")
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
        return spell(*round_decimal(Fraction(value.value), 4))
    if value.value is not None and abs(value.value) < 10**12:
        return f"{value.value:,}"
    return spell(*round_decimal(value.guarantee, 5, up=value.side is Side.UPPER))


def render(rows: Sequence[Row], remarks: Iterable[str] = ()) -> str:
    """The whole table as text."""
    good = [row for row in rows if row.applies]
    bad = [row for row in rows if not row.applies]
    varying = _varying(rows)
    inverse = any(row.quantity == "eps" for row in rows)
    lines = [heading(rows, varying), ""]
    body = {side: _lines(good, side, varying) for side in Side}
    names = _names(good, varying, inverse)
    everything = [line for side in Side for line in body[side]]
    widths = [max(len(line[i]) for line in [names, *everything]) for i in range(len(names))]
    keep = [i for i in range(len(names)) if any(line[i] for line in everything)]
    right = [name in _NUMERIC or name in varying for name in names]
    titles = _INVERSE_TITLES if inverse else _TITLES
    for side in Side:
        if body[side]:
            lines.append(titles[side])
            table = [[line[i] for i in keep] for line in [names, *body[side]]]
            lines += columns(table, [right[i] for i in keep], [widths[i] for i in keep])
            lines.append("")
    if not good:
        lines += ["No bound applies.", ""]
    if not inverse:
        lines += _floors(good, varying)
    lines += _out(bad, varying, rows)
    lines += footer(good, remarks)
    return "\n".join(lines).rstrip() + "\n"


_NUMERIC = {"depth", "width", "weights", "bits", "free bits", "eps", "least eps"}


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


def _names(rows: Sequence[Row], varying: Sequence[str], inverse: bool) -> list[str]:
    quantities = [q.replace("_", " ") if q != "eps" else "least eps" for q in _QUANTITIES]
    return ["bound", *varying, *quantities, "kind", "holds for", "trust"]


def _lines(rows: Sequence[Row], side: Side, varying: Sequence[str]) -> list[list[str]]:
    """One line for each bound, query and quantifier; repeated names are left blank."""
    mine = [row for row in rows if row.bound.side is side]
    order = {row.bound.id: i for i, row in reversed(list(enumerate(mine)))}
    mine.sort(key=lambda row: order[row.bound.id])  # stable: queries stay in their order
    lines, last = [], ""
    for (id, _query, quantifier), group in groupby(
        mine, key=lambda row: (row.bound.id, row.query, row.quantifier)
    ):
        cells = {row.quantity: row for row in group}
        first = next(iter(cells.values()))
        values = [
            number(cells[q].claim.value) if q in cells else ""  # type: ignore[union-attr]
            for q in _QUANTITIES
        ]
        where = _parameters(first)
        kind = "order, unit constant" if str(first.bound.kind) == "order" else "explicit"
        lines.append(
            [
                "" if id == last else id,
                *(where[name] for name in varying),
                *values,
                kind,
                quantifier,
                str(first.bound.source.trust),
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
    title = "FLOORS: the best explicit lower bound, and the explicit upper bounds over it"
    return [title, *lines, ""]


def _out(bad: Sequence[Row], varying: Sequence[str], rows: Sequence[Row]) -> list[str]:
    """Why bounds do not apply; on a grid, where."""
    if not bad:
        return []
    places = len({(row.query, row.eps) for row in rows})
    reasons: dict[tuple[str, str], set[object]] = {}
    for row in bad:
        reasons.setdefault((row.bound.id, row.reason or ""), set()).add((row.query, row.eps))
    hang = max(len(id) for id, _ in reasons) + 2
    lines = ["DO NOT APPLY HERE"]
    for (id, reason), where in reasons.items():
        some = f" (at {len(where)} of {places} points)" if varying and len(where) < places else ""
        lines += paragraph(id, f"{reason}{some}", hang=hang)
    return [*lines, ""]
