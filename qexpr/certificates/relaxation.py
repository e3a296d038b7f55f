"""Activations over intervals: ``act(z) = slope z + middle + e, |e| <= radius`` for z in [l, u].

A product of two values is enclosed alike: ``a b = slope_a a + slope_b b + middle + e``.

All bounds hold as computed: slopes are doubles taken exactly, and what depends on rounding is
inflated by more than it can be off.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qexpr.core.claim import double_below
from qexpr.networks.activations import Activation, Clip, Relu, Steps

__all__ = ["Bounds", "multiply", "relax", "slopes_over"]

_UP = 1.0 + 2.0**-48
_TINY = 2.0**-1000
_CHORD_VALUES = 16  # more steps than that are enclosed by their least and largest value


@dataclass(frozen=True, eq=False)
class Bounds:
    """Arrays of one shape; of a product, `slope` has twice the columns."""

    slope: np.ndarray
    middle: np.ndarray
    radius: np.ndarray


def _chord_limit(steps: Steps) -> float:
    """A chord that is steeper than that is not worth its noise."""
    if len(steps.thresholds) < 2:
        return 0.0
    rise = max(steps.values) - min(steps.values)
    return float(2 * rise / (steps.thresholds[-1] - steps.thresholds[0]))


def relax(activation: Activation, lower: np.ndarray, upper: np.ndarray) -> Bounds:
    """Bounds for every interval; ends that are not finite give an infinite radius."""
    lower = np.where(np.isnan(lower), -np.inf, lower)
    upper = np.where(np.isnan(upper), np.inf, upper)
    with np.errstate(all="ignore"):
        match activation:
            case Relu():
                return _relu(lower, upper)
            case Clip():
                return _clip(activation, lower, upper)
            case Steps():
                return _steps(activation, lower, upper)


def multiply(lower: np.ndarray, upper: np.ndarray) -> Bounds:
    """Bounds for the product of the first half of the columns with the second half.

    Around the middles p of a and q of b, ``a b = q a + p b - p q + (a - p)(b - q)`` for any two
    doubles p and q; the last term is at most the product of the radii.
    """
    with np.errstate(all="ignore"):
        middle = lower / 2 + upper / 2
        radius = np.maximum(upper - middle, middle - lower) * _UP + _TINY
        p, q = np.split(middle, 2, axis=-1)
        corner = p * q
        error = np.multiply(*np.split(radius, 2, axis=-1)) * _UP
        error = error + np.abs(corner) * 2.0**-51 + _TINY
        slope = np.concatenate([q, p], axis=-1)
        known = np.isfinite(error) & np.isfinite(corner) & np.isfinite(p) & np.isfinite(q)
        both = np.concatenate([known, known], axis=-1)
    return Bounds(
        np.where(both, slope, 0.0), np.where(known, -corner, 0.0), np.where(known, error, np.inf)
    )


def _relu(lower: np.ndarray, upper: np.ndarray) -> Bounds:
    positive = lower >= 0
    slope = np.where(positive, 1.0, 0.0)
    radius = np.zeros_like(lower)
    middle = np.zeros_like(lower)
    mixed = np.nonzero((lower < 0) & (upper > 0))
    l, u = lower[mixed], upper[mixed]
    s = np.clip(u / (u - l), 0.0, 1.0)
    s = np.where(np.isfinite(s), s, 0.0)
    # relu(z) - s z is 0 at z = 0, its least value, and largest at one of the ends
    top = np.maximum(-s * l, (1.0 - s) * u) * _UP + _TINY
    slope[mixed] = s
    middle[mixed] = radius[mixed] = top / 2
    return Bounds(slope, middle, radius)


def _hull(slope: np.ndarray, low: np.ndarray, high: np.ndarray) -> Bounds:
    """Bounds out of the range [low, high] of ``act(z) - slope z``."""
    middle = low / 2 + high / 2
    middle = np.where(np.isfinite(middle), middle, 0.0)
    radius = np.maximum(high - middle, middle - low)
    return Bounds(slope, middle, radius * _UP + np.abs(middle) * 2.0**-51 + _TINY)


def _clip(clip: Clip, lower: np.ndarray, upper: np.ndarray) -> Bounds:
    # a and b are rounded once; the function clip(z, a, b) is off by at most that
    a, b = float(clip.lower), float(clip.upper)
    off = (abs(a) + abs(b)) * 2.0**-52
    first, last = np.clip(lower, a, b), np.clip(upper, a, b)
    inside = (lower >= a + off) & (upper <= b - off)
    slope = np.where(upper > lower, (last - first) / (upper - lower), 0.0)
    slope = np.where(np.isfinite(slope), np.clip(slope, 0.0, 1.0), 0.0)
    corners = [(lower, first), (upper, last)]
    for kink in (a, b):
        at = np.clip(kink, lower, upper)
        corners.append((at, np.clip(at, a, b)))
    gaps = [value - slope * z for z, value in corners]
    slack = off + 2.0**-50 * (np.maximum(np.abs(lower), np.abs(upper)) * slope + abs(a) + abs(b))
    low = np.minimum.reduce(gaps) - slack
    high = np.maximum.reduce(gaps) + slack
    bounds = _hull(slope, low, high)
    bad = ~np.isfinite(slack)
    radius = np.where(bad, b - a + 2 * off, bounds.radius)
    slope, middle = np.where(bad, 0.0, slope), np.where(bad, a, bounds.middle)
    return Bounds(
        np.where(inside, 1.0, slope), np.where(inside, 0.0, middle), np.where(inside, 0.0, radius)
    )


def _steps(steps: Steps, lower: np.ndarray, upper: np.ndarray) -> Bounds:
    below = np.array([double_below(t) for t in steps.thresholds])
    above = np.array([-double_below(-t) for t in steps.thresholds])
    low_values = np.array([double_below(v) for v in steps.values])
    high_values = np.array([-double_below(-v) for v in steps.values])
    # least index: thresholds surely passed; a threshold is in doubt where the interval touches it
    first = np.searchsorted(above, lower, side="left")
    last = np.searchsorted(below, upper, side="right")
    low, high = _table_range(low_values, high_values, first, last)
    flat = _hull(np.zeros_like(lower), low, high)
    limit = _chord_limit(steps)
    if limit == 0 or len(steps.values) > _CHORD_VALUES:
        return flat
    rise = high_values[last] - high_values[first]
    slope = np.where(last - first >= 2, rise / (upper - lower), 0.0)
    slope = np.where(np.isfinite(slope), np.clip(slope, -limit, limit), 0.0)
    least, most = np.full_like(lower, np.inf), np.full_like(lower, -np.inf)
    for k in range(len(steps.values)):
        start = np.maximum(lower, below[k - 1]) if k else lower
        end = np.minimum(upper, above[k]) if k < len(above) else upper
        live = (first <= k) & (k <= last)
        slack = 2.0**-50 * (np.abs(slope) * np.maximum(np.abs(start), np.abs(end)))
        slack = slack + 2.0**-50 * max(abs(low_values[k]), abs(high_values[k]))
        one, other = slope * start, slope * end
        least = np.where(
            live, np.minimum(least, low_values[k] - np.maximum(one, other) - slack), least
        )
        most = np.where(
            live, np.maximum(most, high_values[k] - np.minimum(one, other) + slack), most
        )
    chord = _hull(slope, least, most)
    better = chord.radius + np.abs(slope) * (upper - lower) / 2 < 2 * flat.radius
    better &= (slope != 0) & np.isfinite(chord.radius)
    return Bounds(
        np.where(better, chord.slope, 0.0),
        np.where(better, chord.middle, flat.middle),
        np.where(better, chord.radius, flat.radius),
    )


def _table_range(
    low: np.ndarray, high: np.ndarray, first: np.ndarray, last: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The least and largest value with an index from `first` to `last`."""
    if (np.diff(low) >= 0).all() and (np.diff(high) >= 0).all():
        return low[first], high[last]
    count = len(low)
    least, most = np.empty((count, count)), np.empty((count, count))
    for k in range(count):
        least[k, k:] = np.minimum.accumulate(low[k:])
        most[k, k:] = np.maximum.accumulate(high[k:])
    return least[first, last], most[first, last]


def slopes_over(
    activation: Relu | Clip, lower: np.ndarray, upper: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The least and largest derivative of a continuous activation, in Clarke's sense."""
    if isinstance(activation, Relu):
        return (lower >= 0).astype(float), (upper > 0).astype(float)
    a, b = float(activation.lower), float(activation.upper)
    off = (abs(a) + abs(b)) * 2.0**-52
    inside = (lower >= a + off) & (upper <= b - off)
    outside = (upper < a - off) | (lower > b + off)
    return inside.astype(float), (~outside).astype(float)
