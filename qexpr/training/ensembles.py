"""Ensembles: runs of one shape, trained together in stacked tensors."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

from qexpr.core.numbers import read_integer
from qexpr.core.progress import Progress
from qexpr.errors import InvalidInput, shorten
from qexpr.training.data import ClassData, TargetData
from qexpr.training.devices import settings
from qexpr.training.fleet import Stack
from qexpr.training.loop import Keeping, Run, advance, run_of
from qexpr.training.members import begin
from qexpr.training.recipes import Recipe

__all__ = ["train_ensemble"]

_MAY_DIFFER = ("rate", "last_rate", "steps", "warm", "ramp", "power", "start", "judge")
_MOST = 4096


def train_ensemble(
    data: TargetData | ClassData,
    recipes: Recipe | Sequence[Recipe],
    widths: Sequence[int],
    seeds: int | Sequence[int],
    *,
    residual: bool = False,
    dtype: str = "float64",
    device: str = "cpu",
    checkpoint: str | os.PathLike[str] | None = None,
    every: int = 500,
    stop: Callable[[], bool] = lambda: False,
    progress: Progress | None = None,
    report: Callable[[int, int, float, float], None] | None = None,
) -> tuple[Run, ...]:
    """Train networks of one shape together; each ends as `train` would end it alone.

    Each member has the start, batches and noise of its seed, to the bit. Sums are taken in another
    order than alone, so real weights agree to rounding (1e-6 over ten steps), until a rounding
    turns a discrete weight, or carries a sum over a threshold of a quantized activation.

    Parameters
    ----------
    data, widths, residual, dtype, device, checkpoint, every, stop, progress : as for `train`
    recipes : one for all members, or one for each
        They may differ in rate, last_rate, steps, warm, ramp, power, start, judge. Members of one
        rate, last_rate, warm and steps share a group of the optimiser, members of one warm, ramp
        and steps are computed in one go: fewest of both are fastest.
    seeds : one for all members, or one for each
    report : told (member, step, loss, error) whenever a network is judged

    Returns
    -------
    One `Run` for each member, in order. A member that diverges stops, and says so in `diverged`;
    the others go on.

    Raises
    ------
    InvalidInput
        For recipes that differ in what makes the shape, and as `train` does.
    """
    members_of = _pairs(recipes, seeds)
    keeping = Keeping.of(data, widths, residual, dtype, device, checkpoint, every)
    with settings(dtype, device) as (kind, place):
        begun = [begin(data, recipe, widths, seed, residual, kind) for recipe, seed in members_of]
        members = [member for member, _ in begun]
        fleet = Stack(members, [model for _, model in begun], place)
        advance(fleet, members, data, kind, place, keeping, stop, progress, report)
        return tuple(
            run_of(member, model, data, kind)
            for member, model in zip(members, fleet.best(), strict=True)
        )


def _pairs(
    recipes: Recipe | Sequence[Recipe], seeds: int | Sequence[int]
) -> list[tuple[Recipe, int]]:
    """The recipe and the seed of every member."""
    several = None if isinstance(recipes, Recipe) else _list(recipes, "recipes")
    numbers = None if isinstance(seeds, int) else _list(seeds, "seeds")
    lengths = [len(given) for given in (several, numbers) if given is not None]
    if not lengths:
        raise InvalidInput("an ensemble needs several recipes or several seeds: give a list")
    if len(set(lengths)) > 1:
        raise InvalidInput(f"there are {lengths[0]} recipes for {lengths[1]} seeds")
    chosen = [recipes] * lengths[0] if several is None else several
    for recipe in chosen:
        if not isinstance(recipe, Recipe):
            raise InvalidInput(f"recipes must be made by get_recipe, got {shorten(recipe)}")
    first = chosen[0]
    for number, recipe in enumerate(chosen):
        other = [
            field.name
            for field in fields(Recipe)
            if field.name not in _MAY_DIFFER
            and getattr(first, field.name) != getattr(recipe, field.name)
        ]
        if other:
            raise InvalidInput(
                f"recipes 0 and {number} differ in {', '.join(other)}; within an ensemble only "
                f"{', '.join(_MAY_DIFFER)} may differ"
            )
    drawn = [seeds] * lengths[0] if numbers is None else numbers
    return [
        (recipe, read_integer(seed, "each seed", 0, 2**63))
        for recipe, seed in zip(chosen, drawn, strict=True)
    ]


def _list(given: object, name: str) -> list[Any]:
    if isinstance(given, str) or not isinstance(given, Sequence) or not 1 <= len(given) <= _MOST:
        raise InvalidInput(f"{name} must be a list of 1 to {_MOST}, got {shorten(given)}")
    return list(given)
