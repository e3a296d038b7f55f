"""Quantization after training: the baseline that every method is set against.

The float network is left as it is trained; normalisation is folded into the weights before they
are rounded, each output channel has a scale of least squared error, and the range of each
activation is calibrated on samples.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import nn

from qexpr import quantizers
from qexpr.errors import InvalidInput
from qexpr.quantizers.options import check_choice, check_integer
from qexpr.training.layers import QuantActivation, QuantConv2d, QuantLinear, Skip

__all__ = ["PostTraining", "post_training"]

_RANGES = 64  # that are tried for each activation
_SAMPLES = 1024  # that activations are calibrated on


@dataclass(frozen=True, kw_only=True)
class PostTraining:
    """How a float network is quantized.

    Parameters
    ----------
    bits : int
        Of a weight, from 2 to 16: 2^bits - 1 values around 0.
    activation_bits : int or None
        From 1 to 8: 2^k levels from 0 to the calibrated range; None leaves the ReLU.
    per : {"channel", "layer"}
        Whether each output channel has a scale of its own.
    scale : {"mse", "min-max", "percentile"}
        How it is chosen, see `quantizers.get("uniform")`.
    """

    bits: int = 4
    activation_bits: int | None = None
    per: str = "channel"
    scale: str = "mse"

    def __post_init__(self) -> None:
        check_integer(self.bits, "bits", 2, 16)
        if self.activation_bits is not None:
            check_integer(self.activation_bits, "activation_bits", 1, 8)
        check_choice(self.per, "per", ("channel", "layer"))
        check_choice(self.scale, "scale", ("mse", "min-max", "percentile"))


def post_training(
    model: nn.Sequential,
    samples: torch.Tensor,
    how: PostTraining,
    *,
    first: str = "quantized",
    last: str = "quantized",
) -> nn.Sequential:
    """A quantized copy of a trained float network, in evaluation.

    Parameters
    ----------
    model : of `dense` or `convolutional`, with ReLU
    samples : inputs; activations are calibrated on the first 1024 of them
    how : bits and scales
    first, last : {"quantized", "real", "8bit"}
        The weights of the first and last layer.

    Raises
    ------
    InvalidInput
        For a model that is quantized already.
    """
    for name, end in (("first", first), ("last", last)):
        check_choice(end, name, ("quantized", "real", "8bit"))
    made = copy.deepcopy(model).eval()
    layers = [m for m in made.modules() if isinstance(m, QuantLinear | QuantConv2d)]
    quantized = any(layer.weights is not None or layer.inputs is not None for layer in layers)
    if quantized or any(isinstance(m, QuantActivation) for m in made.modules()):
        raise InvalidInput("a model to be quantized after training must be of real numbers")
    if {first, last} == {"real"} and len(layers) <= 2:
        raise InvalidInput(
            "no weight would be quantized: the first and last layer are real, and there is none "
            "between them; give two widths or more, or first='quantized'"
        )
    _fold(made)
    for k, layer in enumerate(layers):
        end = first if k == 0 else last if k == len(layers) - 1 else "quantized"
        if end != "real":
            bits = how.bits if end == "quantized" else 8
            layer.weights = quantizers.get("uniform", bits=bits, per=how.per, scale=how.scale)
    if how.activation_bits is not None:
        with torch.no_grad():
            _calibrate(made, samples[:_SAMPLES], how.activation_bits)
    return made


@torch.no_grad()
def _fold(body: nn.Sequential) -> None:
    """Put a normalisation that follows a product directly into its weights and bias."""
    names = list(body._modules)
    for name, follower in zip(names, [*names[1:], None], strict=True):
        module = body._modules[name]
        if isinstance(module, Skip):
            _fold(module.body)
        normal = None if follower is None else body._modules[follower]
        if not isinstance(module, QuantLinear | QuantConv2d) or not isinstance(
            normal, nn.BatchNorm1d | nn.BatchNorm2d
        ):
            continue
        mean, variance = normal.running_mean, normal.running_var
        if mean is None or variance is None:
            continue  # no statistics to fold; freeze says so
        factor = normal.weight / (variance + normal.eps).sqrt()
        start = torch.zeros_like(factor) if module.bias is None else module.bias
        bias = normal.bias + factor * (start - mean)
        module.weight.mul_(factor.reshape(-1, *(1,) * (module.weight.ndim - 1)))
        module.bias = nn.Parameter(bias)
        body._modules[follower] = nn.Identity()  # type: ignore[index]


def _calibrate(body: nn.Sequential, x: torch.Tensor, bits: int) -> torch.Tensor:
    """Put quantizers in the place of ReLUs, in the order in which they are reached."""
    for name, module in body._modules.items():
        assert module is not None
        if isinstance(module, Skip):
            x = x + _calibrate(module.body, x, bits)
            continue
        if isinstance(module, nn.ReLU):
            module = _steps(x, bits)
            body._modules[name] = module
        x = module(x)
    return x


def _steps(x: torch.Tensor, bits: int) -> QuantActivation:
    """Uniform levels from 0 to the range of least squared error."""
    real = x.relu()
    whole = float(real.amax()) or 1.0  # 0: no unit is ever active, and any range will do
    ranges = [whole * k / _RANGES for k in range(1, _RANGES + 1)]
    tried = [quantizers.get("pact", bits=bits, alpha=alpha) for alpha in ranges]
    errors = [float(((q.torch(check=False)(x) - real) ** 2).sum()) for q in tried]
    return QuantActivation(tried[errors.index(min(errors))], dtype=x.dtype).eval()
