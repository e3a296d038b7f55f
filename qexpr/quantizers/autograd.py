"""Quantizers under torch's autograd: the rules of a quantizer as forward and backward passes."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from qexpr.errors import InvalidInput, shorten
from qexpr.quantizers.backend import Array, import_torch, torch_backend

__all__ = ["MemberGenerators", "backward_function", "forward_function"]


_BUILT: list[tuple[Any, Any, Any]] = []  # not functools.cache, which torch.compile looks through


def _passes() -> tuple[Any, Any, Any]:
    """Return the three autograd functions."""
    if not _BUILT:
        _BUILT.append(_build())
    return _BUILT[0]


def _build() -> tuple[Any, Any, Any]:
    """Make the three autograd functions; torch is imported here and not before."""
    torch = import_torch()

    b = torch_backend()

    class Quantized(torch.autograd.Function):
        """Forward: the quantizer's map. Backward: its gradient rule."""

        @staticmethod
        def forward(quantizer: Any, noise: Any, x: Any, *parameters: Any) -> Any:
            given = dict(zip(quantizer.parameters, parameters, strict=True))
            return quantizer.rule_forward(b, x, given, noise)

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            ctx.quantizer = inputs[0]
            ctx.save_for_backward(*inputs[2:])

        @staticmethod
        def backward(ctx: Any, upstream: Any) -> Any:
            x, *parameters = ctx.saved_tensors
            given = dict(zip(ctx.quantizer.parameters, parameters, strict=True))
            gradient, learned = ctx.quantizer.rule_backward(b, x, upstream, given)
            return None, None, gradient, *(learned[name] for name in given)

        @staticmethod
        def vmap(info: Any, in_dims: Any, quantizer: Any, noise: Any, *tensors: Any) -> Any:
            size = info.batch_size
            noise = None if noise is None else _in_front(noise, in_dims[1], size)
            stacked = map(_in_front, tensors, in_dims[2:], itertools.repeat(size))
            return Stacked.apply(quantizer, noise, *stacked), 0

    class Stacked(Quantized):
        """The same for the members of an ensemble, along the first axis."""

        @staticmethod
        def forward(quantizer: Any, noise: Any, x: Any, *parameters: Any) -> Any:
            joined = _joined(quantizer, x)
            if joined is None:
                drawn = None if noise is None else 0
                alone = functools.partial(Quantized.forward, quantizer)
                each = torch.vmap(alone, in_dims=(drawn, *(0 for _ in (x, *parameters))))
                return each(noise, x, *parameters)
            noise = None if noise is None else noise.reshape(joined.shape)
            return Quantized.forward(quantizer, noise, joined).reshape(x.shape)

        @staticmethod
        def backward(ctx: Any, upstream: Any) -> Any:
            x, *parameters = ctx.saved_tensors
            names = list(ctx.quantizer.parameters)

            def rule(x: Any, g: Any, *values: Any) -> Any:
                given = dict(zip(names, values, strict=True))
                gradient, learned = ctx.quantizer.rule_backward(b, x, g, given)
                return gradient, *(learned[name] for name in names)

            joined = _joined(ctx.quantizer, x)
            if joined is None:
                return None, None, *torch.vmap(rule)(x, upstream, *parameters)
            (gradient,) = rule(joined, upstream.reshape(joined.shape))
            return None, None, gradient.reshape(x.shape)

        @staticmethod
        def vmap(info: Any, in_dims: Any, quantizer: Any, noise: Any, *tensors: Any) -> Any:
            # ensembles of ensembles: one longer axis
            given = [
                None if t is None else _in_front(t, axis, info.batch_size).flatten(0, 1)
                for t, axis in zip((noise, *tensors), in_dims[1:], strict=True)
            ]
            out = Stacked.apply(quantizer, *given)
            return out.unflatten(0, (info.batch_size, -1)), 0

    def quantize(quantizer: Any, upstream: Any, noise: Any) -> Any:
        values = _tensors(quantizer, upstream, {})
        given = dict(zip(quantizer.parameters, values, strict=True))
        return quantizer.rule_forward(b, upstream, given, noise)

    class QuantizedGradient(torch.autograd.Function):
        """Forward: the identity. Backward: the quantizer's map of the gradient."""

        @staticmethod
        def forward(quantizer: Any, generator: Any, x: Any) -> Any:
            return x.view_as(x)

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            ctx.quantizer, ctx.generator = inputs[:2]

        @staticmethod
        def backward(ctx: Any, upstream: Any) -> Any:
            noise = _noise(ctx.quantizer, upstream, ctx.generator)
            return None, None, quantize(ctx.quantizer, upstream, noise)

        @staticmethod
        def vmap(info: Any, in_dims: Any, quantizer: Any, generator: Any, x: Any) -> Any:
            return StackedGradient.apply(quantizer, generator, x.movedim(in_dims[2], 0)), 0

    class StackedGradient(QuantizedGradient):
        """The same for the members of an ensemble, along the first axis."""

        @staticmethod
        def backward(ctx: Any, upstream: Any) -> Any:
            if not ctx.quantizer.is_stochastic:
                each = torch.vmap(lambda g: quantize(ctx.quantizer, g, None))
                return None, None, each(upstream)
            noise = ctx.generator.draw(upstream.shape[1:], upstream.device)
            each = torch.vmap(lambda g, n: quantize(ctx.quantizer, g, n))
            return None, None, each(upstream, noise)

    class Noise(torch.autograd.Function):
        """Uniform noise in the shape of x: one draw for each member under vmap."""

        @staticmethod
        def forward(x: Any, generators: MemberGenerators) -> Any:
            if len(generators.each) != 1:
                raise InvalidInput(
                    f"{len(generators.each)} generators are for as many members under torch.vmap"
                )
            return generators.draw(x.shape, x.device)[0]

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            ctx.mark_non_differentiable(output)

        @staticmethod
        def backward(ctx: Any, upstream: Any) -> Any:
            return None, None

        @staticmethod
        def vmap(info: Any, in_dims: Any, x: Any, generators: MemberGenerators) -> Any:
            shape = list(x.shape)
            del shape[in_dims[0]]
            return generators.draw(tuple(shape), x.device), 0

    return Quantized, QuantizedGradient, Noise


def _in_front(x: Array, axis: int | None, size: int) -> Array:
    """A tensor with the axis of the members first; None: they share it."""
    return x.expand(size, *x.shape) if axis is None else x.movedim(axis, 0)


def _joined(quantizer: Any, x: Array) -> Array | None:
    """All members as one array that is quantized as they are; None where there is none."""
    if quantizer.parameters or quantizer.grain == "array":
        return None
    if quantizer.grain == "entry" or x.ndim == 2:  # an array of one axis is a single channel
        return x
    return x.flatten(0, 1) if x.ndim > 2 else x[:, None]


@dataclass(frozen=True)
class MemberGenerators:
    """Sources of noise for an ensemble under ``torch.vmap``: one for each member.

    Each member draws as it would alone; it takes the place of a ``torch.Generator``.
    """

    each: tuple[Any, ...]

    def draw(self, shape: tuple[int, ...], device: Any) -> Array:
        """Uniform noise on [0, 1) of one shape for each, stacked."""
        torch = import_torch()

        return torch.stack([_uniform(shape, generator, device) for generator in self.each])


def _uniform(shape: tuple[int, ...], generator: Any, device: Any) -> Array:
    """Uniform noise, drawn where the generator lives: a seed gives the same on every device."""
    torch = import_torch()

    source = generator.device
    return torch.rand(shape, generator=generator, dtype=torch.float64, device=source).to(device)


def _noise(quantizer: Any, x: Array, generator: Any) -> Array | None:
    torch = import_torch()

    if not quantizer.is_stochastic:
        if generator is not None:
            raise InvalidInput(
                f"{quantizer.name} with {quantizer.options} is deterministic: no generator"
            )
        return None
    if isinstance(generator, MemberGenerators):
        return _passes()[2].apply(x, generator)
    if not isinstance(generator, torch.Generator):
        raise InvalidInput(
            f"{quantizer.name} is stochastic: generator must be a torch.Generator, "
            f"got {shorten(generator)}"
        )
    return _uniform(x.shape, generator, x.device)


def _tensors(quantizer: Any, x: Array, given: dict[str, Array]) -> list[Array]:
    torch = import_torch()

    known = quantizer.parameters
    for name in given:
        if name not in known:
            allowed = ", ".join(known) or "none"
            raise InvalidInput(
                f"{quantizer.name} has no learned parameter {shorten(name)}; it has: {allowed}"
            )
    values = []
    for name, value in known.items():
        tensor = torch.as_tensor(given.get(name, value), dtype=x.dtype, device=x.device)
        if tensor.shape != value.shape:
            raise InvalidInput(
                f"{name} of {quantizer.name} must have shape {value.shape}, "
                f"got {tuple(tensor.shape)}"
            )
        values.append(tensor)
    return values


def _check(x: Any) -> None:
    torch = import_torch()

    if not isinstance(x, torch.Tensor) or x.dtype not in (torch.float32, torch.float64):
        found = x.dtype if isinstance(x, torch.Tensor) else type(x).__name__
        raise InvalidInput(f"x must be a float32 or float64 tensor, got {found}")
    if x.numel() == 0:
        raise InvalidInput(f"x must have at least one entry, got shape {tuple(x.shape)}")


def forward_function(quantizer: Any, check: bool) -> Callable[..., Any]:
    """Return ``f(tensor, generator=None, **parameters)``: the quantizer's map with its gradient."""
    quantized, _, _ = _passes()

    def apply(x: Any, *, generator: Any = None, **parameters: Any) -> Any:
        _check(x)
        if check and not x.isfinite().all():
            raise InvalidInput("x must be finite, got NaN or infinite entries")
        noise = _noise(quantizer, x, generator)
        return quantized.apply(quantizer, noise, x, *_tensors(quantizer, x, parameters))

    return apply


def backward_function(quantizer: Any) -> Callable[..., Any]:
    """Return ``f(tensor, generator=None)``: the identity that quantizes gradients."""
    _, quantized, _ = _passes()

    def apply(x: Any, *, generator: Any = None) -> Any:
        _check(x)
        return quantized.apply(quantizer, generator, x)

    return apply
