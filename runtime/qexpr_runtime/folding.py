"""Step functions folded onto what a layer accumulates: thresholds on integers or on doubles.

z = alpha s + beta passes a step where s passes a threshold; which side counts, and whether the
threshold itself does, is decided in rational arithmetic.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qexpr_runtime.data import ActivationData
from qexpr_runtime.thresholds import whole_threshold

__all__ = ["LIMITS", "fold_places", "fold_steps"]

Numbers = tuple[Fraction, ...]
# the largest sums of layers that accumulate in 32, 64 or 128 bits; a threshold may be one beyond
LIMITS = {1: 2**31 - 3, 2: 2**62, 3: 2**126}


def _double_threshold(at: Fraction, closed: bool, upward: bool) -> float:
    """The first double on the side of `at` that counts: comparing with it is exact."""
    try:
        near = float(at)
    except OverflowError:
        return math.inf if at > 0 else -math.inf
    if math.isinf(near):
        return near
    away = math.inf if upward else -math.inf
    exact = Fraction(near)
    beyond = exact > at if upward else exact < at
    if beyond or (closed and exact == at):
        return near
    return math.nextafter(near, away)


def fold_steps(
    alpha: Numbers, beta: Numbers, act: ActivationData, integer: int
) -> tuple[NDArray[Any], NDArray[np.int8]]:
    """Thresholds on s, one row for each channel (one row if all are equal), and their directions.

    Direction 1: s >= t passes; -1: s <= t does; 0: the first threshold is the number passed.
    """
    if len(set(alpha)) == 1 and len(set(beta)) == 1:
        alpha, beta = alpha[:1], beta[:1]
    dtype = {0: np.float64, 1: np.int32}.get(integer, object)
    levels = np.zeros((len(alpha), len(act.thresholds)), dtype)
    direction = np.zeros(len(alpha), np.int8)
    pairs = list(zip(act.thresholds, act.closed, strict=True))
    for c, (a, b) in enumerate(zip(alpha, beta, strict=True)):
        if not a:
            levels[c, 0] = sum(b >= t if at else b > t for t, at in pairs)
            continue
        direction[c] = 1 if a > 0 else -1
        if integer:
            most = LIMITS[integer] + 1
            levels[c] = [whole_threshold((t - b) / a, at, a > 0, most) for t, at in pairs]
        else:
            levels[c] = [_double_threshold((t - b) / a, at, a > 0) for t, at in pairs]
    return levels, direction


def fold_places(values: Numbers, act: ActivationData) -> tuple[NDArray[np.int32], NDArray[np.int8]]:
    """Thresholds on the places of values in ascending order."""
    ordered = sorted(set(values))
    levels = [
        (bisect_left if closed else bisect_right)(ordered, t)
        for t, closed in zip(act.thresholds, act.closed, strict=True)
    ]
    return np.array([levels], np.int32), np.ones(1, np.int8)
