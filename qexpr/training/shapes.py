"""Networks in the shapes that are trained here: fully connected, residual, convolutional."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import nn

from qexpr import quantizers
from qexpr.core.numbers import read_integer
from qexpr.errors import InvalidInput, shorten
from qexpr.quantizers import Quantizer
from qexpr.training.layers import Affine, QuantActivation, QuantConv2d, QuantLinear, Skip
from qexpr.training.normalisation import ShiftBatchNorm
from qexpr.training.recipes import Recipe

__all__ = ["convolutional", "dense", "initialise"]

_WIDEST = 65536


def dense(
    recipe: Recipe,
    inputs: int,
    widths: Sequence[int],
    outputs: int = 1,
    *,
    generator: torch.Generator,
    units: tuple[float, float] = (1.0, 0.0),
    residual: bool = False,
    dtype: torch.dtype = torch.float64,
) -> nn.Sequential:
    """A fully connected network on the unit cube, its real weights drawn from a generator.

    Parameters
    ----------
    recipe : which layers, in which order
    inputs, widths, outputs : numbers of units
    units : scale and offset of the outputs
    residual : layers between equal widths are added to what they read

    Raises
    ------
    InvalidInput
        For impossible widths, among them residual ones of which no two are equal, or if no
        layer's weights would be quantized.
    """
    sizes = [
        read_integer(inputs, "inputs", 1, _WIDEST),
        *(read_integer(w, "each width", 1, _WIDEST) for w in _list(widths)),
        read_integer(outputs, "outputs", 1, _WIDEST),
    ]
    if residual and all(a != b for a, b in pairwise(sizes[1:-1])):
        raise InvalidInput(
            "residual connections need two layers of equal width, one after the other, got widths "
            f"{', '.join(map(str, sizes[1:-1]))}"
        )
    parts: list[nn.Module] = [Affine(2.0, -1.0)]
    last = len(sizes) - 2
    for k, (a, b) in enumerate(pairwise(sizes)):
        weights = _end(recipe, recipe.first if k == 0 else recipe.last, k in (0, last))
        block = _block(recipe, weights, k, last, (a, b), dtype)
        parts += [Skip(*block)] if residual and 0 < k < last and a == b else block
    parts.append(Affine(*units))
    return _finished(nn.Sequential(*parts), recipe, generator)


def convolutional(
    recipe: Recipe,
    image: tuple[int, int, int],
    channels: Sequence[int],
    outputs: int,
    *,
    generator: torch.Generator,
    dtype: torch.dtype = torch.float64,
) -> nn.Sequential:
    """3 x 3 convolutions with padding 1, a maximum over 2 x 2 after each, and a linear layer.

    With discrete activations normalisation comes after the maximum, which would shift what they
    divide at 0; with ReLU before it, where it is folded. In XNOR-Net's order normalisation and
    binarization come before each convolution but the first.
    """
    c, height, width = image
    sizes = [c, *(read_integer(n, "each number of channels", 1, _WIDEST) for n in _list(channels))]
    parts: list[nn.Module] = []
    for k, (a, b) in enumerate(pairwise(sizes)):
        if min(height, width) < 2:
            raise InvalidInput(f"an image of {image} cannot be halved {len(sizes) - 1} times")
        weights = _end(recipe, recipe.first, k == 0)
        binary = recipe.order == "before" and k > 0
        options: dict[str, Any] = {"weights": weights, "padding": 1, "dtype": dtype}
        if weights is recipe.weights:
            options |= {"gradients": recipe.gradients, "cancel": recipe.cancel}
        pool = nn.MaxPool2d(2)
        if binary:
            normal = _norm(recipe, a, dtype, image=True)
            parts += [*normal, QuantConv2d(a, b, 3, inputs=recipe.activations, **options), pool]
        elif recipe.order == "before":
            parts += [QuantConv2d(a, b, 3, **options), pool]
        else:
            after = [pool, *_norm(recipe, b, dtype, image=True)]
            if recipe.activations is None:
                after.reverse()  # goes into the convolution's scales
            parts += [QuantConv2d(a, b, 3, **options), *after, _activation(recipe, dtype)]
        height, width = height // 2, width // 2
    if recipe.order == "before":
        parts += [*_norm(recipe, sizes[-1], dtype, image=True), nn.ReLU()]
    weights = _end(recipe, recipe.last, True)
    final = QuantLinear(sizes[-1] * height * width, outputs, weights=weights, dtype=dtype)
    return _finished(nn.Sequential(*parts, nn.Flatten(), final), recipe, generator)


def _finished(model: nn.Sequential, recipe: Recipe, generator: torch.Generator) -> nn.Sequential:
    layers = [m for m in model.modules() if isinstance(m, QuantLinear | QuantConv2d)]
    if recipe.weights is not None and all(layer.weights is None for layer in layers):
        raise InvalidInput(
            f"no weight would be quantized: {recipe.method} has a real first and last layer here, "
            "and there is none between them; give two widths or more, or first='quantized'"
        )
    initialise(model, recipe, generator)
    return model


def initialise(model: nn.Module, recipe: Recipe, generator: torch.Generator) -> None:
    """Draw the real weights: Glorot's uniform, or uniform on (-1, 1); biases uniform, small."""
    for layer in model.modules():
        if not isinstance(layer, QuantLinear | QuantConv2d):
            continue
        fan_in, fan_out = layer.fans()
        bound = (6.0 / (fan_in + fan_out)) ** 0.5
        if recipe.start == "uniform" and layer.weights is recipe.weights:
            bound = 1.0
        with torch.no_grad():
            layer.weight.uniform_(-bound, bound, generator=generator)
            if layer.bias is not None:
                layer.bias.uniform_(-(fan_in**-0.5), fan_in**-0.5, generator=generator)


def _list(values: Sequence[int]) -> list[int]:
    if isinstance(values, str) or not isinstance(values, Sequence) or not values:
        raise InvalidInput(f"widths must be a list of at least one integer, got {shorten(values)}")
    return list(values)


def _end(recipe: Recipe, kind: str, at_end: bool) -> Quantizer | None:
    if not at_end or kind == "quantized":
        return recipe.weights
    return None if kind == "real" else quantizers.get("uniform", bits=8, per="channel")


def _block(
    recipe: Recipe,
    weights: Quantizer | None,
    k: int,
    last: int,
    size: tuple[int, int],
    dtype: torch.dtype,
) -> list[nn.Module]:
    inner = weights is recipe.weights
    options: dict[str, Any] = {
        "weights": weights,
        "gradients": recipe.gradients if inner else None,
        "cancel": recipe.cancel if inner else None,
        "dtype": dtype,
    }
    if recipe.order == "before" and k > 0:
        # XNOR-Net's block; its last layer is real and reads a ReLU
        between: list[nn.Module] = [*_norm(recipe, size[0], dtype)]
        if k == last:
            return [*between, nn.ReLU(), QuantLinear(*size, **options)]
        return [*between, QuantLinear(*size, inputs=recipe.activations, **options)]
    layer = QuantLinear(*size, **options)
    if k == last or recipe.order == "before":
        return [layer]
    return [layer, *_norm(recipe, size[1], dtype), _activation(recipe, dtype)]


def _norm(
    recipe: Recipe, features: int, dtype: torch.dtype, image: bool = False
) -> list[nn.Module]:
    if recipe.norm == "none":
        return []
    if recipe.norm == "shift":
        return [ShiftBatchNorm(features, dtype=dtype)]
    kind = nn.BatchNorm2d if image else nn.BatchNorm1d
    return [kind(features, affine=recipe.norm != "plain", dtype=dtype)]


def _activation(recipe: Recipe, dtype: torch.dtype) -> nn.Module:
    if recipe.activations is None:
        return nn.ReLU()
    return QuantActivation(recipe.activations, dtype=dtype)
