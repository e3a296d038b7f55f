"""Bubbles: counts, guarantees, growth, and an encoder that members of the class never overflow."""

import itertools
import math
import random
from fractions import Fraction
from functools import cache

import numpy as np
import pytest
from flint import arb, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st
from perfect_spline import PerfectSpline
from polynomials import Polynomial

from qexpr import circuits, targets
from qexpr.circuits import registry
from qexpr.circuits.constructions import bubbles_code, bubbles_plan
from qexpr.circuits.constructions.bubbles import _write
from qexpr.circuits.constructions.bubbles_plan import block_counts, neighbours
from qexpr.errors import InvalidInput, OutOfRegime
from qexpr.rigor.balls import precision, upper_end
from qexpr.targets import Target, Telegraph

PROTOTYPE = [  # fixed graph, every edge in {-1/2, 1/2}: counts to be met or beaten
    (1, "1e-4", 565),
    (1, "1e-6", 1330),
    (2, "1e-2", 1209),
    (2, "1e-3", 2722),
    (2, "1e-4", 8300),
]
ONE = Fraction(1)


@cache
def _plan(d, eps, norm=ONE, alphabet="nonlinear:2"):
    return circuits.plan("bubbles", d, 3, eps, alphabet=alphabet, norm=norm)


def _built(f, eps):
    """The circuit by a plan for all members, whose norm may be proven to 2^-20 only."""
    return registry.build(_plan(f.d, eps, max(ONE, f.norm(3))), f)


def _worst(w, f, side):
    """The largest distance from f on a grid, in floats."""
    grid = list(itertools.product(range(side + 1), repeat=f.d))
    lower, upper = f.enclose((0,) * f.d, grid, side, 40)
    middles = (np.array(lower, float) + np.array(upper, float)) / 2**43
    return np.max(np.abs(w(np.array(grid) / side) - middles))


SIDES = {1: 997, 2: 41}


def _holds(f, eps):
    w = _built(f, eps)
    assert _worst(w, f, SIDES[f.d]) <= float(Fraction(w.plan["error"])) + 1e-12
    assert Fraction(w.plan["error"]) <= Fraction(eps)


@pytest.mark.parametrize(("d", "eps", "most"), PROTOTYPE)
def test_prototype_counts_are_beaten(d, eps, most):
    made = circuits.plan("bubbles", d, 3, eps, lam=2)
    assert made.counts.weights < most
    assert made.error <= Fraction(eps)
    w = registry.build(made, None)
    assert w.alphabet == (Fraction(-1, 2), Fraction(1, 2))
    counts = made.counts
    assert (counts.weights, counts.units) == (w.weights, w.units)
    assert (counts.bits, counts.free_bits) == (w.bits, w.free_bits)
    # kinks of one group differ in depth: see Counts
    assert 0 <= counts.depth - w.depth <= 3


@pytest.mark.parametrize(("d", "first"), [(1, 10), (2, 8)])
def test_exponent_of_weights_and_free_bits(d, first):
    """d/3 within 3 percent over two decades, on exact counts."""
    less, more = (circuits.plan("bubbles", d, 3, f"1e-{k}", lam=2) for k in (first, first + 2))
    for quantity in ("weights", "free_bits"):
        growth = getattr(more.counts, quantity) / getattr(less.counts, quantity)
        assert math.log10(growth) / 2 == pytest.approx(d / 3, rel=0.03)


@pytest.mark.parametrize(
    ("name", "eps"),
    [(e.name, eps) for e in targets.library.LIBRARY if e.n >= 3 and e.d <= 2 for eps in ("1e-2",)],
)
def test_library_targets(name, eps):
    _holds(targets.get(name), eps)


@settings(max_examples=12)
@given(st.lists(st.sampled_from([-1, 1]), min_size=1, max_size=40), st.sampled_from([1, 2]))
def test_integrals_of_telegraphs_along_a_line(steps, d):
    """|g'''| constant: the third derivatives are as large as g'' allows, and jump."""
    f = Telegraph([Fraction(s, d) for s in steps], 3, d)
    _holds(f, {1: "1e-4", 2: "1e-2"}[d])


@settings(max_examples=8)
@given(st.integers(0, 2**32), st.sampled_from([1, 2]))
def test_trigonometric_polynomials(seed, d):
    rng = random.Random(seed)
    terms = []
    for _ in range(rng.randint(1, 3)):
        k = [rng.randint(0, 3) for _ in range(d)]
        phase = "+".join(f"{a}*x{i}" for i, a in enumerate(k))
        wave = rng.choice(["sin", "cos"])
        terms.append((Fraction(rng.randint(1, 9), max(1, sum(k)) ** 3), f"{wave}({phase})"))
    size = sum(c * 1 for c, _ in terms) * 27
    text = "+".join(f"({c / size})*{wave}" for c, wave in terms)
    _holds(Target(text, d), "1e-2")


class Packing:
    """A member of the packing of the bump floor: signed bumps on a grid of cells."""

    def __init__(self, d, cells, signs):
        self.d, self.cells, self.signs = d, cells, signs
        with precision(256):
            self.spline, self.height = PerfectSpline(3), (2 - arb(2).sqrt()) / 96

    def enclose(self, order, numerators, denominator, bits):
        with precision(bits + 60):
            return self._enclose(order, numerators, denominator, bits)

    def _enclose(self, order, numerators, denominator, bits):
        lower, upper = [], []
        for point in numerators:
            places = [min(x * self.cells // denominator, self.cells - 1) for x in point]
            value = arb(int(self.signs[tuple(places)]))
            for x, place, a in zip(point, places, order, strict=True):
                local = Fraction(x * self.cells, denominator) - place
                value *= self.spline(local, a) * arb(self.cells) ** a
            value = value / self.height ** (self.d - 1) / arb(self.cells) ** 3
            # inside the class by a little, so that the norm 1 is proven
            value *= (1 - arb(fmpq(1, 2**40))) * 2 ** (bits + 2)
            lower.append(-math.ceil(upper_end(-value)))
            upper.append(math.ceil(upper_end(value)))
        return lower, upper

    def norm(self, n):
        return ONE


@pytest.mark.parametrize(("d", "cells"), [(1, 1), (1, 3), (1, 7), (2, 1), (2, 2), (2, 5)])
def test_members_of_the_packing_of_the_floor(d, cells):
    signs = np.random.default_rng(cells).choice([-1, 1], (cells,) * d)
    _holds(Packing(d, cells, signs), {1: "1e-4", 2: "1e-2"}[d])


def _target(d, seed):
    rng = random.Random(seed)
    exponents = itertools.product(range(6 if d == 1 else 4), repeat=d)
    return Polynomial(d, {e: Fraction(rng.randint(-9, 9)) for e in exponents}).scaled(3)


@pytest.mark.parametrize(("d", "eps"), [(1, "1e-4"), (2, "1e-3")])
def test_nodes_have_the_coded_values(d, eps):
    """Bubbles vanish at the nodes: there the circuit is v, in exact arithmetic, within q of f."""
    f = _target(d, 5)
    w = _built(f, eps)
    N, q = w.plan["N"], Fraction(w.plan["q"])
    assert w.plan["s"] > 1
    assert w.plan["r"] > 1
    # squares are exact at 1 and products where a factor is 1
    nodes = list(itertools.product(range(N + 1), repeat=d))[:: 1 if d == 1 else 5]
    values = w.evaluate_exact([[Fraction(k, N) for k in node] for node in nodes])
    low, high = f.enclose((0,) * d, nodes, N, 60)
    slack = q * (1 + Fraction(1, 2**20))
    for value, a, b in zip(values, low, high, strict=True):
        assert (value / q).denominator == 1
        assert Fraction(a, 2**62) - slack <= value <= Fraction(b, 2**62) + slack


def test_quadratics_are_met_but_for_their_code():
    """The bubble term is exact for them: what is left is coding, folds and products."""
    f = Polynomial(2, {(2, 0): Fraction(1, 4), (1, 1): Fraction(-1, 3), (0, 2): Fraction(1, 5)})
    w = _built(f, "1e-2")
    p = w.plan
    q, q_w = Fraction(p["q"]), Fraction(p["q_w"])
    without = bubbles_plan.error_of(2, p["N"], p["M"], q, q_w, p["s"], p["r"], ONE)
    without -= bubbles_plan.bubble_kappa(2, p["M"]) / p["N"] ** 3
    assert _worst(w, f, 60) <= float(without)


def test_a_function_outside_the_class_is_refused():
    class Steep(Polynomial):
        def norm(self, n):
            return ONE

    for d, terms in [(1, {(3,): 40}), (2, {(2, 1): 40}), (1, {(0,): 3})]:
        with pytest.raises(InvalidInput, match=r"beyond the \d+ digits"):
            circuits.bubbles(Steep(d, terms), n=3, eps="1e-2", lam=2)


def test_regime():
    for d, n in [(1, 2), (2, 4), (3, 3)]:
        with pytest.raises(OutOfRegime, match="n = 3 and d = 1 or 2"):
            circuits.plan("bubbles", d, n, "1e-3", lam=2)


def test_wide_targets_are_refused():
    class Vague(Polynomial):
        def enclose(self, order, numerators, denominator, bits):
            lower, upper = super().enclose(order, numerators, denominator, bits)
            return lower, [x + 2**bits // 1000 for x in upper]

    f = Vague(1, {(1,): Fraction(1, 2)})
    with pytest.raises(InvalidInput, match="not enclosed as narrowly"):
        bubbles_code.encode(_layout(1, "1e-3"), f)


def _layout(d, eps):
    seen = []
    module = __import__("qexpr.circuits.constructions.bubbles", fromlist=["x"])
    original = module._write
    module._write = lambda plan, *more: seen.append(plan) or original(plan, *more)
    try:
        registry.build(_plan(d, eps), None)
    finally:
        module._write = original
    return seen[-1]


def test_every_neighbour_can_be_written():
    """Layouts that no search ends in have networks too, of the same free edges."""
    for d, eps in [(1, "1e-3"), (2, "5e-2")]:
        layout = _layout(d, eps)
        values = circuits.values_of("nonlinear:2")
        number = circuits.count(_write(layout, values, ONE, Fraction(eps), None)).free_edges
        for near in neighbours(layout):
            made = circuits.count(_write(near, values, ONE, Fraction(eps), None))
            assert made.free_edges == number


@given(st.integers(2, 300), st.integers(2, 9))
def test_blocks(N, B):
    counts = block_counts(N, B, 4)
    assert counts[0] == math.ceil((N - 1) / B)
    assert all(math.ceil(a / B) == b for a, b in itertools.pairwise(counts))


@given(st.fractions(0, 4))
def test_distance_to_a_hat(a):
    """E|X - a| for the density of a hat, by the exact integral on each side of a."""

    def below(t):  # integral of (t - x) (1 - |x|) over x < t, for t in [-1, 1]
        return (t + 1) ** 3 / 6 if t <= 0 else t + (1 - t) ** 3 / 6

    exact = below(a) + below(-a) if a < 1 else a
    assert bubbles_plan._hat_distance(a) == exact
