"""Bubbles and their products with second derivatives, out of folds.

A chain of folds is a list of pairs relu(a_i), relu(-a_i) with a_i = (|a_(i-1)|) / 2 - c_i: each
halves the scale. From t = N x_k s on [0, N s] folds at the powers of two 2^(k-1), .., 1 (times s,
2^k >= N) leave the distance to the nearest odd node, a fold at 1/2 a_0 = s v / 2, v the triangle
wave between 1 and -1; further ones give the square, since with v_0 = v and v_i = |v_(i-1)| - 2^-i

    sum_{i<=r} 2^-i |v_i| = sq_r(v) + (1 - 4^-r) / 3,   0 <= sq_r(v) - v^2 <= 4^-(r+1).

The bubble is G = (1 - v^2) / 4, so w G / 2 = (w - w (2 v^2 - 1)) / 16.

Source: Lemma 44 and Theorem 45 of this project (docs); products are Lemma 18's.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from qexpr.circuits.builder import Builder, Group, Pairs
from qexpr.circuits.constructions.cones_lattice import Lines
from qexpr.circuits.constructions.ladder import Constants

__all__ = ["Parts"]

HALF = Fraction(1, 2)
Terms = list[tuple[Group, tuple[int, ...]]]


def _from(sources: tuple[int, ...]) -> Pairs:
    """From some units of a group to a single one."""
    return lambda: (np.array(sources, np.int64), np.zeros(len(sources), np.int64))


def _to(targets: tuple[int, ...]) -> Pairs:
    """From a single unit to some of a group."""
    return lambda: (np.zeros(len(targets), np.int64), np.array(targets, np.int64))


class Parts:
    """Folds, bubbles and products on one builder."""

    def __init__(self, net: Builder, constants: Constants, lines: Lines) -> None:
        self.net, self.constants, self.lines = net, constants, lines
        self.u = net.values.unit

    def shrunk(self, unit: Group, ratio: Fraction) -> Group:
        """The unit times a power of two, at most 1, by single edges as long as they serve."""
        if ratio > 1:
            raise ValueError("a unit cannot be shrunk by more than 1")
        while ratio < 1:
            step = max(ratio, self.u)
            made = self.net.group("scale", ratio=str(step))
            self.net.connect(unit, made, step)
            unit, ratio = made, ratio / step
        return unit

    def combined(self, target: Group, terms: Terms, weight: Fraction) -> None:
        """Add weight times the signed sum of terms to a unit."""
        for group, signs in terms:
            for side in (1, -1):
                units = tuple(i for i, sign in enumerate(signs) if sign == side)
                self.net.connect(group, target, side * weight, _from(units), len(units))

    def added(self, target: Group, value: Fraction) -> None:
        """Add a constant, positive or not, to a unit: one weight for each digit."""
        sign = 1 if value > 0 else -1
        for k, digit in self.constants.ladder.digits(abs(value)):
            self.net.connect(self.constants.ladder[k], target, sign * digit * self.u)

    def folded(self, before: Group, constant: Fraction) -> Group:
        """The pairs behind those of `before`: half their sizes, less a constant."""
        made = self.net.group("fold", before.size)
        up, down = tuple(range(0, before.size, 2)), tuple(range(1, before.size, 2))
        every, halves = np.arange(before.size), np.arange(before.size) // 2 * 2
        for side, shift in ((1, 0), (-1, 1)):
            self.net.connect(
                before,
                made,
                side * HALF,
                lambda shift=shift: (every, halves + shift),  # type: ignore[misc]
                before.size,
            )
        held = self.constants[constant]
        self.net.connect(held, made, -self.u, _to(up), len(up))
        self.net.connect(held, made, self.u, _to(down), len(down))
        return made

    def wave(self, k: int, i: int) -> tuple[Group, Fraction]:
        """The first pair of the square of the wave of N x_k (k = d: N (x_0 - x_1)), and its S.

        The pair holds S times the positive and the negative part of v. The line is X^(i).
        """
        net, u, plan = self.net, self.u, self.lines.plan
        scale, reach = u ** (plan.E - i), 1 << (plan.N - 1).bit_length()
        pair = net.group("fold", 2)
        if k < plan.d:
            line, reach = self.lines.at(k, i), reach // 2
            held = self.constants[reach * scale]
            for source, side in ((line, 1), (held, -1)):
                net.connect(source, pair, side * u, _to((0,)), 1)
                net.connect(source, pair, -side * u, _to((1,)), 1)
        else:
            for axis, side in ((0, 1), (1, -1)):
                net.connect(self.lines.at(axis, i), pair, side * u, _to((0,)), 1)
                net.connect(self.lines.at(axis, i), pair, -side * u, _to((1,)), 1)
        at, centre = u * scale, Fraction(reach)
        while centre > HALF:
            at, centre = at / 2, centre / 2
            pair = self.folded(pair, at * centre / u)
        return pair, at * HALF

    def bubble(self, k: int, i: int, r: int) -> tuple[Group, Fraction]:
        """sigma * 2 v^2 as a unit, and sigma: the square of the wave of r more folds."""
        pair, S = self.wave(k, i)
        terms: Terms = [(pair, (1, 1))]
        for stage in range(1, r + 1):
            pair = self.folded(pair, S / 4**stage / self.u)
            terms.append((pair, (1, 1)))
        made = self.net.group("bubble", axis=k)
        self.combined(made, terms, self.u)
        if r:
            self.added(made, -self.u * S * (1 - Fraction(1, 4**r)) / 3)
        return made, self.u * S / 2

    def product(self, p: Group, q: Group, sigma: Fraction, r: int) -> Terms:
        """Terms whose signed sum is 2 u sigma prod_r(p, q), from sigma (p + 1), sigma (q + 1)."""
        net, u = self.net, self.u
        first = net.group("fold", 4)
        for unit, plus, minus in (
            (p, (0, 2), (1, 3)),
            (q, (0, 3), (1, 2)),
            (self.constants[2 * sigma], (1,), (0,)),
        ):
            net.connect(unit, first, u, _to(plus), len(plus))
            net.connect(unit, first, -u, _to(minus), len(minus))
        terms: Terms = [(first, (1, 1, -1, -1))]
        for stage in range(1, r + 1):
            first = self.folded(first, 2 * u * sigma / 4**stage / u)
            terms.append((first, (1, 1, -1, -1)))
        return terms
