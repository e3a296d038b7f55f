"""Multiresolution bit-planes: every (d, n), no logarithm, O(1) digits a node, one fixed graph.

Taylor polynomials of neighbours are nearly the same, so they are stored along a tree of blocks,
coarse to fine, each level only the correction to its parent's prediction:

    f~(x) = sum_l sum_{|b|<n} sum_k q^b_l rho^b_{l,k} psi_{l,k}(x) y_{l,k}(x)^b,

psi_{l,k} the partition of unity of block k (a sum tree over the hats of a Kuhn mesh), y_{l,k} the
coordinate from its centre in blocks, rho odd halves of a few sign digits. Blocks of one class
k = p mod 2 have disjoint supports, on which y is +- one triangle wave: 2^d products for each level
and each b, whatever the number of blocks. The error is::

    sup |f - f~| <= norm K(d,n)/(n! N^n) + sum_b kappa_|b| q^b/2 + the products' errors

Source: Theorem 32 of this project (docs, theory); products and Taylor grid after Yarotsky (2017)
and Ding et al. (2019), whose theorem 1 it improves by log^2(1/eps) at two weight values.
"""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from qexpr.circuits.alphabet import Values, values_of
from qexpr.circuits.builder import Builder, Digits
from qexpr.circuits.constructions.multiresolution_code import Code, encode
from qexpr.circuits.constructions.multiresolution_plan import digit_bits, errors
from qexpr.circuits.gadgets import Kit, Shifted, log2_of
from qexpr.circuits.graph import Circuit
from qexpr.circuits.partition import hats
from qexpr.circuits.realisation import Counts, count, realise
from qexpr.circuits.registry import Plan, class_norm
from qexpr.circuits.taylor import multi_indices, power_above, require_few
from qexpr.circuits.tree import block_class, class_size, classes, sum_tree
from qexpr.circuits.waves import WaveMonomials, Waves, wave_signs
from qexpr.core.function import Function, MultiIndex
from qexpr.core.levels import Tree, cheapest_tree
from qexpr.core.progress import Progress
from qexpr.core.query import Query

__all__ = ["build", "plan"]


def plan(query: Query, norm: Fraction | None = None) -> Plan:
    """The plan of fewest weights, counted exactly; see `qexpr.circuits.registry.plan`."""
    require_few(query.d, query.n)
    terms = errors(query, norm)
    known: dict[Tree, Counts] = {}

    def weights(tree: Tree) -> int:
        known[tree] = count(_write(query, norm, tree, None))
        return known[tree].weights

    best = cheapest_tree(terms, query.eps, weights)
    return Plan(
        construction="multiresolution",
        query=query,
        norm=norm,
        parameters=_parameters(best),
        error=terms.total(best),
        counts=known[best],
    )


def _parameters(tree: Tree) -> dict[str, Any]:
    return {
        "graph": "fixed",
        "N": tree.N,
        "L": tree.levels,
        "j": tree.j,
        "q": [str(tree.j / Fraction(2) ** k) for k in tree.k],
        "p": list(tree.planes),
        "top": list(tree.top),
        "extra": list(tree.extra),
        "r": list(tree.folds),
    }


def build(made: Plan, f: Function | None, progress: Progress | None = None) -> Circuit:
    """The circuit of a plan."""
    query, given = made.query, made.parameters
    tree = Tree(
        first=(given["N"] + 1) >> given["L"],
        levels=given["L"],
        j=given["j"],
        k=tuple(-log2_of(Fraction(q) / given["j"]) for q in given["q"]),
        planes=tuple(given["p"]),
        top=tuple(given["top"]),
        extra=tuple(given["extra"]),
        folds=tuple(given["r"]),
    )
    code = None if f is None else encode(tree, query.d, query.n, digit_bits(query), f)
    return realise(_write(query, made.norm, tree, code), made.to_dict(), progress)


def _values(query: Query, tree: Tree) -> Values:
    return values_of(query.alphabet, max(max(tree.at(level)) for level in range(tree.levels + 1)))


def _write(query: Query, norm: Fraction | None, tree: Tree, code: Code | None) -> Builder:
    """The network of a tree; without a code the class's, every free digit +1."""
    net = Builder(query.d, _values(query, tree))
    writer = _Writer(net, query, tree, code)
    # at level 0 the sum is f~ over j 2^(n L); this power of two outweighs it
    limit = power_above((class_norm(norm) + query.eps) / tree.j)
    last = writer.levels(limit)
    kit = writer.kit
    gain = query.n * tree.levels - log2_of(last.scale)
    unit = last.unit
    if tree.j > 1:  # read once, so that only the copy behind it is copied
        reader = kit.scaled(unit, -log2_of(kit.u))
        scale = Fraction(1, 2 ** (tree.j.bit_length() - 1)) * kit.u
        unit = kit.combination([(reader, tree.j)], scale, "multiple")
        gain -= log2_of(kit.u) + log2_of(scale)
    output = net.finish()
    kit.amplify(unit, output, gain)
    net.connect(net.one, output, -tree.j * limit)
    return net


class _Writer:
    """The levels, finest first: T_l = F_l + 2^-n T_{l+1}, each held as scale * (T_l + offset)."""

    def __init__(self, net: Builder, query: Query, tree: Tree, code: Code | None) -> None:
        self.net, self.tree, self.code = net, tree, code
        self.d, self.n, self.b = query.d, query.n, digit_bits(query)
        self.kit = Kit(net)
        self.phi, self.full = hats(self.kit, tree.N)
        self.psi = sum_tree(self.kit, self.phi, self.full, tree.first, tree.levels)
        self.waves = Waves(self.kit, tree.N)
        self.indices = multi_indices(self.d, self.n)

    def reach(self, level: int, i: int) -> Fraction:
        """D: increments of order i are at most this, in the level's own units (over j)."""
        planes = self.tree.planes if level else self.tree.top
        return Fraction(2) ** (self.b * planes[i] - 1 - self.tree.k[i])

    def levels(self, limit: Fraction) -> Shifted:
        """T_0 with the offset that `limit` over 2^(n L) is."""
        tree, n = self.tree, self.n
        sums = [sum(self.reach(1, sum(b)) for b in self.indices)] if tree.levels else []
        # the same offset at all levels but 0, where it is the output's
        inner = power_above(sums[0] / (1 - Fraction(1, 2**n))) if sums else Fraction(0)
        held: Shifted | None = None
        for level in range(tree.levels, -1, -1):
            offset = inner if level else limit / 2 ** (n * tree.levels)
            held = self._level(level, held, inner, offset)
        assert held is not None
        return held

    def _level(
        self, level: int, finer: Shifted | None, before: Fraction, offset: Fraction
    ) -> Shifted:
        kit, net, u, n = self.kit, self.net, self.kit.u, self.n
        side, s = self.tree.first << level, self.tree.levels - level
        r = self.tree.folds[level]
        powers = WaveMonomials(self.waves, side, s, r, list(self.indices[1:]))
        _, full = self.psi[level]
        tau = self._scale(level, full, finer, powers)
        planes = {
            (b, p): self._planes(level, b, p)
            for b in self.indices
            for p in (classes(side, self.d) if any(b) else [()])
        }
        total = net.group("level", level=level, scale=str(tau))
        constant = offset
        for (b, p), held in planes.items():
            D = self.reach(level, sum(b))
            if not any(b):
                unit = kit.scaled(held.unit, log2_of(full * u / (tau * D)))
                net.connect(unit, total, u)
                constant -= D
                continue
            s_b = tau * D / (2 * u**2)
            factor = Shifted(kit.scaled(held.unit, log2_of(full / s_b)), s_b)
            terms, _ = kit.product(factor, powers.at(b, p, s_b), r)
            kit.add_terms(terms, total)
        if finer is not None:
            unit = kit.scaled(finer.unit, log2_of(finer.scale * u * 2**n / tau))
            net.connect(unit, total, u)
            constant -= before / 2**n
        kit.add_constant(total, tau * constant)
        return Shifted(total, tau)

    def _scale(
        self, level: int, full: Fraction, finer: Shifted | None, powers: WaveMonomials
    ) -> Fraction:
        """The largest scale at which no term has to be brought up, and all go down by one edge."""
        u, n, step = self.kit.u, self.n, self.kit.steps[0]
        D = [self.reach(level, i) for i in range(n)]
        tau = full * u / D[0]
        while True:
            downs = [log2_of(full * u / (tau * D[0]))]
            downs += [log2_of(2 * u**2 * full / (tau * D[i])) for i in range(1, n)]
            if finer is not None:
                downs.append(log2_of(finer.scale * u * 2**n / tau))
            wanted = {b: tau * D[sum(b)] / (2 * u**2) for b in powers.indices}
            if all(k == 0 or k >= step for k in downs) and (not wanted or powers.fits(wanted)):
                return tau
            tau /= 2

    def _planes(self, level: int, b: MultiIndex, p: tuple[int, ...]) -> Shifted:
        """The planes of order b in class p: psi weighted by signed increments."""
        psi, full = self.psi[level]
        side = self.tree.first << level
        number = self.tree.at(level)[sum(b)]
        digits = self._digits(level, b, p, number)
        params = {"level": level, "b": list(b), "p": list(p)}
        if not p:
            return self.kit.planes(psi, full, digits, **params)
        return self.kit.planes(
            psi, full, digits, partial(block_class, side, p), class_size(side, p), **params
        )

    def _digits(
        self, level: int, b: MultiIndex, p: tuple[int, ...], number: int
    ) -> list[Digits | None]:
        if self.code is None:
            return [None] * number
        odd = self.code.odd[level][b]
        bits, mask = self.b, 2**self.b - 1

        def plane(k: int) -> Any:
            chosen = odd * 1 if not p else odd[self._rows(level, p)] * self._signs(level, b, p)
            raised = (chosen + (2 ** (bits * number) - 1)) // 2
            return (2 * ((raised >> bits * (number - 1 - k)) & mask) - mask).astype(np.int64)

        return [partial(plane, k) for k in range(number)]

    def _rows(self, level: int, p: tuple[int, ...]) -> Any:
        return block_class(self.tree.first << level, p)

    def _signs(self, level: int, b: MultiIndex, p: tuple[int, ...]) -> Any:
        """The sign of y^b against the waves' monomial, for every block of the class."""
        side, s = self.tree.first << level, self.tree.levels - level
        out = np.ones(1, np.int64)
        for power, residue in zip(b, p, strict=True):
            signs = wave_signs(side, s, residue) ** power
            out = (out[:, None] * signs).ravel()
        return out
