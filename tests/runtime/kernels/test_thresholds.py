"""Folded thresholds decide as rational arithmetic does; residual levels follow their recursion."""

from fractions import Fraction

import numpy as np
import pytest
import qexpr_runtime as rt
from hypothesis import example, given, settings
from hypothesis import strategies as st
from kernel_reference import SEEDS

NUMBERS = st.fractions(-20, 20, max_denominator=12)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=5),
    st.lists(st.tuples(NUMBERS, st.booleans()), min_size=1, max_size=4, unique_by=lambda s: s[0]),
)
@example([(Fraction(0), Fraction(1)), (Fraction(-1, 3), Fraction(1))], [(Fraction(1), True)])
@example([(Fraction(0), Fraction(1)), (Fraction(-1, 3), Fraction(1))], [(Fraction(1), False)])
def test_codes_are_those_of_the_affine_map(columns, steps):
    steps = sorted(steps)
    y = np.repeat(np.arange(-70, 71, dtype=np.int32)[:, None], len(columns), axis=1)
    folded = rt.fold(
        [a for a, _ in columns],
        [b for _, b in columns],
        [s for s, _ in steps],
        [c for _, c in steps],
    )
    codes = folded(y)
    for column, (a, b) in enumerate(columns):
        for value, code in zip(y[:, column], codes[:, column], strict=True):
            z = a * int(value) + b
            assert code == sum(z >= s if closed else z > s for s, closed in steps)


def test_thresholds_out_of_reach_stay_out_of_reach():
    folded = rt.fold([Fraction(1, 2**40), Fraction(-1, 2**40)], [Fraction(0)] * 2, [Fraction(1)])
    ends = np.array([[2**31 - 2] * 2, [-(2**31) + 2] * 2], dtype=np.int32)
    assert not folded(ends).any()


def test_refusals():
    one = [Fraction(1)]
    with pytest.raises(ValueError, match="offsets"):
        rt.fold(one, [], one)
    with pytest.raises(ValueError, match="increasing"):
        rt.fold(one, one, [Fraction(1), Fraction(1)])
    with pytest.raises(ValueError, match="increasing"):
        rt.fold(one, one, [])
    with pytest.raises(ValueError, match="closed"):
        rt.fold(one, one, one, [True, False])
    with pytest.raises(ValueError, match="int32 of shape"):
        rt.fold(one, one, one)(np.zeros((2, 1)))
    with pytest.raises(ValueError, match="int32 of shape"):
        rt.fold(one, one, one)(np.zeros((2, 2), dtype=np.int32))
    with pytest.raises(ValueError, match="1 to 8"):
        rt.residual_signs(np.ones((2, 2)), np.ones(9))
    with pytest.raises(ValueError, match="NaN"):
        rt.residual_signs(np.full((2, 2), np.nan), np.ones(2))


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.integers(0, 9), st.integers(0, 70), st.integers(1, 4))
def test_residual_levels(seed, rows, cols, levels):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, cols)).astype(np.float32)
    gamma = rng.uniform(0, 1, levels).astype(np.float32)
    bits = rt.residual_signs(x, gamma)
    r = x.copy()
    for level in range(levels):
        want = np.packbits(r < 0, axis=1, bitorder="little")
        np.testing.assert_array_equal(bits[level], want)
        r = r - gamma[level] * np.where(r < 0, np.float32(-1), np.float32(1))


def test_residual_products_add_up(isa):
    # Two levels: X ~ g1 s1 + g2 s2, each level one binary product.
    rng = np.random.default_rng(2)
    x = rng.standard_normal((5, 33)).astype(np.float32)
    w = rng.choice([-1, 1], (7, 33))
    gamma = np.array([1.0, 0.5], dtype=np.float32)
    bits = rt.residual_signs(x, gamma)
    levels = [rt.from_planes(b[None], 33, "binary") for b in bits]
    y = sum(g * rt.gemm(s, rt.pack(w, "binary")) for g, s in zip(gamma, levels, strict=True))
    approximate = sum(g * rt.unpack(s) for g, s in zip(gamma, levels, strict=True))
    np.testing.assert_array_equal(y, approximate @ w.T)
