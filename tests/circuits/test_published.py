"""The published constructions, rebuilt: guarantees, counts, and how far the new ones are below."""

import itertools
import random
from fractions import Fraction

import numpy as np
import pytest
from polynomials import Polynomial

from qexpr import circuits


def _target(d, n):
    rng = random.Random(3)
    exponents = itertools.product(range(4), repeat=d)
    return Polynomial(d, {e: Fraction(rng.randint(-9, 9)) for e in exponents}).scaled(n)


CASES = [
    ("ding2018", 1, 1, "3e-1", "nonlinear:2"),
    ("ding2018", 1, 2, "1e-2", "nonlinear:2"),
    ("ding2018", 1, 4, "1e-1", "nonlinear:4"),
    ("ding2018", 1, 3, "1e-2", "linear:3"),
    ("ding2018", 2, 2, "3e-1", "nonlinear:2"),
    ("yarotsky2017", 1, 1, "1e-1", "nonlinear:2"),
    ("yarotsky2017", 1, 3, "1e-2", "nonlinear:2"),
    ("yarotsky2017", 2, 2, "3e-1", "nonlinear:2"),
]


@pytest.mark.parametrize(("name", "d", "n", "eps", "alphabet"), CASES)
def test_guarantee_and_count(name, d, n, eps, alphabet):
    f = _target(d, n)
    w = getattr(circuits, name)(f, n=n, eps=eps, alphabet=alphabet)
    plan = circuits.plan(name, d, n, eps, alphabet=alphabet, norm=f.norm(n))
    assert plan.error <= Fraction(eps)
    assert (plan.counts.weights, plan.counts.depth, plan.counts.units) == (
        w.weights,
        w.depth,
        w.units,
    )
    assert plan.counts.free_edges == len(w.free)
    points = np.random.default_rng(0).integers(0, 1025, (60, d))
    exact = [[Fraction(int(v), 1024) for v in p] for p in points]
    reference = [f(p) for p in exact]
    values = w.evaluate_exact(exact[:15])
    assert max(abs(a - b) for a, b in zip(values, reference, strict=False)) <= plan.error
    assert np.abs(w(points / 1024) - [float(v) for v in reference]).max() <= float(plan.error)


@pytest.mark.parametrize(("d", "n", "eps"), [(1, 2, "1e-3"), (2, 2, "1e-2"), (2, 3, "1e-3")])
def test_shared_planes_are_below_both(d, n, eps):
    shared = circuits.plan("shared_bitplane", d, n, eps, lam=2).counts.weights
    ding = circuits.plan("ding2018", d, n, eps, lam=2).counts.weights
    real = circuits.plan("yarotsky2017", d, n, eps, lam=2).counts.weights
    assert shared < real < ding


def test_parameters_are_those_of_the_proof():
    """N = ceil((n!/(2^d d^n) eps/3)^(-1/n)), r and t from their logarithms."""
    from qexpr.circuits.constructions.local_taylor import parameters
    from qexpr.core.query import Query

    assert parameters(Query(2, 3, 2, "1e-3"), 3) == (
        int(np.ceil((6 / (4 * 8) * 1e-3 / 3) ** (-1 / 3))),
        int(np.ceil(np.log2(6 * 4 * 8 * 4 * 3 / 1e-3) / 2 - 1)),
        int(np.ceil(np.log2(3 * 4 * 8 / 1e-3))),
    )
