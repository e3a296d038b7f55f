"""The triangle wave: the local coordinate of every second block of an axis at once.

For blocks of 2^s nodes the wave of class p has period 4 blocks, amplitude 1, slope +-1 a block,
and its zeros at the centres of the blocks k = p mod 2: there it is +-y, y the coordinate from the
centre in blocks, as far as the block's partition function reaches. With v_0 = (N x + 1/2)/2^s - m/2
and v_i = |v_{i-1}| - 2^(M-i),
    wave + 1 = |v_{M-1}|
wherever |v_0| <= 2^M, if the odd number m is 3 - 2p mod 4: O(log) edges. (Docs, Lemma 31.)
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np

from qexpr.circuits.builder import Group, Indices
from qexpr.circuits.gadgets import Kit, Shifted, log2_of
from qexpr.circuits.monomials import split
from qexpr.core.function import MultiIndex

__all__ = ["WaveMonomials", "Waves", "fold_centre", "wave_signs"]


def fold_centre(side: int, s: int, p: int) -> tuple[int, int]:
    """M and m: the first fold is about m/2 blocks, and all blocks lie within 2^M of it.

    m is a power of two more or less 1, so that it takes two edges.
    """
    M = 1
    while True:
        for k in range(M + 3):
            m = 2**k + 1 if p else 2 ** (k + 1) - 1
            # 1/2 <= N x + 1/2 <= side 2^s - 1/2, in halves of a cell
            low, high, half = 1, (side << s + 1) - 1, m << s
            reach = 1 << M + s + 1
            if (m + 2 * p) % 4 == 3 and half - low <= reach and high - half <= reach:
                return M, m
        M += 1


def wave_signs(side: int, s: int, p: int) -> Indices:
    """The sign with which the wave is the local coordinate of block k = p, p + 2, .. ."""
    M, m = fold_centre(side, s, p)
    # twice the centre's distance from the fold, and the same half a block further
    centre = 2 * np.arange(p, side, 2) + 1 - m
    ends = []
    for v in (2 * centre, 2 * centre + 2):  # in quarters of a block
        v = np.abs(v)
        for i in range(1, M):
            v = np.abs(v - (4 << M - i))
        ends.append(v)
    return np.sign(ends[1] - ends[0])


class Waves:
    """The waves of every axis, level and class on a grid of N cells, made when asked for."""

    def __init__(self, kit: Kit, N: int) -> None:
        self.kit = kit
        self.N = N
        self.top = kit.u / 2 ** (N.bit_length() - 1)
        self._lines: dict[int, Group] = {}
        self._made: dict[tuple[int, int, int], Shifted] = {}

    def scale(self, side: int, s: int, p: int) -> Fraction:
        """The scale that a wave is made at."""
        M, _ = fold_centre(side, s, p)
        return self.top * self.kit.u ** (M + 2) * 2**s

    def _line(self, axis: int) -> Group:
        """u top (N x + 1/2)."""
        if axis not in self._lines:
            kit, net = self.kit, self.kit.net
            line = kit.multiple(net.inputs[axis], self.N, self.top)
            half = kit.constant(self.top / 2)
            made = net.group("line", scale=str(kit.u * self.top), axis=axis)
            net.connect(line, made, kit.u)
            net.connect(half, made, kit.u)
            self._lines[axis] = made
        return self._lines[axis]

    def at(self, axis: int, side: int, s: int, p: int) -> Shifted:
        """The wave of one axis for class p of `side` blocks of 2^s nodes."""
        key = axis, s, p
        if key in self._made:
            return self._made[key]
        kit, net, u = self.kit, self.kit.net, self.kit.u
        M, m = fold_centre(side, s, p)
        line = self._line(axis)
        pair = net.group("wave", 2, stage=0, axis=axis, level=s, p=p)
        scale = u * self.top  # of one cell
        digits = ((1, m - 1), (1, 1)) if p else ((1, m + 1), (-1, 1))  # of m
        for side_, unit in ((1, 0), (-1, 1)):
            net.connect(line, pair, side_ * u, _to(unit), 1)
            for sign, number in digits:
                constant = kit.constant(scale * number * Fraction(2) ** (s - 1))
                net.connect(constant, pair, -side_ * sign * u, _to(unit), 1)
        scale *= u
        for i in range(1, M):
            made = net.group("wave", 2, stage=i, axis=axis, level=s, p=p)
            constant = kit.constant(scale * 2 ** (s + M - i))
            for side_, unit in ((1, 0), (-1, 1)):
                net.connect(pair, made, side_ * u, _both(unit), 2)
                net.connect(constant, made, -side_ * u, _to(unit), 1)
            pair, scale = made, scale * u
        last = net.group("wave", 1, stage=M, axis=axis, level=s, p=p)
        net.connect(pair, last, u)
        self._made[key] = Shifted(last, scale * u * 2**s)
        return self._made[key]


def _to(unit: int) -> Callable[[], tuple[Indices, Indices]]:
    return lambda: (np.zeros(1, np.int64), np.full(1, unit))


def _both(unit: int) -> Callable[[], tuple[Indices, Indices]]:
    return lambda: (np.arange(2), np.full(2, unit))


Key = tuple[MultiIndex, tuple[int, ...]]


class WaveMonomials:
    """Monomials of one level's waves, shared by the classes: error at most (|b| - 1) 4^-(r+1)."""

    def __init__(self, waves: Waves, side: int, s: int, r: int, indices: list[MultiIndex]) -> None:
        self.waves, self.kit = waves, waves.kit
        self.side, self.s, self.r = side, s, r
        self.indices = indices
        self._scales: dict[MultiIndex, Fraction] = {}
        self._held: dict[Key, Shifted] = {}

    def fits(self, wanted: dict[MultiIndex, Fraction]) -> bool:
        """Whether no scale above the waves' own would be needed; keeps the scales if so."""
        u = self.kit.u
        scales = dict(wanted)
        for degree in range(max(map(sum, wanted), default=0), 1, -1):
            for b in [b for b in scales if sum(b) == degree]:
                left, right = split(b)
                need = scales[b] / (u**2 if left == right else 2 * u**2)
                for part in (left, right):
                    scales[part] = max(need, scales.get(part, need))
        self._scales = scales
        own = min(self.waves.scale(self.side, self.s, p) for p in range(min(self.side, 2)))
        return all(scale <= own for b, scale in scales.items() if sum(b) == 1)

    def at(self, b: MultiIndex, p: tuple[int, ...], scale: Fraction) -> Shifted:
        """w^b for class p at a scale not above the one that `fits` settled."""
        kit = self.kit
        key = b, tuple(residue if k else 0 for residue, k in zip(p, b, strict=True))
        if key not in self._held:
            if sum(b) == 1:
                axis = b.index(1)
                self._held[key] = self.waves.at(axis, self.side, self.s, p[axis])
            else:
                left, right = split(b)
                top = self._scales[b]
                if left == right:
                    one = self.at(left, p, top / kit.u**2)
                    terms, held, zero = kit.square(one, self.r)
                    self._held[key] = kit.shifted_sum(terms, held, 1 - zero)
                else:
                    factor = top / (2 * kit.u**2)
                    one, other = self.at(left, p, factor), self.at(right, p, factor)
                    terms, held = kit.product(one, other, self.r)
                    self._held[key] = kit.shifted_sum(terms, held, Fraction(1))
        made = self._held[key]
        return Shifted(kit.scaled(made.unit, log2_of(made.scale) - log2_of(scale)), scale)
