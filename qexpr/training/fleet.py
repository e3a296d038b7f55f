"""The networks that the loop moves: one, or many of one shape in stacked tensors.

Both answer the same calls, members given by their numbers, so that the loop is written once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any, Protocol

import torch
from torch import nn
from torch.func import functional_call, stack_module_state

from qexpr.quantizers.autograd import MemberGenerators
from qexpr.training.adamax import ShiftAdaMax
from qexpr.training.layers import quantized_layers, set_blend, set_generator
from qexpr.training.members import Member
from qexpr.training.rules import follow

__all__ = ["Alone", "Fleet", "Stack", "outputs_of"]

_ROWS = 4096  # of inputs that are evaluated at a time; of all members together 16 times as many


class Fleet(Protocol):
    """What the loop asks of networks."""

    def start(self, rates: Sequence[float]) -> None:
        """Set the learning rate of every member, and forget the gradients."""

    def forward(self, members: list[int], x: torch.Tensor, blend: float) -> torch.Tensor:
        """Outputs in training, each member at its own batch: (k, batch, ..) to (k, batch, o)."""

    def sizes(self) -> list[float]:
        """The largest gradient of every member; NaN where one is."""

    def step(self) -> None:
        """Let the optimiser move."""

    def evaluate(self, members: list[int], x: torch.Tensor) -> torch.Tensor:
        """Outputs of the discrete networks at common points: (m, ..) to (k, m, o)."""

    def now(self, member: int) -> nn.Module:
        """The discrete network of one member as it is now, in evaluation, on the CPU."""

    def keep(self, members: list[int]) -> None:
        """Remember what these members are now as their best."""

    def best(self) -> list[nn.Sequential]:
        """The best of every member, on the CPU, in evaluation."""

    def saved(self) -> dict[str, Any]:
        """The whole state, for a checkpoint."""

    def restore(self, saved: dict[str, Any]) -> None:
        """Go on from what `saved` gave."""


class Alone:
    """One network."""

    def __init__(self, member: Member, model: nn.Sequential, device: torch.device) -> None:
        self.member, self.model = member, model.to(device)
        parameters = list(model.parameters())
        self.optimiser = _optimiser(member, [parameters])
        layers = [(layer, layer.weight) for layer in quantized_layers(model)]
        follow(self.optimiser, layers, member.recipe.rules)
        self.kept: dict[str, torch.Tensor] = {}

    def start(self, rates: Sequence[float]) -> None:
        self.optimiser.param_groups[0]["lr"] = rates[0]
        self.optimiser.zero_grad()

    def forward(self, members: list[int], x: torch.Tensor, blend: float) -> torch.Tensor:
        self.model.train()
        set_blend(self.model, blend)
        set_generator(self.model, self.member.noise)
        return self.model(x[0])[None]  # type: ignore[no-any-return]

    def sizes(self) -> list[float]:
        sizes = [w.grad.abs().max() for w in self.model.parameters() if w.grad is not None]
        return [float(torch.stack(sizes).sum())]

    def step(self) -> None:
        self.optimiser.step()

    def evaluate(self, members: list[int], x: torch.Tensor) -> torch.Tensor:
        self.model.eval()
        set_blend(self.model, 1.0)
        return outputs_of(self.model, x)[None]

    def now(self, member: int) -> nn.Module:
        return _finished(_bare(self.model), self.model.state_dict())

    def keep(self, members: list[int]) -> None:
        self.kept = {key: value.clone() for key, value in self.model.state_dict().items()}

    def best(self) -> list[nn.Sequential]:
        return [_finished(_bare(self.model), self.kept)]

    def saved(self) -> dict[str, Any]:
        return {
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "best": self.kept,
        }

    def restore(self, saved: dict[str, Any]) -> None:
        self.model.load_state_dict(saved["model"])
        self.optimiser.load_state_dict(saved["optimiser"])
        self.kept = saved["best"]


class Stack:
    """Many networks of one shape, their parameters stacked along a new first axis.

    Members of one learning rate share their stacked parameters, a group of the optimiser: so any
    optimiser that works entry by entry moves each member as it would move it alone.
    """

    def __init__(
        self, members: Sequence[Member], models: Sequence[nn.Sequential], device: torch.device
    ) -> None:
        self.members, self.device = members, device
        self.base = deepcopy(models[0]).to(device)
        stacked, buffers = stack_module_state(list(models))  # type: ignore[arg-type]
        self.buffers = {key: value.to(device) for key, value in buffers.items()}
        self.rows = _by(range(len(members)), lambda e: _rates(members[e]))
        self.parts = [
            {key: nn.Parameter(value.detach()[rows].to(device)) for key, value in stacked.items()}
            for rows in self.rows
        ]
        place = {e: at for at, e in enumerate(e for rows in self.rows for e in rows)}
        self.places = torch.tensor([place[e] for e in range(len(members))], device=device)
        self.optimiser = _optimiser(members[0], [list(part.values()) for part in self.parts])
        names = {id(module): f"{name}.weight" for name, module in self.base.named_modules()}
        layers = quantized_layers(self.base)
        for part in self.parts:
            held = [(layer, part[names[id(layer)]]) for layer in layers]
            follow(self.optimiser, held, members[0].recipe.rules)
        self.kept = {key: value.clone() for key, value in self._everything().items()}

    def start(self, rates: Sequence[float]) -> None:
        for group, rows in zip(self.optimiser.param_groups, self.rows, strict=True):
            group["lr"] = max(rates[e] for e in rows)  # those that are done have none
        self.optimiser.zero_grad()

    def forward(self, members: list[int], x: torch.Tensor, blend: float) -> torch.Tensor:
        self.base.train()
        set_blend(self.base, blend)
        noise = tuple(self.members[e].noise for e in members)
        set_generator(self.base, MemberGenerators(noise))
        buffers = self._chosen(self.buffers, members)
        out = self._apply(self._chosen(self._parameters(), members), buffers, x, 0)
        if buffers is not self.buffers:
            index = torch.tensor(members, device=self.device)
            for key, value in self.buffers.items():
                value[index] = buffers[key]
        return out

    def sizes(self) -> list[float]:
        largest = torch.zeros(len(self.members), device=self.device, dtype=torch.float64)
        for rows, part in zip(self.rows, self.parts, strict=True):
            found = [
                w.grad.reshape(len(rows), -1).abs().amax(1)
                for w in part.values()
                if w.grad is not None
            ]
            if found:
                largest[rows] = torch.stack(found).sum(0).double()
        return largest.tolist()

    def step(self) -> None:
        self.optimiser.step()

    def evaluate(self, members: list[int], x: torch.Tensor) -> torch.Tensor:
        self.base.eval()
        set_blend(self.base, 1.0)
        with torch.no_grad():
            parameters = self._chosen(self._parameters(), members)
            buffers = self._chosen(self.buffers, members)
            # each part quantizes the weights anew, so parts are not small
            rows = max(16 * _ROWS // len(members), 64)
            parts = [
                self._apply(parameters, buffers, part, None) for part in x.split(min(rows, _ROWS))
            ]
            return torch.cat(parts, dim=1)

    def now(self, member: int) -> nn.Module:
        state = {key: value[member] for key, value in self._everything().items()}
        return _finished(_bare(self.base), state)

    def keep(self, members: list[int]) -> None:
        index = torch.tensor(members, device=self.device)
        for key, value in self._everything().items():
            self.kept[key][index] = value[index]

    def best(self) -> list[nn.Sequential]:
        states = [
            {key: value[e] for key, value in self.kept.items()} for e in range(len(self.members))
        ]
        return [_finished(_bare(self.base), state) for state in states]

    def saved(self) -> dict[str, Any]:
        return {
            "parts": [{k: v.detach() for k, v in part.items()} for part in self.parts],
            "buffers": self.buffers,
            "optimiser": self.optimiser.state_dict(),
            "best": self.kept,
        }

    def restore(self, saved: dict[str, Any]) -> None:
        with torch.no_grad():
            for part, values in zip(self.parts, saved["parts"], strict=True):
                for key, value in values.items():
                    part[key].copy_(value)
        self.optimiser.load_state_dict(saved["optimiser"])
        self.buffers = {key: v.to(self.device) for key, v in saved["buffers"].items()}
        self.kept = {key: v.to(self.device) for key, v in saved["best"].items()}

    def _apply(
        self, parameters: Any, buffers: Any, x: torch.Tensor, axis: int | None
    ) -> torch.Tensor:
        def call(p: Any, b: Any, inputs: torch.Tensor) -> Any:
            return functional_call(self.base, (p, b), (inputs,))

        return torch.vmap(call, in_dims=(0, 0, axis))(parameters, buffers, x)  # type: ignore[no-any-return]

    def _parameters(self) -> dict[str, torch.Tensor]:
        if len(self.parts) == 1:
            return dict(self.parts[0])
        joined = {key: torch.cat([part[key] for part in self.parts]) for key in self.parts[0]}
        return {key: value[self.places] for key, value in joined.items()}

    def _everything(self) -> dict[str, torch.Tensor]:
        return {k: v.detach() for k, v in {**self._parameters(), **self.buffers}.items()}

    def _chosen(
        self, tensors: dict[str, torch.Tensor], members: list[int]
    ) -> dict[str, torch.Tensor]:
        if len(members) == len(self.members):
            return tensors
        index = torch.tensor(members, device=self.device)
        return {key: value[index] for key, value in tensors.items()}


@torch.no_grad()
def outputs_of(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """What a model computes, not all rows at a time."""
    return torch.cat([model(part) for part in x.split(_ROWS)])


def _rates(member: Member) -> tuple[float, ...]:
    """What the learning rate of every step follows from."""
    recipe = member.recipe
    return recipe.rate, recipe.last_rate, recipe.warm, recipe.steps


def _by(numbers: Any, key: Callable[[int], Any]) -> list[list[int]]:
    groups: dict[Any, list[int]] = {}
    for number in numbers:
        groups.setdefault(key(number), []).append(number)
    return list(groups.values())


def _optimiser(member: Member, groups: list[list[nn.Parameter]]) -> torch.optim.Optimizer:
    given = [{"params": group} for group in groups]
    recipe = member.recipe
    if recipe.optimiser == "sgd":
        return torch.optim.SGD(given, lr=recipe.rate, momentum=0.9)
    if recipe.optimiser == "shift-adamax":
        return ShiftAdaMax(given, lr=recipe.rate)
    return torch.optim.Adam(given, lr=recipe.rate)


def _bare(model: nn.Sequential) -> nn.Sequential:
    """A copy without source of noise (which could not be copied without being moved)."""
    set_generator(model, None)
    return deepcopy(model)


def _finished(model: nn.Sequential, state: dict[str, torch.Tensor]) -> nn.Sequential:
    model.load_state_dict(state)
    set_blend(model, 1.0)
    return model.cpu().eval()
