"""Least squares against brute force: every sign pattern, every support, every reachable code."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quantizer_specification import scale_is_optimal, squared_error
from scipy import optimize, stats

from qexpr import quantizers
from qexpr.quantizers import search
from qexpr.quantizers.backend import NUMPY
from qexpr.quantizers.constants import HWGQ_LEVELS, HWGQ_STEPS

SMALL = st.lists(st.integers(-40, 40), min_size=1, max_size=12).map(lambda e: np.array(e) / 8)
REAL = st.lists(st.floats(-4, 4), min_size=1, max_size=9).map(np.array)


def fitted(x, patterns):
    """Each pattern times its least-squares scale, which must not be negative."""
    squares = np.maximum(np.sum(patterns**2, axis=-1), 1)
    scale = np.maximum(patterns @ x / squares, 0)
    return scale[:, None] * patterns


@given(x=SMALL | REAL)
@settings(deadline=None, max_examples=60)
def test_binary_against_every_sign_pattern(x):
    patterns = np.array(list(itertools.product((-1.0, 1.0), repeat=x.size)))
    assert scale_is_optimal(quantizers.get("bwn"), x, fitted(x, patterns))
    assert scale_is_optimal(quantizers.get("dorefa", bits=1), x, fitted(x, patterns))


@given(x=SMALL | REAL)
@settings(deadline=None, max_examples=60)
def test_ternary_against_every_support(x):
    supports = np.array(list(itertools.product((0.0, 1.0), repeat=x.size)))
    candidates = fitted(x, supports * np.where(x >= 0, 1.0, -1.0))
    assert scale_is_optimal(quantizers.get("twn", threshold="exact"), x, candidates)


@given(x=st.lists(st.integers(-9, 9), min_size=1, max_size=6).map(lambda e: np.array(e, float)))
@settings(deadline=None, max_examples=40)
def test_ternary_against_every_sign_pattern(x):
    patterns = np.array(list(itertools.product((-1.0, 0.0, 1.0), repeat=x.size)))
    assert scale_is_optimal(quantizers.get("twn", threshold="exact"), x, fitted(x, patterns))


def test_ternary_takes_the_smallest_support_on_a_tie():
    x = np.array([6.0, 2.0, 2.0, -2.0])  # 6^2/1 = 12^2/4
    assert quantizers.get("twn", threshold="exact").encode(x)[0].tolist() == [1, 0, 0, 0]


def test_the_approximate_threshold_loses_what_the_exact_one_keeps():
    x = np.random.default_rng(0).normal(size=4000)
    exact = squared_error(quantizers.get("twn", threshold="exact"), x)
    approx = squared_error(quantizers.get("twn"), x)
    assert exact < approx
    assert exact / np.sum(x**2) == pytest.approx(0.19017404, abs=0.01)


@given(x=SMALL | REAL, bits=st.integers(2, 4))
@settings(deadline=None, max_examples=60)
def test_uniform_step_against_a_fine_grid_of_steps(x, bits):
    top = 2 ** (bits - 1) - 1
    steps = np.linspace(0, 2 * np.max(np.abs(x)) + 1e-9, 4001)[1:, None]
    candidates = steps * np.clip(np.round(x / steps), -top, top)
    assert scale_is_optimal(quantizers.get("uniform", bits=bits, scale="mse"), x, candidates)


@given(x=st.lists(st.integers(-9, 9), min_size=1, max_size=5).map(lambda e: np.array(e, float)))
@settings(deadline=None, max_examples=40)
def test_uniform_step_against_every_vector_of_codes(x):
    patterns = np.array(list(itertools.product(range(-3, 4), repeat=x.size)), float)
    assert scale_is_optimal(quantizers.get("uniform", bits=3, scale="mse"), x, fitted(x, patterns))


@given(x=SMALL | REAL, bits=st.integers(1, 3))
@settings(deadline=None, max_examples=60)
def test_affine_step_against_a_fine_grid_of_steps(x, bits):
    q = quantizers.get("uniform", bits=bits, scale="mse", symmetric=False)
    zero = int(q.encode(x + 0.0)[1].zero_point) if np.any(x) else 0
    top = 2**bits - 1
    steps = np.linspace(0, 2 * np.max(np.abs(x)) + 1e-9, 4001)[1:, None]
    candidates = steps * (np.clip(np.round(x / steps) + zero, 0, top) - zero)
    assert scale_is_optimal(q, x, candidates)


@pytest.mark.parametrize("top", [1, 3, 7, 127])
def test_the_search_by_zooming_comes_near_the_exact_one(top, monkeypatch):
    x = np.random.default_rng(1).normal(size=(1, 10000))
    end = np.array([[float(top)]])
    assert x.size * top <= search.EXACT_WORK
    exact = search.best_step(NUMPY, x, -end, end, top)
    monkeypatch.setattr(search, "EXACT_WORK", 0)
    near = search.best_step(NUMPY, x, -end, end, top)

    def error(step):
        return np.mean((x - step * np.clip(np.round(x / step), -top, top)) ** 2)

    assert exact != near
    assert error(exact) <= error(near) <= 1.0005 * error(exact)


def test_zooming_finds_a_step_far_below_the_largest_weight(monkeypatch):
    x = np.append(np.random.default_rng(1).normal(size=8000), [60.0])
    q = quantizers.get("uniform", bits=2, scale="mse")
    exact = squared_error(q, x)
    assert q.encode(x)[1].scale < 60 / 40
    monkeypatch.setattr(search, "EXACT_WORK", 0)
    assert exact <= squared_error(q, x) <= 1.0005 * exact


def test_large_groups_are_searched_by_zooming():
    x = np.random.default_rng(1).normal(size=20000)
    assert x.size * 127 > search.EXACT_WORK
    least = squared_error(quantizers.get("uniform", scale="mse"), x)
    assert least < 0.98 * squared_error(quantizers.get("uniform"), x)


@given(x=SMALL | REAL, bits=st.integers(2, 4))
@settings(deadline=None, max_examples=60)
def test_power_of_two_against_every_exponent(x, bits):
    top = 2 ** (bits - 1) - 1
    steps = 2.0 ** np.arange(-60, 12)[:, None]
    candidates = steps * np.clip(np.round(x / steps), -top, top)
    assert scale_is_optimal(quantizers.get("power-of-two", bits=bits, scale="mse"), x, candidates)


@given(x=st.lists(st.floats(2.0**-30, 2.0**30), min_size=1, max_size=5).map(np.array))
@settings(deadline=None, max_examples=60)
def test_power_of_two_is_the_smallest_that_clips_nothing(x):
    scale = float(quantizers.get("power-of-two", bits=4).encode(x)[1])
    assert np.log2(scale) % 1 == 0
    assert 7 * scale >= np.max(x) > 7 * scale / 2


def half_wave_error(levels):
    """E(x - Q(x))^2 over N(0, 1), x > 0 (times 1/2), thresholds 0 and the midpoints."""
    t = np.concatenate(([0.0], (levels[1:] + levels[:-1]) / 2, [np.inf]))
    mass, first = np.diff(stats.norm.cdf(t)), -np.diff(stats.norm.pdf(t))
    return 0.5 - 2 * np.sum(levels * first) + np.sum(levels**2 * mass)


@pytest.mark.parametrize("bits", range(1, 9))
def test_hwgq_steps_against_scipy(bits):
    count = 2**bits - 1
    found = optimize.minimize_scalar(
        lambda step: half_wave_error(step * np.arange(1, count + 1)),
        bounds=(0.2 / count, 8 / count),
        method="bounded",
        options={"xatol": 1e-12},
    )
    assert found.x == pytest.approx(float(HWGQ_STEPS[bits - 1]), rel=1e-5)


@pytest.mark.parametrize("bits", range(1, 5))
def test_hwgq_levels_against_scipy(bits):
    levels = np.array([float(text) for text in HWGQ_LEVELS[bits - 1]])
    start = np.linspace(0.2, 2.5, levels.size)
    found = optimize.minimize(half_wave_error, start, method="BFGS", options={"gtol": 1e-9})
    assert np.sort(found.x) == pytest.approx(levels, abs=2e-5)
    assert half_wave_error(levels) <= found.fun + 1e-14
