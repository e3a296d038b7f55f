"""What the best network of a run is chosen by; never by the images it is tested on."""

from __future__ import annotations

import torch
from torch import nn

from qexpr.errors import InvalidInput
from qexpr.training.data import ClassData, TargetData
from qexpr.training.freezing import freeze
from qexpr.training.recipes import Recipe

__all__ = ["judge", "require_judge"]

_BOXES = 20_000  # of one search: a count, not a time, so that a run stays a function of its seed


class _Enough(Exception):
    """The search has taken as many boxes as it may."""


def require_judge(data: TargetData | ClassData, recipe: Recipe) -> None:
    """Refuse data that the recipe's judge cannot judge by."""
    if recipe.judge == "certified" and getattr(data, "target", None) is None:
        raise InvalidInput(
            "judge='certified' needs samples of a target (sample_target); arrays and classes have "
            "judge='dense'"
        )


def judge(
    model: nn.Module,
    x: torch.Tensor,
    y: torch.Tensor,
    data: TargetData | ClassData,
    recipe: Recipe,
    best: float,
) -> float:
    """The error of a discrete model in evaluation, at the points (x, y) of `data.judged`.

    The share of wrong classes, or the largest error on the dense points. A recipe that judges
    by certificates takes the proven upper end instead (to a tenth, or what 20,000 boxes prove),
    where the dense error, which cannot exceed it, leaves a chance to be below `best`.
    """
    with torch.no_grad():
        outputs = torch.cat([model(part) for part in x.split(4096)])
    if isinstance(data, ClassData):
        return float((outputs.argmax(1) != y).double().mean())
    dense = float((outputs[:, 0] - y).abs().max())
    if recipe.judge == "dense" or not dense <= best:
        return dense
    return _certified(model, data)


def _certified(model: nn.Module, data: TargetData) -> float:
    from qexpr.certificates import enclose

    def limit(lower: float, upper: float, boxes: int) -> None:
        if boxes >= _BOXES:
            raise _Enough(upper)

    assert data.target is not None  # require_judge has seen to it
    try:
        network = freeze(model, data.input_shape)
        found = enclose(network, data.target, "1e-1", budget=None, progress=limit)  # type: ignore[arg-type]
    except _Enough as stopped:
        return float(stopped.args[0])
    return float(found.upper)
