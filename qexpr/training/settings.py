"""What is set in, and seen of, the layers of a whole model: XNOR-Net's K, what has collapsed."""

from __future__ import annotations

import warnings
from dataclasses import replace

from torch import nn

from qexpr.errors import InvalidInput
from qexpr.quantizers import CollapseWarning
from qexpr.training.codes import weight_codes
from qexpr.training.layers import QuantConv2d, QuantLinear, quantized_layers

__all__ = ["collapsed", "drop_output_scale"]


def drop_output_scale(model: nn.Module) -> None:
    """Leave XNOR-Net's K out of every layer that multiplies by it; alpha stays.

    The normalisation after it has to be measured again: `recalibrate`.

    Raises
    ------
    InvalidInput
        If no layer has a K.
    """
    found = False
    for layer in model.modules():
        inputs = layer.inputs if isinstance(layer, QuantLinear | QuantConv2d) else None
        if inputs is not None and inputs.name == "xnor" and not inputs.fixed_scale:  # type: ignore[attr-defined]
            layer.inputs = replace(inputs, fixed_scale=True, k_gradient=False)  # type: ignore[assignment, call-arg]
            found = True
    if not found:
        raise InvalidInput('no layer multiplies by K: these have inputs="xnor"')


def collapsed(model: nn.Module) -> dict[str, tuple[int, int]]:
    """Layers with output channels of which every discrete weight is 0: how many, of how many.

    An empty result is the healthy one. Stochastic weights are judged by their signs.
    """
    found = {}
    names = {id(module): name for name, module in model.named_modules()}
    for layer in quantized_layers(model):
        learned = {k: v.detach().cpu().numpy() for k, v in layer.weight_scales.items()}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CollapseWarning)
            codes, scale = weight_codes(layer.weights, layer.weight.detach().cpu().numpy(), learned)
        channels = len(codes)
        zero = (codes.reshape(channels, -1) == 0).all(axis=1)
        scales = scale if isinstance(scale, tuple) else (scale,) * channels
        dead = sum(bool(z) or s == 0 for z, s in zip(zero.tolist(), scales, strict=True))
        if dead:
            found[names[id(layer)]] = (dead, channels)
    return found
