"""Three small maps with gradients of their own."""

from __future__ import annotations

from typing import Any

import torch

__all__ = ["blended", "cancelled", "substituted"]


class _Substitute(torch.autograd.Function):
    """Forward: the second argument. Backward: the gradient goes to the first."""

    generate_vmap_rule = True

    @staticmethod
    def forward(real: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        return value.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, upstream: torch.Tensor) -> Any:
        return upstream, None


class _Cancel(torch.autograd.Function):
    """Forward: the identity. Backward: the gradient where abs(x) <= limit, 0 elsewhere."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: torch.Tensor, limit: float) -> torch.Tensor:
        return x.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.save_for_backward(inputs[0])
        ctx.limit = inputs[1]

    @staticmethod
    def backward(ctx: Any, upstream: torch.Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return upstream * (x.abs() <= ctx.limit), None


def substituted(real: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """`value` exactly, with the gradient of `real`."""
    return _Substitute.apply(real, value)  # type: ignore[no-untyped-call]


def cancelled(x: torch.Tensor, limit: float | None) -> torch.Tensor:
    """x, its gradient cancelled where abs(x) > limit; None cancels nowhere."""
    if limit is None:
        return x
    return _Cancel.apply(x, limit)  # type: ignore[no-untyped-call]


def blended(real: torch.Tensor, discrete: torch.Tensor, share: float) -> torch.Tensor:
    """The discrete values from share 1 on, a mixture before: quantization annealing."""
    if share >= 1:
        return discrete
    return real + share * (discrete - real) if share > 0 else real
