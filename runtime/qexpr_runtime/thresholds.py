"""Batch norm and activation folded into integer thresholds; residual levels."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qexpr_runtime import _layers
from qexpr_runtime.errors import KernelError

__all__ = ["Thresholds", "fold", "residual_signs", "whole_threshold"]

LIMIT = 2**31 - 1  # beyond every sum that fits


@dataclass(frozen=True, eq=False)
class Thresholds:
    """Integer thresholds, `levels` for each column.

    A code is the number of thresholds passed: y >= t where direction is +1, y <= t where it is -1;
    where it is 0 the code is the first threshold.
    """

    levels: NDArray[np.int32]
    direction: NDArray[np.int8]

    def __call__(self, y: ArrayLike) -> NDArray[np.uint8]:
        """Return the codes (uint8) of int32 sums y of shape (rows, columns)."""
        sums = np.require(y, None, "CAE")
        if sums.ndim != 2 or sums.dtype != np.int32 or sums.shape[1] != len(self.direction):
            raise KernelError(
                f"y must be int32 of shape (rows, {len(self.direction)}), "
                f"got {sums.dtype} of shape {sums.shape}"
            )
        codes = np.empty(sums.shape, dtype=np.uint8)
        _layers.thresholds(sums, self.levels, self.direction, codes)
        return codes


def fold(
    slope: Sequence[Fraction],
    offset: Sequence[Fraction],
    steps: Sequence[Fraction],
    closed: Sequence[bool] | None = None,
) -> Thresholds:
    """Fold z = slope y + offset (per column) and the steps of an activation into thresholds on y.

    The code of an integer y is the number of steps s with z >= s (or z > s where `closed` is
    false), decided in rational arithmetic. For a batch norm over sums of scale a,
    slope = gamma a / sigma and offset = beta - gamma mean / sigma, whatever the sign of gamma; a
    slope of 0 makes the code constant.

    Parameters
    ----------
    slope, offset : sequences of Fraction, one for each column
    steps : increasing Fractions, 1 to 255 of them
    closed : for each step, whether reaching it counts; all True if left out
    """
    if len(slope) != len(offset):
        raise ValueError(f"{len(slope)} slopes do not go with {len(offset)} offsets")
    if not 1 <= len(steps) <= 255 or any(a >= b for a, b in pairwise(steps)):
        raise ValueError("steps must be 1 to 255 increasing numbers")
    reached = tuple(closed) if closed is not None else (True,) * len(steps)
    if len(reached) != len(steps):
        raise ValueError(f"{len(steps)} steps do not go with {len(reached)} values of closed")
    levels = np.zeros((len(slope), len(steps)), dtype=np.int32)
    direction = np.zeros(len(slope), dtype=np.int8)
    for column, (a, b) in enumerate(zip(slope, offset, strict=True)):
        pairs = list(zip(steps, reached, strict=True))
        if a == 0:
            levels[column, 0] = sum(b >= s if at else b > s for s, at in pairs)
            continue
        direction[column] = 1 if a > 0 else -1
        levels[column] = [
            whole_threshold(Fraction(s - b) / Fraction(a), at, a > 0, LIMIT) for s, at in pairs
        ]
    return Thresholds(levels, direction)


def whole_threshold(at: Fraction, closed: bool, upward: bool, most: int) -> int:
    """The first integer on the side of `at` that counts, clipped to -most..most."""
    if upward:
        first = ceil(at) if closed else floor(at) + 1
    else:
        first = floor(at) if closed else ceil(at) - 1
    return max(-most, min(most, first))


def residual_signs(x: ArrayLike, gamma: ArrayLike) -> NDArray[np.uint8]:
    """Sign bits of the residual levels of x: r_0 = x, r_(e+1) = r_e - gamma_e sign(r_e).

    Returns rows of bits of shape (levels, rows, ceil(columns / 8)), 1 where r_e < 0 (ReBNet,
    Ghasemzadeh et al. 2018, algorithm 1), in float32.
    """
    values = np.require(x, np.float32, "CAE")
    scales = np.require(gamma, np.float32, "CAE")
    if values.ndim != 2 or scales.ndim != 1 or not 1 <= scales.size <= 8:
        raise ValueError(
            f"x must be a matrix and gamma 1 to 8 numbers, got shapes {values.shape}, "
            f"{scales.shape}"
        )
    out = np.zeros((scales.size, values.shape[0], -(-values.shape[1] // 8)), dtype=np.uint8)
    _layers.residual(values, scales, out)
    return out
