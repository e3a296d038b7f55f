"""The continuous-discrete loop: real weights are updated, discrete ones are used and judged.

A run is a pure function of data, recipe, widths and seed: batches and noise come from generators
of its own, one thread computes, and what a checkpoint holds is all there is, so that a run that
was interrupted ends with the same bits as one that was not. One network and many of one shape in
stacked tensors (`qexpr.training.ensembles`) go through the same steps.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from qexpr.core.numbers import read_integer
from qexpr.core.progress import Progress
from qexpr.errors import InvalidInput
from qexpr.networks import QuantizedNetwork
from qexpr.training import losses
from qexpr.training.baseline import post_training
from qexpr.training.checkpoint import read_checkpoint, write_checkpoint
from qexpr.training.data import ClassData, TargetData
from qexpr.training.devices import settings
from qexpr.training.fleet import Alone, Fleet, outputs_of
from qexpr.training.freezing import freeze
from qexpr.training.judging import judge, measure
from qexpr.training.members import Member, begin
from qexpr.training.recipes import Recipe
from qexpr.training.schedule import stage

__all__ = ["Divergence", "Keeping", "Run", "advance", "run_of", "train"]


class Divergence(InvalidInput):
    """Training left the finite numbers."""


@dataclass(frozen=True, eq=False)
class Run:
    """What a run has come to.

    Attributes
    ----------
    model : the module with the best discrete weights so far, in evaluation, on the CPU
    recipe, seed : what it was made from
    error : what it was chosen by: the largest error on the dense points (or the proven upper end,
        if the recipe judges so), or the share of wrong classes on the validation set
    history : rows (step, loss, error) of every time the network was judged; of the float network
        where it is quantized after training
    steps : how many were done; less than the recipe's where the run was stopped
    diverged : where and why a member of an ensemble stopped; "" if it did not
    """

    model: nn.Sequential
    recipe: Recipe
    seed: int
    error: float
    history: tuple[tuple[int, float, float], ...]
    steps: int
    input_shape: tuple[int, ...]
    diverged: str = ""

    @property
    def finished(self) -> bool:
        """Whether all steps were done."""
        return self.steps >= self.recipe.steps

    def outputs(self, x: np.ndarray) -> np.ndarray:
        """What the module itself computes for inputs of shape (m, ..), before it is frozen."""
        like = next(self.model.parameters())
        with torch.no_grad():
            found: np.ndarray = self.model(torch.from_numpy(x).to(like)).cpu().numpy()
        return found

    def freeze(self) -> QuantizedNetwork:
        """The exact network."""
        return freeze(self.model, self.input_shape)


def train(
    data: TargetData | ClassData,
    recipe: Recipe,
    widths: Sequence[int],
    seed: int = 0,
    *,
    residual: bool = False,
    dtype: str = "float64",
    device: str = "cpu",
    checkpoint: str | os.PathLike[str] | None = None,
    every: int = 500,
    stop: Callable[[], bool] = lambda: False,
    progress: Progress | None = None,
    report: Callable[[int, float, float], None] | None = None,
) -> Run:
    """Train a network by a recipe.

    Parameters
    ----------
    data : samples of a target, or classes; images make a convolutional network
    recipe : see `get_recipe`
    widths : of the hidden layers; the numbers of channels for images
    seed : of the real weights at the start, the batches and the noise
    residual : layers between equal widths are added to what they read
    dtype : {"float64", "float32"}
        What is computed in; float32 also halves the bits of scales and biases
    device : "cpu", "cuda" or another of torch's; what is drawn at random is the same on all
    checkpoint : a file that is written every `every` steps and when `stop` says so, and from
        which the run goes on if it is there
    stop : asked after each step
    progress : told (steps done, steps in all)
    report : told (step, loss, error) whenever the network is judged

    Raises
    ------
    Divergence
        If the loss or a gradient is NaN or infinite, with the step and advice.
    InvalidInput
        For data, widths or a checkpoint that do not fit.
    """
    read_integer(seed, "seed", 0, 2**63)
    keeping = Keeping.of(data, widths, residual, dtype, device, checkpoint, every)
    with settings(dtype, device) as (kind, place):
        member, model = begin(data, recipe, widths, seed, residual, kind)
        fleet = Alone(member, model, place)
        tell = None if report is None else lambda _, *row: report(*row)
        advance(fleet, [member], data, kind, place, keeping, stop, progress, tell)
        if member.diverged:
            raise Divergence(member.diverged)
        (best,) = fleet.best()
        return run_of(member, best, data, kind)


def run_of(
    member: Member, model: nn.Sequential, data: TargetData | ClassData, dtype: torch.dtype
) -> Run:
    """What is told of a run that has ended or was stopped, its best network given."""
    recipe, error = member.recipe, member.error
    if recipe.after is not None:
        samples = _tensors(data, dtype, torch.device("cpu"))
        model = post_training(
            model, samples["x"], recipe.after, first=recipe.first, last=recipe.last
        )
        outputs = outputs_of(model, samples["judged_x"])[None]
        (seen,) = measure(outputs, samples["judged_y"], data)
        error = judge(seen, math.inf, lambda: model, data, recipe)
    return Run(
        model,
        recipe,
        member.seed,
        error,
        tuple(member.history),
        member.steps,
        data.input_shape,
        member.diverged,
    )


@dataclass(frozen=True)
class Keeping:
    """Where a state is kept, how often, and what else the file has to belong to."""

    path: str | os.PathLike[str] | None
    every: int
    identity: dict[str, Any]

    @classmethod
    def of(
        cls,
        data: TargetData | ClassData,
        widths: Sequence[int],
        residual: bool,
        dtype: str,
        device: str,
        path: str | os.PathLike[str] | None,
        every: int,
    ) -> Keeping:
        """Read what `train` is given."""
        read_integer(every, "every", 1, 10**9)
        identity = {
            "widths": list(widths) if isinstance(widths, list | tuple) else [repr(widths)],
            "residual": residual,
            "dtype": dtype,
            "device": device,
            "data": _fingerprint(data),
        }
        return cls(path, every, identity)

    def all_of(self, fleet: Fleet, members: Sequence[Member]) -> dict[str, Any]:
        """What a file belongs to."""
        runs = {
            "recipe": [repr(m.recipe) for m in members],
            "seed": [m.seed for m in members],
            "arrangement": type(fleet).__name__,  # a stack may be of one member
        }
        return {**runs, **self.identity}


def advance(
    fleet: Fleet,
    members: Sequence[Member],
    data: TargetData | ClassData,
    dtype: torch.dtype,
    device: torch.device,
    keeping: Keeping,
    stop: Callable[[], bool],
    progress: Progress | None,
    report: Callable[[int, int, float, float], None] | None,
) -> None:
    """Do the steps of all members, from where a checkpoint left them, until they end or `stop`."""
    identity = keeping.all_of(fleet, members)
    if keeping.path is not None and os.path.exists(keeping.path):
        _restore(fleet, members, read_checkpoint(keeping.path, identity))
    samples = _tensors(data, dtype, device)
    longest = max(m.recipe.steps for m in members)
    if not members[0].history:
        everyone = list(range(len(members)))
        _judge(fleet, members, everyone, samples, data, [math.nan] * len(members), None)
    while running := [e for e, member in enumerate(members) if member.runs]:
        values = _step(fleet, members, running, samples, len(data.x))
        running = [e for e in running if not members[e].diverged]
        due = [e for e in running if members[e].is_due]
        if due:
            _judge(fleet, members, due, samples, data, values, report)
        done = max(m.steps for m in members)
        if progress is not None:
            progress(done, longest)
        stopped = stop()
        last = not any(m.runs for m in members)
        due_to_be_kept = stopped or last or done % keeping.every == 0
        if keeping.path is not None and due_to_be_kept and not all(m.diverged for m in members):
            write_checkpoint(keeping.path, identity, _saved(fleet, members))
        if stopped:
            break


def _step(
    fleet: Fleet,
    members: Sequence[Member],
    running: list[int],
    samples: dict[str, torch.Tensor],
    count: int,
) -> list[float]:
    """One step of the members that run; the losses of all, NaN for the others."""
    stages = {e: stage(members[e].recipe, members[e].steps) for e in running}
    fleet.start([stages[e].rate if e in stages else 0.0 for e in range(len(members))])
    values = [math.nan] * len(members)
    for blend in sorted({now.blend for now in stages.values()}):
        group = [e for e in running if stages[e].blend == blend]
        index = np.stack([members[e].batch(count) for e in group])
        powers = [stages[e].power for e in group]
        loss = _losses(fleet, group, blend, samples, index, members[0].recipe.loss, powers)
        loss.sum().backward()  # type: ignore[no-untyped-call]
        for e, value in zip(group, loss.tolist(), strict=True):
            values[e] = value
    for e, size in enumerate(fleet.sizes()):
        if e in stages:
            members[e].watch(values[e], size, stages[e])
    moving = [e for e in running if not members[e].diverged]
    if moving:
        fleet.step()
    for e in moving:
        members[e].steps += 1
    return values


def _losses(
    fleet: Fleet,
    group: list[int],
    blend: float,
    samples: dict[str, torch.Tensor],
    index: np.ndarray,
    kind: str,
    powers: list[float],
) -> torch.Tensor:
    """The loss of each member of a group at its own batch."""
    chosen = torch.from_numpy(index).to(samples["x"].device)
    x, y = samples["x"][chosen], samples["y"][chosen]
    sloped = "slopes" in samples
    outputs = fleet.forward(group, x.requires_grad_(sloped), blend)
    if kind != "p-norm":
        classes = losses.cross_entropy if kind == "cross-entropy" else losses.square_hinge
        return _each(classes, outputs, y)
    scale = samples["y"].abs().amax().clamp(min=torch.finfo(y.dtype).tiny)
    residuals = (outputs[:, :, 0] - y) / scale
    loss = _p_norms(residuals, powers)
    if sloped:
        wrong = losses.slopes_of(x, outputs) - samples["slopes"][chosen]
        loss = loss + _p_norms(wrong.flatten(1), powers) / scale
    return loss


def _p_norms(residuals: torch.Tensor, powers: list[float]) -> torch.Tensor:
    if len(set(powers)) == 1:
        return _each(lambda r: losses.p_norm(r, powers[0]), residuals)
    return _each(losses.p_norm, residuals, residuals.new_tensor(powers))


def _each(loss: Callable[..., torch.Tensor], *arguments: torch.Tensor) -> torch.Tensor:
    """A loss of every member, along the first axis."""
    if len(arguments[0]) == 1:
        return loss(*(argument[0] for argument in arguments))[None]
    return torch.vmap(loss)(*arguments)  # type: ignore[no-any-return]


def _judge(
    fleet: Fleet,
    members: Sequence[Member],
    due: list[int],
    samples: dict[str, torch.Tensor],
    data: TargetData | ClassData,
    values: list[float],
    report: Callable[[int, int, float, float], None] | None,
) -> None:
    """Measure the discrete networks, and keep those that are the best of their run."""
    outputs = fleet.evaluate(due, samples["judged_x"])
    best = []
    for e, seen in zip(due, measure(outputs, samples["judged_y"], data), strict=True):
        member = members[e]
        error = judge(seen, member.error, partial(fleet.now, e), data, member.recipe)
        if member.record(values[e], error):
            best.append(e)
    if best:
        fleet.keep(best)
    if report is not None:
        for e in due:
            report(e, *members[e].history[-1])


def _saved(fleet: Fleet, members: Sequence[Member]) -> dict[str, Any]:
    return {**fleet.saved(), "members": [member.saved() for member in members]}


def _restore(fleet: Fleet, members: Sequence[Member], saved: dict[str, Any]) -> None:
    fleet.restore(saved)
    for member, state in zip(members, saved["members"], strict=True):
        member.restore(state)


def _tensors(
    data: TargetData | ClassData, dtype: torch.dtype, device: torch.device
) -> dict[str, torch.Tensor]:
    judged_x, judged_y = data.judged
    given = {"x": data.x, "y": data.y, "judged_x": judged_x, "judged_y": judged_y}
    if isinstance(data, TargetData) and data.slopes is not None:
        given["slopes"] = data.slopes
    tensors = {key: torch.from_numpy(np.array(value)).to(device) for key, value in given.items()}
    return {key: t.to(dtype) if t.is_floating_point() else t for key, t in tensors.items()}


def _fingerprint(data: TargetData | ClassData) -> str:
    from hashlib import sha256

    parts = (data.x, data.y, *data.judged, getattr(data, "slopes", None))
    joined = b"".join(np.ascontiguousarray(p).tobytes() for p in parts if p is not None)
    return sha256(joined).hexdigest()
