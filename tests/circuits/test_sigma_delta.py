"""Sigma-delta tracking: one free sign a cell, the guarantee h, adversarial targets."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polynomials import Polynomial

from qexpr import circuits
from qexpr.errors import OutOfRegime
from qexpr.targets import Telegraph


@pytest.mark.parametrize("eps", ["9/10", "1/2", "1/3", "1e-1", "1/1024", "1e-3", "7e-5"])
def test_free_bits_are_near_the_floor(eps):
    exact = Fraction(eps)
    plan = circuits.plan("sigma_delta", 1, 1, eps, lam=2)
    N, h = plan.parameters["N"], Fraction(plan.parameters["h"])
    assert Fraction(1, N) <= h <= exact
    assert h.denominator & (h.denominator - 1) == 0
    assert plan.error == h
    reciprocal = 1 / exact
    power_of_two = reciprocal.denominator == 1 and not int(reciprocal) & (int(reciprocal) - 1)
    assert max(2, int(reciprocal) if power_of_two else math.floor(reciprocal) + 1) == N
    assert plan.counts.free_bits <= N + math.log2(2 / exact) + 4


@pytest.mark.parametrize("alphabet", ["nonlinear:2", "nonlinear:5", "linear:2", "linear:3"])
def test_guarantee_and_counts(alphabet):
    f = Polynomial(1, {(3,): Fraction(2), (1,): Fraction(-3), (0,): Fraction(1)}).scaled(1)
    w = circuits.sigma_delta(f, n=1, eps="1e-2", alphabet=alphabet)
    plan = circuits.plan("sigma_delta", 1, 1, "1e-2", alphabet=alphabet, norm=f.norm(1))
    counts = plan.counts
    assert (counts.weights, counts.depth, counts.units) == (w.weights, w.depth, w.units)
    assert counts.free_bits == w.free_bits
    edges = list(w.edges())
    assert {value for _, _, value in edges} <= set(w.alphabet)
    assert len({(s, t) for s, t, _ in edges}) == len(edges)
    grid = [[k] for k in range(2001)]
    lower, upper = f.enclose((0,), grid, 2000, 40)
    middles = (np.array(lower, float) + np.array(upper, float)) / 2**43
    gap = np.max(np.abs(w(np.array(grid) / 2000) - middles))
    assert gap <= float(plan.error) + 1e-12
    assert plan.error <= Fraction(1, 100)


@settings(max_examples=25)
@given(st.lists(st.sampled_from([-1, 1]), min_size=1, max_size=30))
def test_telegraphs_never_exceed_the_guarantee(steps):
    f = Telegraph(steps, 1)
    w = circuits.sigma_delta(f, n=1, eps="1/17", lam=2)
    numerators = [[k] for k in range(0, 990, 9)]
    lower, upper = f.enclose((0,), numerators, 989, 40)
    error = Fraction(w.plan["error"])
    values = w.evaluate_exact([[Fraction(k, 989)] for (k,) in numerators])
    for value, low, high in zip(values, lower, upper, strict=True):
        assert Fraction(low, 2**42) - error <= value <= Fraction(high, 2**42) + error


def test_a_constant_comes_up_to_the_guarantee():
    """Tracking 0 by odd steps: the polygon is h away at every other node."""
    w = circuits.sigma_delta(Polynomial(1, {(0,): Fraction(0)}), n=1, eps="1/16", lam=2)
    N, h = w.plan["N"], Fraction(w.plan["h"])
    values = w.evaluate_exact([[Fraction(m, N)] for m in range(N + 1)])
    assert max(map(abs, values)) == h


@pytest.mark.parametrize("quantity", ["weights", "free_bits"])
def test_exponent(quantity):
    """1 within 3 percent over the two decades that end at 1e-12, on exact counts."""
    first, last = (circuits.plan("sigma_delta", 1, 1, eps, lam=2) for eps in ("1e-10", "1e-12"))
    growth = getattr(last.counts, quantity) / getattr(first.counts, quantity)
    assert math.log10(growth) / 2 == pytest.approx(1, rel=0.03)


def test_regime():
    for d, n in ((2, 1), (1, 2)):
        with pytest.raises(OutOfRegime, match="d = 1 and n = 1"):
            circuits.plan("sigma_delta", d, n, "1e-2", lam=2)
