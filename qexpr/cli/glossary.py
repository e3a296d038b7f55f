"""The words of a table in plain English: its heading, its notes, the terms it uses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from qexpr.bounds.bound import Bound
from qexpr.bounds.rows import Row
from qexpr.cli.output import paragraph
from qexpr.core.decimals import short

__all__ = ["KINDS", "QUANTIFIERS", "Notes", "footer", "heading", "holds_for"]

QUANTIFIERS = {
    "class fixed": "one graph for every f of F(d,n); only the free weights depend on f",
    "class any": "every f of F(d,n), by a graph that may depend on f",
    "function fixed": "this f, by a graph that serves the whole class",
    "function any": "this f, by a graph made for it",
    "both": "class fixed in free bits, class any in bits of a description, the graph included",
}
KINDS = {
    "order": "the expression with its unnamed constant put to 1: shows growth, guarantees nothing",
    "explicit": "holds as written; the last digit shown is rounded to the safe side",
}
_TRUST = {
    "CONFIRMED": "read in the source, or in a restatement of it",
    "DERIVED": "proved for qexpr",
    "RECALLED": "from memory, right as written with probability p; enters no comparison, no floor",
}


def holds_for(quantifiers: Sequence[str]) -> str:
    """The quantifier of one line: "both" for a floor that is stated both ways."""
    distinct = set(quantifiers)
    if distinct == {"class fixed", "class any"}:
        return "both"
    return " / ".join(dict.fromkeys(quantifiers))


class Notes:
    """What the weights, the class or the norm are, and caveats: numbered, each text once."""

    def __init__(self, rows: Sequence[Row]) -> None:
        bounds = {row.bound.id: row.bound for row in rows}.values()
        texts = dict.fromkeys(filter(None, map(self._text, bounds)))
        self.texts = {text: str(i) for i, text in enumerate(texts, 1)}

    @staticmethod
    def _text(bound: Bound) -> str:
        return "; ".join(filter(None, (bound.setting, bound.source.note)))

    def number(self, bound: Bound) -> str:
        """The number of a bound's note, or nothing."""
        return self.texts.get(self._text(bound), "")


def heading(rows: Sequence[Row], varying: Sequence[str]) -> list[str]:
    """What was asked: the class, the accuracy, the weights."""
    if not rows:
        return ["No bound that was asked for speaks of this quantity."]
    query, eps = rows[0].query, rows[0].eps
    d, n = ("d" if "d" in varying else query.d), ("n" if "n" in varying else query.n)
    cube = "[0,1]" if d == 1 else f"[0,1]^{d}"
    lines = [f"F({d},{n}): functions on {cube} whose derivatives up to order {n} are at most 1."]
    second = ""
    if "eps" not in varying:
        second = "Least eps in sup norm. " if eps is None else f"eps = {short(eps)} in sup norm. "
    if "alphabet" not in varying:
        second += f"Weights from the alphabet {query.alphabet}: {query.lam} values."
    return [*lines, *filter(None, [second.strip()])]


def footer(rows: Sequence[Row], notes: Notes, remarks: Iterable[str]) -> list[str]:
    """Notes by number, the words that the table uses, and where to read on."""
    lines = []
    if notes.texts:
        lines.append("NOTES (column #): what the weights are, and caveats")
        for text, i in notes.texts.items():
            lines += paragraph(f"{i:>2}", text, hang=4)
        lines.append("")
    kinds = {str(row.bound.kind) for row in rows}
    holds = {row.quantifier for row in rows}
    of_bounds: dict[str, set[str]] = {}
    for row in rows:
        of_bounds.setdefault(row.bound.id, set()).add(row.quantifier)
    holds |= {holds_for(sorted(quantifiers)) for quantifiers in of_bounds.values()}
    levels = {row.bound.source.trust.level for row in rows}
    terms = {("order, unit constant" if k == "order" else k): KINDS[k] for k in KINDS if k in kinds}
    terms |= {name: text for name, text in QUANTIFIERS.items() if name in holds}
    terms |= {
        ("RECALLED p" if name == "RECALLED" else name): text
        for name, text in _TRUST.items()
        if name in levels
    }
    if any(row.quantity == "free_bits" for row in rows):
        terms["free"] = "free bits: those of the weights that depend on f"
    if terms:
        lines.append("WORDS")
        for term, text in terms.items():
            lines += paragraph(term, text, hang=22)
        lines.append("")
    lines += remarks
    return [*lines, "Statement and formula: qexpr bound --explain ID. Sources: --cite."]
