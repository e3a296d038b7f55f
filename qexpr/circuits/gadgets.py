"""The gadgets G1, G2 and G4, and scaling: what constructions are made of.

Everything is positively homogeneous in its inputs and the constant, so a gadget runs at whatever
scale its inputs have, a power of two; nothing is brought to full scale but the sum of all, once.
With u the alphabet's unit (1/2, or 2^-b for linear alphabets) every wide unit has single edges.

Representation. A signed quantity p with |p| <= 1 is held *shifted*: one unit of value s (p + 1),
s the scale. `Shifted` carries the unit and its scale.

Source: Lemmas 17 to 21 of this project (docs); G1 is Yarotsky (2017, Prop. 2) folded about 0:
with v_0 = u, v_i = |v_{i-1}| - 2^-i,
    u^2 = sum_{i<=r} (2^-i |v_i| - 4^-(i+1)) + v_{r+1}^2,   |v_{r+1}| <= 2^-(r+1),
so that sq_r(u) - sq_r(w) = sum_{i<=r} 2^-i (|v_i(u)| - |v_i(w)|), constants cancelling. The units
relu(v_i) and relu(-v_i) at scale s 2^-i are the next stage's inputs and the sum's terms, one edge
each.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from qexpr.circuits.builder import Builder, Digits, Group, Pairs

__all__ = ["Kit", "Shifted", "Term", "log2_of"]

HALF = Fraction(1, 2)


def log2_of(value: Fraction) -> int:
    """The exponent of a power of two."""
    return value.numerator.bit_length() - value.denominator.bit_length()


@dataclass(frozen=True, slots=True)
class Shifted:
    """A unit of value ``scale * (p + 1)``, |p| <= 1."""

    unit: Group
    scale: Fraction


Term = tuple[Group, tuple[int, ...]]
"""A group, and the sign with which each of its units enters a sum."""


def _evens(squares: int) -> tuple[int, ...]:
    return tuple(range(0, 2 * squares, 2))


def _odds(squares: int) -> tuple[int, ...]:
    return tuple(range(1, 2 * squares, 2))


def _spread(targets: tuple[int, ...]) -> Pairs:
    """From a single unit to some of a group."""
    return lambda: (np.zeros(len(targets), np.int64), np.array(targets, np.int64))


def _gather(sources: tuple[int, ...]) -> Pairs:
    """From some units of a group to a single one."""
    return lambda: (np.array(sources, np.int64), np.zeros(len(sources), np.int64))


def _gather_all(rows: Digits) -> Pairs:
    """From the units that `rows()` lists to a single one."""

    def pairs() -> tuple[Any, Any]:
        sources = rows()
        return sources, np.zeros(len(sources), np.int64)

    return pairs


def _sides(squares: int, targets: tuple[int, ...]) -> Pairs:
    """From both units of each square to its target."""
    return lambda: (np.arange(2 * squares), np.repeat(np.array(targets, np.int64), 2))


class Kit:
    """Gadgets on one builder, with the scaled copies and constants that they share."""

    def __init__(self, net: Builder) -> None:
        self.net = net
        self.values = net.values
        self.u = net.values.unit
        self._scaled: dict[tuple[int, int], Group] = {}
        self._multiples: dict[tuple[int, int, Fraction], Group] = {}
        # weights 2^-k of one edge, as k, ascending
        self.steps = tuple(
            k for k in range(1, 1 - log2_of(net.values.smallest)) if HALF**k in net.values.members
        ) or (1,)

    def scaled(self, unit: Group, k: int) -> Group:
        """The unit 2^-k * unit, k >= 0, by the largest steps of one edge."""
        if k == 0:
            return unit
        key = (unit.index, k)
        if key not in self._scaled:
            if len(self.steps) == 1 and k % self.steps[0]:
                # linear alphabets: single edges first, so that a wide unit is read by one edge
                step = k % self.steps[0]
            else:
                step = max(s for s in self.steps if s <= k)
            parent = self.scaled(unit, k - step)
            made = self.net.group("scale", unit=unit.index, power=k)
            self.net.connect(parent, made, HALF**step)
            self._scaled[key] = made
        return self._scaled[key]

    def constant(self, value: Fraction) -> Group:
        """A unit that holds the power of two `value`, at most 1."""
        return self.scaled(self.net.one, -log2_of(value))

    def add_constant(self, target: Group, value: Fraction) -> None:
        """Add a signed dyadic constant to a unit, one edge u for each digit of its binary form.

        The digits are signed (no two neighbours are nonzero), so they are the fewest.
        """
        rest = value / self.u
        if rest.denominator & (rest.denominator - 1):
            raise ValueError("a constant must be dyadic")
        number, place = rest.numerator, Fraction(1, rest.denominator)
        while number:
            if number % 2:
                digit = 2 - number % 4
                if place > 1:
                    self.net.connect(self.net.one, target, digit * place * self.u)
                else:
                    self.net.connect(self.constant(place), target, digit * self.u)
                number -= digit
            number //= 2
            place *= 2

    def combination(self, parts: list[tuple[Group, int]], scale: Fraction, role: str) -> Group:
        """The unit scale * sum of number * source, every digit of a number a single edge u."""
        steps = [
            (self.scaled(source, log2_of(self.u) - log2_of(2**i * scale)), number)
            for source, number in parts
            for i in range(abs(number).bit_length())
            if abs(number) >> i & 1
        ]
        made = self.net.group(role, scale=str(scale))
        for source, number in steps:
            self.net.connect(source, made, self.u if number > 0 else -self.u)
        return made

    def multiple(self, source: Group, number: int, scale: Fraction) -> Group:
        """number * scale * source: shared where it is a power of two, else made once."""
        if number & (number - 1) == 0:
            return self.scaled(source, -log2_of(number * scale))
        key = (source.index, number, scale)
        if key not in self._multiples:
            self._multiples[key] = self.combination([(source, number)], scale, "multiple")
        return self._multiples[key]

    # G1, G2 ---------------------------------------------------------------------------------

    def _folds(self, first: Group, scale: Fraction, r: int) -> list[Term]:
        """Stages 0..r of the squares whose units relu(v_0), relu(-v_0), .. are `first`.

        The terms of sq_r, the second square's (if there are two) negative.
        """
        net, squares = self.net, first.size // 2
        signs = (1, 1, -1, -1)[: first.size]
        terms = [(first, signs)]
        up, down = _evens(squares), _odds(squares)
        for i in range(1, r + 1):
            made = net.group("fold", first.size, stage=i)
            constant = self.constant(scale * HALF ** (2 * i - 1))
            last = terms[-1][0]
            for side, targets in ((1, up), (-1, down)):
                net.connect(last, made, side * HALF, _sides(squares, targets), 2 * squares)
                net.connect(constant, made, -side * HALF, _spread(targets), squares)
            terms.append((made, signs))
        return terms

    def product(self, p: Shifted, q: Shifted, r: int) -> tuple[list[Term], Fraction]:
        """G2: terms whose signed sum is ``scale * prod_r(p, q)``, and that scale.

        |prod_r(p, q) - p q| <= 4^-(r+1), and it is 0 where p or q is, and +-q where p = +-1.
        """
        net, u, s = self.net, self.u, p.scale
        # p + q, its negative, p - q, its negative
        first = net.group("fold", 4, stage=0)
        for unit, plus, minus in (
            (p.unit, (0, 2), (1, 3)),
            (q.unit, (0, 3), (1, 2)),
            (self.constant(2 * s), (1,), (0,)),
        ):
            net.connect(unit, first, u, _spread(plus), len(plus))
            net.connect(unit, first, -u, _spread(minus), len(minus))
        return self._folds(first, 2 * u * s, r), 2 * u * s

    def square(self, p: Shifted, r: int) -> tuple[list[Term], Fraction, Fraction]:
        """prod_r(p, p): its terms, their scale, and the constant sq_r(0) to be subtracted."""
        net, u = self.net, self.u
        first = net.group("fold", 2, stage=0)
        for unit, side in ((p.unit, 1), (self.constant(p.scale), -1)):
            net.connect(unit, first, side * u, _spread((0,)), 1)
            net.connect(unit, first, -side * u, _spread((1,)), 1)
        # prod_r(p, p) = sq_r(|p|) - sq_r(0), and sq_r(0) = sum_{1<=i<=r} 4^-i in this form
        return self._folds(first, u * p.scale, r), u * p.scale, (1 - Fraction(1, 4**r)) / 3

    def add_terms(self, terms: list[Term], target: Group) -> None:
        """Add u times the signed sum of terms to a unit."""
        for group, signs in terms:
            for side in (1, -1):
                units = tuple(i for i, sign in enumerate(signs) if sign == side)
                self.net.connect(group, target, side * self.u, _gather(units), len(units))

    def shifted_sum(self, terms: list[Term], scale: Fraction, offset: Fraction) -> Shifted:
        """The unit u * (signed sum of terms + scale * offset), which holds u * scale * (p + 1)."""
        made = self.net.group("sum", scale=str(self.u * scale))
        self.add_terms(terms, made)
        self.add_constant(made, self.u * scale * offset)
        return Shifted(made, self.u * scale)

    # G4 -------------------------------------------------------------------------------------

    def plane_weights(self, planes: int) -> list[list[tuple[int, Fraction]]]:
        """For each plane k, the planes that feed it and with which weight.

        Plane k feeds k - 1 by the step 2^-e; with smaller values in the alphabet the planes are
        cut into blocks, and the first plane of a block takes the first of the next by its power.
        """
        if self.values.name.startswith("linear"):
            return [[(k + 1, self.u)] if k + 1 < planes else [] for k in range(planes)]
        feeds: list[list[tuple[int, Fraction]]] = [[] for _ in range(planes)]
        for k in range(1, planes):
            step = max(s for s in self.steps if k % s == 0)
            feeds[k - step].append((k, HALF**step))
        return feeds

    def planes(
        self,
        hats: Group,
        scale: Fraction,
        digits: list[Digits | None],
        rows: Digits | None = None,
        count: int | None = None,
        **params: Any,
    ) -> Shifted:
        """G4: the shifted sum_m z_m phi_m, z_m = sum_k s_{m,k} B^-k, B = 2 or 2^b.

        Each plane holds scale * (H_k + 1), H_k = (1/B) sum_m s_{m,k} phi_m + H_{k+1}/B. With
        `rows` only `count` of the hats take part.
        """
        made: dict[int, Group] = {}
        pairs = None if rows is None else _gather_all(rows)
        feeds = self.plane_weights(len(digits))
        for k in range(len(digits) - 1, -1, -1):
            unit = self.net.group("plane", plane=k + 1, scale=str(scale), **params)
            self.net.connect_free(hats, unit, self.u, digits[k], pairs, count)
            for feed, weight in feeds[k]:
                self.net.connect(made[feed], unit, weight)
            # the shifts that come in add up to less than 1, or to 1 where a plane ends
            missing = 1 - sum((weight for _, weight in feeds[k]), Fraction(0))
            self._bias(unit, missing, scale)
            made[k] = unit
        return Shifted(made[0], scale)

    def _bias(self, unit: Group, missing: Fraction, scale: Fraction) -> None:
        if missing != 1 and missing in self.values.members:
            self.net.connect(self.constant(scale), unit, missing)
        else:
            self.add_constant(unit, missing * scale)

    # amplification --------------------------------------------------------------------------

    def amplify(self, unit: Group, target: Group, doublings: int) -> None:
        """Add 2^doublings * unit to the output; the unit itself is read by single edges.

        Values of 1/2: four units of equal value v become four of 2 v by 11 edges (4 + 3 + 2 + 2),
        where copies of one unit would take 16.
        """
        net = self.net
        rounds = doublings - 1 - log2_of(self.u)
        if rounds < 0:
            net.connect(self.scaled(unit, -doublings - 1), target, HALF)
            return
        if self.u != HALF or self.values.is_real:
            lane = net.group("amplify", step=0, lane=0)
            net.connect(unit, lane, self.u)
            for step in range(1, rounds + 1):
                lane, last = net.group("amplify", step=step, lane=0), lane
                net.connect(last, lane, 2)
            net.connect(lane, target, 2)
            return
        level = [net.group("amplify", step=0, lane=i) for i in range(4)]
        for made in level:
            net.connect(unit, made, HALF)
        for step in range(1, rounds + 1):
            a, b, c, e = (net.group("amplify", step=step, lane=i) for i in range(4))
            for source in level:
                net.connect(source, a, HALF)
            for source in (a, level[0], level[1]):
                net.connect(source, b, HALF)
            for made in (c, e):
                net.connect(a, made, HALF)
                net.connect(b, made, HALF)
            level = [a, b, c, e]
        for source in level:
            net.connect(source, target, HALF)
