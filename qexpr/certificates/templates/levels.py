"""The sums of a multiresolution network's levels: what each takes, and that no relu bends it."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from qexpr.certificates.merged import Merged, Run
from qexpr.certificates.templates.class_waves import WaveProducts
from qexpr.certificates.templates.hats import recognise_hats
from qexpr.certificates.templates.lattice import Lattice
from qexpr.certificates.templates.products import Product, Signal
from qexpr.certificates.templates.rules import OTHER, Rules, require_mesh
from qexpr.certificates.templates.tree import LevelFunction, Tree
from qexpr.errors import CertificateError

__all__ = ["Level", "Walk", "plane_signal"]


class Level:
    """What the sum of one level takes: products with their sizes, order 0, a constant."""

    def __init__(self, unit: int) -> None:
        self.unit = unit
        self.products: list[tuple[Product, Fraction]] = []
        self.base: LevelFunction | None = None
        self.finer = Fraction(0)  # weight of the next level's sum
        self.least = Fraction(0)  # the sum is not below this


class Walk:
    """The circuit unit by unit, level sums and all."""

    def __init__(self, net: Merged, plan: Mapping[str, Any]) -> None:
        N, L = plan["N"], plan["L"]
        require_mesh(net, N)
        if (N + 1) % 2**L:
            raise CertificateError(f"a tree of {L} levels on {N} cells an axis is not this circuit")
        if len(plan["r"]) != L + 1:
            raise CertificateError("the plan must have the folds of every level")
        self.net, self.levels = net, L
        self.rules = Rules(net)
        self.lattice = Lattice(self.rules, N)
        self.tree = Tree(self.rules, (N + 1) >> L, L)
        self.products = WaveProducts(self.lattice, self.tree, plan["r"])
        self.sums: dict[int, Level] = {}
        self.multiples: dict[int, tuple[int, Fraction]] = {}  # unit: level and factor
        for run in net.runs[:-1]:
            self._unit(run)
        if set(self.sums) != set(range(L + 1)) or set(self.tree.runs) != set(range(L + 1)):
            raise CertificateError("a level of the plan is missing")
        self._output(net.runs[-1].first)

    def _unit(self, run: Run) -> None:
        if run.role == "hat":
            recognise_hats(self.rules, run, self.lattice.N)
            self.tree.hats(run)
        elif run.role == "block":
            self.tree.blocks(run)
        elif run.role == "wave":
            self.products.wave(run)
        elif run.role == "fold":
            self.products.fold(run)
        elif run.role == "sum" and run.size == 1:
            self.products.power(run.first)
        elif run.role == "level" and run.size == 1:
            self._sum(run.first)
        elif run.role != "complement" and not self._plain(run):
            raise CertificateError(
                f"the units from node {run.node} on follow no template of role {run.role}"
            )

    def _plain(self, run: Run) -> bool:
        if run.role != "plane" and self.rules.recognise(run):
            return True
        if run.size > 1:
            return False
        unit = run.first
        if self.products.scaled(unit) or self.products.scaled_wave(unit):
            return True
        terms = self.products.terms(unit)
        if set(terms) <= set(self.multiples):
            levels = {self.multiples[s][0] for s in terms}
            if len(levels) != 1 or min(terms.values()) <= 0:
                raise CertificateError("amplification takes a difference, or mixes levels")
            factor = sum((w * self.multiples[s][1] for s, w in terms.items()), Fraction(0))
            self.multiples[unit] = levels.pop(), factor
            self.rules.kind[unit] = OTHER
            return True
        return self.tree.accumulate(unit)

    def _sum(self, unit: int) -> None:
        """The sum of a level, by what it takes; a level but 0 must not be bent by its relu."""
        level = min(self.sums, default=self.levels + 1) - 1
        if level < 0:
            raise CertificateError("there are more sums of levels than levels")
        made = Level(unit)
        terms = self.products.terms(unit)
        made.products, rest = self.products.collect(terms, self.products.stages[level])
        for source in [s for s in rest if s in self.multiples]:
            held, factor = self.multiples[source]
            if held != level + 1 or made.finer:
                raise CertificateError("the sum of a level takes another than the next level's")
            made.finer = rest.pop(source) * factor
        if made.finer < 0 or bool(made.finer) != (level < self.levels):
            raise CertificateError("the sum of a level does not take the next level's")
        edges = np.arange(self.net.starts[unit], self.net.starts[unit + 1])
        edges = edges[np.isin(self.net.sources[edges], list(rest))]
        made.base = self.tree.sum_of(unit, edges)
        if made.base is None or made.base.level != level:
            raise CertificateError("the sum of a level has no part of order 0")
        if any(self.tree.known[self.plane_of(p)].level != level for p, _ in made.products):
            raise CertificateError("a product of a level has the plane of another")
        self.sums[level] = made
        if level:
            self._require_positive(made, level)
        self.multiples[unit] = level, Fraction(1)
        self.rules.kind[unit] = OTHER

    def _require_positive(self, made: Level, level: int) -> None:
        """On every block: order 0, less the sizes of the planes, and the next level's least."""
        base = made.base
        assert base is not None
        least = base.numbers.astype(object) * Fraction(1, 2**base.exponent)
        for product, scale in made.products:
            numbers, place = self.tree.known[self.plane_of(product)].over(
                plane_signal(product).scale
            )
            least = least - np.abs(numbers).astype(object) * (scale / 2**place)
        made.least = min(least)
        if level < self.levels:
            made.least += made.finer * self.sums[level + 1].least
        if made.least < 0:
            raise CertificateError("the sum of a level is not lifted enough to stay positive")

    def plane_of(self, product: Product) -> int:
        """The unit of the plane among the factors."""
        unit = plane_signal(product).plane
        assert unit is not None
        return unit

    def _output(self, unit: int) -> None:
        self.offset = gain = Fraction(0)
        for source, weight in self.products.terms(unit).items():
            constant = self.rules.constant_of(source)
            if source in self.multiples and self.multiples[source][0] == 0:
                gain += weight * self.multiples[source][1]
            elif constant is not None:
                self.offset += weight * constant
            else:
                raise CertificateError("the output reads more than the sum of level 0")
        if gain <= 0:
            raise CertificateError("the output does not amplify the sum of level 0")
        self.gain = [gain]
        for level in range(self.levels):
            self.gain.append(self.gain[-1] * self.sums[level].finer)


def plane_signal(product: Product) -> Signal:
    """The factor that is a plane; the other is a monomial."""
    factors = product.p, product.q
    planes = [s for s in factors if s.plane is not None]
    if len(planes) != 1:
        raise CertificateError("a term is not a plane times a monomial")
    return planes[0]
