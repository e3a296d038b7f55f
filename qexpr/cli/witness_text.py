"""The report of ``qexpr witness``: for people, and as JSON."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from qexpr.cli.output import columns, paragraph
from qexpr.core.decimals import round_decimal, spell
from qexpr.errors import OutOfRegime

if TYPE_CHECKING:
    from qexpr.core.query import Query

__all__ = ["as_json", "as_text"]

_HEADER = ("", "weights", "depth", "bits", "free bits", "what it is")
_RIGHT = (False, True, True, True, True, False)


def as_text(report: dict[str, Any]) -> str:
    """The whole report."""
    query = report["query"]
    lines = [*_asked(report), "", *_promise(report), "", *_table(report), ""]
    lines += _floor(query, report["counts"])
    for name, path in report.get("files", {}).items():
        lines += paragraph(name, path)
    return "\n".join(lines) + "\n"


def _decimal(value: Fraction, up: bool) -> str:
    return spell(*round_decimal(value, 4, up))


def _asked(report: dict[str, Any]) -> list[str]:
    query = report["query"]
    if "target" not in report:
        return [
            f"The class F({query.d},{query.n}), eps = {query.eps}, weights {query.alphabet}: "
            "counts only, nothing is built"
        ]
    f, proof = report["target"], report["membership"]
    eps = f.units.error_to_user(query.eps)
    lines = [f"Witness for {f.text} in F({query.d},{query.n}), eps = {eps}", ""]
    if not f.units.trivial:
        lines += paragraph("units", f"{f.units.describe()}; errors below are in these units")
    size = "1" if proof.norm == 1 else f"{_decimal(proof.norm, True)}"
    lines += paragraph(
        "membership",
        f"proven: every derivative up to order {query.n} is at most {size} in size "
        f"({proof.boxes} boxes)",
    )
    return lines


def _promise(report: dict[str, Any]) -> list[str]:
    plan = report["plan"]
    graph = plan.parameters.get("graph", "fixed")
    kind = (
        "one graph for the whole class" if graph == "fixed" else "the graph depends on the target"
    )
    lines = paragraph("construction", f"{plan.construction}, {kind}")
    shown = ", ".join(f"{k} = {_parameter(v)}" for k, v in plan.parameters.items() if k != "graph")
    lines += paragraph("plan", shown)
    units = report["target"].units if "target" in report else None
    error = plan.error if units is None else units.error_to_user(plan.error)
    lines += paragraph("guarantee", f"sup |f - f~| <= {_decimal(error, True)} (explicit)")
    if "certificate" in report:
        made = report["certificate"]
        low, high = (units.error_to_user(end) for end in (made.lower, made.upper))
        lines += paragraph(
            "verdict",
            f"{made.verdict} ({made.method}): {_decimal(low, False)} <= sup |f - f~| <= "
            f"{_decimal(high, True)}",
        )
        lines += paragraph("digest", report["digest"])
    return lines


def _parameter(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {v}" for k, v in value.items()) + "}"
    return str(value)


def _table(report: dict[str, Any]) -> list[str]:
    """This network, the other constructions, and the published orders, each with its kind."""
    query, counts = report["query"], report["counts"]
    built = "built and counted" if "certificate" in report else "counted exactly"
    rows = [_HEADER, _row("this network", counts, built)]
    for name, plan in report["plans"].items():
        if isinstance(plan, str):
            rows.append((name, "-", "-", "-", "-", f"does not apply: {plan}"))
        elif plan.construction != report["plan"].construction or plan != report["plan"]:
            c = plan.counts
            values = {"weights": c.weights, "depth": c.depth}
            if c.bits_per_weight:
                values |= {"bits": c.bits, "free_bits": c.free_bits}
            what = "explicit" if c.bits_per_weight else "explicit, real weights"
            rows.append(_row(name, values, what))
    rows += _orders(query)
    widths = [max(len(row[i]) for row in rows) for i in range(len(_HEADER))]
    return columns(rows, _RIGHT, widths)


def _row(name: str, values: dict[str, Any], what: str) -> tuple[str, ...]:
    cells = [values.get(key) for key in ("weights", "depth", "bits", "free_bits")]
    return (name, *("-" if cell is None else f"{cell:,}" for cell in cells), what)


def _orders(query: Query) -> list[tuple[str, ...]]:
    from qexpr import bounds

    theorem = "ding2018.theorem1" if query.alphabet.kind == "nonlinear" else "ding2018.theorem2"
    rows = []
    for id in (theorem, "yarotsky2017.theorem1"):
        bound = bounds.get(id)
        try:
            values = {claim.quantity: claim.value for claim in bound.claims(query)}
        except OutOfRegime:
            continue
        cells = [values.get(key) for key in ("weights", "depth", "bits", "free_bits")]
        rows.append(
            (
                id,
                *("-" if cell is None else f"~{float(cell):,.0f}" for cell in cells),
                f"order, unit constant ({bound.source.trust})",
            )
        )
    return rows


def _floor(query: Query, counts: dict[str, int]) -> list[str]:
    from qexpr.bounds.entropy import floor_bits

    try:
        floor = floor_bits(query.d, query.n, query.eps)
    except OutOfRegime as reason:
        return paragraph("floor", f"none here: {reason}")
    least = -(-floor.lower.numerator // floor.lower.denominator)
    text = f"any network of one fixed graph for this class needs {least:,} free bits"
    if least > 0:
        ratio = _decimal(Fraction(counts["free_bits"], least), True)
        text += f"; this one has {ratio} times as many"
    return paragraph("floor", text)


def as_json(report: dict[str, Any]) -> str:
    """The report as JSON."""
    import json

    query, plan = report["query"], report["plan"]
    value: dict[str, Any] = {
        "query": {
            "d": query.d,
            "n": query.n,
            "lambda": query.lam,
            "alphabet": str(query.alphabet),
            "eps": str(query.eps),
        },
        "plan": plan.to_dict(),
        "counts": report["counts"],
        "constructions": {
            name: other
            if isinstance(other, str)
            else {
                "weights": other.counts.weights,
                "depth": other.counts.depth,
                "bits": other.counts.bits,
                "free_bits": other.counts.free_bits,
                "error": str(other.error),
            }
            for name, other in report["plans"].items()
        },
        "files": report.get("files", {}),
    }
    if "certificate" in report:
        certificate, f = report["certificate"], report["target"]
        value |= {
            "target": f.to_dict(),
            "membership": report["membership"].to_dict(),
            "digest": report["digest"],
            "verdict": str(certificate.verdict),
            "method": certificate.method,
            "lower": str(f.units.error_to_user(certificate.lower)),
            "upper": str(f.units.error_to_user(certificate.upper)),
        }
    return json.dumps(value, indent=2) + "\n"
