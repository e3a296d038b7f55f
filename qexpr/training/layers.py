"""torch.nn layers that compute with discrete weights and keep real ones.

Every quantizer is given by name, or as `quantizers.get(name, **options)`; None leaves the numbers
real. Parameters have the names of `torch.nn.Linear` and `Conv2d`, so that state_dict, parameter
groups and initialisers work as ever; learned scales are parameters beside them.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from qexpr import quantizers
from qexpr.errors import InvalidInput, shorten
from qexpr.quantizers import Quantizer
from qexpr.quantizers.autograd import MemberGenerators
from qexpr.training.functions import blended, cancelled
from qexpr.training.relaxed import relaxed

__all__ = [
    "Affine",
    "QuantActivation",
    "QuantConv2d",
    "QuantLinear",
    "Skip",
    "quantized_layers",
    "read_quantizer",
    "set_blend",
    "set_generator",
]


def read_quantizer(given: str | Quantizer | None, role: str) -> Quantizer | None:
    """The quantizer that a name or a quantizer stands for, made for one role.

    Raises
    ------
    InvalidInput
        For anything else, and for a quantizer made for another role: a quantizer of activations
        on weights trains, and gives nonsense.
    """
    if given is None or isinstance(given, Quantizer):
        found = given
    elif isinstance(given, str):
        known = quantizers.kinds()
        has_role = given in known and "role" in known[given].option_fields()
        found = quantizers.get(given, **({"role": role} if has_role else {}))
    else:
        raise InvalidInput(
            f"a quantizer must be a name, quantizers.get(...) or None, got {shorten(given)}"
        )
    made_for = getattr(found, "role", role)
    if made_for != role:
        raise InvalidInput(
            f"{found.name if found else ''} was made for the role {made_for}, and is used for "
            f"{role}: quantizers.get(..., role={role!r})"
        )
    return found


class _Quantizing(nn.Module):
    """What the layers share: noise in training only, and the share of discreteness."""

    generator: torch.Generator | MemberGenerators | None = None
    blend: float = 1.0

    def _draw(self, quantizer: Quantizer, x: torch.Tensor, scales: Any) -> torch.Tensor:
        """The quantizer's map; a stochastic one draws in training and is sign in evaluation."""
        if not quantizer.is_stochastic:
            return quantizer.torch(check=False)(x, **dict(scales))
        if not self.training:
            return replace(quantizer, stochastic=False).torch(check=False)(x)  # type: ignore[call-arg]
        return quantizer.torch(check=False)(x, generator=self._source(), **dict(scales))

    def _source(self) -> torch.Generator | MemberGenerators:
        # without a generator: torch's own, which the caller's script seeds
        return self.generator if self.generator is not None else torch.default_generator

    def _learned(self, quantizer: Quantizer | None, like: Any) -> nn.ParameterDict:
        values = {} if quantizer is None else quantizer.parameters
        return nn.ParameterDict(
            {key: nn.Parameter(torch.tensor(value, **like)) for key, value in values.items()}
        )


class QuantActivation(_Quantizing):
    """An activation quantizer as a layer.

    Parameters
    ----------
    activations : name, Quantizer
    cancel : float, optional
        The gradient is cancelled where abs(x) > cancel, on top of what the quantizer's own rule
        says ("bnn" cancels at 1, "binaryconnect" is the same sign straight through).
    """

    def __init__(
        self,
        activations: str | Quantizer,
        *,
        cancel: float | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        quantizer = read_quantizer(activations, "activation")
        if quantizer is None:
            raise InvalidInput("activations must be a quantizer; use torch.nn.ReLU for real ones")
        self.activations = quantizer
        self.cancel = _read_limit(cancel)
        self.scales = self._learned(quantizer, {"dtype": dtype or torch.get_default_dtype()})

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The quantized x."""
        x = cancelled(x, self.cancel)
        if self.blend <= 0:
            return relaxed(self.activations, x)
        y = self._draw(self.activations, x, self.scales)
        return y if self.blend >= 1 else blended(relaxed(self.activations, x), y, self.blend)

    def extra_repr(self) -> str:
        """The quantizer and its options."""
        return f"{self.activations!r}, cancel={self.cancel}"


class _Weighted(_Quantizing):
    weight: nn.Parameter

    def _prepare(self, weights: Any, inputs: Any, gradients: Any, cancel: Any) -> None:
        self.weights = read_quantizer(weights, "weight")
        self.inputs = read_quantizer(inputs, "activation")
        self.gradients = read_quantizer(gradients, "gradient")
        self.cancel = _read_limit(cancel)
        like = {"dtype": self.weight.dtype, "device": self.weight.device}
        self.weight_scales = self._learned(self.weights, like)
        self.input_scales = self._learned(self.inputs, like)

    def fans(self) -> tuple[int, int]:
        """fan_in and fan_out, as Glorot counts them."""
        outputs, inputs, *taps = self.weight.shape
        return inputs * math.prod(taps), outputs * math.prod(taps)

    def used_weight(self) -> torch.Tensor:
        """The weights that the product takes: discrete, unless annealing has not ended."""
        w = cancelled(self.weight, self.cancel)
        quantizer = self.weights
        if quantizer is None or self.blend <= 0:
            return w
        share, start = self.blend, getattr(quantizer, "temperature", 0.0)
        if start:  # ResBinNet's gradual binarization: T falls, and no mixture is formed
            quantizer = replace(quantizer, temperature=start * (1 - min(share, 1.0)))  # type: ignore[call-arg]
            share = 1.0
        return blended(w, self._draw(quantizer, w, self.weight_scales), share)

    def _read(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """The quantized input, and XNOR-Net's K."""
        if self.inputs is None:
            return x, None
        k = None
        if self.inputs.name == "xnor" and not self.inputs.fixed_scale:  # type: ignore[attr-defined]
            k = self.inputs.torch_output_scale()(x)  # type: ignore[attr-defined]
        if self.blend <= 0:
            return relaxed(self.inputs, x), k
        y = self._draw(self.inputs, x, self.input_scales)
        return (y if self.blend >= 1 else blended(relaxed(self.inputs, x), y, self.blend)), k

    def _finish(self, y: torch.Tensor, k: torch.Tensor | None) -> torch.Tensor:
        if k is not None:
            y = y * k
        bias = self.bias
        if bias is not None:
            y = y + bias.reshape(-1, *(1,) * (self.weight.ndim - 2))
        if self.gradients is None or self.blend < 1:
            return y
        noise = self._source() if self.gradients.is_stochastic else None
        return self.gradients.torch_backward()(y, generator=noise)

    def extra_repr(self) -> str:
        """Shape and quantizers."""
        said = [f"{key}={getattr(self, key)!r}" for key in ("weights", "inputs", "gradients")]
        return ", ".join([f"{tuple(self.weight.shape)}", *said, f"cancel={self.cancel}"])


class QuantLinear(_Weighted, nn.Linear):
    """A linear layer with discrete weights.

    Parameters
    ----------
    in_features, out_features, bias : as for torch.nn.Linear
    weights, inputs, gradients : name, Quantizer or None
        Of the weights, of what the layer reads, and of the gradient of its output (before both of
        its backward products). "xnor" as `inputs` multiplies the output by K.
    cancel : float, optional
        The gradient of a real weight is cancelled where abs(w) > cancel.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        weights: str | Quantizer | None,
        inputs: str | Quantizer | None = None,
        gradients: str | Quantizer | None = None,
        cancel: float | None = None,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        nn.Linear.__init__(self, in_features, out_features, bias, device=device, dtype=dtype)
        self._prepare(weights, inputs, gradients, cancel)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The product with the discrete weights, plus the bias."""
        x, k = self._read(x)
        return self._finish(functional.linear(x, self.used_weight()), k)


class QuantConv2d(_Weighted, nn.Conv2d):
    """A convolution with discrete weights; a padded tap contributes 0, or reads +1.

    Parameters
    ----------
    in_channels, out_channels, kernel_size, stride, padding, groups, bias : as for torch.nn.Conv2d
        (padding in numbers)
    padding_value : {0, 1}
        What a padded tap reads, after `inputs` has quantized the image. 0 leaves the tap out,
        which packed bits do by a mask.
    weights, inputs, gradients, cancel : as for `QuantLinear`
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        *,
        weights: str | Quantizer | None,
        groups: int = 1,
        bias: bool = True,
        padding_value: int = 0,
        inputs: str | Quantizer | None = None,
        gradients: str | Quantizer | None = None,
        cancel: float | None = None,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        if padding_value not in (0, 1) or isinstance(padding_value, bool):
            raise InvalidInput(f"padding_value must be 0 or 1, got {shorten(padding_value)}")
        if isinstance(padding, str):
            raise InvalidInput(f"padding must be integers, got {shorten(padding)}")
        nn.Conv2d.__init__(
            self,
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            groups=groups,
            bias=bias,
            device=device,
            dtype=dtype,
        )
        self.padding_value = padding_value
        self._prepare(weights, self._fitted(inputs), gradients, cancel)

    def _fitted(self, inputs: Any) -> Any:
        """XNOR-Net's K follows the shape of this convolution."""
        found = read_quantizer(inputs, "activation")
        if found is None or found.name != "xnor":
            return found
        sides = (self.kernel_size, self.stride, self.padding)
        if any(a != b for a, b in sides):
            raise InvalidInput(f"inputs='xnor' needs square kernels and strides, got {sides}")
        options = dict(
            zip(("kernel_size", "stride", "padding"), (s[0] for s in sides), strict=True)
        )
        return replace(found, **options)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The convolution with the discrete weights, plus the bias."""
        x, k = self._read(x)
        padding = self.padding
        if self.padding_value and any(padding):
            x = functional.pad(x, (padding[1], padding[1], padding[0], padding[0]), value=1.0)
            padding = (0, 0)
        y = functional.conv2d(
            x, self.used_weight(), None, self.stride, padding, self.dilation, self.groups
        )
        return self._finish(y, k)


class Affine(nn.Module):
    """``scale * x + offset`` with two fixed numbers: units of inputs and outputs."""

    def __init__(self, scale: float = 1.0, offset: float = 0.0) -> None:
        super().__init__()
        self.scale, self.offset = float(scale), float(offset)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """scale * x + offset."""
        return self.scale * x + self.offset

    def extra_repr(self) -> str:
        """Both numbers."""
        return f"{self.scale:g}, {self.offset:g}"


class Skip(nn.Module):
    """``x + body(x)``: a residual connection."""

    def __init__(self, *body: nn.Module) -> None:
        super().__init__()
        self.body = nn.Sequential(*body)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x + body(x)."""
        return x + self.body(x)


def quantized_layers(model: nn.Module) -> list[QuantLinear | QuantConv2d]:
    """The layers of a model whose weights are quantized, in its order."""
    found = (m for m in model.modules() if isinstance(m, QuantLinear | QuantConv2d))
    return [layer for layer in found if layer.weights is not None]


def set_generator(model: nn.Module, generator: torch.Generator | MemberGenerators | None) -> None:
    """Let every stochastic quantizer of a model draw from one generator."""
    for module in model.modules():
        if isinstance(module, _Quantizing):
            module.generator = generator


def set_blend(model: nn.Module, share: float) -> None:
    """Set how discrete a model computes: 0 real, 1 discrete (the default), between: a mixture.

    `residual` weights with a temperature T are |gamma| tanh(w / ((1 - share) T)) in between, and
    signs at 1 (the gradual binarization of Ghasemzadeh et al. 2017, v1).
    """
    if not 0 <= share <= 1:
        raise InvalidInput(f"the share must lie between 0 and 1, got {shorten(share)}")
    for module in model.modules():
        if isinstance(module, _Quantizing):
            module.blend = float(share)


def _read_limit(cancel: float | None) -> float | None:
    if cancel is None:
        return None
    from qexpr.quantizers.options import check_real

    return check_real(cancel, "cancel", above=0)
