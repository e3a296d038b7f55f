"""``qexpr study``: run studies anywhere, go on with them, check and report what they found."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qexpr.cli.output import columns, complain, deliver
from qexpr.errors import InvalidInput, shorten

if TYPE_CHECKING:
    from qexpr.study.folder import Folder
    from qexpr.study.spec import Study

__all__ = ["study_command"]


@click.group(name="study", short_help="Reproducible experiments, held against the bounds.")
def study_command() -> None:
    """Run studies: a specification becomes a table, a report and all that is needed to redo it.

    \b
    qexpr study list
    qexpr study run quick
    qexpr study run my.toml --engine tcp://10.0.0.1:8786 --output reports/my
    qexpr study check reports/quick
    """


_ENGINE = click.option(
    "--engine", metavar="E", default="local", help="serial, local, tcp://.., file:S.json (local)."
)
_WORKERS = click.option("--workers", metavar="N", help="Processes of local (all cores).")
_RETRY = click.option("--retry-failed", is_flag=True, help="Run failed cells again.")


@study_command.command("run", short_help="Run a study, or go on with it.")
@click.argument("spec", metavar="SPEC")
@_ENGINE
@_WORKERS
@click.option("--output", metavar="DIR", help="The study's folder (reports/NAME).")
@_RETRY
@click.option("--replace", is_flag=True, help="Take a changed specification or code there.")
def run_command(spec: str, output: str | None, replace: bool, **options: Any) -> int:
    """Run the study SPEC: a name that `qexpr study list` knows, or a TOML file.

    Finished cells are stored at once: the same command goes on after Ctrl-C, a crash or a full
    disk, and ends with the same bytes. Exit code 0: done; 1: a cell failed, or a number violates
    a bound; 2: bad input; 130: interrupted.
    """
    from qexpr.study.catalogue import find_study
    from qexpr.study.folder import Folder
    from qexpr.study.spec import Mistakes

    try:
        study = find_study(spec)
    except Mistakes as error:
        for line in error.lines:
            complain(f"{error.origin}: {line}")
        return 2
    return _run(study, Folder(Path(output or f"reports/{study.name}")), replace, **options)


@study_command.command("resume", short_help="Go on with the study in a folder.")
@click.argument("folder", metavar="DIR")
@_ENGINE
@_WORKERS
@_RETRY
def resume_command(folder: str, **options: Any) -> int:
    """Go on with the study whose folder is DIR."""
    from qexpr.study.folder import read_folder

    place, study = read_folder(folder)
    return _run(study, place, False, **options)


@study_command.command("list", short_help="The studies that come with qexpr.")
def list_command() -> None:
    """Name the studies that come with qexpr: cells, CPU time and title."""
    from qexpr.study.catalogue import find_study, shipped
    from qexpr.study.cells import jobs

    rows = [["study", "cells", "CPU time", "title"]]
    for name in shipped():
        study = find_study(name)
        costs = [study.kind.cost(job.cell) for job in jobs(study, "") if not job.excluded]
        rows.append([name, str(len(costs)), _duration(sum(costs)), study.title])
    widths = [max(len(row[k]) for row in rows) for k in range(4)]
    lines = columns(rows, [False, True, True, False], widths)
    deliver("\n".join(lines) + "\n", None)


@study_command.command("report", short_help="Write a study's report again.")
@click.argument("folder", metavar="DIR")
def report_command(folder: str) -> None:
    """Write report.html, table.tex, references.bib and the figures of the study in DIR again."""
    from qexpr.study.folder import read_folder
    from qexpr.study.report import write_report

    place, study = read_folder(folder)
    names = write_report(place, study)
    deliver("".join(f"{place.path}/{name}\n" for name in names), None)


@study_command.command("restate", short_help="What bounds say now beside trained networks.")
@click.argument("folder", metavar="DIR")
def restate_command(folder: str) -> int:
    """Write again what bounds say beside the trained networks of the study in DIR, and its report.

    Nothing is trained: networks, counts and enclosures stay, and every column that follows from
    them is derived by today's code, which provenance.json then names too.
    """
    from qexpr.cli.progress import bar
    from qexpr.study.folder import read_folder
    from qexpr.study.report import write_report
    from qexpr.study.restate import restate_study
    from qexpr.study.run import require_extras

    place, study = read_folder(folder)
    require_extras(study)
    with bar("restating") as tell:
        found = restate_study(place, study, tell)
    write_report(place, study)
    lines = [f"{name}: {count} fields are new" for name, count in sorted(found.changed.items())]
    deliver("".join(f"{line}\n" for line in lines or ["nothing changed"]), None)
    for violation in found.violations[:5]:
        complain(f"violates: {violation}")
    return 1 if found.violations else 0


@study_command.command("check", short_help="Derive the numbers of a study again.")
@click.argument("folder", metavar="DIR")
@click.option("--budget", metavar="SECONDS", help="Check a sample, for about so long.")
def check_study_command(folder: str, budget: str | None) -> int:
    """Derive again what the table in DIR says: bounds, verdicts, certificates, and a sample of
    cells in full.

    Exit code 0: all that was checked stands; 1: a number does not; 2: bad input.
    """
    from qexpr.cli.progress import bar
    from qexpr.core.numbers import read_rational
    from qexpr.study.check import check_study
    from qexpr.study.folder import read_folder
    from qexpr.study.run import require_extras

    seconds = None if budget is None else float(read_rational(budget, "--budget"))
    if seconds is not None and not 0 < seconds < 1e9:
        raise InvalidInput(f"--budget must be a positive number of seconds, got {shorten(budget)}")
    place, study = read_folder(folder)
    require_extras(study)
    with bar("checking") as tell:
        checked = check_study(place, study, seconds, tell)
    lines = [
        f"{checked.stands} numbers and proofs stand, {len(checked.wrong)} do not, "
        f"{len(checked.open)} could not be checked",
        f"{checked.cells} of {checked.whole} rows derived again from the table and the stored "
        f"networks; {checked.again} cells run again in full, byte for byte"
        if not study.kind.exact
        else f"{checked.cells} of {checked.whole} cells run again",
    ]
    lines += [f"open: {said}" for said in checked.open[:5]]
    if len(checked.open) > 5:
        lines.append(f"open: and {len(checked.open) - 5} more")
    deliver("\n".join(lines) + "\n", None)
    for said in checked.wrong[:10]:
        complain(f"does not stand: {said}")
    return 1 if checked.wrong else 0


def _run(
    study: Study,
    folder: Folder,
    replace: bool,
    engine: str,
    workers: str | None,
    retry_failed: bool,
) -> int:
    from qexpr.cli.progress import count_line
    from qexpr.core.numbers import read_integer
    from qexpr.study.engine import open_engine
    from qexpr.study.run import Stopped, prepare, run_study

    count = None if workers is None else read_integer(workers, "--workers", 1, 4096)
    with_engine = open_engine(engine, count)  # first: where there is none, no folder is made
    try:
        whole, left, seconds = prepare(study, folder, retry_failed=retry_failed, replace=replace)
    except BaseException:
        with_engine.close()
        raise
    told = (
        f"{_duration(seconds)} of CPU time on {with_engine.workers} worker(s), {with_engine.name}"
    )
    say = f"{study.name}: {whole} cells, {left} to run, about {told}; into {folder.path}"
    click.echo(say, err=True)
    try:
        with count_line("cells") as tell:
            outcome = run_study(study, folder, with_engine, retry_failed=retry_failed, tell=tell)
        with_engine.close()
    except KeyboardInterrupt:
        complain(f"interrupted; finished cells are stored: qexpr study resume {folder.path}")
        return 130
    except Stopped as error:
        raise InvalidInput(
            f"{error}; finished cells are stored: qexpr study resume {folder.path}"
        ) from None
    except OSError as error:
        raise InvalidInput(
            f"cannot write into {shorten(folder.path)}: {error.strerror or error}; "
            f"finished cells are stored: qexpr study resume {folder.path}"
        ) from None
    from qexpr.study.report import write_report

    write_report(folder, study)
    counts = ", ".join(f"{n} {status}" for status, n in sorted(outcome.statuses.items()))
    deliver(f"{folder.path}/results.csv: {counts}\n{folder.path}/report.html\n", None)
    for violation in outcome.violations[:5]:
        complain(f"violates: {violation}")
    if outcome.failed:
        complain(f"{outcome.failed} cells failed (column error); again with --retry-failed")
    return 1 if outcome.violations or outcome.failed else 0


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
