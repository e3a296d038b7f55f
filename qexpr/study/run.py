"""A study from its first cell to its table: what is stored is not computed again."""

from __future__ import annotations

import itertools
import json
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Future
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

from qexpr.errors import InvalidInput, QexprError
from qexpr.study.cells import Job, code_digest, count_cells, describe, jobs, validate_cells
from qexpr.study.engine import Engine
from qexpr.study.folder import Folder
from qexpr.study.provenance import provenance
from qexpr.study.spec import Study
from qexpr.study.store import Store
from qexpr.study.table import digest_of, write_csv
from qexpr.study.tasks import run_cell

__all__ = ["Outcome", "Stopped", "prepare", "require_extras", "run_study"]

KEPT_BYTES = 20 * 10**6
_POOLS = 3  # how often broken workers are replaced
_EXCLUDED = {"status": "excluded", "error": "", "values": {}, "files": {}}


class Stopped(QexprError):
    """A study ended before its last cell; what is finished is stored."""


@dataclass
class Outcome:
    """What a study has come to: how many cells have which status, and what violates a bound."""

    statuses: dict[str, int] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)
    kept: int = 0
    named: int = 0

    @property
    def failed(self) -> int:
        """How many cells failed."""
        return self.statuses.get("failed", 0)


Told = Callable[[int, int, int], None]
"""Told (done, failed, in all) after each cell."""


def require_extras(study: Study) -> None:
    """Refuse where something that the cells need is not installed, and say what to install."""
    from importlib.util import find_spec

    for module, extra in (*study.kind.needs, ("jinja2", "study"), ("matplotlib", "study")):
        if find_spec(module) is None:
            raise InvalidInput(
                f"{study.name} needs {module}, which is not installed: pip install 'qexpr[{extra}]'"
            )


def prepare(
    study: Study, folder: Folder, *, retry_failed: bool = False, replace: bool = False
) -> tuple[int, int, float]:
    """Check everything that can be checked before a cell runs, and make the folder the study's.

    Returns
    -------
    whole, left : int
        How many cells there are, and how many are not stored yet.
    seconds : float
        The CPU time that those may take.

    Raises
    ------
    InvalidInput
        For a study that contradicts itself, a missing extra, a folder that does not fit.
    """
    validate_cells(study)
    require_extras(study)
    folder.claim(study, replace)
    stored = folder.store.names()
    whole, left, seconds = 0, 0, 0.0
    for job in jobs(study, code_digest(study.kind.name)):
        whole += 1
        if job.excluded or (job.name in stored and not retry_failed):
            continue
        if _needed(job, folder.store, retry_failed):
            left += 1
            seconds += study.kind.cost(job.cell)
    return whole, left, seconds


def run_study(
    study: Study,
    folder: Folder,
    engine: Engine,
    *,
    retry_failed: bool = False,
    tell: Told | None = None,
) -> Outcome:
    """Run what is not stored yet, then write results.csv, provenance.json and times.csv.

    `prepare` comes first. The engine is left open. The table does not depend on it.

    Raises
    ------
    Stopped
        Where workers died too often; all that is finished is stored.
    """
    store, code = folder.store, code_digest(study.kind.name)
    progress = _Progress(count_cells(study), tell)

    def todo() -> Iterator[Job]:
        for job in jobs(study, code):
            if job.excluded:
                progress.one("excluded")
            elif _needed(job, store, retry_failed):
                yield job
            else:
                progress.one("stored")

    _Work(study, store, engine, progress).through(todo())
    return _finish(study, folder, code)


def _needed(job: Job, store: Store, retry_failed: bool) -> bool:
    record = store.read(job.name)
    return record is None or (retry_failed and record["status"] == "failed")


class _Progress:
    def __init__(self, whole: int, tell: Told | None) -> None:
        self.whole, self.tell, self.done, self.failed = whole, tell, 0, 0

    def one(self, status: str) -> None:
        self.done += 1
        self.failed += status == "failed"
        if self.tell is not None:
            self.tell(self.done, self.failed, self.whole)


class _Work:
    """Tasks under way: at most a window of them, so that memory does not grow with the study."""

    def __init__(self, study: Study, store: Store, engine: Engine, progress: _Progress) -> None:
        self.study, self.store, self.engine, self.progress = study, store, engine, progress
        self.under_way: dict[Future[Any], Job] = {}
        self.ended: SimpleQueue[Future[Any]] = SimpleQueue()
        self.suspects: list[Job] = []  # under way when workers died: run one at a time
        self.pools = 0

    def through(self, todo: Iterator[Job]) -> None:
        """Run all jobs; every result is stored as soon as it is there."""
        try:
            while self._fill(todo):
                self._take(self._ended())
        except BaseException:
            self._take_finished()
            self.engine.close(at_once=True)
            raise

    def _ended(self) -> list[Future[Any]]:
        """Wait for a task to end; all that have."""
        if not self.under_way:
            return []
        return [self.ended.get(), *(self.ended.get() for _ in range(self.ended.qsize()))]

    def _fill(self, todo: Iterator[Job]) -> bool:
        if self.suspects:
            if not self.under_way:
                self._submit(self.suspects.pop(0))
            return True
        for job in itertools.islice(todo, self.engine.window - len(self.under_way)):
            self._submit(job)
        return bool(self.under_way)

    def _submit(self, job: Job) -> None:
        try:
            future = self.engine.executor.submit(run_cell, self.study.kind.name, dict(job.cell))
        except BrokenExecutor:
            self._replace_workers([job])
        except RuntimeError as error:  # a cluster that is gone takes no tasks
            raise Stopped(f"{self.engine.name} takes no more cells: {error}") from None
        else:
            self.under_way[future] = job
            future.add_done_callback(self.ended.put)

    def _take(self, done: list[Future[Any]]) -> None:
        lost: list[Job] = []
        for future in done:
            job = self.under_way.pop(future, None)
            if job is None:  # given up with its worker, and tried again since
                continue
            if future.cancelled():  # by nobody here
                raise Stopped(f"{self.engine.name} is gone")
            error = future.exception()
            if isinstance(error, BrokenExecutor):
                lost.append(job)
            elif error is not None:
                self._keep(job, _failure(f"{type(error).__name__}: {error}"), {})
            else:
                self._keep(job, *future.result())
        if lost:
            self._replace_workers(lost)

    def _replace_workers(self, lost: list[Job]) -> None:
        """New workers; what was under way is tried again alone, so that a killer is found."""
        self._take_finished()
        lost += self.under_way.values()
        self.under_way.clear()
        if len(lost) == 1 and self.pools:
            self._keep(lost.pop(), _failure("its worker died: killed, or out of memory"), {})
        self.suspects = sorted([*lost, *self.suspects], key=lambda job: job.index)
        self.pools += 1
        if self.pools > _POOLS:
            raise Stopped(f"workers died {self.pools} times; the last cells: {self._named()}")
        self.engine.reopen()

    def _named(self) -> str:
        return "; ".join(describe(job.cell) for job in self.suspects[:2]) or "none"

    def _take_finished(self) -> None:
        """What came to its end beside what went wrong is kept too."""
        for future, job in list(self.under_way.items()):
            if future.done() and not future.cancelled() and future.exception() is None:
                del self.under_way[future]
                self._keep(job, *future.result())

    def _keep(self, job: Job, record: dict[str, Any], files: dict[str, bytes]) -> None:
        self.store.write(job.name, record, files)
        self.progress.one(record["status"])


def _failure(error: str) -> dict[str, Any]:
    text = " ".join(error.split())[:300]
    return {"status": "failed", "reason": "", "error": text, "values": {}, "seconds": 0.0}


def _finish(study: Study, folder: Folder, code: str) -> Outcome:
    """Write the table from what is stored, and what it was made from."""
    outcome, networks = Outcome(), _Networks(folder)
    times = [",".join(("cell", "seconds", *study.kind.times)) + "\n"]
    verdicts = [c.name for c in study.kind.columns if c.type == "verdict"]

    def rows() -> Iterator[tuple[Any, Any]]:
        for job in jobs(study, code):
            record: Any = {**_EXCLUDED, "reason": job.excluded}
            if not job.excluded:
                record = folder.store.read(job.name)
                if record is None:
                    raise Stopped(f"the cell {describe(job.cell)} is not stored; run again")
                own = (record.get("times", {}).get(name) for name in study.kind.times)
                texts = ("" if time is None else f"{time:.3g}" for time in own)
                times.append(",".join((str(job.index), f"{record['seconds']:.3f}", *texts)) + "\n")
                networks.add(record["files"])
            status = record["status"]
            outcome.statuses[status] = outcome.statuses.get(status, 0) + 1
            for name in verdicts:
                if record["values"].get(name) == "violates":
                    outcome.violations.append(f"row {job.index + 1} ({describe(job.cell)}): {name}")
            yield job.cell, record

    path = folder.path / "results.csv"
    write_csv(path, study.kind, rows())
    document = provenance(study, code, digest_of(path), outcome.statuses)
    document["networks"] = networks.keep()
    outcome.kept, outcome.named = networks.counts()
    folder.write("provenance.json", json.dumps(document, indent=2) + "\n")
    folder.write("times.csv", "".join(times))
    return outcome


class _Networks:
    """The files of cells: in the order of the study they are kept up to a size, then named."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.list: dict[str, dict[str, Any]] = {}
        self.size = 0

    def add(self, files: dict[str, dict[str, Any]]) -> None:
        for name, file in files.items():
            if file["sha256"] in self.list:
                continue
            kept = self.size + file["bytes"] <= KEPT_BYTES
            self.size += file["bytes"] * kept
            self.list[file["sha256"]] = {"name": name, **file, "kept": kept}

    def keep(self) -> list[dict[str, Any]]:
        """Put what is kept into ``networks/``; nothing else stays there."""
        place = self.folder.path / "networks"
        shutil.rmtree(place, ignore_errors=True)
        for digest, file in self.list.items():
            if file["kept"]:
                place.mkdir(exist_ok=True)
                source = self.folder.store.file(file["name"], digest)
                target = place / source.name
                try:
                    os.link(source, target)
                except OSError:  # another file system, or one without links
                    shutil.copyfile(source, target)
        return list(self.list.values())

    def counts(self) -> tuple[int, int]:
        kept = sum(file["kept"] for file in self.list.values())
        return kept, len(self.list) - kept
