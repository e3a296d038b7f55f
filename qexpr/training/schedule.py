"""What depends on the step alone: learning rate, share of discreteness, power of the norm."""

from __future__ import annotations

import math
from dataclasses import dataclass

from qexpr.training.losses import annealed_power
from qexpr.training.recipes import Recipe

__all__ = ["Stage", "stage"]


@dataclass(frozen=True)
class Stage:
    """The settings of one step."""

    rate: float
    blend: float
    power: float


def stage(recipe: Recipe, step: int) -> Stage:
    """The settings of step 0, 1, .., `recipe.steps` - 1.

    The float network trains for the share `warm`, then the weights it computes with turn discrete
    linearly over the share `ramp`. The learning rate follows a cosine from `rate` to
    `rate * last_rate`, once for the float network and once from there on: a discrete network
    needs large steps again.
    """
    warm = round(recipe.warm * recipe.steps)
    ramp = round(recipe.ramp * recipe.steps)
    if step < warm:
        share, blend = step / warm, 0.0
    else:
        share = (step - warm) / max(recipe.steps - warm, 1)
        blend = min(1.0, (step - warm + 1) / (ramp + 1))
    cosine = (1 + math.cos(math.pi * share)) / 2
    rate = recipe.rate * (recipe.last_rate + (1 - recipe.last_rate) * cosine)
    return Stage(rate, blend, annealed_power(share, recipe.power))
