"""Triangle waves, recognised fold by fold, and products whose factors are waves and planes.

A wave is a chain of pairs relu(v_i), relu(-v_i) and a last unit, over one coordinate,

    v_0 = c (N x + 1/2 - a),   v_i = w |v_(i-1)| - const,   last = w |v_(M-1)|.

With a = 2^s m/2, m odd, and folds at 2^s 2^(M-1), .., 2^s 2 cells, last = S (1 + W): for
p = (3 - m)/2 mod 2 and every block k = p mod 2 of 2^s nodes W is +-y as far as the block's
function reaches, and |W| <= 1 where |N x + 1/2 - a| <= 2^(M+s) (theory, Lemma 31).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from qexpr.certificates.merged import Run
from qexpr.certificates.templates.lattice import Lattice
from qexpr.certificates.templates.products import Products, Signal, Terms
from qexpr.certificates.templates.rules import AFFINE, LATTICE, OTHER
from qexpr.certificates.templates.tree import Tree
from qexpr.errors import CertificateError

__all__ = ["Wave", "WaveProducts", "wave_signs"]

_FOLDS = 48  # a mesh of 2^48 cells an axis is beyond every circuit


@dataclass(frozen=True, slots=True)
class Wave:
    """A chain under way or finished; lengths in cells, `scale` a unit's value for one cell."""

    axis: int
    centre: Fraction
    folds: tuple[Fraction, ...]
    scale: Fraction
    units: tuple[int, ...]


def wave_signs(m: int, M: int, blocks: np.ndarray) -> np.ndarray:
    """The sign of W against y on blocks k (m, M as above), by its values beside their centres."""
    ends = []
    for quarter in (-1, 1):
        v = np.abs(4 * blocks + 2 + quarter - 2 * m)  # quarters of a block from the first fold
        for i in range(M - 1, 0, -1):
            v = np.abs(v - (4 << i))
        ends.append(v)
    if not np.array_equal(np.abs(ends[1] - ends[0]), np.full(len(blocks), 2)):
        raise CertificateError("a wave has no zero at the centre of one of its blocks")
    return np.sign(ends[1] - ends[0])


class WaveProducts(Products):
    """Products of planes of one level with monomials of its waves.

    A signal's powers run over (level, axis, class): the tuple has 2 d (L + 1) entries.
    """

    def __init__(self, lattice: Lattice, tree: Tree, folds: list[int]) -> None:
        super().__init__(lattice)
        self.tree = tree
        self.stages = [r + 1 for r in folds]
        self.chains: dict[int, Wave] = {}  # by unit, of a pair
        self.waves: dict[int, Wave] = {}  # finished, by unit
        self.used: dict[tuple[int, int, int], tuple[int, int]] = {}  # m and M

    # Chains ----------------------------------------------------------------------------------

    def wave(self, run: Run) -> None:
        """A run of a wave's stage: a pair, or the last unit."""
        units = [self.terms(unit) for unit in range(run.first, run.first + run.size)]
        before = {self.chains[s] for s in units[0] if s in self.chains}
        if run.size == 2 and not before:
            made = self._start(units)
        elif len(before) == 1 and run.size in (1, 2):
            made = self._fold(units, before.pop())
        else:
            raise CertificateError("a stage of a wave has one or two units, of one chain")
        nodes = tuple(range(run.first, run.first + run.size))
        made = replace(made, units=nodes)
        for unit in nodes:
            self.rules.kind[unit] = OTHER
            if run.size == 2:
                self.chains[unit] = made
            else:
                self.waves[unit] = made

    def _start(self, units: list[Terms]) -> Wave:
        if {u: -w for u, w in units[0].items()} != units[1]:
            raise CertificateError("a wave does not begin with a pair of opposite sums")
        d, N = self.lattice.d, self.lattice.N
        slopes, offset = [Fraction(0)] * d, Fraction(0)
        for unit, weight in units[0].items():
            if self.rules.kind[unit] != AFFINE:
                raise CertificateError("a wave does not begin with a coordinate")
            factor = weight / Fraction(2) ** int(self.rules.exponent[unit])
            row = self.rules.rows[unit, 0]
            slopes = [a + factor * int(b) for a, b in zip(slopes, row[:-1], strict=True)]
            offset += factor * int(row[-1])
        axes = [k for k in range(d) if slopes[k]]
        if len(axes) != 1 or slopes[axes[0]] < 0:
            raise CertificateError("a wave is not over one coordinate, rising")
        scale = slopes[axes[0]] / N
        return Wave(axes[0], Fraction(1, 2) - offset / scale, (), scale, ())

    def _fold(self, units: list[Terms], before: Wave) -> Wave:
        constant, sources = self.constant(units[0])
        weights = set(sources.values())
        if set(sources) != set(before.units) or len(weights) != 1 or min(weights) <= 0:
            raise CertificateError("a stage of a wave does not fold the one before it")
        weight = weights.pop()
        scale = before.scale * weight
        if len(units) == 1:
            if constant:
                raise CertificateError("a wave's last unit has a constant")
            return replace(before, scale=scale)
        if {u: -w for u, w in units[0].items()} != units[1] or constant >= 0:
            raise CertificateError("a stage of a wave is no pair of opposite sums")
        return replace(before, scale=scale, folds=(*before.folds, -constant / scale))

    # Signals ---------------------------------------------------------------------------------

    def signal(self, unit: int, scale: Fraction) -> Signal:
        """The unit as a signal of that scale: a monomial, a plane, or a wave of the level it fits.

        Raises
        ------
        CertificateError
            If it is none.
        """
        known = self.signals.get(unit)
        if known is not None and known.scale == scale:
            return known
        if self.rules.kind[unit] == LATTICE:
            numbers, place = self.tree.known[unit].over(scale)
            if len(numbers) and int(np.abs(numbers).max()) <= 1 << place:
                return Signal(scale, (), 0, unit)
        elif unit in self.waves:
            return self._as_signal(self.waves[unit], scale)
        raise CertificateError("a factor of a product is no function between -1 and 1 of its scale")

    def _as_signal(self, wave: Wave, scale: Fraction) -> Signal:
        tree, N = self.tree, self.lattice.N
        for s in range(tree.levels + 1):
            if wave.scale * 2**s == scale:
                break
        else:
            raise CertificateError("a wave's scale is that of no level")
        M = len(wave.folds) + 1
        expected = tuple(Fraction(2 ** (s + M - i)) for i in range(1, M))
        twice = wave.centre * 2 / 2**s
        reach = max(wave.centre - Fraction(1, 2), N + Fraction(1, 2) - wave.centre)
        if wave.folds != expected or reach > 2 ** (M + s) or M > _FOLDS:
            raise CertificateError("a wave does not fold at the blocks of its level")
        if twice.denominator != 1 or not int(twice) % 2:
            raise CertificateError("a wave's first fold is no centre of a block")
        m, level = int(twice), tree.levels - s
        p = 0 if m % 4 == 3 else 1
        # the signs of its blocks are those of this very wave
        if self.used.setdefault((level, wave.axis, p), (m, M)) != (m, M):
            raise CertificateError("a class has waves with different folds")
        powers = [0] * (2 * self.lattice.d * (tree.levels + 1))
        powers[2 * (level * self.lattice.d + wave.axis) + p] = 1
        return Signal(scale, tuple(powers))

    def level_of(self, powers: tuple[int, ...]) -> int:
        """The one level of a monomial's waves."""
        found = {i // (2 * self.lattice.d) for i, k in enumerate(powers) if k}
        if len(found) != 1:
            raise CertificateError("a monomial is not of the waves of one level")
        return found.pop()

    def classes_of(self, powers: tuple[int, ...]) -> list[tuple[int, int | None]]:
        """For every axis the exponent of its wave, and that wave's class."""
        d, level = self.lattice.d, self.level_of(powers)
        out: list[tuple[int, int | None]] = []
        for axis in range(d):
            zero, one = powers[2 * (level * d + axis) : 2 * (level * d + axis) + 2]
            if zero and one:
                raise CertificateError("a monomial mixes the waves of two classes")
            out.append((zero + one, None if not zero + one else 0 if zero else 1))
        return out

    def power(self, unit: int) -> None:
        """A unit that holds a product of monomials, its folds those of their level."""
        found = [p for p in map(self.product_of.get, self.terms(unit)) if p is not None]
        if not found or found[0].p.plane is not None:
            raise CertificateError("a monomial is not one product and a constant")
        self.monomial(unit, self.stages[self.level_of(found[0].p.powers)])

    def scaled_wave(self, unit: int) -> bool:
        """Whether the unit is a positive multiple of a finished wave; it is one then."""
        terms = self.terms(unit)
        if len(terms) != 1:
            return False
        (source, weight), *_ = terms.items()
        if source not in self.waves or weight <= 0:
            return False
        wave = self.waves[source]
        self.waves[unit] = replace(wave, scale=wave.scale * weight)
        self.rules.kind[unit] = OTHER
        return True
