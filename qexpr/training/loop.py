"""The continuous-discrete loop: real weights are updated, discrete ones are used and judged.

A run is a pure function of data, recipe, widths and seed: batches and noise come from generators
of its own, one thread computes, and what a checkpoint holds is all there is, so that a run that
was interrupted ends with the same bits as one that was not.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

from qexpr.core.numbers import read_integer
from qexpr.core.progress import Progress
from qexpr.errors import InvalidInput
from qexpr.networks import QuantizedNetwork
from qexpr.quantizers.options import check_choice
from qexpr.training import losses
from qexpr.training.adamax import ShiftAdaMax
from qexpr.training.baseline import post_training
from qexpr.training.checkpoint import read_checkpoint, write_checkpoint
from qexpr.training.data import ClassData, TargetData
from qexpr.training.freezing import freeze
from qexpr.training.judging import judge, require_judge
from qexpr.training.layers import set_blend, set_generator
from qexpr.training.recipes import Recipe
from qexpr.training.rules import attach
from qexpr.training.schedule import Stage, stage
from qexpr.training.shapes import convolutional, dense

__all__ = ["Divergence", "Run", "train"]

_CHECKS = 60  # how often the discrete network is judged


class Divergence(InvalidInput):
    """Training left the finite numbers."""


@dataclass(frozen=True, eq=False)
class Run:
    """What a run has come to.

    Attributes
    ----------
    model : the module with the best discrete weights so far, in evaluation
    recipe, seed : what it was made from
    error : what it was chosen by: the largest error on the dense points (or the proven upper end,
        if the recipe judges so), or the share of wrong classes on the validation set
    history : rows (step, loss, error) of every time the network was judged; of the float network
        where it is quantized after training
    steps : how many were done; less than the recipe's where the run was stopped
    """

    model: nn.Sequential
    recipe: Recipe
    seed: int
    error: float
    history: tuple[tuple[int, float, float], ...]
    steps: int
    input_shape: tuple[int, ...]

    @property
    def finished(self) -> bool:
        """Whether all steps were done."""
        return self.steps >= self.recipe.steps

    def freeze(self) -> QuantizedNetwork:
        """The exact network."""
        return freeze(self.model, self.input_shape)


@dataclass
class _State:
    """All that changes; a checkpoint is exactly this."""

    model: nn.Sequential
    optimiser: torch.optim.Optimizer
    order: np.random.Generator
    noise: torch.Generator
    step: int = 0
    queue: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    best: dict[str, torch.Tensor] = field(default_factory=dict)
    error: float = math.inf
    history: list[tuple[int, float, float]] = field(default_factory=list)


def train(
    data: TargetData | ClassData,
    recipe: Recipe,
    widths: Sequence[int],
    seed: int = 0,
    *,
    residual: bool = False,
    dtype: str = "float64",
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
    read_integer(every, "every", 1, 10**9)
    check_choice(dtype, "dtype", ("float64", "float32"))
    require_judge(data, recipe)
    kind = torch.float64 if dtype == "float64" else torch.float32
    with _one_thread():
        state = _begin(data, recipe, widths, seed, residual, kind)
        identity = {
            "recipe": repr(recipe),
            "widths": list(widths),
            "seed": seed,
            "residual": residual,
            "dtype": dtype,
            "data": _fingerprint(data),
        }
        if checkpoint is not None and os.path.exists(checkpoint):
            _restore(state, read_checkpoint(checkpoint, identity))
        detach = attach(state.optimiser, state.model, recipe.rules)
        samples = _tensors(data, kind)
        judged = max(recipe.steps // _CHECKS, 1)
        try:
            if state.step == 0:
                _judge(state, samples, data, math.nan, recipe)
            while state.step < recipe.steps:
                loss = _step(state, samples, data, recipe)
                state.step += 1
                done = state.step == recipe.steps
                if done or state.step % judged == 0:
                    _judge(state, samples, data, loss, recipe)
                    if report is not None:
                        report(*state.history[-1])
                if progress is not None:
                    progress(state.step, recipe.steps)
                stopped = stop()
                if checkpoint is not None and (done or stopped or state.step % every == 0):
                    write_checkpoint(checkpoint, identity, _saved(state))
                if stopped:
                    break
        finally:
            detach()
        state.model.load_state_dict(state.best)
        set_blend(state.model, 1.0)
        set_generator(state.model, None)
        state.model.eval()
        model, error = state.model, state.error
        if recipe.after is not None:
            ends = {"first": recipe.first, "last": recipe.last}
            model = post_training(model, samples["x"], recipe.after, **ends)
            points = samples["judged_x"], samples["judged_y"]
            error = judge(model, *points, data, recipe, math.inf)
    return Run(
        model,
        recipe,
        seed,
        error,
        tuple(state.history),
        state.step,
        data.input_shape,
    )


def _begin(
    data: TargetData | ClassData,
    recipe: Recipe,
    widths: Sequence[int],
    seed: int,
    residual: bool,
    dtype: torch.dtype,
) -> _State:
    start, order, noise = (
        np.random.Generator(np.random.Philox(np.random.SeedSequence(seed, spawn_key=(k,))))
        for k in range(3)
    )
    source = torch.Generator().manual_seed(int(start.integers(2**63)))
    shape = data.input_shape
    if isinstance(data, ClassData) != (recipe.loss != "p-norm"):
        wanted = "classes" if recipe.loss != "p-norm" else "samples of a target"
        raise InvalidInput(
            f"the loss {recipe.loss} is for {wanted}: "
            "get_recipe(method, 'target') or get_recipe(method, 'classes')"
        )
    outputs, units = 1, (1.0, 0.0)
    if isinstance(data, ClassData):
        outputs = data.classes
    else:
        units = (float(np.abs(data.y).max()) or 1.0, 0.0)
    with torch.random.fork_rng(devices=[]):  # torch's layers draw from the global generator first
        if len(shape) == 3:
            model = convolutional(recipe, shape, widths, outputs, generator=source, dtype=dtype)
        else:
            model = dense(
                recipe,
                shape[0],
                widths,
                outputs,
                generator=source,
                units=units,
                residual=residual,
                dtype=dtype,
            )
    generator = torch.Generator().manual_seed(int(noise.integers(2**63)))
    set_generator(model, generator)
    return _State(model, _optimiser(recipe, model), order, generator)


def _optimiser(recipe: Recipe, model: nn.Module) -> torch.optim.Optimizer:
    parameters = list(model.parameters())
    if recipe.optimiser == "sgd":
        return torch.optim.SGD(parameters, lr=recipe.rate, momentum=0.9)
    if recipe.optimiser == "shift-adamax":
        return ShiftAdaMax(parameters, lr=recipe.rate)
    return torch.optim.Adam(parameters, lr=recipe.rate)


def _tensors(data: TargetData | ClassData, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    judged_x, judged_y = data.judged
    given = {"x": data.x, "y": data.y, "judged_x": judged_x, "judged_y": judged_y}
    if isinstance(data, TargetData) and data.slopes is not None:
        given["slopes"] = data.slopes
    tensors = {key: torch.from_numpy(np.array(value)) for key, value in given.items()}
    return {key: t.to(dtype) if t.is_floating_point() else t for key, t in tensors.items()}


def _batch(state: _State, size: int, count: int) -> torch.Tensor:
    """The next indices; what remains of the samples, then a new order of all."""
    size = min(size, count)
    if len(state.queue) < size:
        state.queue = state.order.permutation(count)
    chosen, state.queue = state.queue[:size], state.queue[size:]
    return torch.from_numpy(chosen.copy())


def _loss(
    state: _State, samples: dict[str, torch.Tensor], index: torch.Tensor, recipe: Recipe, now: Stage
) -> torch.Tensor:
    x, y = samples["x"][index], samples["y"][index]
    outputs = state.model(x)
    if recipe.loss == "cross-entropy":
        return losses.cross_entropy(outputs, y)
    if recipe.loss == "square-hinge":
        return losses.square_hinge(outputs, y)
    scale = samples["y"].abs().amax().clamp(min=torch.finfo(y.dtype).tiny)
    loss = losses.p_norm((outputs[:, 0] - y) / scale, now.power)
    if "slopes" in samples:
        loss = loss + losses.sobolev(state.model, x, samples["slopes"][index], now.power) / scale
    return loss


def _step(
    state: _State,
    samples: dict[str, torch.Tensor],
    data: TargetData | ClassData,
    recipe: Recipe,
) -> float:
    now = stage(recipe, state.step)
    for group in state.optimiser.param_groups:
        group["lr"] = now.rate
    state.model.train()
    set_blend(state.model, now.blend)
    index = _batch(state, recipe.batch, len(data.x))
    state.optimiser.zero_grad()
    loss = _loss(state, samples, index, recipe, now)
    loss.backward()  # type: ignore[no-untyped-call]
    # signs of NaN are numbers again, so that the loss alone would not tell
    sizes = [w.grad.abs().max() for w in state.model.parameters() if w.grad is not None]
    value = float(loss.detach())
    if not math.isfinite(value) or not math.isfinite(float(torch.stack(sizes).sum())):
        raise Divergence(
            f"training diverged at step {state.step + 1}: loss {value:g}, "
            f"{'gradients not finite, ' if math.isfinite(value) else ''}learning rate "
            f"{now.rate:.3g}; lower the rate (rate={recipe.rate / 10:g}), or take norm='ordinary'"
        )
    state.optimiser.step()
    return value


def _judge(
    state: _State,
    samples: dict[str, torch.Tensor],
    data: TargetData | ClassData,
    loss: float,
    recipe: Recipe,
) -> None:
    """Measure the discrete network, and keep it if it is the best."""
    state.model.eval()
    set_blend(state.model, 1.0)
    points = samples["judged_x"], samples["judged_y"]
    error = judge(state.model, *points, data, recipe, state.error)
    state.history.append((state.step, loss, error))
    if not state.best or error <= state.error:
        state.error = error
        state.best = {k: v.clone() for k, v in state.model.state_dict().items()}


def _saved(state: _State) -> dict[str, Any]:
    return {
        "model": state.model.state_dict(),
        "optimiser": state.optimiser.state_dict(),
        "order": _plain(state.order.bit_generator.state),
        "noise": state.noise.get_state(),
        "step": state.step,
        "queue": torch.from_numpy(state.queue.copy()),
        "best": state.best,
        "error": state.error,
        "history": state.history,
    }


def _restore(state: _State, saved: dict[str, Any]) -> None:
    state.model.load_state_dict(saved["model"])
    state.optimiser.load_state_dict(saved["optimiser"])
    state.order.bit_generator.state = _arrays(saved["order"])
    state.noise.set_state(saved["noise"])
    state.step = saved["step"]
    state.queue = saved["queue"].numpy()
    state.best = saved["best"]
    state.error = saved["error"]
    state.history = [tuple(row) for row in saved["history"]]  # type: ignore[misc]


def _plain(value: Any) -> Any:
    """A bit generator's state in types that a checkpoint may hold (no code is ever loaded)."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return {"integers": [int(v) for v in value]} if isinstance(value, np.ndarray) else value


def _arrays(value: Any) -> Any:
    if isinstance(value, dict) and value.keys() == {"integers"}:
        return np.array(value["integers"], dtype=np.uint64)
    return {key: _arrays(v) for key, v in value.items()} if isinstance(value, dict) else value


def _fingerprint(data: TargetData | ClassData) -> str:
    from hashlib import sha256

    parts = (data.x, data.y, *data.judged, getattr(data, "slopes", None))
    joined = b"".join(np.ascontiguousarray(p).tobytes() for p in parts if p is not None)
    return sha256(joined).hexdigest()


@contextmanager
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
