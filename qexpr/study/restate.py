"""What bounds say beside trained networks, written again when bounds have got better.

A row of a trained network holds what was trained, and what bounds say of it. The second part
follows from the first by today's code; nothing is trained again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from qexpr.errors import InvalidInput
from qexpr.study.cells import code_digest, count_cells, describe, jobs, validate_cells
from qexpr.study.folder import Folder
from qexpr.study.kind import Row
from qexpr.study.rows import field_text, parse_field
from qexpr.study.spec import Study
from qexpr.study.table import digest_of, read_texts, write_texts

__all__ = ["Restated", "restate_study"]


@dataclass
class Restated:
    """How many fields changed, by column, and rows that violate a bound now."""

    changed: dict[str, int] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)


def restate_study(
    folder: Folder, study: Study, tell: Callable[[int, int], None] | None = None
) -> Restated:
    """Write results.csv again with what today's bounds say; provenance.json says by which code.

    Raises
    ------
    InvalidInput
        For a kind whose rows are run again instead, a table that is not the study's or not the one
        that provenance.json names.
    """
    kind = study.kind
    restate = kind.restate
    if restate is None:
        raise InvalidInput(
            f"rows of kind {kind.name} hold nothing that is stated beside a trained network; "
            f"run it again: qexpr study run {study.name}"
        )
    validate_cells(study)
    path, spec = folder.path / "results.csv", folder.path / "study.toml"
    document = folder.provenance()
    if document is None:
        raise InvalidInput(f"{folder.path}/provenance.json is missing or no JSON object")
    if document.get("results_sha256") != digest_of(path):
        raise InvalidInput(f"{path} is not the table that provenance.json names")
    if document.get("specification_sha256") != study.digest:
        raise InvalidInput(f"{spec} is not what the table was made from")
    number, cells = sum(1 for _ in read_texts(path, kind)), count_cells(study)
    if number != cells:
        raise InvalidInput(f"{path} has {number} rows, the study {cells} cells")
    columns = {column.name: column for column in kind.all_columns}
    verdicts = [column.name for column in kind.columns if column.type == "verdict"]
    found = Restated()

    def rows() -> Iterator[dict[str, str]]:
        for job, texts in zip(jobs(study, ""), read_texts(path, kind), strict=True):
            if texts["status"] == "ok":
                row: Row = {n: parse_field(c, texts[n]) for n, c in columns.items()}
                values, reason = restate(job.cell, row)
                new = {n: field_text(columns[n], value) for n, value in values.items()}
                for name, text in {**new, "reason": reason}.items():
                    if text != texts[name]:
                        found.changed[name] = found.changed.get(name, 0) + 1
                        texts[name] = text
                found.violations += [
                    f"row {job.index + 1} ({describe(job.cell)}): {name}"
                    for name in verdicts
                    if texts[name] == "violates"
                ]
            if tell is not None:
                tell(job.index + 1, cells)
            yield texts

    write_texts(path, kind, rows())
    document["results_sha256"] = digest_of(path)
    document["bounds_code_sha256"] = code_digest(kind.name)
    folder.write("provenance.json", json.dumps(document, indent=2) + "\n")
    return found
