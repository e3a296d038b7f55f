"""XNOR-Net's K between the two forms that it has: two layers of a network, one in a file.

K is the mean of |x| over the channels, averaged over windows (Rastegari et al. 2016, section 3.2).
A QuantizedNetwork writes it as max(x, 0) and max(-x, 0) of every channel, then their sum with a
scale; the runtime has a kernel for it, without weights.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from qexpr_runtime import LayerData

from qexpr.errors import InvalidInput, shorten
from qexpr.export.activations import pack_activation, unpack_activation
from qexpr.networks import Conv2d, Dense, Layer, Relu

__all__ = ["is_mean_abs", "pack_mean_abs", "unpack_mean_abs"]

_MOST = 2**20


def _halves(channels: int, dense: bool) -> np.ndarray:
    eye = np.eye(channels, dtype=np.int64)
    both = np.concatenate([eye, -eye])
    return both if dense else both[:, :, None, None]


def is_mean_abs(first: Layer, second: Layer) -> bool:
    """Whether two layers, of which the second reads the first, are K of what the first reads."""
    if not isinstance(first, Dense | Conv2d) or type(second) is not type(first):
        return False
    c, ones = first.codes.shape[1], second.codes
    plain = first.scale == 1 and first.bias is None and not first.name and not second.source
    if not plain or first.activation != Relu() or second.bias is not None:
        return False
    if isinstance(first, Conv2d) and isinstance(second, Conv2d):
        if (first.stride, first.padding, first.groups) != ((1, 1), (0, 0), 1):
            return False
        if second.groups != 1 or second.padding_value:
            return False
    return (
        first.codes.shape == _halves(c, isinstance(first, Dense)).shape
        and ones.shape[:2] == (1, 2 * c)
        and second.scale == Fraction(2, ones.size)
        and bool((ones == 1).all())
        and bool((first.codes == _halves(c, isinstance(first, Dense))).all())
    )


def pack_mean_abs(first: Any, second: Any, source: int) -> LayerData:
    """Both as one layer; what is needed to write them again is kept as notes."""
    notes: dict[str, Any] = {"channels": first.codes.shape[1], "dense": isinstance(first, Dense)}
    notes |= {"source": first.source} if first.source else {}
    notes |= {"name": second.name} if second.name else {}
    options: dict[str, Any] = {}
    if isinstance(second, Conv2d):
        options = {"kernel": second.kernel, "stride": second.stride, "padding": second.padding}
    return LayerData(
        "mean_abs",
        activation=pack_activation(second.activation),
        source=source,
        notes=notes,
        **options,
    )


def unpack_mean_abs(data: LayerData) -> list[Layer]:
    """The two layers."""
    c, dense = data.notes.get("channels"), data.notes.get("dense")
    if type(c) is not int or not 1 <= c <= _MOST or type(dense) is not bool:
        raise InvalidInput(f"a mean of magnitudes has channels and a shape, got {shorten(c)}")
    size = 1 if dense else data.kernel[0] * data.kernel[1]
    if 2 * c * max(c, size) > 2**30:
        raise InvalidInput(f"a mean of magnitudes over {c} channels is too large")
    both, scale = _halves(c, dense), Fraction(1, c * size)
    source, name = data.notes.get("source", ""), data.notes.get("name", "")
    activation = unpack_activation(data.activation)
    if dense:
        return [
            Dense(both, activation=Relu(), source=source),
            Dense(np.ones((1, 2 * c), np.int64), scale, activation=activation, name=name),
        ]
    ones = np.ones((1, 2 * c, *data.kernel), np.int64)
    return [
        Conv2d(both, activation=Relu(), source=source),
        Conv2d(
            ones,
            scale,
            stride=data.stride,
            padding=data.padding,
            activation=activation,
            name=name,
        ),
    ]
