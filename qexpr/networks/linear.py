"""Linear layers over any kind of number: the sums of products, and the windows of images.

The callers bring the product: floats, exact integers, intervals.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from qexpr.networks.layers import Conv2d, Dense, Shape

__all__ = ["per_channel", "weighted_sums", "windows"]

Dot = Callable[[np.ndarray, np.ndarray], np.ndarray]


def windows(x: np.ndarray, kernel: Shape, stride: Shape) -> np.ndarray:
    """The windows of (m, c, height, width), as a view of shape (m, c, oh, ow, kh, kw)."""
    view = sliding_window_view(x, kernel, axis=(2, 3))
    return view[:, :, :: stride[0], :: stride[1]]


def weighted_sums(layer: Dense | Conv2d, x: np.ndarray, dot: Dot, one: Any) -> np.ndarray:
    """codes . x without scale and bias; `dot(a, b)` multiplies (p, k) by (k, q).

    `one` is how the caller writes the number 1, which padded taps may read.
    """
    if isinstance(layer, Dense):
        return dot(x, layer.codes.T)
    if any(layer.padding):
        fill = one * layer.padding_value
        top, left = layer.padding
        # np.pad would put 64-bit integers among the Python integers of an object array
        padded = np.full((*x.shape[:2], x.shape[2] + 2 * top, x.shape[3] + 2 * left), fill, x.dtype)
        padded[:, :, top : top + x.shape[2], left : left + x.shape[3]] = x
        x = padded
    view = windows(x, layer.kernel, layer.stride)
    m, _, height, width, kh, kw = view.shape
    inputs = layer.codes.shape[1]
    outputs = layer.channels // layer.groups
    blocks = []
    for g in range(layer.groups):
        part = view[:, g * inputs : (g + 1) * inputs].transpose(0, 2, 3, 1, 4, 5)
        columns = part.reshape(m * height * width, inputs * kh * kw)
        codes = layer.codes[g * outputs : (g + 1) * outputs].reshape(outputs, -1)
        blocks.append(dot(columns, codes.T).reshape(m, height, width, outputs))
    return np.concatenate(blocks, axis=3).transpose(0, 3, 1, 2)


def per_channel(values: np.ndarray, shape: Shape) -> np.ndarray:
    """Reshape one value per channel so that it broadcasts over (m, *shape)."""
    return values.reshape((1, -1) + (1,) * (len(shape) - 1))
