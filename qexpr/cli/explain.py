"""One bound in full: statement, regime, formulas, source and trust."""

from __future__ import annotations

from qexpr.bounds.bound import Bound
from qexpr.bounds.registry import all_bounds, get
from qexpr.bounds.remarks import REMARKS, Remark
from qexpr.cli.glossary import QUANTIFIERS
from qexpr.cli.output import columns, paragraph
from qexpr.core.claim import Kind, Side

__all__ = ["explain_bound", "listing"]


def listing() -> str:
    """All ids with their titles; those of remarks too, which have no value in any table."""
    rows = [
        (bound.id, f"{bound.side} {bound.kind}", bound.title + _setting(bound))
        for bound in all_bounds()
    ]
    rows += [(one.id, "remark", f"no number: {one.reason}") for one in REMARKS]
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    return "\n".join(columns(rows, (False,) * 3, widths, indent=0)) + "\n"


def _setting(bound: Bound) -> str:
    return "" if not bound.setting or bound.setting in bound.title else f" [{bound.setting}]"


def _explain_remark(one: Remark) -> str:
    lines = [f"{one.id}: a statement without a number", ""]
    lines += paragraph("", one.statement, hang=0)
    lines += ["", "WHAT IT IS"]
    lines += paragraph("no value because", one.reason)
    lines += paragraph("source", f"{one.source}: {one.source.reference}")
    lines += paragraph("trust", str(one.source.trust))
    return "\n".join([*lines, "", one.source.bibtex.rstrip()]) + "\n"


def explain_bound(id: str) -> str:
    """Everything that a bound says of itself, formula texts as they are evaluated."""
    for one in REMARKS:
        if one.id == id:
            return _explain_remark(one)
    bound = get(id)
    lines = [f"{bound.id}: {bound.title}", ""]
    lines += paragraph("", bound.statement, indent=0, hang=0)
    lines += ["", "FORMULAS (log is base 2)"]
    sign = {
        (Kind.ORDER, Side.UPPER): "= O( {} )",
        (Kind.ORDER, Side.LOWER): "= Omega( {} )",
        (Kind.EXPLICIT, Side.UPPER): "<= {}",
        (Kind.EXPLICIT, Side.LOWER): ">= {}",
    }[bound.kind, bound.side]
    for statement in bound.statements:
        text = sign.format(statement.text)
        if statement.quantifier is not None:
            text += f"   [{statement.quantifier}]"
        lines += paragraph(statement.quantity.replace("_", " "), text)
    for name, text in bound.definitions:
        lines += paragraph(name, f"= {text}")
    for name, meaning in bound.parameters.items():
        lines += paragraph(name, f"found by search: {meaning}")
    lines += ["", "LATEX", *(f"  {line}" for line in bound.latex().splitlines())]
    lines += ["", "REGIME"]
    conditions = [(condition.text, condition.reason) for condition in bound.regime]
    if bound.alphabet is not None:
        conditions.insert(0, (f"alphabet {bound.alphabet}", "the weights it speaks of"))
    for text, reason in conditions or [("all d, n, lambda, eps", "")]:
        lines += paragraph(text, reason, hang=max(18, len(text) + 2))
    lines += ["", "WHAT IT IS"]
    kind = "an expression up to an unnamed constant" if bound.kind is Kind.ORDER else "as written"
    facts = [
        ("side", str(bound.side)),
        ("kind", f"{bound.kind}: {kind}"),
        ("holds for", f"{bound.quantifier}: {QUANTIFIERS[bound.quantifier]}"),
        ("weights are", bound.setting or "any"),
        ("source", f"{bound.source}: {bound.source.reference}"),
        ("trust", str(bound.source.trust)),
        ("caveat", bound.source.note),
    ]
    for term, text in facts:
        if text:
            lines += paragraph(term, text)
    return "\n".join([*lines, "", bound.bibtex.rstrip()]) + "\n"
