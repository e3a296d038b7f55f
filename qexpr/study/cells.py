"""The cells of a study, in order, and the names that what they give is kept under."""

from __future__ import annotations

import hashlib
import itertools
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from qexpr.core.canonical import canonical_json, sha256
from qexpr.errors import InvalidInput
from qexpr.study.kind import Cell
from qexpr.study.kinds import MODULES
from qexpr.study.spec import Block, Study

__all__ = ["MAX_CELLS", "Job", "code_digest", "count_cells", "jobs", "validate_cells"]

MAX_CELLS = 10**6

_NO_PART = ("cli", "figures")
_VALUES = ("compare", "fits", "kind", "packed", "rows", "tasks", "tools", "trained", "values")
"""Of study, besides the kinds: what a cell's values come from."""


@dataclass(frozen=True, slots=True)
class Job:
    """One cell of a study at its place.

    `excluded` is the written reason, where it is not run; `name` the SHA-256 of kind, cell and
    code: what was computed by other code is not taken for it.
    """

    index: int
    cell: Cell
    name: str
    excluded: str = ""


def count_cells(study: Study) -> int:
    """How many rows the study has, excluded ones included.

    Raises
    ------
    InvalidInput
        Where they are more than 10^6.
    """
    count = sum(block.size for block in study.blocks) * max(len(study.seeds), 1)
    if count > MAX_CELLS:
        raise InvalidInput(f"{study.name} has {count} cells; at most {MAX_CELLS} can be run")
    return count


def jobs(study: Study, code: str) -> Iterator[Job]:
    """Every cell in the order of results.csv: block by block, the last axis and seed fastest."""
    index = 0
    rest = canonical_json({"code": code, "kind": study.kind.name})[1:]
    for block in study.blocks:
        for cell in _of_block(block, study):
            # The canonical JSON of kind, cell and code, of which only the cell is new.
            text = b'{"cell":%b,%b' % (canonical_json(cell), rest)
            name = hashlib.sha256(text).hexdigest()
            yield Job(index, cell, name, _excluded(cell, study))
            index += 1


def _of_block(block: Block, study: Study) -> Iterator[Cell]:
    names = [name for axis, _ in block.axes for name in axis]
    order = [p.name for p in study.kind.parameters]
    same = {**block.fixed, **study.budget}
    seeds: tuple[Any, ...] = study.seeds or (None,)
    for steps in itertools.product(*(values for _, values in block.axes)):
        values = itertools.chain.from_iterable(steps)
        given = {**same, **dict(zip(names, values, strict=True))}
        for seed in seeds:
            cell = {name: given[name] for name in order}
            if study.kind.seeded:
                cell["seed"] = seed
            yield cell


def _excluded(cell: Cell, study: Study) -> str:
    for exclusion in study.exclusions:
        if all(cell[name] in values for name, values in exclusion.where.items()):
            return exclusion.reason
    return ""


def validate_cells(study: Study) -> None:
    """Refuse what can be seen to be wrong before anything is run.

    Raises
    ------
    InvalidInput
        For cells that stand twice, exclusions that exclude nothing, a study in which nothing is
        left, and settings that the kind says contradict each other.
    """
    count_cells(study)
    seen: set[str] = set()
    used: set[str] = set()
    left = 0
    for job in jobs(study, ""):
        if job.name in seen:
            raise InvalidInput(f"{study.name} has the cell {describe(job.cell)} twice")
        seen.add(job.name)
        if job.excluded:
            used.add(job.excluded)
            continue
        left += 1
        if study.kind.validate is not None:
            try:
                study.kind.validate(job.cell)
            except InvalidInput as error:
                raise InvalidInput(
                    f"{study.name}, cell {describe(job.cell)}: {error}; "
                    "change it, or exclude it with a reason"
                ) from None
    for exclusion in study.exclusions:
        if exclusion.reason not in used:
            where = ", ".join(f"{k} = {'|'.join(map(str, v))}" for k, v in exclusion.where.items())
            raise InvalidInput(f"{study.name}: the exclusion of {where} excludes no cell")
    if not left:
        raise InvalidInput(f"{study.name}: every cell is excluded")


def describe(cell: Cell) -> str:
    """A cell for people: ``d=1, n=2, eps=1/100``."""
    return ", ".join(f"{name}={value}" for name, value in cell.items())


@cache
def code_digest(kind: str | None = None) -> str:
    """The SHA-256 of the Python sources that the values of a kind can depend on.

    Everything but the command line, figures, the machinery of studies, and other kinds. None is
    all of qexpr.
    """
    import qexpr_runtime

    import qexpr

    parts = []
    for package in (qexpr, qexpr_runtime):
        assert package.__file__ is not None
        home = Path(package.__file__).parent
        for path in sorted(home.rglob("*.py")):
            name = path.relative_to(home)
            if kind is None or _matters(name.with_suffix("").parts, kind):
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                parts.append([home.name, name.as_posix(), digest])
    if kind is not None and "." in kind:  # a module outside qexpr
        place = getattr(sys.modules.get(kind), "__file__", None)
        if place is not None:
            parts.append([kind, hashlib.sha256(Path(place).read_bytes()).hexdigest()])
    return sha256(parts)


def _matters(module: tuple[str, ...], kind: str) -> bool:
    if module[0] != "study":
        return module[0] not in _NO_PART
    if module[1] == "kinds":
        if module[2].endswith("_summary"):  # what is said of rows, not what is in them
            return False
        return module[2] == kind or module[2] not in (*MODULES, "__init__")
    return module[1] in _VALUES
