"""Networks out of plain arrays: a user's own weights, quantized by whatever means."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from qexpr.errors import InvalidInput
from qexpr.networks.activations import Activation, Relu
from qexpr.networks.layers import Conv2d, Dense, Flatten, Layer
from qexpr.networks.network import QuantizedNetwork
from qexpr.networks.values import scale_and_codes

__all__ = ["from_arrays", "read_weights"]


def read_weights(weights: Any, name: str) -> tuple[Fraction, np.ndarray]:
    """Scale and integer codes of an array of integers or doubles, exactly."""
    try:
        array = np.asarray(weights)
    except ValueError:
        raise InvalidInput(f"{name} must be a rectangular array of numbers") from None
    if array.dtype.kind in "iu" or array.dtype == object:
        return Fraction(1), array
    if array.dtype.kind != "f" or array.size == 0:
        raise InvalidInput(f"{name} must be a non-empty array of real numbers")
    return scale_and_codes(array.astype(np.float64), name)


def from_arrays(
    weights: Sequence[Any],
    biases: Sequence[Any] | None = None,
    *,
    scales: Sequence[Any] | None = None,
    activation: Activation | None = Relu(),  # noqa: B008 - frozen and without state
    input_shape: Sequence[int] | None = None,
) -> QuantizedNetwork:
    """A feed-forward network: one array of weights for each layer.

    Parameters
    ----------
    weights : arrays of shape (outputs, inputs) for dense layers, (outputs, inputs, height, width)
        for convolutions of stride 1 without padding; integers are codes, doubles are taken as
        exactly the rationals they are
    biases : for each layer None or one number per output channel
    scales : for each layer a number or one per output channel, multiplied onto the weights
    activation : after every layer but the last
    input_shape : needed if the first layer is a convolution

    Raises
    ------
    InvalidInput
        If a number is NaN or infinite, or shapes do not fit.
    """
    count = len(weights)
    if not count:
        raise InvalidInput("weights must hold at least one array")
    for name, given in (("biases", biases), ("scales", scales)):
        if given is not None and len(given) != count:
            raise InvalidInput(f"{name} must have {count} entries as weights has, got {len(given)}")
    layers: list[Layer] = []
    flat = False
    for k, given in enumerate(weights):
        scale, codes = read_weights(given, f"weights[{k}]")
        factor = None if scales is None else scales[k]
        bias = None if biases is None else biases[k]
        if codes.ndim not in (2, 4):
            raise InvalidInput(
                f"weights[{k}] must have shape (outputs, inputs) or (outputs, inputs, height, "
                f"width), got {codes.shape}"
            )
        if codes.ndim == 2 and layers and not flat and isinstance(layers[-1], Conv2d):
            layers.append(Flatten())
        flat = codes.ndim == 2
        kind = Dense if flat else Conv2d
        layer = kind(
            codes,
            scale if factor is None else factor,
            bias,
            activation=activation if k < count - 1 else None,
        )
        if factor is not None and scale != 1:
            scaled = tuple(s * scale for s in layer.scales())
            layer = kind(codes, scaled, bias, activation=layer.activation)
        layers.append(layer)
    if input_shape is None:
        if isinstance(layers[0], Conv2d):
            raise InvalidInput("input_shape (channels, height, width) is needed for convolutions")
        input_shape = (layers[0].codes.shape[1],)
    return QuantizedNetwork(tuple(input_shape), tuple(layers))
