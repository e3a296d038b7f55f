"""The words of a table in plain English: its heading, and the notes beneath it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from qexpr.bounds.rows import Row
from qexpr.cli.output import paragraph
from qexpr.core.decimals import short

__all__ = ["QUANTIFIERS", "footer", "heading"]

QUANTIFIERS = {
    "class fixed": "every f of F(d,n) by one graph; only the free weights depend on f",
    "class any": "every f of F(d,n); the graph may depend on f",
    "function fixed": "this f, by a graph that serves the whole class",
    "function any": "this f, by a graph made for it",
}
_ORDER = "the expression with its unnamed constant put to 1: it shows growth, it is not a guarantee"
_EXPLICIT = "holds as written, rounded to the safe side"
_RECALLED = (
    "written from memory, right as written with probability p; enters no comparison and no floor"
)


def heading(rows: Sequence[Row], varying: Sequence[str]) -> str:
    """What was asked: the class, the weights, the accuracy."""
    if not rows:
        return "No bound was asked for that says anything of this quantity."
    query, eps = rows[0].query, rows[0].eps
    parts = []
    if "d" in varying or "n" in varying:
        parts.append("F(d,n) on [0,1]^d, all derivatives up to order n at most 1 in size")
    else:
        cube = "[0,1]" if query.d == 1 else f"[0,1]^{query.d}"
        parts.append(
            f"F({query.d},{query.n}): f on {cube}, all derivatives up to order {query.n} "
            "at most 1 in size"
        )
    if "eps" not in varying:
        parts.append("eps = ?" if eps is None else f"sup error eps = {short(eps)}")
    if "alphabet" not in varying:
        parts.append(f"alphabet {query.alphabet} ({query.lam} weight values)")
    return "; ".join(parts)


def footer(rows: Sequence[Row], remarks: Iterable[str]) -> list[str]:
    """The words that the table uses, the caveats of its sources, and where to read on."""
    kinds = {str(row.bound.kind) for row in rows}
    terms: dict[str, str] = {}
    if "order" in kinds:
        terms["order, unit constant"] = _ORDER
    if "explicit" in kinds:
        terms["explicit"] = _EXPLICIT
    seen = {row.quantifier for row in rows}
    terms |= {name: text for name, text in QUANTIFIERS.items() if name in seen}
    levels = {row.bound.source.trust.level for row in rows}
    if "CONFIRMED" in levels:
        terms["CONFIRMED"] = "read in the source, or in a restatement of it"
    if "DERIVED" in levels:
        terms["DERIVED"] = "proved for qexpr"
    if "RECALLED" in levels:
        terms["RECALLED p"] = _RECALLED
    if not terms:
        return [*remarks]
    lines = ["WORDS"]
    for term, text in terms.items():
        lines += paragraph(term, text, hang=22)
    settings: dict[str, list[str]] = {}
    for row in {row.bound.id: row for row in rows}.values():
        settings.setdefault(row.bound.setting or "any", []).append(row.bound.id)
    lines += ["", "THE WEIGHTS ARE"]
    hang = min(max(len(setting) for setting in settings) + 2, 46)
    for setting, ids in settings.items():
        lines += paragraph(setting, ", ".join(ids), hang=hang)
    notes = {row.bound.id: row.bound.source.note for row in rows if row.bound.source.note}
    if notes:
        lines += ["", "CAVEATS"]
        hang = max(len(id) for id in notes) + 2
        for id, note in notes.items():
            lines += paragraph(id, note, hang=hang)
    lines += ["", *remarks]
    return [*lines, "Statement and formula: qexpr bound --explain ID. Sources: --cite."]
