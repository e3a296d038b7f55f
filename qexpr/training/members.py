"""What belongs to one run: its recipe, its generators, its batches and its record."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

from qexpr.errors import InvalidInput
from qexpr.training.data import ClassData, TargetData
from qexpr.training.judging import require_judge
from qexpr.training.recipes import Recipe
from qexpr.training.schedule import Stage
from qexpr.training.shapes import convolutional, dense

__all__ = ["Member", "begin"]

_CHECKS = 60  # how often the discrete network is judged


@dataclass
class Member:
    """The part of a run's state that is not in its network or its optimiser."""

    recipe: Recipe
    seed: int
    order: np.random.Generator
    noise: torch.Generator
    steps: int = 0
    queue: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    error: float = math.inf
    history: list[tuple[int, float, float]] = field(default_factory=list)
    diverged: str = ""

    @property
    def runs(self) -> bool:
        """Whether there are steps left to do."""
        return not self.diverged and self.steps < self.recipe.steps

    @property
    def is_due(self) -> bool:
        """Whether the network is to be judged after the steps done."""
        every = max(self.recipe.steps // _CHECKS, 1)
        return self.steps in (0, self.recipe.steps) or self.steps % every == 0

    def batch(self, count: int) -> np.ndarray:
        """The next indices; what remains of the samples, then a new order of all."""
        size = min(self.recipe.batch, count)
        if len(self.queue) < size:
            self.queue = self.order.permutation(count)
        chosen, self.queue = self.queue[:size], self.queue[size:]
        return chosen.copy()

    def watch(self, loss: float, size: float, now: Stage) -> None:
        """Note where loss or gradients left the finite numbers, with advice."""
        # signs of NaN are numbers again, so that the loss alone would not tell
        if math.isfinite(loss) and math.isfinite(size):
            return
        norm = ", or take norm='ordinary'" if self.recipe.norm == "none" else ""
        self.diverged = (
            f"training diverged at step {self.steps + 1}: loss {loss:g}, "
            f"{'gradients not finite, ' if math.isfinite(loss) else ''}learning rate "
            f"{now.rate:.3g}; lower the rate (rate={self.recipe.rate / 10:g}){norm}"
        )

    def record(self, loss: float, error: float) -> bool:
        """Note what judging found; whether it is the best so far."""
        best = not self.history or error <= self.error
        self.history.append((self.steps, loss, error))
        if best:
            self.error = error
        return best

    def saved(self) -> dict[str, Any]:
        """The state in types that a checkpoint may hold."""
        return {
            "order": _plain(self.order.bit_generator.state),
            "noise": self.noise.get_state(),
            "steps": self.steps,
            "queue": torch.from_numpy(self.queue.copy()),
            "error": self.error,
            "history": self.history,
            "diverged": self.diverged,
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """Go on from what `saved` gave."""
        self.order.bit_generator.state = _arrays(saved["order"])
        self.noise.set_state(saved["noise"])
        self.queue = saved["queue"].numpy()
        self.history = [tuple(row) for row in saved["history"]]  # type: ignore[misc]
        self.steps, self.error = saved["steps"], saved["error"]
        self.diverged = saved["diverged"]


def begin(
    data: TargetData | ClassData,
    recipe: Recipe,
    widths: Sequence[int],
    seed: int,
    residual: bool,
    dtype: torch.dtype,
) -> tuple[Member, nn.Sequential]:
    """A run before its first step, and its network with the real weights drawn."""
    require_judge(data, recipe)
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
    return Member(recipe, seed, order, generator), model


def _plain(value: Any) -> Any:
    """A bit generator's state in types that a checkpoint may hold (no code is ever loaded)."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return {"integers": [int(v) for v in value]} if isinstance(value, np.ndarray) else value


def _arrays(value: Any) -> Any:
    if isinstance(value, dict) and value.keys() == {"integers"}:
        return np.array(value["integers"], dtype=np.uint64)
    return {key: _arrays(v) for key, v in value.items()} if isinstance(value, dict) else value
