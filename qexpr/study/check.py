"""A study held to account: what its table says is derived again, without trusting the table."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qexpr.core.canonical import sha256
from qexpr.errors import QexprError, shorten
from qexpr.study.cells import Job, count_cells, describe, jobs, validate_cells
from qexpr.study.folder import Folder
from qexpr.study.kind import Finding, Kind, Row, digest_column
from qexpr.study.provenance import capability
from qexpr.study.rows import cell_row, parse_field, render_field
from qexpr.study.spec import Study
from qexpr.study.table import digest_of, read_texts
from qexpr.study.tasks import one_thread, run_cell
from qexpr.study.tools import Tools

__all__ = ["Checked", "check_study"]

_STATUSES = ("ok", "outside", "failed", "excluded")
_SAMPLE = 20  # one cell in so many is run again in full
_SHARE = 0.5  # of the time, for what is derived without running cells again


@dataclass
class Checked:
    """What a check has found.

    Attributes
    ----------
    stands : int
        Numbers and proofs that were derived again.
    wrong : list of str
        What does not stand, with its row.
    open : list of str
        What could not be checked, with the reason.
    cells, whole : int
        Cells that were looked at, and all of them.
    again : int
        Cells that were run again in full, byte for byte.
    unlike : list of str
        Why this machine may compute other last digits than the table's did; empty where it may not.
    """

    stands: int = 0
    wrong: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    cells: int = 0
    whole: int = 0
    again: int = 0
    unlike: list[str] = field(default_factory=list)

    def take(self, finding: Finding, where: str) -> None:
        """Count a finding."""
        if finding.stands:
            self.stands += 1
        elif finding.stands is None:
            self.open.append(f"{where}: {finding.text}")
        else:
            self.wrong.append(f"{where}: {finding.text}")


def check_study(
    folder: Folder,
    study: Study,
    budget: float | None = None,
    tell: Callable[[int, int], None] | None = None,
) -> Checked:
    """Derive again what a finished study says.

    The table has to have the cells of the specification, the digests of provenance.json, and the
    stored networks theirs. Then every bound column, verdict and certificate is derived again (for
    kinds whose values are exact, by running the cell), and of the other kinds a sample is run
    again in full where this machine computes the same last digits. With a budget of seconds cells
    are taken in an order drawn from the study until it is used up.

    Raises
    ------
    InvalidInput
        Where there is no table, or one of another kind.
    """
    validate_cells(study)
    one_thread()
    start = time.monotonic()
    checked = Checked(whole=count_cells(study))
    document = _provenance(folder, study, checked)
    checked.unlike = list(_unlike(document.get("capability"), capability()))
    texts = list(read_texts(folder.path / "results.csv", study.kind))
    cells = list(jobs(study, ""))
    if len(texts) != len(cells):
        checked.wrong.append(f"the table has {len(texts)} rows, the study {len(cells)} cells")
        return checked
    order = sorted(range(len(cells)), key=lambda i: sha256([study.digest, i]))
    if budget is None:
        order.sort()

    def left(share: float = 1.0) -> float:
        return math.inf if budget is None else budget * share - (time.monotonic() - start)

    share = 1.0 if study.kind.exact else _SHARE
    for i in order:
        if left(share) <= 0 and checked.cells:
            break
        for finding in _one(folder, study.kind, cells[i], texts[i]):
            checked.take(finding, _row_name(cells[i]))
        checked.cells += 1
        if tell is not None:
            tell(checked.cells, checked.whole)
    if not study.kind.exact:
        _run_sample(study.kind, [(cells[i], texts[i]) for i in order], checked, left)
    return checked


def _row_name(job: Job) -> str:
    return f"row {job.index + 1} ({describe(job.cell)})"


def _provenance(folder: Folder, study: Study, checked: Checked) -> dict[str, Any]:
    document = folder.provenance()
    if document is None:
        checked.wrong.append("provenance.json is missing or no JSON object")
        return {}
    results = folder.path / "results.csv"
    found = digest_of(results) if results.exists() else "none"
    pairs = (
        ("results_sha256", found, "results.csv is not the table that provenance.json names"),
        ("specification_sha256", study.digest, "study.toml is not what the table was made from"),
    )
    for key, value, complaint in pairs:
        checked.take(Finding(document.get(key) == value, complaint), "provenance")
    return document


def _one(folder: Folder, kind: Kind, job: Job, texts: dict[str, str]) -> Iterator[Finding]:
    """Everything about one row but its full recomputation."""
    columns = {column.name: column for column in kind.all_columns}
    for name, value in job.cell.items():
        text = render_field(columns[name], value)
        if texts[name] != text:
            yield Finding(False, f"{name} is {text} in the study, {texts[name]} in the table")
            return
    if texts["status"] not in _STATUSES:
        yield Finding(False, f"no row has the status {shorten(texts['status'])}")
        return
    if not job.excluded and texts["status"] == "excluded":
        yield Finding(False, "the study does not exclude the cell, the table does")
        return
    if job.excluded:
        record = {"status": "excluded", "reason": job.excluded, "error": "", "values": {}}
        yield from _compare(kind, job, {**record, "files": {}}, texts)
        return
    if texts["status"] == "failed":
        yield Finding(None, f"the cell failed: {texts['error']}")
        return
    try:
        if kind.exact or texts["status"] == "outside":
            yield from _again(kind, job, texts)
        if texts["status"] == "ok":
            files = yield from _files(folder, kind, texts)
            if kind.check is not None:
                row: Row = {n: parse_field(c, texts[n]) for n, c in columns.items()}
                yield from kind.check(job.cell, row, files, Tools(kind.name, job.cell))
    except QexprError as error:
        yield Finding(False, str(error))


def _again(kind: Kind, job: Job, texts: dict[str, str]) -> Iterator[Finding]:
    """The cell is run again and every field compared."""
    record, files = run_cell(kind.name, job.cell)
    digests = {n: {"sha256": hashlib.sha256(data).hexdigest()} for n, data in files.items()}
    yield from _compare(kind, job, {**record, "files": digests}, texts)


def _compare(kind: Kind, job: Job, record: Row, texts: dict[str, str]) -> Iterator[Finding]:
    row = cell_row(kind, job.cell, record)
    for column in kind.all_columns:
        text, there = render_field(column, row[column.name]), texts[column.name]
        if text != there:
            said = f"is {text or 'empty'}, the table says {there or 'nothing'}"
            yield Finding(False, f"{column.name} {said}")
        elif text and column.name not in job.cell:
            yield Finding(True, column.name)


def _files(folder: Folder, kind: Kind, texts: dict[str, str]) -> Any:
    """The files of a cell that were kept, each with the digest that the table names."""
    found: dict[str, bytes] = {}
    for name in kind.files:
        digest = texts[digest_column(name)]
        if not digest:
            continue
        place = folder.path / "networks" / f"{digest}{Path(name).suffix}"
        try:
            data = place.read_bytes()
        except OSError:
            yield Finding(None, f"{name} was not kept, its digest is {digest[:16]}")
            continue
        same = hashlib.sha256(data).hexdigest() == digest
        yield Finding(same, f"{name} has not the digest that the table names")
        if same:
            found[name] = data
    return found


def _run_sample(
    kind: Kind,
    rows: list[tuple[Job, dict[str, str]]],
    checked: Checked,
    left: Callable[[], float],
) -> None:
    ran = [(job, texts) for job, texts in rows if texts["status"] == "ok"]
    if not ran:
        return
    if checked.unlike:
        why = "; ".join(checked.unlike)
        checked.open.append(f"no cell was run again, since last digits may differ here ({why})")
        return
    wanted = math.ceil(len(ran) / _SAMPLE)
    dear: list[float] = []
    for job, texts in sorted(ran, key=lambda pair: sha256(["sample", pair[0].index])):
        if checked.again >= wanted:
            break
        if kind.cost(job.cell) > left():
            dear.append(kind.cost(job.cell))
            continue
        for finding in _again(kind, job, texts):
            checked.take(finding, f"{_row_name(job)}, run again")
        checked.again += 1
    if checked.again < wanted:
        checked.open.append(
            f"{wanted - checked.again} of a sample of {wanted} cells were not run again: the "
            f"budget has {max(left(), 0):.0f} s left, and the least of them takes about "
            f"{min(dear):.0f} s; a larger --budget, or none, runs them"
        )


def _unlike(there: Any, here: dict[str, Any]) -> Iterator[str]:
    """What of the table's machine is not so here: instruction sets and versions."""
    if not isinstance(there, dict):
        yield "provenance.json does not say what it was computed on"
        return
    for key in ("machine", "python"):
        if there.get(key) != here[key]:
            yield f"{key} {there.get(key)} there, {here[key]} here"
    if there.get("instruction_sets") != here["instruction_sets"]:
        yield "other instruction sets there"
    packages = there.get("packages")
    versions = packages if isinstance(packages, dict) else {}
    for name, version in here["packages"].items():
        if versions.get(name) != version:
            yield f"{name} {versions.get(name)} there, {version} here"
