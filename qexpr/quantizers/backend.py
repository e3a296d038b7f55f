"""The array operations that the quantizers are written in, for NumPy and for torch.

Each quantizer is written once, over these operations. `NUMPY` is the specification; `torch_backend`
gives the same operations under torch, with no data-dependent branch, so that they can be batched by
``torch.vmap``. Sums are taken in float64, whatever the dtype of the array.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from qexpr.errors import Unsupported

__all__ = ["NUMPY", "Array", "NumpyBackend", "import_torch", "torch_backend"]

Array = Any  # a NumPy array or a torch tensor


class NumpyBackend:
    """The operations in NumPy."""

    abs = staticmethod(np.abs)
    floor = staticmethod(np.floor)
    round = staticmethod(np.round)  # half to even
    tanh = staticmethod(np.tanh)
    sqrt = staticmethod(np.sqrt)
    exp2 = staticmethod(np.exp2)
    where = staticmethod(np.where)
    clip = staticmethod(np.clip)
    frexp = staticmethod(np.frexp)
    minimum = staticmethod(np.minimum)
    maximum = staticmethod(np.maximum)

    @staticmethod
    def mask(condition: Array, like: Array) -> Array:
        """Return 1 where the condition holds and 0 elsewhere, in the dtype of `like`."""
        return condition.astype(like.dtype)

    @staticmethod
    def largest(like: Array) -> float:
        """Return the largest finite number of the dtype of `like`."""
        return float(np.finfo(like.dtype).max)

    @staticmethod
    def smallest(like: Array) -> float:
        """Return the smallest normal number of the dtype of `like`; its inverse is finite."""
        return float(np.finfo(like.dtype).tiny)

    @staticmethod
    def table(values: Any, like: Array) -> Array:
        """Return constants as an array of the dtype of `like`."""
        return np.asarray(values, dtype=like.dtype)

    @staticmethod
    def cast(x: Array, like: Array) -> Array:
        """Return x in the dtype of `like`."""
        return np.asarray(x).astype(like.dtype)

    @staticmethod
    def double(x: Array) -> Array:
        """Return x in float64."""
        return np.asarray(x).astype(np.float64)

    @staticmethod
    def sum(x: Array, axes: tuple[int, ...]) -> Array:
        """Sum in float64 over `axes`, which are kept with length 1."""
        return np.sum(x, axis=axes, keepdims=True, dtype=np.float64)

    @staticmethod
    def total(x: Array, like: Array) -> Array:
        """Return the sum over all entries, taken in float64, in the dtype of `like`."""
        return np.sum(x, dtype=np.float64).astype(like.dtype)

    @staticmethod
    def stack(values: list[Array]) -> Array:
        """Return scalars as a vector."""
        return np.stack(values)

    @staticmethod
    def first_of(condition: Array, like: Array) -> Array:
        """Return 1 at the first place where the condition holds, and 0 elsewhere."""
        flat = np.zeros(condition.size, like.dtype)
        flat[np.argmax(condition)] = 1
        return flat.reshape(condition.shape)

    @staticmethod
    def amax(x: Array, axes: tuple[int, ...]) -> Array:
        """Return the maximum over `axes`, which are kept with length 1."""
        return np.max(x, axis=axes, keepdims=True)

    @staticmethod
    def amin(x: Array, axes: tuple[int, ...]) -> Array:
        """Return the minimum over `axes`, which are kept with length 1."""
        return np.min(x, axis=axes, keepdims=True)

    @staticmethod
    def argmax(x: Array) -> Array:
        """Return the index of the first maximum along the last axis, which is kept."""
        return np.argmax(x, axis=-1, keepdims=True)

    @staticmethod
    def argsort(x: Array) -> Array:
        """Return the order that sorts the last axis downwards, stably."""
        return np.argsort(-x, axis=-1, kind="stable")

    @staticmethod
    def falling(x: Array) -> Array:
        """Return the entries along the last axis in falling order."""
        return -np.sort(-x, axis=-1)

    @staticmethod
    def cumsum(x: Array) -> Array:
        """Return the running sums along the last axis."""
        return np.cumsum(x, axis=-1)

    @staticmethod
    def take(x: Array, index: Array) -> Array:
        """Pick entries along the last axis."""
        return np.take_along_axis(x, index, axis=-1)

    @staticmethod
    def append_zero(x: Array) -> Array:
        """Return x with a zero more at the end of the last axis."""
        return np.concatenate([x, np.zeros((*x.shape[:-1], 1), x.dtype)], axis=-1)

    @staticmethod
    def lookup(table: Array, index: Array) -> Array:
        """Return table[index] for an index held as a floating array."""
        return table[index.astype(np.int64)]

    @staticmethod
    def bucket(x: Array, thresholds: Array, *, closed_above: bool) -> Array:
        """Count the thresholds at or below x (below x, if the buckets are closed above)."""
        side = "left" if closed_above else "right"
        return np.searchsorted(thresholds, x, side=side).astype(x.dtype)

    @staticmethod
    def ldexp(x: Array, exponent: Array) -> Array:
        """Return x * 2^exponent; the exponent is an integer or an integral float."""
        return np.ldexp(x, np.asarray(exponent).astype(np.int64))

    @staticmethod
    def quantile(x: Array, share: float) -> Array:
        """Return the linearly interpolated quantile along the last axis, which is kept."""
        return np.quantile(x, share, axis=-1, keepdims=True)


NUMPY = NumpyBackend()


def import_torch() -> Any:
    """Return torch; where it is missing, say how to get it."""
    try:
        import torch
    except ModuleNotFoundError:
        raise Unsupported("this needs PyTorch: pip install 'qexpr[train]'") from None
    return torch


@functools.cache
def torch_backend() -> Any:
    """Return the same operations in torch, which is imported here and not before."""
    torch = import_torch()

    class Falling(torch.autograd.Function):
        """Falling order; on the CPU by NumPy, many times faster for stacks of short rows."""

        @staticmethod
        def forward(x: Array) -> Array:
            if x.device.type == "cpu":
                return torch.from_numpy(NUMPY.falling(x.numpy()))
            return torch.sort(x, dim=-1, descending=True).values

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            ctx.mark_non_differentiable(output)

        @staticmethod
        def vmap(info: Any, in_dims: Any, x: Array) -> Any:
            return Falling.apply(x.movedim(in_dims[0], 0)), 0

    class TorchBackend:
        """The operations in torch."""

        abs = staticmethod(torch.abs)
        floor = staticmethod(torch.floor)
        round = staticmethod(torch.round)
        tanh = staticmethod(torch.tanh)
        sqrt = staticmethod(torch.sqrt)
        exp2 = staticmethod(torch.exp2)
        where = staticmethod(torch.where)
        clip = staticmethod(torch.clip)
        frexp = staticmethod(torch.frexp)
        minimum = staticmethod(torch.minimum)
        maximum = staticmethod(torch.maximum)

        @staticmethod
        def mask(condition: Array, like: Array) -> Array:
            return condition.to(like.dtype)

        @staticmethod
        def largest(like: Array) -> float:
            return torch.finfo(like.dtype).max

        @staticmethod
        def smallest(like: Array) -> float:
            return torch.finfo(like.dtype).tiny

        @staticmethod
        def table(values: Any, like: Array) -> Array:
            return torch.as_tensor(np.asarray(values), dtype=like.dtype, device=like.device)

        @staticmethod
        def cast(x: Array, like: Array) -> Array:
            return x.to(like.dtype)

        @staticmethod
        def double(x: Array) -> Array:
            return x.to(torch.float64)

        @staticmethod
        def sum(x: Array, axes: tuple[int, ...]) -> Array:
            if not axes:
                return x.to(torch.float64)
            return torch.sum(x, dim=axes, keepdim=True, dtype=torch.float64)

        @staticmethod
        def total(x: Array, like: Array) -> Array:
            return torch.sum(x, dtype=torch.float64).to(like.dtype)

        @staticmethod
        def stack(values: list[Array]) -> Array:
            return torch.stack(values)

        @staticmethod
        def first_of(condition: Array, like: Array) -> Array:
            flat = condition.reshape(-1).to(like.dtype)
            places = torch.arange(flat.shape[0], device=flat.device)
            first = places == torch.argmax(flat)
            return first.to(like.dtype).reshape(condition.shape)

        @staticmethod
        def amax(x: Array, axes: tuple[int, ...]) -> Array:
            return torch.amax(x, dim=axes, keepdim=True) if axes else x

        @staticmethod
        def amin(x: Array, axes: tuple[int, ...]) -> Array:
            return torch.amin(x, dim=axes, keepdim=True) if axes else x

        @staticmethod
        def argmax(x: Array) -> Array:
            return torch.argmax(x, dim=-1, keepdim=True)

        @staticmethod
        def argsort(x: Array) -> Array:
            return torch.argsort(x, dim=-1, descending=True, stable=True)

        @staticmethod
        def falling(x: Array) -> Array:
            return Falling.apply(x)

        @staticmethod
        def cumsum(x: Array) -> Array:
            return torch.cumsum(x, dim=-1)

        @staticmethod
        def take(x: Array, index: Array) -> Array:
            return torch.gather(x, -1, index)  # take_along_dim reads the signs of indices first

        @staticmethod
        def append_zero(x: Array) -> Array:
            return torch.nn.functional.pad(x, (0, 1))

        @staticmethod
        def lookup(table: Array, index: Array) -> Array:
            return table[index.to(torch.int64)]

        @staticmethod
        def bucket(x: Array, thresholds: Array, *, closed_above: bool) -> Array:
            # torch's `right` is the opposite end of NumPy's `side`: right=True counts t <= x
            return torch.bucketize(x.contiguous(), thresholds, right=not closed_above).to(x.dtype)

        @staticmethod
        def ldexp(x: Array, exponent: Array) -> Array:
            # torch.ldexp forms 2^exponent in float32 first; two exact factors never overflow
            exponent = torch.as_tensor(exponent, device=x.device).to(x.dtype)
            half = torch.floor(exponent / 2)
            return x * torch.exp2(half) * torch.exp2(exponent - half)

        @staticmethod
        def quantile(x: Array, share: float) -> Array:
            # torch.quantile is limited to 2^24 entries; the interpolation is NumPy's
            ordered = torch.sort(x, dim=-1).values
            place = share * (x.shape[-1] - 1)
            low = int(place)
            high = min(low + 1, x.shape[-1] - 1)
            weight = place - low
            below, above = ordered[..., low : low + 1], ordered[..., high : high + 1]
            step = above - below
            if weight >= 0.5:
                return above - step * (1 - weight)
            return below + step * weight

    return TorchBackend()
