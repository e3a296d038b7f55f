"""Losses: p-norms that become the maximum, square hinge, cross entropy."""

from __future__ import annotations

import torch
from torch.nn import functional

__all__ = ["annealed_power", "cross_entropy", "p_norm", "slopes_of", "square_hinge"]


def p_norm(residual: torch.Tensor, power: float) -> torch.Tensor:
    """(mean abs(r)^p)^(1/p), formed at the scale of its largest entry, so that nothing overflows.

    p = 2 is the root mean square; p to infinity the maximum. The gradient at r = 0 is 0.
    """
    size = residual.abs()
    largest = size.detach().amax()
    scale = torch.where(largest != 0, largest, torch.ones_like(largest))
    mean = ((size / scale) ** power).mean()
    root = torch.where(mean != 0, mean, torch.ones_like(mean)) ** (1 / power)
    return torch.where(mean != 0, scale * root, torch.zeros_like(mean))


def annealed_power(share: float, last: float) -> float:
    """The power after a share of the training: 2 at the start, `last` at the end, geometrically."""
    return float(2.0 * (last / 2.0) ** min(max(share, 0.0), 1.0))


def slopes_of(inputs: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """The derivatives of values by the inputs of their own sample, themselves differentiable."""
    (found,) = torch.autograd.grad(values.sum(), inputs, create_graph=True)
    return found


def square_hinge(outputs: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    """mean max(0, 1 - t y)^2 with t = +1 for the class and -1 for the others.

    (Courbariaux, Bengio and David 2015, section 3.)
    """
    wanted = 2 * functional.one_hot(classes, outputs.shape[1]).to(outputs.dtype) - 1
    return ((1 - wanted * outputs).clamp(min=0) ** 2).mean()


def cross_entropy(outputs: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    """The mean of -log softmax at the class."""
    return functional.cross_entropy(outputs, classes)
