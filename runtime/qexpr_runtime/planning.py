"""Which layers run in integers: decided when a file is written, in exact arithmetic.

A step function hands on codes of one byte (emitted.py). A layer that reads codes accumulates
integers: codes on a grid in 32 bits, others digit by digit (digits.py) in 64 or 128. Scale, bias
and thresholds are folded onto the sums. All other layers accumulate real numbers, with thresholds
folded onto their sums.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qexpr_runtime.data import INPUT, MOVES, LayerData, NetworkData
from qexpr_runtime.digits import Digits, value_digits
from qexpr_runtime.emitted import Emitted, bytes_of, codes_of
from qexpr_runtime.folding import LIMITS, fold_places, fold_steps
from qexpr_runtime.kinds import BOOK, WIDE, Weights, kind_of

__all__ = ["Plan", "plan"]

_MOST_PRODUCTS = 32  # of digits of weights and of activations


@dataclass(frozen=True)
class Sums:
    """What a layer accumulates: `scale`, `bias` take it to what the activation reads.

    `integer`: 0 reals, 1 codes in 32 bits, 2 or 3 digits in 64 or 128.
    """

    integer: int
    scale: tuple[Fraction, ...]
    bias: tuple[Fraction, ...]
    pad_code: int = 0
    digits: Digits | None = None


@dataclass(frozen=True)
class Plan:
    """What one layer needs at inference.

    `weights`: how its codes are packed. `reads`: what it reads, if that is codes. `emitted`: the
    codes that it hands on. `levels`, `direction`: folded thresholds.
    """

    sums: Sums
    weights: Weights | None
    reads: Emitted | None
    emitted: Emitted | None
    levels: NDArray[Any] | None
    direction: NDArray[np.int8] | None


def _pad_code(layer: LayerData, reads: Emitted) -> int | None:
    """The code of a padded tap, None if the grid has none."""
    if layer.op != "conv2d" or not any(layer.padding):
        return 0
    assert reads.grid is not None
    code = (layer.padding_value - reads.grid[0]) / reads.grid[1]
    lo, hi = (-128, 127) if reads.emits == 1 else (0, 255)
    return int(code) if code.denominator == 1 and lo <= code <= hi else None


def _shifted(layer: LayerData, offset: Fraction) -> tuple[Fraction, ...]:
    """The biases with what an offset of all inputs adds to the sums."""
    if not offset:
        return layer.biases
    assert layer.codes is not None
    rows = layer.codes.reshape(layer.channels, -1).astype(object).sum(axis=1).tolist()
    return tuple(
        b + s * offset * n for b, s, n in zip(layer.biases, layer.scales, rows, strict=True)
    )


def _on_grid(layer: LayerData, weights: Weights, reads: Emitted) -> Sums | None:
    """Sums of codes in 32 bits, if they fit."""
    assert layer.codes is not None
    if reads.grid is None or weights.kind in (WIDE, BOOK):
        return None
    pad, terms = _pad_code(layer, reads), int(np.prod(layer.codes.shape[1:]))
    largest = max(reads.largest, abs(pad or 0), 1)
    if pad is None or weights.largest * largest * terms > LIMITS[1]:
        return None
    offset, step = reads.grid
    return Sums(1, tuple(s * step for s in layer.scales), _shifted(layer, offset), pad)


def _by_digits(layer: LayerData, weights: Weights, reads: Emitted) -> Sums | None:
    """Sums of digits in 64 or 128 bits, if they are few enough and fit."""
    assert layer.codes is not None
    if weights.kind == WIDE:
        return None
    padded = layer.op == "conv2d" and any(layer.padding)
    digits = value_digits(reads.by_code()[1], Fraction(layer.padding_value) if padded else None)
    if digits is None:
        return None
    book = weights.digits.multipliers if weights.digits is not None else (1,)
    terms, total = int(np.prod(layer.codes.shape[1:])), 0
    for m, table, pad in zip(digits.multipliers, digits.tables, digits.pads, strict=True):
        product = max(max(map(abs, table)), abs(pad), 1) * weights.largest * terms
        if product > LIMITS[1]:
            return None
        total += abs(m) * sum(map(abs, book)) * product
    fits = [n for n in (2, 3) if total <= LIMITS[n]]
    if not fits or len(digits.tables) * len(book) > _MOST_PRODUCTS:
        return None
    scale = tuple(s * digits.unit for s in layer.scales)
    return Sums(fits[0], scale, _shifted(layer, digits.offset), 0, digits)


def _weighted(layer: LayerData, weights: Weights, reads: Emitted | None) -> Sums:
    real = Sums(0, layer.scales, layer.biases)
    if reads is None:
        return real
    return _on_grid(layer, weights, reads) or _by_digits(layer, weights, reads) or real


def _plain(layer: LayerData, reads: Emitted | None) -> Sums:
    """The sums of a layer without weights."""
    one, zero = Fraction(1), Fraction(0)
    window = layer.kernel[0] * layer.kernel[1]
    mean = Fraction(1, window) if layer.op == "avg_pool2d" else one
    act = layer.activation
    integer = False
    if reads is not None and layer.op in MOVES:
        integer = act is None or act.kind == "steps"
    elif reads is not None and layer.op == "avg_pool2d" and reads.grid and not reads.grid[0]:
        integer = reads.largest * window <= LIMITS[1]
    if not integer:
        return Sums(0, (mean,), (zero,))
    assert reads is not None
    offset, step = reads.grid or (zero, one)
    return Sums(1, (mean * step,), (offset,))


def plan(network: NetworkData) -> list[Plan]:
    """Decide for every layer."""
    codes: dict[int, Emitted | None] = {INPUT: None}
    if network.input_rule is not None:
        codes[INPUT] = bytes_of(*network.input_rule)
    plans = []
    for k, layer in enumerate(network.layers):
        reads, act = codes[k - 1 if layer.source is None else layer.source], layer.activation
        weights = None if layer.codes is None else kind_of(layer.codes, reads is not None)
        sums = _plain(layer, reads) if weights is None else _weighted(layer, weights, reads)
        emitted = levels = direction = None
        if act is not None and act.kind == "steps":
            emitted = codes_of(act.values)
            if sums.integer and weights is None and reads is not None and reads.grid is None:
                levels, direction = fold_places(reads.values, act)
            else:
                levels, direction = fold_steps(sums.scale, sums.bias, act, sums.integer)
        elif act is None and sums.integer and layer.op in MOVES:
            emitted = reads
        codes[k] = emitted
        plans.append(Plan(sums, weights, reads, emitted, levels, direction))
    return plans
