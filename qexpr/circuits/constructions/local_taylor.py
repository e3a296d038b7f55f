"""Yarotsky's network, which Ding et al. quantize: a product network for every node and coefficient.

    f~ = sum_m sum_{|a|<n} b_{m,a} g_{m,a},   g = psi_{m_1} x ( .. x (psi_{m_d} x (w_i x w_j ..)))
with psi the trapezoid that is 1 for |y| <= 1 and 0 for |y| >= 2, y = 3 (N x_k - m_k), and
w = y/2 clamped to [-1, 1], so that b_{m,a} = D^a f(m/N)/a! (2/(3N))^|a| and every fixed weight is
dyadic for every N. The d + |a| - 1 products are nested one by one; nodes and coefficients share
nothing but psi and w, which is what the newer constructions improve.

A product is theirs, of three squares: p q = 2 ((|p+q|/2)^2 - (|p|/2)^2 - (|q|/2)^2), each with r
folds: 0 where p or q is, and |error| <= 6 * 4^-(r+1).

Source: Yarotsky (2017), Prop. 3 and Theorem 1; Ding et al. (2019), arXiv:1802.03646, Prop. 2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import factorial, prod
from typing import Any

import numpy as np

from qexpr.circuits.builder import Builder, Group, Indices, Pairs
from qexpr.circuits.gadgets import Kit, log2_of
from qexpr.circuits.partition import kinks
from qexpr.circuits.registry import class_norm
from qexpr.circuits.taylor import multi_indices, power_above, raster
from qexpr.core.function import Function, MultiIndex
from qexpr.core.query import Query
from qexpr.core.search import least_root

__all__ = ["Signed", "coefficients", "error", "finish", "parameters", "products"]

HALF = Fraction(1, 2)


@dataclass(frozen=True, slots=True)
class Signed:
    """Signed values as differences of units, one unit of each sign for each value.

    Node m (in raster order) uses value ``of()[m]``; `minus` is None for values >= 0.
    """

    plus: Group
    minus: Group | None
    of: Callable[[], Indices]
    scale: Fraction

    @property
    def sides(self) -> list[tuple[Group, int]]:
        """The groups and their signs."""
        return [(self.plus, 1)] + ([(self.minus, -1)] if self.minus is not None else [])


class _Axis:
    """psi and w of one coordinate, m = 0..N, at every scale u^2k below their own."""

    def __init__(self, kit: Kit, k: int, N: int, top: Fraction) -> None:
        self.kit, self.k, self.N = kit, k, N
        net, u, x = kit.net, kit.u, kit.net.inputs[k]
        there = kit.combination([(x, 3 * N), (net.one, 2)], top, "line")
        back = kit.combination([(net.one, 3 * N + 2), (x, -3 * N)], top, "line")
        # kink j: (y + 2 - 3 (j - m))^+, and (2 - y - 3 (j - N + m))^+ from the other end
        rise = kinks(kit, there, 3 * top, 0, N + 2, f"3N x{k} + 2")
        fall = kinks(kit, back, 3 * top, 0, N + 2, f"3N + 2 - 3N x{k}")
        scale = u**2 * top
        m = N + 1
        psi = net.group("trapezoid", m, k=k)
        net.connect(kit.constant(scale), psi, u)
        net.connect(rise, psi, -u, lambda: (np.arange(1, m + 1), np.arange(m)), m)
        net.connect(fall, psi, -u, lambda: (N + 1 - np.arange(m), np.arange(m)), m)
        halves = []
        for side, source, index in ((1, fall, 0), (-1, rise, 1)):
            full = net.group("clamp", m, k=k, side=side)  # 1 - (1 -+ y/2)^+
            net.connect(kit.constant(2 * scale), full, u)
            pairs = (
                (lambda: (N - np.arange(m), np.arange(m)))
                if index == 0
                else (lambda: (np.arange(m), np.arange(m)))
            )
            net.connect(source, full, -u, pairs, m)
            halves.append(self._times(full, HALF))
        self.top = u * scale
        self._psi: list[tuple[Group, Group | None]] = [(psi, None)]
        self._w: list[tuple[Group, Group | None]] = [(halves[0], halves[1])]

    def _times(self, group: Group, weight: Fraction) -> Group:
        made = self.kit.net.group("scale", group.size, k=self.k)
        self.kit.net.connect(group, made, weight)
        return made

    def _at(self, known: list[tuple[Group, Group | None]], scale: Fraction) -> Signed:
        u = self.kit.u
        steps = log2_of(scale / self.top) // log2_of(u)
        while len(known) <= steps:
            plus, minus = known[-1]
            known.append((self._times(plus, u), None if minus is None else self._times(minus, u)))
        plus, minus = known[steps]
        d, N, k = self.kit.net.d, self.N, self.k
        return Signed(plus, minus, lambda: raster(d, N)[:, k], scale)

    def psi(self, scale: Fraction) -> Signed:
        """The trapezoid at a scale u^k below the first."""
        return self._at(self._psi, scale)

    def w(self, scale: Fraction) -> Signed:
        """The clamped coordinate."""
        return self._at(self._w, scale)


def _product(kit: Kit, nodes: int, p: Signed, q: Signed, r: int, zero: Group) -> Signed:
    """p q at every node, at u^2 times their scale; `zero` holds sq_r(0) as the folds have it."""
    net, u = kit.net, kit.u
    start = 2 * u * p.scale
    terms: list[tuple[Group, int]] = []
    # where p is q, p + q is twice the one: no two edges may join the same pair
    both = ((p, 2),) if p.plus is q.plus else ((p, 1), (q, 1))
    for factors, sign in ((both, 1), (((p, 1),), -1), (((q, 1),), -1)):
        sides = []
        for side in (1, -1):
            if side < 0 and all(f.minus is None for f, _ in factors):
                continue
            made = net.group("fold", nodes, stage=0, side=side)
            for factor, times in factors:
                for group, way in factor.sides:
                    weight = side * way * times * u
                    net.connect(group, made, weight, _from(factor, nodes), nodes)
            sides.append(made)
        terms += [(s, sign) for s in sides]
        for i in range(1, r + 1):
            constant = kit.constant(start * HALF ** (2 * i - 1))
            last, sides = sides, []
            for side in (1, -1):
                made = net.group("fold", nodes, stage=i, side=side)
                for source in last:
                    net.connect(source, made, side * HALF)
                net.connect(constant, made, -side * HALF)
                sides.append(made)
            terms += [(s, sign) for s in sides]
    out = []
    for side in (1, -1):
        made = net.group("product", nodes, side=side)
        for group, sign in terms:
            net.connect(group, made, side * sign * u)
        net.connect(zero, made, side * u)
        out.append(made)
    return Signed(out[0], out[1], lambda: np.arange(nodes), u**2 * p.scale)


def _from(family: Signed, nodes: int) -> Pairs:
    return lambda: (family.of(), np.arange(nodes))


def products(
    net: Builder, n: int, N: int, r: int
) -> tuple[Kit, dict[MultiIndex, Signed], Fraction]:
    """The network's g_{m,a} for all nodes, by coefficient, all at one scale."""
    d, kit = net.d, Kit(net)
    u, nodes = kit.u, (N + 1) ** d
    top = kit.u / 2 ** ((3 * N + 2).bit_length() - 1)
    axes = [_Axis(kit, k, N, top) for k in range(d)]
    most = d + n - 2
    last = axes[0].top * u ** (2 * most)
    zeros: dict[Fraction, Group] = {}
    out: dict[MultiIndex, Signed] = {}
    for a in multi_indices(d, n):
        length = d + sum(a) - 1
        scale = last / u ** (2 * length)
        factors = [axes[k].w for k in range(d) for _ in range(a[k])]
        factors += [axis.psi for axis in reversed(axes)]
        made = factors[0](scale)
        for factor in factors[1:]:
            if scale not in zeros:  # one square is added and two are taken off
                zeros[scale] = net.group("zero", scale=str(scale))
                kit.add_constant(zeros[scale], 2 * u * scale * (1 - Fraction(1, 4**r)) / 3)
            made = _product(kit, nodes, factor(scale), made, r, zeros[scale])
            scale = made.scale
        out[a] = made
    return kit, out, last


def parameters(query: Query, shares: int) -> tuple[int, int, int]:
    """N, r and t from their formulas, eps split into `shares` equal parts.

    2^d A / (n! N^n), 6 * 2^d A (d+n-1) 4^-(r+1) and 2^d A 2^-t are each at most one part, with
    A = max(d^n, number of coefficients) in place of their d^n in the last two.
    """
    d, n, part = query.d, query.n, query.eps / shares
    terms = 2**d * max(d**n, len(multi_indices(d, n)))
    N = least_root(n, 2**d * d**n / (factorial(n) * part))
    r = max(1, -(-log2_of(power_above(6 * terms * (d + n - 1) / part)) // 2) - 1)
    return N, r, log2_of(power_above(terms / part))


def error(query: Query, norm: Fraction | None, N: int, r: int, digit: Fraction) -> Fraction:
    """Their bound with these parameters; `digit` is the error of one coefficient."""
    d, n = query.d, query.n
    size = class_norm(norm)
    products = sum(d + sum(a) - 1 for a in multi_indices(d, n))
    return 2**d * (
        size * Fraction(d**n, factorial(n) * N**n)
        + size * products * Fraction(6, 4 ** (r + 1))
        + len(multi_indices(d, n)) * digit
    )


def coefficients(f: Function, n: int, N: int, bits: int, a: MultiIndex) -> tuple[Any, Any, int]:
    """Integers lower, upper and D with lower/D <= b_{m,a} <= upper/D for all nodes."""
    lower, upper = f.enclose(a, raster(f.d, N).tolist(), N, bits)
    degree = sum(a)
    denominator = 2 ** (bits + 2) * prod(map(factorial, a)) * (3 * N) ** degree
    return np.array(lower, object) << degree, np.array(upper, object) << degree, denominator


def finish(kit: Kit, total: Group, scale: Fraction, offset: Fraction) -> None:
    """Bring the total, scale * f~, up to full scale; the offset keeps it from being clipped."""
    kit.add_constant(total, scale * offset)
    output = kit.net.finish()
    kit.amplify(total, output, -log2_of(scale))
    kit.net.connect(kit.net.one, output, -offset)
