"""The report of ``qexpr witness``: for people, and as JSON."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from qexpr.cli.output import columns, paragraph
from qexpr.cli.witness_peers import code_of_class, floor_of_class, orders, planned
from qexpr.core.decimals import round_decimal, spell

if TYPE_CHECKING:
    from qexpr.core.query import Query

__all__ = ["as_json", "as_text"]

_HEADER = ("", "weights", "times", "depth", "bits", "free bits", "what it is")
_RIGHT = (False, True, True, True, True, True, False)
_NOTE = "weights and bits are exact; the depth of a network that is not built is an upper bound"
_KINDS = {
    "shared_bitplane": "explicit; every d and n",
    "cones": "explicit; n <= 2",
    "bubbles": "explicit; n = 3, d <= 2",
    "multiresolution": "explicit; every d and n, no logarithm",
    "sigma_delta": "explicit; d = n = 1",
    "ding2018": "explicit; Ding et al.'s network, rebuilt",
    "yarotsky2017": "explicit; Yarotsky's network, real weights",
}


def as_text(report: dict[str, Any]) -> str:
    """The whole report."""
    query = report["query"]
    lines = [*_asked(report), "", *_promise(report), "", *_table(report), ""]
    lines += paragraph("counts", _NOTE)
    reasons = [reason for reason in report["plans"].values() if isinstance(reason, str)]
    if reasons:
        lines += paragraph("not applicable", "; ".join(reasons))
    lines += _floor(query, report["counts"], _graph(report))
    for name, path in report.get("files", {}).items():
        lines += paragraph(name, path)
    return "\n".join(lines) + "\n"


def _graph(report: dict[str, Any]) -> str:
    return str(report["plan"].parameters.get("graph", "fixed"))


def _decimal(value: Fraction, up: bool) -> str:
    return spell(*round_decimal(value, 4, up)) if value else "0"


def _asked(report: dict[str, Any]) -> list[str]:
    query, eps = report["query"], " ".join(report["eps"].split())
    if "target" not in report:
        return [
            f"The class F({query.d},{query.n}), eps = {eps}, weights {query.alphabet}: "
            "counts only, nothing is built"
        ]
    f, proof = report["target"], report["membership"]
    scale = "" if f.units.norm == 1 else f"{_decimal(f.units.norm, True)} "
    lines = [f"Witness for {f.text} in {scale}F({query.d},{query.n}), eps = {eps}", ""]
    if not f.units.trivial:
        lines += paragraph("units", f"{f.units.describe()}; errors below are in these units")
    lines += paragraph(
        "membership",
        f"proven: |D^a f| <= {_norm(proof.norm)} for all {len(proof.bounds)} derivatives up to "
        f"order {query.n} ({proof.boxes:,} boxes)"
        + ("" if f.units.trivial else ", f on the unit cube and over the norm"),
    )
    return lines


def _norm(norm: Fraction) -> str:
    """1 as 1; a norm just above it with the digits that tell it from 1."""
    if norm == 1:
        return "1"
    return f"1 + {_decimal(norm - 1, True)}" if norm > 1 else _decimal(norm, True)


def _promise(report: dict[str, Any]) -> list[str]:
    plan, counts = report["plan"], report["counts"]
    kind = (
        "one graph for the whole class"
        if _graph(report) == "fixed"
        else "the graph depends on the target"
    )
    lines = paragraph("construction", f"{plan.construction}, {kind}")
    shown = ", ".join(f"{k} = {_parameter(v)}" for k, v in plan.parameters.items() if k != "graph")
    lines += paragraph("plan", shown)
    if "bits" in counts:
        size = f"{-(-counts['bits'] // 8):,} bytes of weights"
        if "target" in report:
            size += f", {counts['free_bits']:,} of {counts['bits']:,} bits depend on the target"
        lines += paragraph("size", size)
    # without a target the class itself: no units
    in_units = report["target"].units.error_to_user if "target" in report else Fraction
    error = in_units(plan.error)
    lines += paragraph(
        "guarantee", f"sup |f - f~| <= {_decimal(error, True)} (explicit, for the whole class)"
    )
    if "certificate" in report:
        made = report["certificate"]
        low, high = in_units(made.lower), in_units(made.upper)
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
    name = report["plan"].construction
    rows = [_HEADER, _row("this network", counts, "1", f"{built}: {name}")]
    for other, plan in report["plans"].items():
        if isinstance(plan, str) or other == name:
            continue
        times = _ratio(Fraction(plan.counts.weights, counts["weights"]))
        rows.append(_row(other, planned(plan), times, _KINDS.get(other, "explicit")))
    for id, values in orders(query).items():
        cells = ["-" if q not in values else f"~{values[q]:,.0f}" for q in ("weights", "depth")]
        bits = f"~{values['bits']:,.0f}" if "bits" in values else "-"
        what = f"order, unit constant ({values['trust']})"
        rows.append((id, cells[0], "-", cells[1], bits, "-", what))
    widths = [max(len(row[i]) for row in rows) for i in range(len(_HEADER))]
    return columns(rows, _RIGHT, widths)


def _row(name: str, values: dict[str, int], times: str, what: str) -> tuple[str, ...]:
    cells = [values.get(key) for key in ("weights", "depth", "bits", "free_bits")]
    weights, *rest = ("-" if cell is None else f"{cell:,}" for cell in cells)
    return (name, weights, times, *rest, what)


def _ratio(value: Fraction) -> str:
    return spell(*round_decimal(value, 3, True))


def _bits(number: int) -> str:
    return f"{number:,} free bit" + ("" if number == 1 else "s")


def _floor(query: Query, counts: dict[str, int], graph: str) -> list[str]:
    floor, code = floor_of_class(query), code_of_class(query)
    if isinstance(floor, str):
        return paragraph("floor", f"none here: {floor}")
    least, name = floor
    if graph != "fixed":
        text = f"a complete description of such networks, graphs included, needs {least:,} bits"
        return paragraph("floor", f"{text} ({name}, explicit); weights alone do not count that")
    text = f"any network of one graph for this class needs {_bits(least)} ({name}, explicit)"
    if least > 0 and "free_bits" in counts:
        text += f"; this one has {_ratio(Fraction(counts['free_bits'], least))} times as many"
    lines = paragraph("floor", text)
    if not isinstance(code, str) and "free_bits" in counts:
        free, (bits, bound) = counts["free_bits"], code
        kind = "free bits of a network" if bound.startswith("witness.") else "no network"
        than = "a better one" if free < bits else "that one" if free == bits else "another"
        lines += paragraph(
            "code",
            f"{bits:,} bits are enough for some code of the class ({bound}, explicit, {kind}); "
            f"the {free:,} free bits of this network are {than}",
        )
    return lines


def as_json(report: dict[str, Any]) -> str:
    """The report as JSON; rationals are text, unit cube and unit ball but for lower and upper.

    The depth of what is not built (`constructions`, and `counts` of the class) is an upper bound.
    """
    import json

    query, plan = report["query"], report["plan"]
    floor, code = floor_of_class(query), code_of_class(query)
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
            name: other if isinstance(other, str) else {**planned(other), "error": str(other.error)}
            for name, other in report["plans"].items()
        },
        "orders": orders(query),
        "floor": floor if isinstance(floor, str) else {"bits": floor[0], "bound": floor[1]},
        "code": code if isinstance(code, str) else {"bits": code[0], "bound": code[1]},
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
