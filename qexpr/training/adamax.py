"""Shift-based AdaMax: Courbariaux et al. 2016, Algorithm 4, as a torch optimiser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from qexpr.errors import InvalidInput, shorten
from qexpr.quantizers import ap2_torch

__all__ = ["ShiftAdaMax"]

_TINY = 2.0**-27


class ShiftAdaMax(torch.optim.Optimizer):
    """m = b1 m + (1-b1) g; v = max(b2 v, abs(g)); w -= AP2(lr/(1-b1^t)) m / (AP2(v) + 2^-27).

    m is not corrected: the step carries the correction. With the defaults every factor is a power
    of two.

    Parameters
    ----------
    params : parameters or groups, as for every torch optimiser
    lr : float, 2^-10
    betas : pair of float, (1 - 2^-3, 1 - 2^-10)

    Source: Courbariaux et al. 2016 (arXiv:1602.02830), section 1.5, Algorithm 4.
    """

    def __init__(
        self,
        params: Any,
        lr: float = 2.0**-10,
        betas: tuple[float, float] = (1 - 2.0**-3, 1 - 2.0**-10),
    ) -> None:
        if not lr >= 0:
            raise InvalidInput(f"lr must be at least 0, got {shorten(lr)}")
        if len(betas) != 2 or not all(0 <= beta < 1 for beta in betas):
            raise InvalidInput(f"betas must be two numbers in [0, 1), got {shorten(betas)}")
        super().__init__(params, {"lr": lr, "betas": tuple(betas)})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:  # type: ignore[override]
        """One update of every parameter that has a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            first, second = group["betas"]
            for w in group["params"]:
                if w.grad is None:
                    continue
                state = self.state[w]
                if not state:
                    state["step"] = 0
                    state["m"] = torch.zeros_like(w)
                    state["v"] = torch.zeros_like(w)
                state["step"] += 1
                state["m"].mul_(first).add_(w.grad, alpha=1 - first)
                torch.maximum(state["v"] * second, w.grad.abs(), out=state["v"])
                corrected = torch.tensor(
                    group["lr"] / (1 - first ** state["step"]), dtype=torch.float64
                )
                size = float(ap2_torch(corrected))
                w.sub_(size * state["m"] / (ap2_torch(state["v"]) + _TINY))
        return loss
