"""Accumulators of signed digits: one unit for each digit, halved from one to the next."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from qexpr.circuits.builder import Builder, Group, Indices
from qexpr.circuits.constructions.cones_code import Code, odd_digits
from qexpr.circuits.constructions.cones_lattice import Feed, Rows
from qexpr.circuits.constructions.cones_plan import ConesPlan, amplification, place
from qexpr.circuits.constructions.ladder import Ladder, amplify, edge
from qexpr.circuits.constructions.output import close

__all__ = ["Planes"]


class Planes:
    """H_j = u sum_m s_{m,j} (source m) + u H_{j-1} + bias, one accumulator for each digit.

    Parameters
    ----------
    ones : Ladder
        Of the constant 1.
    lift : (Group, int) or None
        The bias unit and its power of u, above the worst sum of digits; None: two accumulators
        a digit, of which its sign chooses one, so that the graph depends on the target.
    code : Code or None
        None is the class, every free digit +1.
    """

    def __init__(
        self,
        net: Builder,
        plan: ConesPlan,
        ones: Ladder,
        lift: tuple[Group, int] | None,
        code: Code | None,
        **params: object,
    ) -> None:
        self.net, self.plan, self.ones, self.lift, self.code = net, plan, ones, lift, code
        self.u = net.values.unit
        self.first = 0 if plan.d > 2 else -1
        size = 1 if lift else 2
        self.units = {
            j: net.group("plane", size, digit=j, **params) for j in range(self.first, plan.T + 1)
        }
        for j, unit in self.units.items():
            if j > self.first:
                net.connect(self.units[j - 1], unit, self.u)
            if lift is not None:
                net.connect(lift[0], unit, 1 if j == self.first else 1 - self.u)

    @property
    def last(self) -> Group:
        """The accumulator of the last digit."""
        return self.units[self.plan.T]

    def enter(self, feed: Feed) -> None:
        """Every digit of every coefficient of one kind, one free edge each."""
        for j in range(feed.digits):
            plane, level = place(self.plan, feed.name, j)
            source, rows = feed.source(level)
            self._free(feed, j, source, self.units[plane + feed.shift], rows)

    def _free(self, feed: Feed, j: int, source: Group, plane: Group, rows: Rows) -> None:
        code, b, fixed = self.code, self.plan.b, self.lift is not None

        def signed() -> Indices:
            assert code is not None  # digits=None below stands for the class
            return odd_digits(code.coefficients[feed.name], feed.digits, j, b)

        def pairs() -> tuple[Indices, Indices]:
            into = np.zeros(feed.count, np.int64)
            if not fixed and code is not None:
                into += signed() < 0
            return rows(), into

        self.net.connect_free(
            source,
            plane,
            self.u,
            digits=None if code is None else signed if fixed else lambda: abs(signed()),
            pairs=pairs,
            count=feed.count,
        )

    def close(self, norm: Fraction) -> None:
        """The output: the last plane amplified, its bias taken off."""
        gain, last = amplification(self.plan), self.last
        if self.lift is None:
            self._close_pair(last, gain)
        else:
            close(self.net, self.ones, last, self.lift, gain, 2 * norm + 1)

    def _close_pair(self, last: Group, gain: Fraction) -> None:
        """Two accumulators: the positive digits' less the negative ones'."""
        net = self.net
        ends = []
        for side in (0, 1):
            reader = net.group("side", side=side)
            net.connect(last, reader, self.u, pairs=edge(side, 0), count=1)
            ends.append(amplify(net, [(reader, 1)], gain / self.u))
        out = net.finish()
        for pieces, sign in zip(ends, (1, -1), strict=True):
            for unit, weight in pieces:
                net.connect(unit, out, sign * weight)
