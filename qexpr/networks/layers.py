"""The layers of a quantized network as frozen data.

A layer reads the output of the layer before it, or of the layer named by `source` ("input" is
the network's input); `Add` and `Multiply` read a second one, named by `other`. A layer that is
referred to has a `name`. Every layer may carry an activation.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from qexpr.errors import InvalidInput, shorten
from qexpr.networks.activations import Activation, Clip, Relu, Steps
from qexpr.networks.values import exact, exacts, read_codes, read_shape

__all__ = [
    "Activate",
    "Add",
    "AvgPool2d",
    "Conv2d",
    "Dense",
    "Flatten",
    "Layer",
    "MaxPool2d",
    "Multiply",
    "Scale",
    "Shape",
]

Shape = tuple[int, ...]
Scale = Fraction | tuple[Fraction, ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class Layer:
    """What all layers have: an activation, a name, and the name of what they read."""

    activation: Activation | None = None
    name: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        if self.activation is not None and not isinstance(self.activation, Relu | Clip | Steps):
            raise InvalidInput(
                f"activation must be Relu, Clip, Steps or None, got {shorten(self.activation)}"
            )
        for text in (self.name, self.source):
            if not isinstance(text, str) or len(text) > 200:
                raise InvalidInput(
                    f"names must be text of at most 200 characters, got {text!r:.60}"
                )

    def output_shape(self, shape: Shape) -> Shape:
        """The shape of the output for an input of one shape; InvalidInput if they do not fit."""
        return shape


def _set(layer: Layer, name: str, value: Any) -> None:
    object.__setattr__(layer, name, value)


@dataclass(frozen=True, eq=False)
class Weighted(Layer):
    """A linear layer: ``scale * (codes . x) + bias``; scale and bias per output channel."""

    codes: np.ndarray
    scale: Scale = Fraction(1)
    bias: tuple[Fraction, ...] | None = None

    def _read(self, dimensions: int) -> None:
        codes = read_codes(self.codes, "codes", dimensions)
        channels = codes.shape[0]
        _set(self, "codes", codes)
        if isinstance(self.scale, str | Fraction) or np.ndim(self.scale) == 0:
            scale = self.scale.item() if isinstance(self.scale, np.ndarray) else self.scale
            _set(self, "scale", exact(scale, "scale"))
        else:
            _set(self, "scale", exacts(self.scale, "scale", channels))
        if self.bias is not None:
            bias = exacts(self.bias, "bias", channels)
            _set(self, "bias", bias if any(bias) else None)

    @property
    def channels(self) -> int:
        """The number of output channels."""
        return int(self.codes.shape[0])

    def scales(self) -> tuple[Fraction, ...]:
        """One scale for each output channel."""
        return self.scale if isinstance(self.scale, tuple) else (self.scale,) * self.channels

    def biases(self) -> tuple[Fraction, ...]:
        """One bias for each output channel."""
        return self.bias if self.bias is not None else (Fraction(0),) * self.channels


@dataclass(frozen=True, eq=False)
class Dense(Weighted):
    """``scale_o * sum_i codes[o, i] x_i + bias_o``; codes of shape (outputs, inputs)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._read(2)

    def output_shape(self, shape: Shape) -> Shape:
        if shape != (self.codes.shape[1],):
            raise InvalidInput(
                f"a dense layer with codes of shape {self.codes.shape} needs an input of shape "
                f"({self.codes.shape[1]},), got {shape}"
            )
        return (self.channels,)


@dataclass(frozen=True, eq=False)
class Conv2d(Weighted):
    """2-D convolution (cross-correlation, as in every framework).

    Parameters
    ----------
    codes : shape (outputs, inputs / groups, height, width)
    stride, padding : one integer or (vertical, horizontal)
    padding_value : 0, or 1 (a packed bit has no 0); what a padded tap reads
    groups : input and output channels fall into that many blocks
    """

    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    padding_value: int = 0
    groups: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        self._read(4)
        _set(self, "stride", read_shape(self.stride, "stride", 2))
        _set(self, "padding", read_shape(self.padding, "padding", 2, least=0))
        _set(self, "groups", read_shape(self.groups, "groups", 1)[0])
        if self.padding_value not in (0, 1) or isinstance(self.padding_value, bool):
            raise InvalidInput(f"padding_value must be 0 or 1, got {shorten(self.padding_value)}")
        _set(self, "padding_value", int(self.padding_value))
        if self.channels % self.groups:
            raise InvalidInput(
                f"{self.channels} output channels cannot be divided into {self.groups} groups"
            )

    @property
    def kernel(self) -> tuple[int, int]:
        """Height and width of the kernel."""
        return self.codes.shape[2], self.codes.shape[3]

    def output_shape(self, shape: Shape) -> Shape:
        wanted = self.codes.shape[1] * self.groups
        if len(shape) != 3 or shape[0] != wanted:
            raise InvalidInput(
                f"a convolution with codes of shape {self.codes.shape} and {self.groups} groups "
                f"needs an input of shape ({wanted}, height, width), got {shape}"
            )
        return (self.channels, *_windows(shape, self.kernel, self.stride, self.padding))


@dataclass(frozen=True, eq=False)
class _Pool(Layer):
    kernel: tuple[int, int] = (2, 2)
    stride: tuple[int, int] = ()  # type: ignore[assignment]  # the kernel unless given

    def __post_init__(self) -> None:
        super().__post_init__()
        _set(self, "kernel", read_shape(self.kernel, "kernel", 2))
        stride = self.stride if self.stride not in (None, ()) else self.kernel
        _set(self, "stride", read_shape(stride, "stride", 2))

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 3:
            raise InvalidInput(f"pooling needs an input of shape (c, height, width), got {shape}")
        return (shape[0], *_windows(shape, self.kernel, self.stride, (0, 0)))


class MaxPool2d(_Pool):
    """The largest value of each window; the stride is the kernel unless given."""


class AvgPool2d(_Pool):
    """The mean of each window; the stride is the kernel unless given."""


class Flatten(Layer):
    """All values in one row, channels first."""

    def output_shape(self, shape: Shape) -> Shape:
        return (int(np.prod(shape)),)


class Activate(Layer):
    """The activation alone: a quantizer of the inputs, or one after pooling or addition."""


@dataclass(frozen=True, eq=False)
class _Joined(Layer):
    other: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.other, str) or not self.other:
            raise InvalidInput(
                f"other must be the name of an earlier layer or 'input', got {shorten(self.other)}"
            )


class Add(_Joined):
    """The sum of two outputs of equal shape (residual addition)."""


class Multiply(_Joined):
    """The product, element by element, of two outputs.

    The second may have one channel where the first has many (XNOR-Net's K, Rastegari et al.
    2016, section 3.2).
    """


def _windows(
    shape: Shape, kernel: tuple[int, int], stride: tuple[int, int], padding: tuple[int, int]
) -> tuple[int, int]:
    sizes = [
        (size + 2 * pad - k) // step + 1
        for size, k, step, pad in zip(shape[1:], kernel, stride, padding, strict=True)
    ]
    if min(sizes) < 1:
        raise InvalidInput(f"a window of {kernel} does not fit into an input of shape {shape}")
    return sizes[0], sizes[1]
