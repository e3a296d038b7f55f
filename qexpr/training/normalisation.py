"""Shift-based batch normalisation: Courbariaux et al. 2016, Algorithm 3."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from qexpr.errors import InvalidInput, shorten
from qexpr.quantizers import ap2_torch
from qexpr.quantizers.options import check_choice
from qexpr.training.functions import substituted

__all__ = ["ShiftBatchNorm", "recalibrate"]


class _Shifted(torch.autograd.Function):
    """The normalised values with AP2 of C, 1/std and gamma in the backward products too."""

    generate_vmap_rule = True

    @staticmethod
    def forward(
        x: torch.Tensor, y: torch.Tensor, c: torch.Tensor, istd: torch.Tensor, gamma: torch.Tensor
    ) -> torch.Tensor:
        return y.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        x, _, *factors = inputs
        ctx.save_for_backward(*(ap2_torch(factor) for factor in factors))
        ctx.axes = _axes(x)

    @staticmethod
    def backward(ctx: Any, g: torch.Tensor) -> Any:
        c, istd, gamma = ctx.saved_tensors
        mean = g.mean(ctx.axes, keepdim=True)
        along = (g * c).mean(ctx.axes, keepdim=True)
        dx = gamma * istd * (g - mean - c * (istd * istd * along))
        dgamma = (g * c * istd).sum(ctx.axes, keepdim=True)
        return dx, None, None, None, dgamma


def _axes(x: torch.Tensor) -> tuple[int, ...]:
    return tuple(axis for axis in range(x.ndim) if axis != 1)


class ShiftBatchNorm(nn.Module):
    """Batch normalisation whose products are shifts, for (batch, c) and (batch, c, h, w).

    With AP2(z) = sign(z) 2^round(log2 abs(z)): C = x - mean, var = mean(C AP2(C)),
    y = AP2(gamma) C AP2(1/sqrt(var + eps)) + beta.

    Parameters
    ----------
    features : int
    backward : {"real", "shift"}
        The gradient of the real-valued batch normalisation (default), or with AP2 of C, 1/std and
        gamma in its products, as the paper's code has it.
    momentum, eps : float
        0.125 and 1e-5; the running mean and the running 1/sqrt(var + eps) are kept, and AP2 is
        taken of the latter in evaluation.

    Source: Courbariaux et al. 2016 (arXiv:1602.02830), section 1.4, Algorithm 3.
    """

    running_mean: torch.Tensor
    running_istd: torch.Tensor

    def __init__(
        self,
        features: int,
        *,
        backward: str = "real",
        momentum: float = 0.125,
        eps: float = 1e-5,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        check_choice(backward, "backward", ("real", "shift"))
        if not 0 < momentum <= 1:
            raise InvalidInput(f"momentum must lie in (0, 1], got {shorten(momentum)}")
        self.features, self.products, self.momentum, self.eps = features, backward, momentum, eps
        self.weight = nn.Parameter(torch.ones(features, dtype=dtype))
        self.bias = nn.Parameter(torch.zeros(features, dtype=dtype))
        self.register_buffer("running_mean", torch.zeros(features, dtype=dtype))
        self.register_buffer("running_istd", torch.ones(features, dtype=dtype))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normalise a batch, or by the running values in evaluation."""
        if x.ndim not in (2, 4) or x.shape[1] != self.features:
            raise InvalidInput(
                f"x must have shape (batch, {self.features}) or (batch, {self.features}, h, w), "
                f"got {tuple(x.shape)}"
            )
        shape = (1, -1, *(1,) * (x.ndim - 2))
        gamma, beta = self.weight.reshape(shape), self.bias.reshape(shape)
        if not self.training:
            mean, istd = self.running_mean.reshape(shape), self.running_istd.reshape(shape)
            factor = substituted(gamma, ap2_torch(gamma))
            return factor * ((x - mean) * ap2_torch(istd)) + beta
        axes = _axes(x)
        mean = x.mean(axes, keepdim=True)
        c = x - mean
        istd = ((c * ap2_torch(c)).mean(axes, keepdim=True) + self.eps).rsqrt().detach()
        self._remember(mean.detach().reshape(-1), istd.reshape(-1))
        y = (ap2_torch(gamma) * (c * ap2_torch(istd))).detach()
        if self.products == "shift":
            return _Shifted.apply(x, y, c.detach(), istd, gamma) + beta  # type: ignore[no-untyped-call]
        real = gamma * c * ((c * c).mean(axes, keepdim=True) + self.eps).rsqrt()
        return substituted(real, y) + beta

    def _remember(self, mean: torch.Tensor, istd: torch.Tensor) -> None:
        with torch.no_grad():
            self.running_mean.add_(mean - self.running_mean, alpha=self.momentum)
            self.running_istd.add_(istd - self.running_istd, alpha=self.momentum)


@torch.no_grad()
def recalibrate(model: nn.Module, batches: Iterable[torch.Tensor]) -> None:
    """Measure the running statistics of batch normalisation anew, as means over batches.

    After something changed what the layers compute (XNOR-Net's K left out, other quantizers),
    the old statistics no longer fit. Weights and learned scales stay as they are; everything but
    the normalisation runs as in evaluation.

    Parameters
    ----------
    model : module
    batches : tensors that the model takes; each counts once

    Raises
    ------
    InvalidInput
        If the model normalises nothing, or there is no batch.
    """
    kinds = (nn.BatchNorm1d, nn.BatchNorm2d, ShiftBatchNorm)
    norms = [m for m in model.modules() if isinstance(m, kinds) and m.running_mean is not None]
    if not norms:
        raise InvalidInput("the model has no batch normalisation with running statistics")
    modes = [(m, m.training) for m in model.modules()]
    momenta = [norm.momentum for norm in norms]
    model.eval()
    done = 0
    try:
        for norm in norms:
            norm.train()
        for x in batches:
            done += 1
            for norm in norms:
                norm.momentum = 1 / done  # the mean of all batches so far
            model(x)
    finally:
        for module, training in modes:
            module.training = training
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
    if not done:
        raise InvalidInput("recalibrate needs at least one batch")
