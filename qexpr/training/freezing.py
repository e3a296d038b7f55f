"""From torch modules to a QuantizedNetwork: codes, exact scales, folded normalisation."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from torch import nn

from qexpr.core.numbers import read_integer
from qexpr.errors import InvalidInput, Unsupported, shorten
from qexpr.networks import (
    Activate,
    Activation,
    Add,
    AvgPool2d,
    Conv2d,
    Dense,
    Flatten,
    Layer,
    MaxPool2d,
    Multiply,
    QuantizedNetwork,
    Relu,
    mean_of,
)
from qexpr.quantizers import CollapseWarning, Quantizer, ap2
from qexpr.training.codes import weight_codes
from qexpr.training.layers import Affine, QuantActivation, Skip, quantized_layers
from qexpr.training.normalisation import ShiftBatchNorm
from qexpr.training.steps import as_steps

__all__ = ["freeze", "freeze_ensemble"]

Pair = tuple[tuple[Fraction, ...], tuple[Fraction, ...]]  # scale and offset of each channel


def freeze(
    module: nn.Module,
    input_shape: tuple[int, ...],
    *,
    draw: np.random.Generator | None = None,
) -> QuantizedNetwork:
    """The exact network that a module is in evaluation.

    Weights become integer codes and scales, each float the rational that it is; activation
    quantizers become step functions; normalisation and `Affine` go into the scales and biases of
    a neighbouring layer, or become a layer of their own where there is none.

    Parameters
    ----------
    module : Sequential, or one layer, of the layers of this package, torch's Linear, Conv2d,
        ReLU, Flatten, pooling, BatchNorm, Dropout and Identity
    input_shape : (d,) or (channels, height, width)
    draw : numpy.random.Generator, optional
        Stochastic weights are drawn from it; by default they are the signs.

    Raises
    ------
    Unsupported
        Naming the module that has no exact form here.
    InvalidInput
        If a parameter is NaN or infinite, or quantization annealing has not ended.

    Warns
    -----
    CollapseWarning
        Naming the layers of whose weights a whole group became 0.
    """
    if draw is not None and not isinstance(draw, np.random.Generator):
        raise InvalidInput(f"draw must be a numpy.random.Generator or None, got {shorten(draw)}")
    for name, value in (*module.named_parameters(), *module.named_buffers()):
        if not torch.isfinite(value).all():
            raise InvalidInput(f"{name} holds NaN or infinity: the training diverged")
        if value.is_floating_point() and value.dtype not in (torch.float32, torch.float64):
            raise Unsupported(
                f"{name} is {value.dtype}: freeze takes float32 and float64, .float() gives them"
            )
    if any(getattr(part, "blend", 1.0) < 1 for part in module.modules()):
        raise InvalidInput(
            "the module computes with weights between real and discrete ones: end the annealing "
            "by set_blend(module, 1)"
        )
    draft = _Draft(tuple(input_shape), draw, {id(m): n for n, m in module.named_modules()})
    draft.add(module)
    return draft.network()


def freeze_ensemble(
    module: nn.Module,
    input_shape: tuple[int, ...],
    draws: int,
    generator: np.random.Generator,
) -> QuantizedNetwork:
    """The mean of several draws of a module's stochastic weights, as one exact network.

    (Courbariaux, Bengio and David 2015, section 2.6, method 3.)

    Parameters
    ----------
    module, input_shape : as for `freeze`; the last layer is linear
    draws : from 1 to 1024
    generator : numpy.random.Generator

    Raises
    ------
    InvalidInput
        If no layer of the module has stochastic weights.
    """
    read_integer(draws, "draws", 1, 1024)
    if not any(m.weights.is_stochastic for m in quantized_layers(module) if m.weights):
        raise InvalidInput(
            "no layer has stochastic weights, so that all draws are one: use freeze, or "
            'weights=quantizers.get("binaryconnect", stochastic=True)'
        )
    if not isinstance(generator, np.random.Generator):
        raise InvalidInput(f"generator must be a numpy.random.Generator, got {shorten(generator)}")
    return mean_of([freeze(module, input_shape, draw=generator) for _ in range(draws)])


class _Draft:
    """Layers so far. `open`: nobody else reads the last one, so it may still be changed."""

    def __init__(
        self,
        input_shape: tuple[int, ...],
        noise: np.random.Generator | None,
        titles: dict[int, str],
    ) -> None:
        self.input_shape = input_shape
        self.noise = noise
        self.titles = titles  # of the modules, by identity
        self.layers: list[Layer] = []
        self.open = False
        self.pending: tuple[Fraction, Fraction] | None = None  # an Affine before the first layer
        self.names = 0

    def network(self) -> QuantizedNetwork:
        self.settle()
        return QuantizedNetwork(self.input_shape, tuple(self.layers))

    def shape(self) -> tuple[int, ...]:
        if not self.layers:
            return self.input_shape
        return QuantizedNetwork(self.input_shape, tuple(self.layers)).shapes[-1]

    def push(self, layer: Layer) -> None:
        self.layers.append(layer)
        self.open = True

    def name(self) -> str:
        """A name of what stands at the end; from now on it stays as it is."""
        self.settle()
        self.open = False
        if not self.layers:
            return "input"
        if not self.layers[-1].name:
            self.names += 1
            self.layers[-1] = replace(self.layers[-1], name=f"t{self.names}")
        return self.layers[-1].name

    def add(self, module: nn.Module) -> None:
        for kind, rule in _RULES:
            if isinstance(module, kind):
                rule(self, module)
                return
        raise Unsupported(
            f"a {type(module).__name__} has no exact form here; freeze takes "
            f"{', '.join(kind.__name__ for kind, _ in _RULES)}"
        )

    # ---- linear ----

    def settle(self) -> None:
        """Write an Affine that waited for a layer to go into."""
        if self.pending is not None:
            pair, self.pending = self.pending, None
            self.affine(((pair[0],), (pair[1],)))

    def affine(self, pair: Pair) -> None:
        """Multiply and shift each channel, in the last layer if it is linear."""
        last = self.layers[-1] if self.layers else None
        channels = self.shape()[0]
        scale, offset = (part * channels if len(part) == 1 else part for part in pair)
        if self.open and isinstance(last, Dense | Conv2d) and last.activation is None:
            scales = tuple(a * s for a, s in zip(scale, last.scales(), strict=True))
            biases = tuple(a * b + c for a, b, c in zip(scale, last.biases(), offset, strict=True))
            self.layers[-1] = replace(last, scale=_shared(scales), bias=biases)
        elif len(self.shape()) == 3:
            codes = np.ones((channels, 1, 1, 1), dtype=np.int64)
            self.push(Conv2d(codes, scale=_shared(scale), bias=offset, groups=channels))
        else:
            self.push(Dense(np.eye(channels, dtype=np.int64), scale=_shared(scale), bias=offset))

    def weighted(self, module: nn.Linear | nn.Conv2d) -> None:
        inputs = getattr(module, "inputs", None)
        k = None
        if inputs is not None:
            k = self.output_factor(module, inputs)
            self.activate(as_steps(inputs, _values(module.input_scales)))  # type: ignore[arg-type]
        codes, scales = _codes_of(module, self.noise, self.titles.get(id(module), ""))
        bias = None if module.bias is None else _exact(module.bias)
        options: dict[str, Any] = {"scale": scales, "bias": bias if k is None else None}
        padded = isinstance(module, nn.Conv2d) and any(map(int, module.padding))
        if self.pending is not None and not padded:
            (a, b), self.pending = self.pending, None
            sums = codes.reshape(len(codes), -1).sum(axis=1).tolist()
            start = bias or (Fraction(0),) * len(codes)
            own = scales if isinstance(scales, tuple) else (scales,) * len(codes)
            options["bias"] = tuple(c + b * s * n for c, s, n in zip(start, own, sums, strict=True))
            options["scale"] = _shared(tuple(a * s for s in own))
        self.settle()
        if isinstance(module, nn.Linear):
            self.push(Dense(codes, **options))
        else:
            if module.padding_mode != "zeros" or set(module.dilation) != {1}:
                raise Unsupported("convolutions have padding_mode 'zeros' and dilation 1")
            options |= {"stride": module.stride, "padding": module.padding}
            options |= {"groups": module.groups}
            options |= {"padding_value": getattr(module, "padding_value", 0)}
            self.push(Conv2d(codes, **options))
        if k is not None:
            self.push(Multiply(other=k))
            if bias is not None and any(bias):
                self.affine(((Fraction(1),), bias))

    def output_factor(self, module: nn.Module, inputs: Quantizer) -> str | None:
        """The layers of XNOR-Net's K (mean|x|, then the box filter) and their name."""
        if inputs.name != "xnor" or inputs.fixed_scale:  # type: ignore[attr-defined]
            return None
        source = self.name()
        shape = self.shape()
        c = shape[0]
        both = np.concatenate([np.eye(c, dtype=np.int64), -np.eye(c, dtype=np.int64)])
        one = np.ones((1, 2 * c), dtype=np.int64)
        if len(shape) == 1:
            self.push(Dense(both, activation=Relu(), source=source))
            self.push(Dense(one, scale=Fraction(1, c)))
        else:
            size = inputs.kernel_size  # type: ignore[attr-defined]
            self.push(Conv2d(both[:, :, None, None], activation=Relu(), source=source))
            box = np.broadcast_to(one[:, :, None, None], (1, 2 * c, size, size))
            self.push(
                Conv2d(
                    np.array(box),
                    scale=Fraction(1, c * size * size),
                    stride=(inputs.stride,) * 2,  # type: ignore[attr-defined]
                    padding=(inputs.padding,) * 2,  # type: ignore[attr-defined]
                )
            )
        k = self.name()
        self.push(Activate(source=source))
        return k

    # ---- the rest ----

    def activate(self, activation: Activation) -> None:
        self.settle()
        last = self.layers[-1] if self.layers else None
        if self.open and last is not None and last.activation is None:
            self.layers[-1] = replace(last, activation=activation)
        else:
            self.push(Activate(activation=activation))

    def normalise(self, module: Any) -> None:
        self.settle()
        mean = _exact(module.running_mean)
        if isinstance(module, ShiftBatchNorm):
            gamma = ap2(_array(module.weight)).astype(np.float64)
            factors = gamma * ap2(_array(module.running_istd))
            scale = tuple(Fraction(float(f)) for f in factors)
            beta = _exact(module.bias)
        else:
            variance = _array(module.running_var.double()) + module.eps
            weight = 1.0 if module.weight is None else _array(module.weight.double())
            scale = tuple(Fraction(float(f)) for f in weight / np.sqrt(variance))
            zero = (Fraction(0),) * len(scale)
            beta = zero if module.bias is None else _exact(module.bias)
        offset = tuple(b - a * m for a, b, m in zip(scale, beta, mean, strict=True))
        self.affine((scale, offset))

    def skip(self, module: Skip) -> None:
        other = self.name()
        self.add(module.body)
        self.settle()
        self.push(Add(other=other))

    def rescale(self, module: Affine) -> None:
        pair = Fraction(module.scale), Fraction(module.offset)
        if self.layers or self.pending is not None:
            self.settle()
            self.affine(((pair[0],), (pair[1],)))
        else:
            self.pending = pair


def _pool(kind: Callable[..., Layer]) -> Callable[[_Draft, Any], None]:
    def add(draft: _Draft, module: Any) -> None:
        average = isinstance(module, nn.AvgPool2d)
        plain = module.padding in (0, (0, 0)) and not module.ceil_mode
        if not plain or getattr(module, "dilation", 1) not in (1, (1, 1)):
            raise Unsupported("pooling has no padding, no dilation and no ceil_mode")
        if average and module.divisor_override is not None:
            raise Unsupported("average pooling has no divisor_override")
        draft.settle()
        draft.push(kind(kernel=module.kernel_size, stride=module.stride))

    return add


def _sequence(draft: _Draft, module: Any) -> None:
    for part in module:
        draft.add(part)


def _flatten(draft: _Draft, module: Any) -> None:
    if (module.start_dim, module.end_dim) != (1, -1):
        raise Unsupported("Flatten has start_dim 1 and end_dim -1")
    if len(draft.shape()) == 3:
        draft.settle()
        draft.push(Flatten())


def _normalise(draft: _Draft, module: Any) -> None:
    if not isinstance(module, ShiftBatchNorm) and not module.track_running_stats:
        raise Unsupported("batch normalisation needs running statistics")
    draft.normalise(module)


_RULES: tuple[tuple[type[nn.Module], Callable[[_Draft, Any], None]], ...] = (
    (nn.Sequential, _sequence),
    (Skip, _Draft.skip),
    (Affine, _Draft.rescale),
    (nn.Linear, _Draft.weighted),
    (nn.Conv2d, _Draft.weighted),
    (nn.ReLU, lambda draft, module: draft.activate(Relu())),
    (
        QuantActivation,
        lambda draft, m: draft.activate(as_steps(m.activations, _values(m.scales))),
    ),
    (nn.BatchNorm1d, _normalise),
    (nn.BatchNorm2d, _normalise),
    (ShiftBatchNorm, _normalise),
    (nn.Flatten, _flatten),
    (nn.MaxPool2d, _pool(MaxPool2d)),
    (nn.AvgPool2d, _pool(AvgPool2d)),
    (nn.Dropout, lambda draft, module: None),
    (nn.Identity, lambda draft, module: None),
)


def _codes_of(
    module: nn.Linear | nn.Conv2d, noise: np.random.Generator | None, title: str
) -> tuple[np.ndarray, Any]:
    quantizer = getattr(module, "weights", None)
    learned = _values(module.weight_scales) if quantizer is not None else {}  # type: ignore[arg-type]
    weight = _array(module.weight)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", CollapseWarning)
        codes, scales = weight_codes(quantizer, weight, learned, noise)
    if any(issubclass(w.category, CollapseWarning) for w in caught):
        warnings.warn(
            f"the layer {title or '0'} of shape {shorten(tuple(weight.shape))} has groups of "
            "weights that all became 0; lower the threshold or the scale, or the learning rate",
            CollapseWarning,
            stacklevel=2,
        )
    return codes, scales


def _values(parameters: nn.ParameterDict) -> dict[str, np.ndarray]:
    return {key: _array(value) for key, value in parameters.items()}


def _array(values: torch.Tensor) -> np.ndarray:
    return values.detach().cpu().numpy()


def _exact(values: torch.Tensor) -> tuple[Fraction, ...]:
    return tuple(Fraction(v) for v in values.detach().double().tolist())


def _shared(scales: tuple[Fraction, ...]) -> Any:
    return scales[0] if len(set(scales)) == 1 else scales
