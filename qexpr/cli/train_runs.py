"""The runs of ``qexpr train``: one, several one after the other, or several together."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from qexpr.cli.output import complain
from qexpr.cli.progress import bar
from qexpr.errors import shorten

if TYPE_CHECKING:
    from qexpr.training import Recipe, Run

__all__ = ["runs"]


def runs(
    data: Any,
    recipe: Recipe,
    widths: list[int],
    numbers: dict[str, Any],
    options: dict[str, Any],
) -> list[Run] | None:
    """The runs of all seeds that did not diverge; None where Ctrl-C was pressed.

    Raises
    ------
    Divergence
        If a run by itself, or every one of those together, left the finite numbers.
    """
    from qexpr.training import Divergence

    path = options["checkpoint"] or f"{options['output'] or 'qexpr-train'}.checkpoint"
    seeds = [numbers["seed"] + k for k in range(numbers["seeds"])]
    given = {"residual": options["residual"], "dtype": "float32"}
    one_file = options["together"] or len(seeds) == 1
    paths = [path] if one_file else [f"{path}.{k}" for k in range(len(seeds))]
    kept = options["checkpoint"] is not None
    try:
        with _interrupts() as asked:
            if options["together"]:
                made = _together(data, recipe, widths, seeds, path, asked, given)
            else:
                made = _in_turn(data, recipe, widths, seeds, paths, asked, given)
    except Divergence:
        _remove(paths, kept)  # such a state would refuse the lower rate that is advised
        raise
    if made is not None:
        _remove(paths, kept)
    return made


def _remove(paths: list[str], kept: bool) -> None:
    for file in [] if kept else paths:
        with suppress(FileNotFoundError):
            os.unlink(file)


def _in_turn(
    data: Any,
    recipe: Recipe,
    widths: list[int],
    seeds: list[int],
    paths: list[str],
    asked: list[int],
    given: dict[str, Any],
) -> list[Run] | None:
    from qexpr import training

    judged = _Judged()
    made: list[Run] = []
    for k, (seed, file) in enumerate(zip(seeds, paths, strict=True)):
        label = "training" if len(seeds) == 1 else f"training {k + 1}/{len(seeds)}"
        with bar(label, judged.said) as tell:
            run = training.train(
                data,
                recipe,
                widths,
                seed,
                checkpoint=file,
                stop=lambda: bool(asked),
                progress=tell,
                report=lambda step, loss, error: judged.note(0, loss, error),
                **given,
            )
        made.append(run)
        if not run.finished or (asked and len(made) < len(seeds)):
            _say_how_to_resume(f"{run.steps} of {recipe.steps} steps of seed {run.seed}", file)
            return None
    return made


def _together(
    data: Any,
    recipe: Recipe,
    widths: list[int],
    seeds: list[int],
    path: str,
    asked: list[int],
    given: dict[str, Any],
) -> list[Run] | None:
    from qexpr import training

    judged = _Judged()
    with bar(f"training {len(seeds)} seeds", judged.said) as tell:
        made = training.train_ensemble(
            data,
            recipe,
            widths,
            seeds,
            checkpoint=path,
            stop=lambda: bool(asked),
            progress=tell,
            report=lambda member, step, loss, error: judged.note(member, loss, error),
            **given,
        )
    sound = [run for run in made if not run.diverged]
    if not sound:
        raise training.Divergence(made[0].diverged)
    if not all(run.finished for run in sound):
        _say_how_to_resume(f"{sound[0].steps} of {recipe.steps} steps", path)
        return None
    for run in made:
        if run.diverged:
            complain(f"seed {run.seed} is left out: {run.diverged}")
    return sound


class _Judged:
    """What the bar says: the last loss and error, of several runs the least."""

    def __init__(self) -> None:
        self.last: dict[int, tuple[float, float]] = {}

    def note(self, member: int, loss: float, error: float) -> None:
        self.last[member] = (loss, error)

    def said(self) -> str:
        if not self.last:
            return ""
        losses, errors = zip(*self.last.values(), strict=True)
        return f"loss {min(losses):.3g}  error {min(errors):.4g}"


def _say_how_to_resume(done: str, file: str) -> None:
    complain(
        f"interrupted after {done}; the state is in {shorten(file)}, and the same command goes on "
        "from there"
    )


@contextmanager
def _interrupts() -> Iterator[list[int]]:
    """A list that is filled by the first Ctrl-C; the second one ends the process as ever."""
    asked: list[int] = []
    before = signal.getsignal(signal.SIGINT)

    def ask(number: int, frame: Any) -> None:
        asked.append(number)
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, ask)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)
