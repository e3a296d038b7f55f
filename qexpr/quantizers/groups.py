"""Groups of weights that share a scale, and the sums taken over them."""

from __future__ import annotations

from typing import Any

import numpy as np

from qexpr.errors import InvalidInput, shorten
from qexpr.quantizers.backend import Array

__all__ = ["axes_of", "check_array", "count", "flatten", "mean_abs", "sign", "unit"]


def check_array(x: object, name: str) -> Array:
    """Return `x` as a float32 or float64 array with finite entries.

    Raises
    ------
    InvalidInput
        For other dtypes, for no entries, for NaN and for infinity.
    """
    array = np.asarray(x)
    if array.dtype not in (np.float32, np.float64):
        if isinstance(x, np.ndarray) or array.dtype.kind not in "iuf":
            raise InvalidInput(
                f"{name} must be an array of float32 or float64, got {shorten(array.dtype)}; "
                f"convert it with .astype(np.float32)"
            )
        array = array.astype(np.float64)  # a list or a number of Python
    if array.size == 0:
        raise InvalidInput(f"{name} must have at least one entry, got shape {array.shape}")
    if not np.isfinite(array).all():
        bad = int(np.count_nonzero(~np.isfinite(array)))
        raise InvalidInput(f"{name} must be finite, got {bad} entries that are NaN or infinite")
    return array


def axes_of(x: Array, per: str) -> tuple[int, ...]:
    """Return the axes summed over by one group: all of them, or all but the first.

    With ``per="channel"`` the first axis counts the output channels (or the samples of a batch);
    an array of one axis is a single channel.
    """
    first = 1 if per == "channel" and x.ndim > 1 else 0
    return tuple(range(first, x.ndim))


def count(x: Array, axes: tuple[int, ...]) -> int:
    """Return the number of entries of a group."""
    size = 1
    for axis in axes:
        size *= x.shape[axis]
    return size


def flatten(x: Array, axes: tuple[int, ...]) -> Array:
    """Return x with one row for each group."""
    return x.reshape((x.shape[0], -1) if len(axes) < x.ndim else (1, -1))


def sign(b: Any, x: Array) -> Array:
    """Return +1 where x >= 0 (so at both zeros) and -1 elsewhere."""
    return 2 * b.mask(x >= 0, x) - 1


def unit(b: Any, x: Array, axes: tuple[int, ...]) -> tuple[Array, Array]:
    """Return ``x / 2^e`` in float64 and e, such that each group's largest magnitude is in [1/2, 1).

    Sums and squares of the result neither overflow nor vanish; the scaling is exact, except for
    entries some 2^1000 times smaller than the largest.
    """
    exponent = b.frexp(b.double(b.amax(b.abs(x), axes)))[1]
    exponent = b.clip(exponent, -1000, None)
    return b.ldexp(b.double(x), -exponent), exponent


def mean_abs(b: Any, x: Array, axes: tuple[int, ...]) -> Array:
    """Return the mean magnitude of each group, in float64, whatever the size of the entries."""
    scaled, exponent = unit(b, b.abs(x), axes)
    return b.ldexp(b.sum(scaled, axes) / count(x, axes), exponent)
