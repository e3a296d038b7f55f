"""The sum tree over the hats, and functions that are constant combinations of one level's blocks.

Block k of level l, s = L - l, holds the nodes 2^s k .. 2^s (k + 1) - 1 of every axis. Its function
psi_{l,k} is the sum of those nodes' hats; each level's add up to 1 (theory, Lemma 30). A sum of
them and constants has values V_k with sum_k V_k psi_{l,k}: relu leaves it alone if no V_k is
negative.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from qexpr.certificates.merged import Run, dyadic
from qexpr.certificates.templates.rules import LATTICE, OTHER, Rules, lengths_of
from qexpr.errors import CertificateError

__all__ = ["LevelFunction", "Tree"]

_BITS = 60


@dataclass(frozen=True, eq=False)
class LevelFunction:
    """The function sum_k V_k psi_{l,k}, V = numbers / 2^exponent in raster order of the blocks."""

    level: int
    numbers: np.ndarray
    exponent: int

    def over(self, scale: Fraction) -> tuple[np.ndarray, int]:
        """V / scale - 1 as integers over one power of two, for a scale that is one."""
        if scale.numerator & (scale.numerator - 1) or scale.denominator & (scale.denominator - 1):
            raise CertificateError("a plane's scale is no power of two")
        power = scale.numerator.bit_length() - scale.denominator.bit_length()
        # V 2^-power - 1 over 2^place
        place = max(self.exponent + power, 0)
        shift = place - self.exponent - power
        _require(_size(self.numbers) + shift)
        _require(place + 1)
        return (self.numbers << shift) - (1 << place), place


def _size(numbers: np.ndarray) -> int:
    return int(np.abs(numbers).max(initial=0)).bit_length()


def _require(bits: int) -> None:
    if bits > _BITS:
        raise CertificateError("the blocks' values need numbers of more than 60 bits")


class Tree:
    """The levels of one circuit: N_0 blocks an axis at level 0, twice as many at each further."""

    def __init__(self, rules: Rules, first: int, levels: int) -> None:
        self.rules, self.net = rules, rules.net
        self.first, self.levels = first, levels
        self.d = rules.net.d
        self.runs: dict[int, Run] = {}
        self.height: dict[int, Fraction] = {}
        self.level_of = np.full(self.net.units, -1, np.int16)
        self.known: dict[int, LevelFunction] = {}

    def side(self, level: int) -> int:
        """Blocks an axis."""
        return self.first << level

    def hats(self, run: Run) -> None:
        """The finest level, of recognised hats."""
        row, exponent = self.rules.rows[run.first, 0], self.rules.exponent[run.first]
        height = dyadic(row[-1], exponent)
        self._hold(self.levels, run, height)

    def _hold(self, level: int, run: Run, height: Fraction) -> None:
        if level in self.runs or run.size != self.side(level) ** self.d:
            raise CertificateError(f"level {level} of the tree is not made once, of its blocks")
        self.runs[level], self.height[level] = run, height
        self.level_of[run.first : run.first + run.size] = level

    def blocks(self, run: Run) -> None:
        """A run whose unit k is a multiple of the sum of the children 2k + e."""
        level = min(self.runs, default=0) - 1
        if level < 0:
            raise CertificateError("the tree has more levels than its plan")
        finer, side, d = self.runs[level + 1], self.side(level), self.d
        begin, end = int(self.net.starts[run.first]), int(self.net.starts[run.first + run.size])
        source = self.net.sources[begin:end] - finer.first
        target = np.repeat(
            np.arange(run.size), np.diff(self.net.starts[run.first : run.first + run.size + 1])
        )
        fine = np.indices((2 * side,) * d).reshape(d, -1)
        parent = np.ravel_multi_index(tuple(fine // 2), (side,) * d)
        order = np.argsort(source, kind="stable")
        if not np.array_equal(source[order], np.arange(finer.size)) or not np.array_equal(
            target[order], parent
        ):
            raise CertificateError(f"a block of level {level} is not the sum of its children")
        number, exponent = self.net.numbers[begin:end], self.net.exponents[begin:end]
        if (number != number[0]).any() or (exponent != exponent[0]).any() or number[0] <= 0:
            raise CertificateError(f"the children of level {level} have not all one weight")
        weight = dyadic(number[0], exponent[0])
        self._hold(level, run, weight * self.height[level + 1])
        self.rules.kind[run.first : run.first + run.size] = OTHER

    def accumulate(self, unit: int) -> bool:
        """Whether the unit is a sum of blocks, constants and such sums of one level.

        Raises
        ------
        CertificateError
            If it is, but negative on a block.
        """
        made = self.sum_of(unit, np.arange(self.net.starts[unit], self.net.starts[unit + 1]))
        if made is None:
            return False
        if int(made.numbers.min()) < 0:
            raise CertificateError("a plane is negative on a block, so that its relu bends it")
        self.known[unit] = made
        self.rules.kind[unit] = LATTICE
        return True

    def sum_of(self, unit: int, edges: np.ndarray) -> LevelFunction | None:
        """The sum over some of a unit's edges, None if that is no function of one level."""
        net = self.net
        source, number, exponent = net.sources[edges], net.numbers[edges], net.exponents[edges]
        at = self.level_of[source].astype(np.int64)
        constant = Fraction(0)
        functions = []
        for i in np.flatnonzero(at < 0).tolist():
            weight = dyadic(number[i], exponent[i])
            held = self.known.get(int(source[i]))
            value = self.rules.constant_of(int(source[i])) if held is None else None
            if held is not None:
                functions.append((held, weight))
                at[i] = held.level
            elif value is not None:
                constant += weight * value
            else:
                return None
        levels = np.unique(at[at >= 0])
        if len(levels) != 1:
            return None
        level = int(levels[0])
        own = np.flatnonzero(self.level_of[source] >= 0)
        height = self.height[level]
        weights = [height.denominator.bit_length() - 1 + int(exponent[own].max(initial=0))]
        weights += [f.exponent + w.denominator.bit_length() - 1 for f, w in functions]
        place = max(0, constant.denominator.bit_length() - 1, *weights)
        total = np.full(self.side(level) ** self.d, int(constant * 2**place), object)
        small = _length_of(constant, place) <= _BITS
        total = total.astype(np.int64) if small else total
        bits = [_length_of(constant, place)]
        if len(own):
            shift = place - (height.denominator.bit_length() - 1) - exponent[own]
            size = int((lengths_of(number[own]) + shift).max()) + height.numerator.bit_length()
            _require(size)
            bits.append(size)
            values = (number[own] * height.numerator) << shift
            np.add.at(total, source[own] - self.runs[level].first, values)
        for function, weight in functions:
            factor = weight * Fraction(2) ** (place - function.exponent)
            bits.append(_size(function.numbers) + int(factor).bit_length() + 1)
            _require(bits[-1])
            total = total + function.numbers * int(factor)
        _require(max(bits) + len(bits).bit_length())
        return LevelFunction(level, total, place)


def _length_of(value: Fraction, place: int) -> int:
    return int(abs(value * 2**place)).bit_length() + 1
