"""Interval Jacobians: enclosures of the gradient over boxes, by interval backpropagation.

Ranges come from the affine forms; a derivative is kept as middle and radius, and every product
with a matrix is inflated by gamma_k |A| |x| (forms.py).
"""

from __future__ import annotations

import numpy as np

from qexpr.certificates.forms import FloatProgram, ranges
from qexpr.certificates.program import INPUT
from qexpr.certificates.relaxation import slopes_over

__all__ = ["gradient_at", "gradients"]

_UP = 1.0 + 2.0**-44
_TINY = 2.0**-900


def gradients(
    program: FloatProgram, centre: np.ndarray, radius: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lower and upper ends of every partial derivative over ``centre +- radius``, (m, d).

    At kinks these contain Clarke's generalised gradient, so that they bound Lipschitz constants.
    The third result says on which boxes no activation changes its slope.
    """
    spans = ranges(program, centre, radius)
    m, d = centre.shape
    middles: dict[int, np.ndarray] = {len(program.nodes) - 1: np.ones((m, 1))}
    radii: dict[int, np.ndarray] = {len(program.nodes) - 1: np.zeros((m, 1))}
    affine = np.ones(m, dtype=bool)
    with np.errstate(all="ignore"):
        for k in range(len(program.nodes) - 1, -1, -1):
            if k not in middles:
                continue
            p, middle, spread = program.nodes[k], middles.pop(k), radii.pop(k)
            if p.node.activation is not None:
                low, high = slopes_over(p.node.activation, *spans[k])
                affine &= (low == high).all(axis=1)
                middle, spread = _times(middle, spread, low, high)
            gamma = p.gamma + (p.node.size + 8) * 2.0**-52
            for source, matrix, size in zip(p.sources, p.matrices, p.sizes, strict=True):
                part = middle @ matrix
                wide = ((spread + gamma * np.abs(middle)) @ size) * (1 + 4 * gamma) + _TINY
                if source in middles:
                    total = middles[source] + part
                    radii[source] = (radii[source] + wide + 2.0**-52 * np.abs(total)) * _UP
                    middles[source] = total
                else:
                    middles[source], radii[source] = part, wide
        middle = middles.get(INPUT, np.zeros((m, d)))
        spread = radii.get(INPUT, np.zeros((m, d))) * _UP + np.abs(middle) * 2.0**-51 + _TINY
        lower, upper = middle - spread, middle + spread
    lower = np.where(np.isnan(lower), -np.inf, lower)
    upper = np.where(np.isnan(upper), np.inf, upper)
    return lower, upper, affine


def _times(
    middle: np.ndarray, spread: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The product with slopes in [low, high], 0 <= low <= high <= 1 (or infinite at jumps)."""
    a, b = middle - spread, middle + spread
    ends = np.stack([a * low, a * high, b * low, b * high])
    lower, upper = ends.min(axis=0), ends.max(axis=0)
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
