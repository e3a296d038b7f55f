"""Update rules: what the founding papers do to the real weights after each step.

`attach` hooks them onto any torch optimiser, so that they also hold in a user's own script, and
so that nothing but a step of the optimiser ever alters a weight.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from qexpr.errors import InvalidInput, shorten
from qexpr.quantizers import Quantizer
from qexpr.quantizers.options import check_flag, check_real
from qexpr.training.layers import QuantConv2d, QuantLinear, quantized_layers

__all__ = ["Rules", "attach", "follow", "glorot", "rules_of"]


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What happens to the real weights of quantized layers in and after a step.

    Parameters
    ----------
    scale_updates : bool
        The optimiser's update is multiplied by 1/g, and by 1/g^2 with SGD, g being Glorot's
        coefficient. (Courbariaux, Bengio and David 2015, section 2.5.)
    centre : bool
        The mean over the input channels, for each output channel and tap, is subtracted.
        (Rastegari et al. 2016, the code.)
    clip : float, optional
        At the end weights are clipped to [-clip, clip].
    """

    scale_updates: bool = False
    centre: bool = False
    clip: float | None = None

    def __post_init__(self) -> None:
        check_flag(self.scale_updates, "scale_updates")
        check_flag(self.centre, "centre")
        if self.clip is not None:
            object.__setattr__(self, "clip", check_real(self.clip, "clip", above=0))


def rules_of(quantizer: Quantizer | None) -> Rules:
    """The rules that the paper of a weight quantizer gives.

    binaryconnect, bnn: clip to [-1, 1], updates scaled; continuous-discrete: clip to
    [-w_max, w_max]; the others: none.
    """
    name = "" if quantizer is None else quantizer.name
    if name in ("binaryconnect", "bnn"):
        return Rules(scale_updates=True, clip=1.0)
    if name == "continuous-discrete":
        return Rules(clip=quantizer.w_max)  # type: ignore[union-attr]
    return Rules()


def glorot(layer: QuantLinear | QuantConv2d) -> float:
    """Glorot's coefficient g = sqrt(1.5 / (fan_in + fan_out))."""
    return math.sqrt(1.5 / sum(layer.fans()))


def attach(
    optimiser: torch.optim.Optimizer, model: nn.Module, rules: Rules | None = None
) -> Callable[[], None]:
    """Let every later step of an optimiser follow the rules; returns what undoes it.

    Weights that take no gradient (``requires_grad=False``) are left alone.

    Parameters
    ----------
    optimiser : any torch optimiser; SGD has its updates scaled by 1/g^2, the others by 1/g
    model : the module whose quantized layers are meant
    rules : for all layers alike; by default each layer's own, `rules_of` its quantizer

    Raises
    ------
    InvalidInput
        If the optimiser does not hold a weight that the rules are for.
    """
    if rules is not None and not isinstance(rules, Rules):
        raise InvalidInput(f"rules must be Rules or None, got {shorten(rules)}")
    held = {id(w) for group in optimiser.param_groups for w in group["params"]}
    layers = quantized_layers(model)
    for layer in layers:
        found = rules if rules is not None else rules_of(layer.weights)
        if found == Rules() or not layer.weight.requires_grad:
            continue
        if id(layer.weight) not in held:
            raise InvalidInput(
                f"the optimiser holds no weight of shape {tuple(layer.weight.shape)} that the "
                "rules are for: give it all parameters of the model"
            )
    return follow(optimiser, [(layer, layer.weight) for layer in layers], rules)


def follow(
    optimiser: torch.optim.Optimizer,
    held: Iterable[tuple[QuantLinear | QuantConv2d, torch.Tensor]],
    rules: Rules | None,
) -> Callable[[], None]:
    """What `attach` does, for layers and what the optimiser holds as their weights.

    That is the layer's own weight, or those of many such layers along a new first axis.
    """
    power = 2 if isinstance(optimiser, torch.optim.SGD) else 1
    parts = []
    for layer, weight in held:
        found = rules if rules is not None else rules_of(layer.weights)
        if found == Rules() or not weight.requires_grad:
            continue
        factor = glorot(layer) ** -power if found.scale_updates else 1.0
        parts.append((weight, found, factor, 1 - layer.weight.ndim))
    scaled = [weight for weight, _, factor, _ in parts if factor != 1]
    before: list[torch.Tensor] = []

    def remember(*_: Any) -> None:
        before[:] = [weight.detach().clone() for weight in scaled]

    @torch.no_grad()
    def finish(*_: Any) -> None:
        old = iter(before)
        for weight, found, factor, inputs in parts:
            if factor != 1:
                start = next(old)
                weight.copy_(start + factor * (weight - start))
            if found.centre:
                weight.sub_(weight.mean(inputs, keepdim=True))
            if found.clip is not None:
                weight.clamp_(-found.clip, found.clip)

    handles = [
        optimiser.register_step_pre_hook(remember),
        optimiser.register_step_post_hook(finish),
    ]

    def detach() -> None:
        for handle in handles:
            handle.remove()

    return detach
