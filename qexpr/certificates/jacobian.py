"""Enclosures of the gradient over boxes, by interval backpropagation.

Ranges come from the affine forms; a derivative is kept as middle and radius, and every product
with a matrix is inflated by gamma_k |A| |x| (forms.py). The gradient is affine in each unit's
slope (of a product: in each factor), so any norm of it is convex in each of them: where few units
are undecided, its largest value over the box is attained at one of their patterns, and these are
enumerated.
"""

from __future__ import annotations

import numpy as np

from qexpr.certificates import kernel
from qexpr.certificates.forms import FloatProgram, ranges
from qexpr.certificates.program import INPUT, PRODUCT
from qexpr.certificates.relaxation import slopes_over

__all__ = ["gradient_at", "gradients", "largest_gradient"]

_UP = 1.0 + 2.0**-44
_TINY = 2.0**-900
_MOST_UNDECIDED = 6  # 2^6 patterns a box

Slopes = list[tuple[np.ndarray, np.ndarray] | None]


def _slopes(program: FloatProgram, centre: np.ndarray, radius: np.ndarray) -> Slopes:
    spans = ranges(program, centre, radius)
    return [
        _factors(*span)
        if p.node.activation is PRODUCT
        else None
        if p.node.activation is None
        else slopes_over(p.node.activation, *span)
        for p, span in zip(program.nodes, spans, strict=True)
    ]


def _factors(lower: np.ndarray, upper: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The derivatives of a product: for each factor the range of the other one."""
    half = lower.shape[-1] // 2
    low = np.where(np.isnan(lower), -np.inf, lower)
    high = np.where(np.isnan(upper), np.inf, upper)
    return np.roll(low, half, axis=-1), np.roll(high, half, axis=-1)


def gradients(
    program: FloatProgram, centre: np.ndarray, radius: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lower and upper ends of every partial derivative over ``centre +- radius``, (m, d).

    At kinks these contain Clarke's generalised gradient, so that they bound Lipschitz constants.
    The third result counts the units of each box whose slope is undecided.
    """
    slopes = _slopes(program, centre, radius)
    return *_backward(program, slopes, len(centre)), _undecided(slopes, len(centre))


def largest_gradient(
    program: FloatProgram, centre: np.ndarray, radius: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """For each box, patterns' gradient sizes (m, patterns, d), and the units undecided.

    Some row of a box bounds the absolute partial derivatives of its gradient of largest norm, for
    every norm that grows with them; boxes without enumeration have one row of interval bounds.
    """
    slopes = _slopes(program, centre, radius)
    m, d = centre.shape
    undecided = _undecided(slopes, m)
    lower, upper = _backward(program, slopes, m)
    limit = min(_MOST_UNDECIDED, d + 2)
    few = np.flatnonzero((undecided >= 1) & (undecided <= limit))
    most = int(undecided[few].max()) if len(few) else 0
    sizes = np.zeros((m, 2**most, d))
    sizes[:, 0] = np.maximum(np.abs(lower), np.abs(upper))
    if len(few):
        patterns = 2**most
        fixed = _fixed(slopes, few, patterns)
        low, high = _backward(program, fixed, len(few) * patterns)
        sizes[few] = np.maximum(np.abs(low), np.abs(high)).reshape(len(few), patterns, d)
    return sizes, undecided


def _undecided(slopes: Slopes, m: int) -> np.ndarray:
    count = np.zeros(m, dtype=np.int64)
    for pair in slopes:
        if pair is not None:
            count += (pair[0] != pair[1]).sum(axis=1)
    return count


def _fixed(slopes: Slopes, rows: np.ndarray, patterns: int) -> Slopes:
    """Every box `patterns` times, its i-th undecided unit at the end that bit i says."""
    bits = np.arange(patterns)
    before = np.zeros(len(rows), dtype=np.int64)
    out: Slopes = []
    for pair in slopes:
        if pair is None:
            out.append(None)
            continue
        low, high = pair[0][rows], pair[1][rows]
        open_ = low != high
        place = before[:, None] + np.cumsum(open_, axis=1) - 1
        chosen = (bits[None, :, None] >> np.clip(place, 0, 62)[:, None, :]) & 1
        value = np.where(open_[:, None, :] & (chosen == 1), high[:, None, :], low[:, None, :])
        value = value.reshape(len(rows) * patterns, -1)
        out.append((value, value))
        before = before + open_.sum(axis=1)
    return out


def _backward(program: FloatProgram, slopes: Slopes, m: int) -> tuple[np.ndarray, np.ndarray]:
    last = len(program.nodes) - 1
    middles: dict[int, np.ndarray] = {last: np.ones((m, 1))}
    radii: dict[int, np.ndarray] = {last: np.zeros((m, 1))}
    with np.errstate(all="ignore"):
        for k in range(last, -1, -1):
            if k not in middles:
                continue
            p, middle, spread = program.nodes[k], middles.pop(k), radii.pop(k)
            pair = slopes[k]
            if p.node.activation is PRODUCT:
                middle, spread = np.tile(middle, 2), np.tile(spread, 2)
            if pair is not None:
                middle, spread = _times(middle, spread, *pair)
            gamma = p.gamma + (p.node.sums + 8) * 2.0**-52
            for source, matrix, size in zip(p.sources, p.matrices, p.sizes, strict=True):
                part = kernel.product(middle, matrix)
                wide = kernel.product(spread + gamma * np.abs(middle), size)
                wide = wide * (1 + 4 * gamma) + _TINY
                if source in middles:
                    total = middles[source] + part
                    radii[source] = (radii[source] + wide + 2.0**-52 * np.abs(total)) * _UP
                    middles[source] = total
                else:
                    middles[source], radii[source] = part, wide
        middle = middles.get(INPUT, np.zeros((m, program.d)))
        spread = radii.get(INPUT, np.zeros((m, program.d)))
        spread = spread * _UP + np.abs(middle) * 2.0**-51 + _TINY
        lower, upper = middle - spread, middle + spread
    lower = np.where(np.isnan(lower), -np.inf, lower)
    return lower, np.where(np.isnan(upper), np.inf, upper)


def _times(
    middle: np.ndarray, spread: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The product with slopes in [low, high]."""
    a, b = middle - spread, middle + spread
    corners = [a * low, a * high, b * low, b * high]
    lower, upper = np.minimum.reduce(corners), np.maximum.reduce(corners)
    product = lower / 2 + upper / 2
    width = (upper - lower) / 2 * _UP + 2.0**-50 * (np.abs(lower) + np.abs(upper)) + _TINY
    untouched = (low == 1) & (high == 1)
    silent = (low == 0) & (high == 0)
    product = np.where(untouched, middle, np.where(silent, 0.0, product))
    return product, np.where(untouched, spread, np.where(silent, 0.0, width))


def gradient_at(program: FloatProgram, points: np.ndarray) -> np.ndarray:
    """The gradient at points in ordinary float64, one side at kinks: no guarantee."""
    lower, upper, _ = gradients(program, points, np.zeros_like(points))
    return (lower + upper) / 2
