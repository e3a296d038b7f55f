"""Shifts equal products with powers of two."""

from math import log2

import numpy as np
import pytest
import qexpr_runtime as rt
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_reference import SEEDS, SHAPES
from qexpr_runtime import _core

quick = settings(max_examples=30, deadline=None)


@quick
@given(SHAPES, SEEDS, st.integers(-20, 20), st.integers(0, 30))
def test_shifted_products(shape, seed, least, span):
    m, n, k = shape
    rng = np.random.default_rng(seed)
    e, s = rng.integers(least, least + span + 1, (m, k)), rng.integers(-1, 2, (m, k))
    w = rng.integers(-128, 128, (n, k))
    before = rt.isa()
    results = []
    for name in rt.available():
        _core.select(name)
        results.append(rt.shift_gemm(e, s, w))
    _core.select(before)
    for sums, low in results:
        want = (s * 2.0 ** (e - low)).astype(np.int64) @ w.T
        np.testing.assert_array_equal(sums, want)
    assert len({low for _, low in results}) == 1


@quick
@given(SHAPES, SEEDS)
def test_both_sides_powers_of_two(shape, seed):
    m, n, k = shape
    rng = np.random.default_rng(seed)
    xe, xs = rng.integers(-7, 8, (m, k)), rng.integers(-1, 2, (m, k))
    we, ws = rng.integers(-3, 12, (n, k)), rng.integers(-1, 2, (n, k))
    sums, low = rt.log_gemm(xe, xs, we, ws)
    want = (xs * 2.0**xe) @ (ws * 2.0**we).T
    np.testing.assert_array_equal(sums * 2.0**low, want)


def test_wide_exponents_are_refused():
    one = np.ones((1, 2), dtype=np.int64)
    with pytest.raises(ValueError, match="span more than 62"):
        rt.shift_gemm(np.array([[0, 63]]), one, one)
    with pytest.raises(ValueError, match="64-bit"):
        rt.shift_gemm(np.array([[0, 56]]), one, one)
    with pytest.raises(ValueError, match="64-bit"):
        rt.log_gemm(np.array([[0, 31]]), one, np.array([[0, 31]]), one)
    with pytest.raises(ValueError, match="do not go with"):
        rt.shift_gemm(one, one[:, :1], one)
    with pytest.raises(ValueError, match="columns"):
        rt.shift_gemm(one, one, one[:, :1])
    with pytest.raises(ValueError, match="columns"):
        rt.log_gemm(one, one, one[:, :1], one[:, :1])
    with pytest.raises(ValueError, match="fraction"):
        rt.log_sum(one, 17)


def test_widest_exponents_are_exact(isa):
    sums, low = rt.shift_gemm(np.array([[-3, 51]]), np.array([[1, -1]]), np.array([[127, -128]]))
    assert (int(sums[0, 0]), low) == (127 + (128 << 54), -3)


@quick
@given(SEEDS, st.integers(1, 12), st.integers(4, 12))
def test_sums_in_the_log_domain(seed, terms, fraction):
    p = np.random.default_rng(seed).integers(-3 << fraction, 6 << fraction, (4, terms))
    exact = rt.log_sum(p, fraction, exact=True)
    want = np.log2((2.0 ** (p / 2**fraction)).sum(axis=1)) * 2**fraction
    # Each step rounds once; later steps do not enlarge what came before.
    assert (np.abs(exact - want) <= 0.5 * (terms - 1) + 1e-6).all()
    shifted = rt.log_sum(p, fraction)
    for row, result in zip(p, shifted, strict=True):
        s = int(row[0])
        for term in map(int, row[1:]):
            s = max(s, term) + ((1 << fraction) >> (abs(s - term) >> fraction))
        assert result == s


def test_log_of_zero_and_table():
    zero = -(2**31)
    assert rt.log_sum(np.array([[zero, zero], [zero, 5], [5, zero]]), 4).tolist() == [zero, 5, 5]
    assert rt.log_sum(np.empty((2, 0), dtype=np.int32), 4).tolist() == [zero, zero]
    one = rt.log_sum(np.array([[0, 0]]), 10, exact=True)[0]
    assert one == round(1024 * log2(2))
