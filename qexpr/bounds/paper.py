"""Tables for papers: LaTeX with booktabs, every number with its kind, notes beneath."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from qexpr.bounds.pivot import Line, lines_of, varying
from qexpr.core.claim import QUANTITIES, Explicit, Kind, Order, Side
from qexpr.core.decimals import round_decimal, short, spell

if TYPE_CHECKING:
    from qexpr.bounds.rows import Row, Table

__all__ = ["escape", "latex_number", "latex_table"]

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    **{character: rf"\{character}" for character in "_%&#${}"},
}
_TITLES = {Side.UPPER: "Upper bounds (sufficient)", Side.LOWER: "Lower bounds (necessary)"}
_COLUMNS = {"free_bits": "free bits", "eps": r"least $\varepsilon$"}
_PARAMETERS = {"d": "$d$", "n": "$n$", "alphabet": "alphabet", "eps": r"$\varepsilon$"}
_HOLDS = {
    ("class fixed",): "one network graph",
    ("class any",): "graph depends on $f$",
    ("class fixed", "class any"): "either$^a$",
    ("function fixed",): "this $f$, graph of the class",
    ("function any",): "this $f$",
}
_EITHER = (
    "$^a$ Free bits where one network graph serves all functions; where the graph may depend on "
    "the function, bits of a complete description, graph included."
)
_ORDER = (
    "Order: the expression with its unnamed constant put to 1; it shows growth and is no guarantee."
)
_EXPLICIT = "Explicit: holds as written, rounded to the safe side."
_RECALLED = (
    "Recalled $p$: the statement is quoted from memory and is right as written with probability "
    "$p$; check it against its source before use."
)


def escape(text: str) -> str:
    """Text with LaTeX's special characters made harmless."""
    return "".join(_SPECIAL.get(character, character) for character in text)


def latex_number(value: Explicit | Order) -> str:
    """A value as LaTeX math: exact counts whole, guarantees rounded outward."""
    if isinstance(value, Order):
        return _decimal(spell(*round_decimal(Fraction(value.value), 4)))
    if value.value is not None and abs(value.value) < 10**9:
        return f"${value.value:,}$".replace(",", r"\,")
    return _decimal(spell(*round_decimal(value.guarantee, 5, up=value.side is Side.UPPER)))


def _decimal(text: str) -> str:
    mantissa, e, exponent = text.partition("e")
    if not e:
        whole, point, rest = text.partition(".")
        return f"${int(whole):,}{point}{rest}$".replace(",", r"\,")
    power = rf"10^{{{exponent}}}"
    return f"${power}$" if mantissa == "1" else rf"${mantissa} \cdot {power}$"


def _cells(line: Line, repeated: bool, free: Sequence[str], quantities: Sequence[str]) -> list[str]:
    bound = line.bound
    name = rf"\texttt{{{escape(bound.id)}}}~\cite{{{bound.source.key}}}"
    quantifiers = tuple(sorted(line.quantifiers, reverse=True))
    return [
        "" if repeated else name,
        *(_parameter(line.where[parameter]) for parameter in free),
        *(_value(line.cells[q]) if q in line.cells else "" for q in quantities),
        str(bound.kind),
        _HOLDS.get(quantifiers, escape(" / ".join(quantifiers))),
        str(bound.source.trust).lower(),
    ]


def _parameter(text: str) -> str:
    return _decimal(text) if text[:1].isdigit() and "/" not in text else escape(text)


def _value(row: Row) -> str:
    return latex_number(row.claim.value) if row.claim is not None else ""


def _comments(table: Table, free: Sequence[str]) -> list[str]:
    """What the caption has to say: the query, or its fixed part."""
    if not table:
        return ["% no bound was asked for"]
    query, eps = table[0].query, table[0].eps
    fixed = {
        "d": f"d = {query.d}",
        "n": f"n = {query.n}",
        "alphabet": f"alphabet {query.alphabet}",
        "eps": "" if eps is None else f"eps = {short(eps)}",
    }
    return ["% " + ", ".join(text for name, text in fixed.items() if text and name not in free)]


def _notes(rows: Sequence[Row], either: bool) -> list[str]:
    kinds = {row.bound.kind for row in rows}
    notes = [_ORDER] if Kind.ORDER in kinds else []
    notes += [_EXPLICIT] if Kind.EXPLICIT in kinds else []
    notes += [_RECALLED] if any(not row.bound.source.trust.is_firm for row in rows) else []
    return notes + ([_EITHER] if either else [])


def latex_table(table: Table) -> str:
    """A booktabs table of the rows that apply; a grid gets a column for each of its parameters.

    The query stands in a comment above it, what the words mean in notes beneath it.
    """
    good = [row for row in table if row.applies]
    free = varying(table)
    used = {row.quantity for row in good}
    quantities = [quantity for quantity in QUANTITIES if quantity in used]
    names = [
        "bound",
        *(_PARAMETERS[name] for name in free),
        *(_COLUMNS.get(quantity, quantity) for quantity in quantities),
        *("kind", "holds for", "trust"),
    ]
    sides = {side: lines_of(table, side) for side in Side}
    count = len(names)
    lines = [
        *_comments(table, free),
        rf"\begin{{tabular}}{{l{'r' * (len(free) + len(quantities))}lll}}",
        r"\toprule",
        " & ".join(names) + r" \\",
    ]
    for side, members in sides.items():
        if members:
            lines += [r"\midrule", rf"\multicolumn{{{count}}}{{l}}{{\emph{{{_TITLES[side]}}}}} \\"]
            for i, line in enumerate(members):
                repeated = i > 0 and members[i - 1].bound is line.bound
                lines.append(" & ".join(_cells(line, repeated, free, quantities)) + r" \\")
    lines.append(r"\bottomrule")
    either = any(len(line.quantifiers) > 1 for members in sides.values() for line in members)
    for note in _notes(good, either):
        lines.append(rf"\multicolumn{{{count}}}{{p{{0.9\linewidth}}}}{{\footnotesize {note}}} \\")
    return "\n".join([*lines, r"\end{tabular}", ""])
