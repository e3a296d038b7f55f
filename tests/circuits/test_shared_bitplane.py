"""The shared bit-plane construction: guarantees, counts, growth."""

import itertools
import random
from fractions import Fraction

import numpy as np
import pytest
from polynomials import Polynomial

from qexpr import circuits
from qexpr.circuits.registry import CONSTRUCTIONS
from qexpr.errors import InvalidInput

PROTOTYPE = [  # a prototype's counts, to be met or beaten, every edge in {-1/2, 1/2}
    (1, 2, "1e-3", 1430),
    (1, 3, "1e-4", 2072),
    (2, 2, "1e-2", 6986),
    (2, 3, "1e-3", 9841),
    (2, 4, "1e-4", 16832),
    (3, 3, "1e-2", 33457),
]


def _target(d, n, seed=1):
    rng = random.Random(seed)
    exponents = itertools.product(range(4 if d < 3 else 3), repeat=d)
    return Polynomial(d, {e: Fraction(rng.randint(-9, 9)) for e in exponents}).scaled(n)


def _same(counts, circuit):
    assert (counts.weights, counts.depth, counts.units) == (
        circuit.weights,
        circuit.depth,
        circuit.units,
    )
    assert (counts.bits, counts.free_bits) == (circuit.bits, circuit.free_bits)


@pytest.mark.parametrize(("d", "n", "eps", "most"), PROTOTYPE)
def test_prototype_counts_are_beaten(d, n, eps, most):
    plan = circuits.plan("shared_bitplane", d, n, eps, lam=2)
    assert plan.counts.weights <= most
    assert plan.error <= Fraction(eps)
    w = circuits.shared_bitplane(None, d=d, n=n, eps=eps, lam=2)
    _same(plan.counts, w)
    assert w.alphabet == (Fraction(-1, 2), Fraction(1, 2))


CASES = [
    (1, 1, "1e-2", "nonlinear:2"),
    (1, 2, "1e-3", "nonlinear:2"),
    (1, 2, "1e-3", "nonlinear:16"),
    (1, 4, "1e-4", "nonlinear:3"),
    (1, 3, "1e-3", "linear:2"),
    (2, 1, "1/3", "linear:8"),
    (2, 2, "1e-2", "nonlinear:2"),
    (2, 2, "2e-2", "nonlinear:7"),
    (2, 3, "1e-2", "linear:3"),
    (2, 4, "1e-2", "nonlinear:2"),
    (3, 2, "3e-1", "nonlinear:5"),
    (3, 3, "1e-1", "nonlinear:2"),
    (4, 2, "9e-1", "nonlinear:2"),
]


@pytest.mark.parametrize(("d", "n", "eps", "alphabet"), CASES)
def test_error_is_below_the_guarantee(d, n, eps, alphabet):
    f = _target(d, n)
    w = circuits.shared_bitplane(f, n=n, eps=eps, alphabet=alphabet)
    plan = circuits.plan("shared_bitplane", d, n, eps, alphabet=alphabet, norm=f.norm(n))
    _same(plan.counts, w)
    assert plan.error <= Fraction(eps)
    assert w.plan["error"] == str(plan.error)
    rng = np.random.default_rng(0)
    points = rng.integers(0, 1025, (400, d))
    exact = [[Fraction(int(v), 1024) for v in p] for p in points]
    reference = [f(p) for p in exact]
    values = w.evaluate_exact(exact[:40])
    assert max(abs(a - b) for a, b in zip(values, reference, strict=False)) <= plan.error
    rounded = w(points / 1024)
    assert np.abs(rounded - [float(v) for v in reference]).max() <= float(plan.error)
    assert np.abs(rounded[:40] - [float(v) for v in values]).max() < 1e-6


def test_the_graph_is_the_same_for_every_target():
    first, second = (
        circuits.shared_bitplane(_target(2, 2, seed), n=2, eps="5e-2", lam=2) for seed in (1, 2)
    )
    assert np.array_equal(first.sources, second.sources)
    assert np.array_equal(first.targets, second.targets)
    assert np.array_equal(first.free, second.free)
    fixed = np.ones(first.weights, bool)
    fixed[first.free] = False
    assert np.array_equal(first.codes[fixed], second.codes[fixed])
    assert first.digest() != second.digest()


@pytest.mark.parametrize(("d", "n"), list(itertools.product((1, 2), (1, 2, 3, 4))))
def test_growth_is_that_of_real_weights(d, n):
    """weights / (eps^(-d/n) log(1/eps)): no growth over six decades (1e-1 .. 1e-6 for d = 1)."""
    ratios = []
    for k in range(1, 13):
        eps = 10 ** (-k / 2)
        weights = circuits.plan("shared_bitplane", d, n, eps, lam=2).counts.weights
        ratios.append(weights / (eps ** (-d / n) * np.log2(1 / eps)))
    assert max(ratios[6:]) <= 1.1 * max(ratios[:6])


def test_a_function_outside_the_class_is_refused():
    class Liar(Polynomial):
        def norm(self, n):
            return Fraction(1)

    steep = Liar(1, {(1,): Fraction(3)})
    with pytest.raises(InvalidInput, match="not in F"):
        circuits.shared_bitplane(steep, n=2, eps="1e-2", lam=2)


def test_too_small_eps_is_refused_before_building():
    with pytest.raises(InvalidInput, match="weights and take about"):
        circuits.shared_bitplane(None, d=3, n=2, eps="1e-9", lam=2)


def test_public_names_are_the_registry():
    for name in CONSTRUCTIONS:
        assert getattr(circuits, name).__name__ == name
        assert name in circuits.__all__
    with pytest.raises(InvalidInput, match="must be one of"):
        circuits.plan("no_such", 1, 1, "1e-2")
    with pytest.raises(InvalidInput, match="d must be given"):
        circuits.shared_bitplane(None, n=2, eps="1e-2")


def test_smallest_is_the_smallest():
    from qexpr.circuits.registry import Plan
    from qexpr.core.query import Query

    found = circuits.plans(Query(2, 3, 2, "1e-2"))
    best = min(p.counts.weights for p in found.values() if isinstance(p, Plan))
    assert circuits.smallest(None, 3, "1e-2", 2, d=2).weights == best
