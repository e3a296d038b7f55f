"""What the best network of a run is chosen by; never by the images it is tested on."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from qexpr.errors import InvalidInput
from qexpr.training.data import ClassData, TargetData
from qexpr.training.freezing import freeze
from qexpr.training.recipes import Recipe

__all__ = ["judge", "measure", "require_judge"]

_BOXES = 20_000  # of one search: a count, not a time, so that a run stays a function of its seed


def require_judge(data: TargetData | ClassData, recipe: Recipe) -> None:
    """Refuse data that the recipe's judge cannot judge by."""
    if recipe.judge == "certified" and getattr(data, "target", None) is None:
        raise InvalidInput(
            "judge='certified' needs samples of a target (sample_target); arrays and classes have "
            "judge='dense'"
        )


def measure(outputs: torch.Tensor, y: torch.Tensor, data: TargetData | ClassData) -> list[float]:
    """The errors of networks from their outputs, (k, m, o), at the points of `data.judged`.

    The share of wrong classes, or the largest error on the dense points.
    """
    if isinstance(data, ClassData):
        return (outputs.argmax(2) != y).double().mean(1).tolist()  # type: ignore[no-any-return]
    return (outputs[:, :, 0] - y).abs().amax(1).tolist()  # type: ignore[no-any-return]


def judge(
    dense: float,
    best: float,
    model: Callable[[], nn.Module],
    data: TargetData | ClassData,
    recipe: Recipe,
) -> float:
    """What a network is chosen by, its dense error and that of the best so far given.

    A recipe that judges by certificates takes the proven upper end instead (to a tenth, or what
    20,000 boxes prove), where the dense error, which cannot exceed it, leaves a chance to be below
    `best`.
    """
    if recipe.judge == "dense" or not dense <= best or isinstance(data, ClassData):
        return dense
    return _certified(model(), data)


def _certified(model: nn.Module, data: TargetData) -> float:
    from qexpr.certificates import enclose

    assert data.target is not None  # require_judge has seen to it
    network = freeze(model, data.input_shape)
    return float(enclose(network, data.target, "1e-1", budget=None, boxes=_BOXES).upper)
