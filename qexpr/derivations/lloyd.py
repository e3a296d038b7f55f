"""Levels that meet Lloyd's condition for the half normal law, between two proven sides.

Nothing here is trusted: `below` and `above` return levels that a formula of the derivation has to
find below and above their own centroids. They come from Newton's method, in floats and then at the
working precision.
"""

from __future__ import annotations

import math
from functools import cache
from itertools import pairwise
from typing import Any

from qexpr.derivations.fields import ball_field
from qexpr.rigor import balls
from qexpr.rigor.balls import arb, ball

__all__ = ["FUNCTIONS", "above", "below"]

_FLOAT_STEPS = 200
_BALL_STEPS = 8


def _float_cell(s: float, t: float) -> tuple[float, float, float]:
    """The centroid of (s, t) under the normal density, and its two partial derivatives."""

    def density(x: float) -> float:
        return math.exp(-x * x / 2) / math.sqrt(2 * math.pi)

    def tail(x: float) -> float:
        return math.erfc(x / math.sqrt(2)) / 2

    f, g = density(s), density(t) if t < math.inf else 0.0
    mass = tail(s) - (tail(t) if t < math.inf else 0.0)
    centroid = (f - g) / mass
    return centroid, f * (centroid - s) / mass, g * (t - centroid) / mass if g else 0.0


def _ball_cell(s: arb, t: arb | None) -> tuple[Any, Any, Any]:
    names = ball_field().names

    def density(x: arb) -> arb:
        return (-x * x / 2).exp() / (2 * arb.pi()).sqrt()

    def tail(x: arb) -> arb:
        return (x / names["sqrt"](2)).erfc() / 2

    f, g = density(s), density(t) if t is not None else arb(0)
    mass = tail(s) - (tail(t) if t is not None else arb(0))
    centroid = (f - g) / mass
    right = g * (t - centroid) / mass if t is not None else arb(0)
    return centroid, f * (centroid - s) / mass, right


def _newton(levels: list[Any], cell: Any, end: Any) -> tuple[list[Any], list[Any]]:
    """One step towards the fixed point, and the direction v with (I - J) v = (1, .., 1)."""
    m = len(levels)
    zero = levels[0] * 0
    thresholds = [zero, *((a + b) / 2 for a, b in pairwise(levels)), end]
    residual, low, diagonal, up = [], [], [], []
    for i, level in enumerate(levels):
        centroid, left, right = cell(thresholds[i], thresholds[i + 1])
        left = left / 2 if i else zero  # the threshold 0 does not move
        right = right / 2
        residual.append(level - centroid)
        low.append(-left)
        diagonal.append(1 - left - right)
        up.append(-right)
    ones = [zero + 1 for _ in levels]
    for i in range(1, m):
        factor = low[i] / diagonal[i - 1]
        diagonal[i] = diagonal[i] - factor * up[i - 1]
        residual[i] = residual[i] - factor * residual[i - 1]
        ones[i] = ones[i] - factor * ones[i - 1]
    for i in reversed(range(m)):
        if i + 1 < m:
            residual[i] = residual[i] - up[i] * residual[i + 1]
            ones[i] = ones[i] - up[i] * ones[i + 1]
        residual[i] = residual[i] / diagonal[i]
        ones[i] = ones[i] / diagonal[i]
    return [x - r for x, r in zip(levels, residual, strict=True)], ones


@cache
def _float_levels(m: int) -> tuple[float, ...]:
    """Levels close to Lloyd's, by Newton's method with steps that keep them in order."""
    # equal shares of the density to the power 1/3, which is the best for many levels
    levels = [math.sqrt(3) * _quantile((i + 0.5) / m) for i in range(m)]
    for _ in range(_FLOAT_STEPS):
        better, _ = _newton(levels, _float_cell, math.inf)
        step = 1.0
        while True:
            tried = [x + step * (y - x) for x, y in zip(levels, better, strict=True)]
            if tried[0] > 0 and all(a < b for a, b in pairwise(tried)):
                break
            step /= 2
        change = max(abs(x - y) for x, y in zip(levels, tried, strict=True))
        levels = tried
        if change < 1e-11:
            break
    return tuple(levels)


def _quantile(share: float) -> float:
    """The point that |x| exceeds with the probability 1 - share, x of the normal law."""
    low, high = 0.0, 40.0
    for _ in range(60):
        middle = (low + high) / 2
        if math.erf(middle / math.sqrt(2)) < share:
            low = middle
        else:
            high = middle
    return low


@cache
def _sides(m: int, bits: int) -> tuple[list[arb], list[arb]]:
    with balls.precision(bits + 32):
        levels = [arb(x) for x in _float_levels(m)]  # the doubles themselves
        directions: list[arb] = []
        for _ in range(_BALL_STEPS):
            levels, directions = _newton(levels, _ball_cell, None)
            levels = [x.mid() for x in levels]
        width = ball(2) ** arb(-bits * 3 // 4)
        offsets = [(width * v).mid() for v in directions]
        return (
            [(x - o).mid() for x, o in zip(levels, offsets, strict=True)],
            [(x + o).mid() for x, o in zip(levels, offsets, strict=True)],
        )


def below(m: int) -> list[arb]:
    """m exact numbers, each a little under a level."""
    return _sides(m, balls.working_bits())[0]


def above(m: int) -> list[arb]:
    """m exact numbers, each a little over a level."""
    return _sides(m, balls.working_bits())[1]


def between(m: int) -> list[arb]:
    """m balls, each with a level in it if `below` and `above` are what they should be."""
    return [a.union(b) for a, b in zip(below(m), above(m), strict=True)]


FUNCTIONS = (("below", below), ("above", above), ("levels", between))
"""For the formulas of a derivation."""
