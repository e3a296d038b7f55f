"""Which layers run in integers: decided when a file is written, in exact arithmetic.

A step function whose values lie on a grid a + b q with small integers q hands on the codes q. A
layer that reads codes accumulates integers, and its scale, bias and thresholds are folded onto
them; all other layers accumulate real numbers, with thresholds folded onto their sums.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from qexpr_runtime.data import INPUT, ActivationData, LayerData, NetworkData
from qexpr_runtime.thresholds import fold

__all__ = ["Grid", "Plan", "Weights", "grid_of", "kind_of", "plan"]

BINARY, TERNARY, UNSIGNED, SIGNED, ODD, INT8, WIDE = range(1, 8)
_LARGEST_SUM = 2**31 - 3  # one less than what folded thresholds are clipped to


@dataclass(frozen=True)
class Grid:
    """The values offset + step * q of codes q."""

    offset: Fraction
    step: Fraction
    codes: tuple[int, ...]

    @property
    def emits(self) -> int:
        """1 for signed bytes, 2 for unsigned ones."""
        return 1 if min(self.codes) < 0 else 2

    @property
    def largest(self) -> int:
        """The largest magnitude of a code."""
        return max(map(abs, self.codes))


@dataclass(frozen=True)
class Weights:
    """How the codes of a layer are packed: kind, bits, and the values that they can stand for."""

    kind: int
    bits: int
    lo: int
    hi: int


@dataclass(frozen=True)
class Plan:
    """What one layer needs at inference.

    `integer`: it accumulates codes. `emits`: it hands on codes (0: real numbers). `alpha`, `beta`:
    the numbers for linear, ReLU and Clip. `levels`, `direction`: folded thresholds.
    """

    integer: bool
    emits: int
    alpha: tuple[Fraction, ...]
    beta: tuple[Fraction, ...]
    pad_code: int
    levels: NDArray[np.float64] | NDArray[np.int32] | None
    direction: NDArray[np.int8] | None
    codes: tuple[int, ...]


def _gcd(values: tuple[Fraction, ...]) -> Fraction:
    bottom = math.lcm(*(v.denominator for v in values))
    return Fraction(math.gcd(*(int(v * bottom) for v in values)), bottom)


def grid_of(values: tuple[Fraction, ...]) -> Grid | None:
    """The grid of bytes that values lie on, if there is one."""
    distinct = tuple(dict.fromkeys(values))
    step = _gcd(distinct) or Fraction(1)
    offsets = [(Fraction(0), step)]
    if len(distinct) == 2:
        low, high = min(distinct), max(distinct)
        offsets.append(((low + high) / 2, (high - low) / 2))
    if len(distinct) > 1:
        least = min(distinct)
        offsets.append((least, _gcd(tuple(v - least for v in distinct))))
    for offset, size in offsets:
        codes = tuple(int((v - offset) / size) for v in values)
        lo, hi = (-128, 127) if min(codes) < 0 else (0, 255)
        if lo <= min(codes) and max(codes) <= hi:
            return Grid(offset, size, codes)
    return None


def kind_of(codes: NDArray[np.generic]) -> Weights:
    """The smallest way to pack integer codes."""
    lo, hi = int(codes.min()), int(codes.max())
    if lo >= -1 and hi <= 1:
        return Weights(TERNARY, 2, -1, 1) if (codes == 0).any() else Weights(BINARY, 1, -1, 1)
    choices = []
    if lo >= 0 and hi <= 255:
        bits = hi.bit_length()
        choices.append(Weights(UNSIGNED, bits, 0, 2**bits - 1))
    if lo < 0 and lo >= -128 and hi <= 127:
        bits = max(hi.bit_length(), (-lo - 1).bit_length()) + 1
        signed = Weights(SIGNED, bits, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        choices.append(signed if bits < 8 else Weights(INT8, 8, -128, 127))
    top = max(hi, -lo)
    if top <= 255 and (codes % 2 == 1).all():
        bits = top.bit_length()
        choices.append(Weights(ODD, bits, 1 - 2**bits, 2**bits - 1))
    return min(choices, key=lambda w: w.bits) if choices else Weights(WIDE, 64, lo, hi)


def _real_threshold(at: Fraction, closed: bool, upward: bool) -> float:
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


def _fold_real(
    alpha: tuple[Fraction, ...], beta: tuple[Fraction, ...], steps: ActivationData
) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
    levels = np.zeros((len(alpha), len(steps.thresholds)))
    direction = np.zeros(len(alpha), np.int8)
    pairs = list(zip(steps.thresholds, steps.closed, strict=True))
    for c, (a, b) in enumerate(zip(alpha, beta, strict=True)):
        if not a:
            levels[c, 0] = sum(b >= t if at else b > t for t, at in pairs)
            continue
        direction[c] = 1 if a > 0 else -1
        levels[c] = [_real_threshold((t - b) / a, at, a > 0) for t, at in pairs]
    return levels, direction


def _pad_code(layer: LayerData, grid: Grid) -> int | None:
    """The code of a padded tap, None if the grid has none."""
    if layer.op != "conv2d" or not any(layer.padding):
        return 0
    code = (layer.padding_value - grid.offset) / grid.step
    lo, hi = (-128, 127) if grid.emits == 1 else (0, 255)
    return int(code) if code.denominator == 1 and lo <= code <= hi else None


def _folded(
    integer: bool, alpha: tuple[Fraction, ...], beta: tuple[Fraction, ...], act: ActivationData
) -> tuple[NDArray[np.float64] | NDArray[np.int32], NDArray[np.int8]]:
    if len(set(alpha)) == 1 and len(set(beta)) == 1:  # one row of thresholds serves all
        alpha, beta = alpha[:1], beta[:1]
    if not integer:
        return _fold_real(alpha, beta, act)
    if len(act.thresholds) <= 255:
        folded = fold(alpha, beta, act.thresholds, act.closed)
        return folded.levels, folded.direction
    parts = [fold(alpha, beta, act.thresholds[i : i + 255], act.closed[i : i + 255])
             for i in range(0, len(act.thresholds), 255)]  # fmt: skip
    levels = np.concatenate([p.levels for p in parts], axis=1)
    for c in np.flatnonzero(parts[0].direction == 0):
        levels[c, 0] = sum(int(p.levels[c, 0]) for p in parts)
    return levels, parts[0].direction


def _weighted(
    layer: LayerData, grid: Grid | None
) -> tuple[bool, int, tuple[Fraction, ...], tuple[Fraction, ...]]:
    """Whether a layer with weights can accumulate codes, its padding code, scale and bias."""
    assert layer.codes is not None
    scales, biases = layer.scales, layer.biases
    if grid is None:
        return False, 0, scales, biases
    weights, pad = kind_of(layer.codes), _pad_code(layer, grid)
    terms = int(np.prod(layer.codes.shape[1:]))
    largest = max(grid.largest, abs(pad or 0))
    size = max(abs(weights.lo), abs(weights.hi)) * max(largest, 1) * terms
    if weights.kind == WIDE or pad is None or size > _LARGEST_SUM:
        return False, 0, scales, biases
    if grid.offset:
        sums = layer.codes.reshape(layer.channels, -1).sum(axis=1).tolist()
        biases = tuple(
            b + s * grid.offset * n for b, s, n in zip(biases, scales, sums, strict=True)
        )
    return True, pad, tuple(s * grid.step for s in scales), biases


def plan(network: NetworkData) -> list[Plan]:
    """Decide for every layer."""
    grids: dict[int, Grid | None] = {INPUT: None}
    if network.input_rule is not None:
        step, offset = network.input_rule
        grids[INPUT] = Grid(offset, step, tuple(range(256)))
    plans = []
    for k, layer in enumerate(network.layers):
        source = k - 1 if layer.source is None else layer.source
        act, grid = layer.activation, grids[source]
        if layer.codes is not None:
            integer, pad, alpha, beta = _weighted(layer, grid)
        else:
            one = Fraction(1)
            window = layer.kernel[0] * layer.kernel[1]
            mean = Fraction(1, window) if layer.op == "avg_pool2d" else one
            moves = layer.op in ("flatten", "activate", "max_pool2d")
            steps = act is not None and act.kind == "steps"
            integer = grid is not None and moves and (steps or act is None)
            if grid is not None and layer.op == "avg_pool2d" and not grid.offset:
                integer = grid.largest * window <= _LARGEST_SUM
            scaled = grid is not None and integer
            alpha = (mean * grid.step if scaled else mean,)  # type: ignore[union-attr]
            beta = (grid.offset if scaled else Fraction(0),)  # type: ignore[union-attr]
            pad = 0
        emits, codes, out = 0, (), None
        levels = direction = None
        if act is not None and act.kind == "steps":
            out = grid_of(act.values)
            levels, direction = _folded(integer, alpha, beta, act)
            if out is not None:
                emits, codes = out.emits, out.codes
        elif integer and act is None and layer.op in ("flatten", "activate", "max_pool2d"):
            out = grid
            emits = grid.emits if grid is not None else 0
        grids[k] = out
        plans.append(Plan(integer, emits, alpha, beta, pad, levels, direction, codes))
    return plans
