"""One graph for the whole class: a target's norm below 1 never shrinks its network."""

from fractions import Fraction

import numpy as np
import pytest

from qexpr import circuits
from qexpr.targets import Target

CASES = [
    ("shared_bitplane", 1, 3, "1e-3"),
    ("shared_bitplane", 2, 2, "2e-2"),
    ("cones", 1, 2, "1e-3"),
    ("cones", 2, 1, "1/5"),
    ("bubbles", 1, 3, "1e-3"),
    ("bubbles", 2, 3, "1e-1"),
    ("sigma_delta", 1, 1, "1e-2"),
    ("ding2018", 1, 2, "1e-1"),
    ("yarotsky2017", 1, 2, "1e-1"),
]


@pytest.mark.parametrize(("name", "d", "n", "eps"), CASES)
def test_a_small_norm_has_the_counts_of_norm_one(name, d, n, eps):
    one = circuits.plan(name, d, n, eps, lam=2, norm=Fraction(1))
    small = circuits.plan(name, d, n, eps, lam=2, norm=Fraction(1, 16))
    whole = circuits.plan(name, d, n, eps, lam=2)
    assert small.parameters == one.parameters == whole.parameters
    assert small.counts == one.counts == whole.counts
    assert whole.error <= one.error == small.error <= whole.error * (1 + Fraction(1, 2**19))
    large = circuits.plan(name, d, n, eps, lam=2, norm=1 + Fraction(1, 2**20))
    # a larger one enters every error; sigma-delta's dyadic step has room for 2^-20 here
    same = (large.error, large.parameters) == (one.error, one.parameters)
    assert same == (name == "sigma_delta")


@pytest.mark.parametrize(
    ("name", "n"),
    [("shared_bitplane", 2), ("cones", 2), ("bubbles", 3), ("sigma_delta", 1), ("ding2018", 1)],
)
def test_small_and_large_members_share_edges_and_fixed_weights(name, n):
    build = getattr(circuits, name)
    whole = build(None, d=1, n=n, eps="1e-1")
    for text in ("sin(x)", "sin(x)/50", "0"):
        w = build(Target(text, 1), n=n, eps="1e-1")
        assert np.array_equal(w.sources, whole.sources)
        assert np.array_equal(w.targets, whole.targets)
        assert np.array_equal(w.free, whole.free)
        fixed = np.ones(w.weights, bool)
        fixed[w.free] = False
        assert np.array_equal(w.codes[fixed], whole.codes[fixed])
