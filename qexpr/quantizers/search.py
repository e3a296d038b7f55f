"""Scales that minimise the squared error of rounding to integer codes."""

from __future__ import annotations

from typing import Any

import numpy as np

from qexpr.quantizers.backend import Array

__all__ = ["EXACT_WORK", "best_step"]

EXACT_WORK = 2**21  # entries times codes, up to which the search is exact
_PLACES = 12  # candidates on each side of the best
_LEVELS = 4


def best_step(b: Any, rows: Array, low: Array, high: Array, top: int) -> Array:
    """Return, for each row, the step s that minimises sum (w - s clip(round(w/s), low, high))^2.

    Parameters
    ----------
    rows : array
        float64, one group a row.
    low, high : array
        The lowest (<= 0) and the highest (>= 0) code of each row, as columns.
    top : int
        The largest number of codes on one side of 0.

    Notes
    -----
    For given codes c the best step is A/B and the error sum w^2 - A^2/B, with A = sum w c and
    B = sum c^2. As s falls, |w| enters code j at s = |w|/(j - 1/2); sorting these events gives
    every reachable vector of codes, and the largest A^2/B is the optimum: exact. Beyond
    `EXACT_WORK` events, the error at evenly spaced powers of 2 is zoomed into three times, and the
    step fitted to the codes found: for so many weights the error is nearly smooth in the step, but
    the result is not proven to be the optimum.
    """
    if rows.shape[0] * rows.shape[-1] * top <= EXACT_WORK:
        return _by_sorting(b, rows, low, high, top)
    return _by_zooming(b, rows, low, high, top)


def _by_sorting(b: Any, rows: Array, low: Array, high: Array, top: int) -> Array:
    code = b.table(np.arange(1, top + 1), rows)
    size = b.abs(rows)[..., None]
    limit = b.where(rows >= 0, high, -low)[..., None]
    allowed = b.mask(code <= limit, rows)
    flat = (rows.shape[0], -1)
    when = (size / (code - 0.5) * allowed).reshape(flat)
    order = b.argsort(when)
    gain = b.cumsum(b.take((size * allowed).reshape(flat), order))
    squares = b.cumsum(b.take(((2 * code - 1) * allowed).reshape(flat), order))
    safe = b.maximum(squares, b.table(1.0, squares))
    best = b.argmax(gain * gain / safe)
    return b.take(gain / safe, best)


def _by_zooming(b: Any, rows: Array, low: Array, high: Array, top: int) -> Array:
    axis = (rows.ndim - 1,)
    full = b.amax(b.abs(rows), axis) / top
    # powers of 2 from 2^-23 to 2 times the step that clips nothing, then between neighbours
    best, least = 0 * full - 11, None
    spacing = 1.0
    for _ in range(_LEVELS):
        centre = best
        for place in range(-_PLACES, _PLACES + 1):
            power = centre + spacing * place
            step = full * b.exp2(power)
            error = b.sum((rows - step * _codes(b, rows, step, low, high)) ** 2, axis)
            if least is None:
                best, least = power, error
                continue
            best = b.where(error < least, power, best)
            least = b.minimum(error, least)
        spacing = spacing / _PLACES
    best = full * b.exp2(best)
    codes = _codes(b, rows, best, low, high)
    squares = b.sum(codes * codes, axis)
    fitted = b.sum(rows * codes, axis) / b.maximum(squares, b.table(1.0, squares))
    return b.where(squares > 0, fitted, best)


def _codes(b: Any, rows: Array, step: Array, low: Array, high: Array) -> Array:
    ratio = rows / b.where(step > 0, step, b.table(1.0, step))
    return b.minimum(b.maximum(b.round(ratio), low), high)
