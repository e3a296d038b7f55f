"""A finished study as a short paper: one HTML file that needs nothing else, a table, figures."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from importlib import resources
from typing import Any

from qexpr.errors import InvalidInput
from qexpr.study.catalogue import shipped
from qexpr.study.folder import Folder
from qexpr.study.kind import Column, Kind, Row, Summary
from qexpr.study.latex import latex_table
from qexpr.study.report_text import count_words, field, reference_list, shorter, small_field
from qexpr.study.spec import Study
from qexpr.study.table import read_rows

__all__ = ["write_report"]

_MOST_ROWS = 1000  # of the HTML table; results.csv has all


def write_report(folder: Folder, study: Study) -> list[str]:
    """Write figures, report.html, table.tex and references.bib from results.csv.

    The same table gives the same bytes.

    Returns
    -------
    list of str
        The names of the files.

    Raises
    ------
    InvalidInput
        Where there is no table, or jinja2 or matplotlib is not installed.
    """
    kind = study.kind
    rows = list(read_rows(folder.path / "results.csv", kind))
    summary = kind.summary(rows) if kind.summary is not None else Summary()
    figures, written = [], []
    for figure in summary.figures:
        drawn = {form: figure.draw(form) for form in ("svg", "pdf")}
        for form, data in drawn.items():
            folder.write(f"figures/{figure.name}.{form}", data)
            written.append(f"figures/{figure.name}.{form}")
        data = base64.b64encode(drawn["svg"]).decode("ascii")
        figures.append(
            {"name": figure.name, "alt": figure.alt, "caption": figure.caption, "data": data}
        )
    entries, texts = reference_list(summary, kind, rows)
    document = json.loads((folder.path / "provenance.json").read_bytes())
    page = _template().render(
        **_page(study, rows, summary, document), figures=figures, references=texts
    )
    folder.write("report.html", page + "\n")
    folder.write("table.tex", latex_table(shown_columns(kind), rows, study))
    folder.write("references.bib", "\n".join(entries))
    return [*written, "report.html", "table.tex", "references.bib"]


def shown_columns(kind: Kind) -> tuple[Column, ...]:
    """The columns of the report's table."""
    if not kind.shown:
        return kind.all_columns
    by_name = {column.name: column for column in kind.all_columns}
    return tuple(by_name[name] for name in kind.shown)


def _template() -> Any:
    try:
        import jinja2
    except ModuleNotFoundError:
        raise InvalidInput("reports need jinja2: pip install 'qexpr[study]'") from None
    text = (resources.files("qexpr.study") / "report.html").read_text("utf-8")
    return jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(text)


def _page(
    study: Study, rows: Sequence[Row], summary: Summary, document: dict[str, Any]
) -> dict[str, Any]:
    """Everything that the template is filled with, but figures and references."""
    kind, columns = study.kind, shown_columns(study.kind)
    statuses = Counter(row["status"] for row in rows)
    return {
        "name": study.name,
        "title": study.title,
        "counts": count_words(statuses),
        "question": _paragraphs(study.question),
        "answer": summary.answer,
        "method": _paragraphs(study.method),
        "kind_title": kind.title,
        "seeds": ", ".join(map(str, study.seeds)) if kind.seeded else "",
        "budget": ", ".join(f"{v} {name}" for name, v in study.budget.items() if v),
        "small_tables": [
            {
                "caption": small.caption,
                "header": small.header,
                "rows": [[small_field(text) for text in row] for row in small.rows],
            }
            for small in summary.tables
        ],
        **_verdicts(kind, rows),
        "table_columns": [{"name": c.name, "help": c.help, "look": _look(c)} for c in columns],
        "table": [[field(c, row[c.name]) for c in columns] for row in rows[:_MOST_ROWS]],
        "shown_rows": min(len(rows), _MOST_ROWS),
        "all_rows": len(rows),
        "all_columns": len(kind.all_columns),
        "apart": _apart(rows),
        "exact": kind.exact,
        "extras": ",".join(dict.fromkeys(("study", *(extra for _, extra in kind.needs)))),
        "networks": _networks(document),
        "facts": _facts(document),
        "provenance": document,
        "spec_name": study.name if study.name in shipped() else f"{study.name}.toml",
        "specification": study.text.strip(),
    }


def _look(column: Column) -> str:
    looks = ["text"] if column.type in ("text", "verdict") else []
    return " ".join([*looks, *(["order"] if column.order else [])])


def _paragraphs(text: str) -> list[str]:
    return [" ".join(part.split()) for part in text.split("\n\n") if part.strip()]


def _verdicts(kind: Kind, rows: Sequence[Row]) -> dict[str, Any]:
    table, reasons, violations = [], Counter[str](), []
    for column in kind.columns:
        if column.type != "verdict":
            continue
        prefix = column.name.removesuffix("verdict")
        found = Counter(row[column.name] for row in rows if row[column.name] is not None)
        claims = {row.get(f"{prefix}claim") for row in rows} - {None}
        table.append(
            {
                "name": prefix.strip("_") or column.name,
                "claim": _claims(claims) or column.help,
                **{name: found[name] for name in ("consistent", "violates", "incomparable")},
            }
        )
        for index, row in enumerate(rows, 1):
            why = row.get(f"{prefix}why") or row["reason"] or ""
            if row[column.name] == "incomparable":
                reasons[why or "no reason was written"] += 1
            elif row[column.name] == "violates":
                violations.append(f"row {index}, {column.name}: {why}")
    return {
        "verdicts": table,
        "reasons": [{"text": t, "count": n} for t, n in reasons.most_common(8)],
        "violations": violations[:20],
    }


def _claims(claims: Iterable[Any]) -> str:
    told = sorted(map(str, claims))
    return "; ".join(told[:3]) + (f"; and {len(told) - 3} more" if len(told) > 3 else "")


def _apart(rows: Sequence[Row]) -> list[dict[str, Any]]:
    found = Counter(
        (row["status"], row["error"] or row["reason"] or "")
        for row in rows
        if row["status"] != "ok"
    )
    return [{"status": s, "reason": shorter(r), "count": n} for (s, r), n in found.most_common(12)]


def _networks(document: dict[str, Any]) -> str:
    listed = document.get("networks") or []
    kept = sum(bool(one["kept"]) for one in listed)
    if not listed:
        return ""
    named = f"; {len(listed) - kept} more are named by digest" if kept < len(listed) else ""
    return f"The {kept} files of cells that are kept lie in networks/{named}"


def _facts(document: dict[str, Any]) -> list[tuple[str, str]]:
    machine, able = document["computed_on"], document["capability"]
    packages = ", ".join(f"{k} {v}" for k, v in able["packages"].items() if v != "not installed")
    return [
        ("specification", document["specification_sha256"]),
        ("code", document["code_sha256"]),
        *(("code of bounds", document[key]) for key in ("bounds_code_sha256",) if key in document),
        ("results.csv", document["results_sha256"]),
        ("computed on", f"{machine['cpu']}, {machine['cores']} cores, {machine['system']}"),
        ("instruction sets", " ".join(able["instruction_sets"])),
        ("packages", f"Python {machine['python']}, {packages}"),
    ]
