"""Cones: counts, guarantees, growth, adversarial targets, both kinds of graph."""

import itertools
import math
import random
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polynomials import Polynomial

from qexpr import circuits
from qexpr.circuits.alphabet import values_of
from qexpr.circuits.constructions.cones import _write
from qexpr.circuits.constructions.cones_code import odd_digits
from qexpr.circuits.constructions.cones_plan import (
    ConesPlan,
    digits_for,
    error_of,
    kappa,
    least_cells,
    neighbours,
    power_sum,
    spread,
    stencil,
    step_between,
)
from qexpr.circuits.realisation import count
from qexpr.circuits.registry import build
from qexpr.core.descent import cheapest_layout
from qexpr.errors import InvalidInput, OutOfRegime
from qexpr.targets import Telegraph

PROTOTYPE = [  # fixed graph, every edge in {-1/2, 1/2}: counts to be met or beaten
    (1, 2, "1e-3", 317),
    (1, 2, "1e-5", 1304),
    (2, 2, "1e-2", 850),
    (2, 2, "1e-3", 5155),
    (2, 1, "5e-2", 4592),
    (1, 1, "1e-3", 4934),
]


def _target(d, n, seed=1):
    rng = random.Random(seed)
    exponents = itertools.product(range(4 if d < 3 else 3), repeat=d)
    return Polynomial(d, {e: Fraction(rng.randint(-9, 9)) for e in exponents}).scaled(n)


@pytest.mark.parametrize(("d", "n", "eps", "most"), PROTOTYPE)
def test_prototype_counts_are_beaten(d, n, eps, most):
    plan = circuits.plan("cones", d, n, eps, lam=2)
    assert plan.counts.weights < most
    assert plan.error <= Fraction(eps)
    w = circuits.cones(None, d=d, n=n, eps=eps, lam=2)
    assert w.alphabet == (Fraction(-1, 2), Fraction(1, 2))
    counts = plan.counts
    assert (counts.weights, counts.depth, counts.units) == (w.weights, w.depth, w.units)
    assert (counts.bits, counts.free_bits) == (w.bits, w.free_bits)


def test_weights_a_node_at_256_cells():
    """(2, 2), N = 256, four digits: 6.061 edges a node, lower-order terms included.

    For the same promise the planner prefers five digits on fewer cells, which is smaller still.
    """
    N, q = 256, Fraction(3, 16 * 256**2)
    p, long = digits_for(2, 2, N, q, 1, Fraction(1))
    assert p == 4
    values = values_of(2)
    layout = ConesPlan(2, 2, N, q, 1, p, long, E=10, T=4)

    def weights(plan):
        return count(_write(plan, values, Fraction(1), True, None)).weights

    best = weights(cheapest_layout([layout], neighbours, weights))
    assert best / N**2 <= 6.1
    same = circuits.plan("cones", 2, 2, error_of(2, 2, N, q, Fraction(1)), lam=2)
    assert same.counts.weights < best


CASES = [
    (1, 1, "1e-2", "nonlinear:2", "fixed"),
    (1, 2, "1e-3", "nonlinear:3", "fixed"),
    (1, 2, "1e-3", "linear:4", "fixed"),
    (1, 2, "1e-4", "linear:2", "any"),
    (1, 1, "1/2", "nonlinear:2", "any"),
    (1, 2, "9/10", "linear:8", "fixed"),
    (2, 1, "1/5", "nonlinear:2", "fixed"),
    (2, 2, "1e-2", "nonlinear:16", "fixed"),
    (2, 2, "1e-2", "linear:3", "fixed"),
    (2, 2, "1e-2", "linear:2", "any"),
    (2, 2, "1/2", "nonlinear:2", "fixed"),
    (3, 1, "1/2", "nonlinear:2", "fixed"),
    (3, 2, "5e-2", "nonlinear:2", "fixed"),
    (3, 2, "1e-1", "linear:3", "any"),
    (4, 2, "1/4", "nonlinear:2", "fixed"),
]


@pytest.mark.parametrize(("d", "n", "eps", "alphabet", "graph"), CASES)
def test_guarantee_alphabet_and_counts(d, n, eps, alphabet, graph):
    f = _target(d, n)
    plan = circuits.plan("cones", d, n, eps, alphabet=alphabet, norm=f.norm(n), graph=graph)
    w = build(plan, f)
    assert (plan.counts.weights, plan.counts.depth) == (w.weights, w.depth)
    assert plan.counts.free_bits == w.free_bits
    edges = list(w.edges())
    assert {value for _, _, value in edges} <= set(w.alphabet)
    assert len({(s, t) for s, t, _ in edges}) == len(edges)
    side = {1: 1000, 2: 40, 3: 10, 4: 5}[d]
    grid = list(itertools.product(range(side + 1), repeat=d))
    lower, upper = f.enclose((0,) * d, grid, side, 40)
    middles = (np.array(lower, float) + np.array(upper, float)) / 2**43
    gap = np.max(np.abs(w(np.array(grid) / side) - middles))
    assert gap <= float(plan.error) + 1e-12
    assert plan.error <= Fraction(eps)


@pytest.mark.parametrize(("d", "n"), [(1, 2), (2, 2), (2, 1), (3, 2)])
def test_output_is_the_interpolant_of_the_coded_values(d, n):
    """At every node the circuit gives a value within q of f, in exact arithmetic."""
    f = _target(d, n, seed=3)
    w = circuits.cones(f, n=n, eps="1/10", lam=2)
    N, q = w.plan["N"], Fraction(w.plan["q"])
    nodes = list(itertools.product(range(N + 1), repeat=d))[:: max(1, (N + 1) ** d // 60)]
    points = [[Fraction(k, N) for k in node] for node in nodes]
    for node, value in zip(nodes, w.evaluate_exact(points), strict=True):
        assert (value / q).denominator == 1
        low, high = f.enclose((0,) * d, [node], N, 60)
        scale = Fraction(1, 2**62)
        assert low[0] * scale - q * (1 + Fraction(1, 2**20)) <= value
        assert value <= high[0] * scale + q * (1 + Fraction(1, 2**20))


@pytest.mark.parametrize(
    ("d", "n", "last"), [(1, 1, 12), (1, 2, 12), (2, 1, 8), (2, 2, 8), (3, 1, 6), (3, 2, 6)]
)
def test_exponent_of_weights_and_free_bits(d, n, last):
    """d/n within 3 percent over the last two decades, on exact counts.

    The lower-order terms: boundary coefficients of O(log N) digits (N^(d-1) of them for d > 2),
    kinks and their constants, planes and amplification.
    """
    first, end = (circuits.plan("cones", d, n, f"1e-{k}", lam=2) for k in (last - 2, last))
    for quantity in ("weights", "free_bits"):
        growth = getattr(end.counts, quantity) / getattr(first.counts, quantity)
        assert math.log10(growth) / 2 == pytest.approx(d / n, rel=0.03)


@settings(max_examples=25)
@given(st.integers(1, 2), st.data())
def test_telegraphs_come_up_to_the_guarantee_and_never_exceed_it(n, data):
    steps = data.draw(st.lists(st.sampled_from([-1, 1]), min_size=1, max_size=24))
    f = Telegraph(steps, n)
    w = circuits.cones(f, n=n, eps="1/20", lam=2)
    x = [[Fraction(k, 997)] for k in range(0, 998, 7)]
    numerators = [[k] for k in range(0, 998, 7)]
    lower, upper = f.enclose((0,), numerators, 997, 40)
    error = Fraction(w.plan["error"])
    for value, low, high in zip(w.evaluate_exact(x), lower, upper, strict=True):
        assert Fraction(low, 2**42) - error <= value <= Fraction(high, 2**42) + error


def test_the_interpolation_error_is_attained():
    """A parabola with f'' = 1 everywhere: f - I_1 f is h^2/8 at the midpoints."""
    f = Telegraph([1], 2)
    w = circuits.cones(f, n=2, eps="1e-3", lam=2)
    N, q = w.plan["N"], Fraction(w.plan["q"])
    middles = [[Fraction(2 * k + 1, 2 * N)] for k in range(N)]
    gaps = [
        abs(value - x[0] ** 2 / 2)
        for value, x in zip(w.evaluate_exact(middles), middles, strict=True)
    ]
    assert max(gaps) >= kappa(1, 2) / N**2 - q
    assert max(gaps) <= Fraction(w.plan["error"])


def test_a_function_outside_the_class_is_refused():
    class Steep(Polynomial):
        def norm(self, n):
            return Fraction(1)

    with pytest.raises(InvalidInput, match=r"beyond the \d+ digits"):
        circuits.cones(Steep(1, {(2,): Fraction(40)}), n=2, eps="1e-3", lam=2)


def test_regime_and_options():
    with pytest.raises(OutOfRegime, match="n = 1 and 2"):
        circuits.plan("cones", 2, 3, "1e-3", lam=2)
    with pytest.raises(InvalidInput, match="graph must be fixed or any, got 'free'"):
        circuits.plan("cones", 2, 2, "1e-3", lam=2, graph="free")


@pytest.mark.parametrize(("d", "size"), [(1, 4), (2, 6), (3, 16), (4, 30)])
def test_stencil(d, size):
    """Sum of absolute weights, nu + 1, and the stencil annihilates affine functions."""
    weights = stencil(d)
    assert sum(map(abs, weights.values())) == size
    assert sum(weights.values()) == 0
    for k in range(d):
        assert sum(z[k] * weight for z, weight in weights.items()) == 0


@pytest.mark.parametrize("d", [1, 2, 3])
def test_stencil_of_cones_is_an_impulse(d):
    def cone(m):
        return max(0, min(m))

    for m in itertools.product(range(-1, 5), repeat=d):
        total = sum(
            weight * cone([a - b + 1 for a, b in zip(m, z, strict=True)])
            for z, weight in stencil(d).items()
        )
        assert total == (1 if not any(m) else 0)


@given(st.integers(1, 4), st.integers(1, 5), st.data())
def test_odd_digits(b, digits, data):
    most = 2 ** (b * digits) - 1
    number = 2 * data.draw(st.integers(-(most + 1) // 2, (most - 1) // 2)) + 1
    parts = [int(odd_digits(np.array([number]), digits, j, b)[0]) for j in range(digits)]
    assert all(part % 2 and abs(part) < 2**b for part in parts)
    assert sum(part * 2 ** (b * j) for j, part in enumerate(parts)) == number


@given(st.fractions(min_value=Fraction(1, 1000), max_value=10), st.fractions(0, 3))
def test_step_between(least, more):
    if least <= 0:
        return
    q = step_between(least, least + more + Fraction(1, 10**6))
    assert q.denominator & (q.denominator - 1) == 0
    assert least <= q <= least + more + Fraction(1, 10**6)


def test_least_cells_is_least():
    arguments = (2, 2, Fraction(1, 100), 1, Fraction(1), 5, 6)
    N = least_cells(*arguments)
    assert N == 8
    p, long = digits_for(2, 2, N, Fraction(1, 512), 1, Fraction(1))
    assert p == 5
    assert ConesPlan(2, 2, N, Fraction(1, 512), 1, p, long, 7, 4).digits("corner") == 8


@given(st.integers(0, 40), st.integers(1, 7))
def test_power_sum(number, d):
    assert power_sum(number, d) == sum(i**d for i in range(1, number + 1))


@pytest.mark.parametrize("d", range(1, 9))
def test_spread_is_that_of_the_stencil(d):
    assert spread(d) == sum(map(abs, stencil(d).values())) - 1


@pytest.mark.parametrize(("d", "n", "eps"), [(3, 1, "1e-16"), (1, 1, "1e-50"), (9, 2, "1e-1")])
def test_extreme_queries_are_planned(d, n, eps):
    """In time that grows with log N and with d, not with N or with the stencil."""
    plan = circuits.plan("cones", d, n, eps, lam=2)
    assert plan.error <= Fraction(eps)
    assert plan.counts.free_bits > plan.parameters["N"] ** d


def test_too_many_variables_or_coefficients_are_refused():
    with pytest.raises(OutOfRegime, match="d <= 32"):
        circuits.plan("cones", 33, 1, "1e-1")
    for name in ("shared_bitplane", "ding2018", "yarotsky2017"):
        with pytest.raises(OutOfRegime, match="496 coefficients"):
            circuits.plan(name, 30, 3, "1e-1")
