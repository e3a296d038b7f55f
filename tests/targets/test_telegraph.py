"""Telegraphs: exact values, ranges that contain them, membership by exact arithmetic."""

from fractions import Fraction
from itertools import accumulate, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import rationals

from qexpr.errors import InvalidInput
from qexpr.targets import Target, Telegraph, read, thue_morse

SIGNS = st.lists(st.sampled_from([1, -1]), min_size=1, max_size=12)


@given(signs=SIGNS, k=st.integers(0, 12))
def test_a_zigzag_is_the_running_sum_of_its_slopes(signs, k):
    k = min(k, len(signs))
    sums = [0, *accumulate(signs)]
    value = Telegraph(signs).value([Fraction(k, len(signs))])
    assert value == (Fraction(sums[k], len(signs)),) * 2


@given(signs=SIGNS, n=st.integers(1, 4), t=rationals(0, 1, 97), j=st.integers(0, 3))
@settings(max_examples=60)
def test_values_agree_with_truncated_powers(signs, n, t, j):
    """g = sum of jumps times (t - b)_+^n / n!: another formula for the same function."""
    j = min(j, n - 1)
    g, cells = Telegraph(signs, n), len(signs)
    factor = 1
    for k in range(1, n - j + 1):
        factor *= k
    jumps = [signs[0], *(b - a for a, b in pairwise(signs))]
    expected = sum(
        Fraction(jump) * max(t - Fraction(k, cells), Fraction(0)) ** (n - j) / factor
        for k, jump in enumerate(jumps)
    )
    assert g.value([t], (j,)) == (expected, expected)


@given(
    signs=SIGNS,
    n=st.integers(1, 3),
    d=st.integers(1, 2),
    ends=st.tuples(*[rationals(0, 1, 40)] * 4),
    share=st.lists(rationals(0, 1, 9), min_size=3, max_size=3),
    j=st.integers(0, 3),
)
@settings(max_examples=120, deadline=None)
def test_boxes_contain_values(signs, n, d, ends, share, j):
    g, order = Telegraph(signs, n, d), (min(j, n), *(0,) * (d - 1))
    box = [tuple(sorted((Fraction(float(a)), Fraction(float(b))))) for a, b in (ends[:2], ends[2:])]
    box = box[:d]
    lower, upper = (np.array([[float(side[k]) for side in box]]) for k in (0, 1))
    fast, ball = g.enclose_boxes(order, lower, upper), g.ball(order, box)
    for s in [*share, Fraction(0), Fraction(1)]:
        low, high = g.value([a + (b - a) * s for a, b in box], order)
        assert fast.lower[0] <= high
        assert low <= fast.upper[0]
        assert ball[0] <= high
        assert low <= ball[1]
    assert Fraction(float(fast.lower[0])) <= ball[1]
    assert ball[0] <= Fraction(float(fast.upper[0]))


def test_boxes_converge_to_the_range():
    g = Telegraph(thue_morse(8), 2)
    lower = np.arange(0, 1, 2.0**-10)[:, None]
    result = g.enclose_boxes((0,), lower, lower + 2.0**-10)
    assert np.max(result.upper - result.lower) < 1.1 * 2.0**-10
    steps = g.enclose_boxes((2,), lower, lower + 2.0**-10)
    assert np.all(steps.lower == steps.upper)  # boxes that end at breaks see one step


def test_enclose_is_exact_and_sees_both_steps_at_a_break():
    g = Telegraph([1, -1, 1], 1, 1)
    lower, upper = g.enclose((1,), [(0,), (1,), (2,), (3,), (6,)], 6, 8)
    assert [(a / 2**10, b / 2**10) for a, b in zip(lower, upper, strict=True)] == [
        (1, 1),
        (1, 1),
        (-1, 1),
        (-1, -1),
        (1, 1),
    ]
    low, high = g.enclose((0,), [(1,), (2,)], 3, 8)
    assert low == [341, 0]
    assert high == [342, 0]


@pytest.mark.parametrize(("n", "d"), [(1, 1), (2, 1), (3, 1), (2, 2), (4, 1)])
def test_membership_is_sharp(n, d):
    g = Telegraph(thue_morse(32), n, d)
    proof = g.prove_membership(n)
    assert proof.norm == 1
    assert len(proof.bounds) == len({b.index for b in proof.bounds})
    dense = np.random.default_rng(0).integers(0, 2**16, (300, d))
    for bound in proof.bounds:
        if sum(bound.index) < n:
            lower, upper = g.enclose(bound.index, dense, 2**16, 20)
            assert max(map(abs, [*lower, *upper])) <= bound.upper * 2**22 + 1


def test_membership_is_refused_with_the_place():
    with pytest.raises(InvalidInput, match=r"\|D\^\(1\) f\| <= 2 .* \[1/2, 1\]"):
        Telegraph([1, -2]).prove_membership(1)
    with pytest.raises(InvalidInput, match=r"\|D\^\(1,0\) f\| <= 2"):
        Telegraph([1, 1], 2, 2, start=[-1, 0]).prove_membership(2)
    with pytest.raises(InvalidInput):
        Telegraph([1], 2).prove_membership(3)


def test_shifted_breaks_and_start_values():
    g = Telegraph([1, -1], 2, breaks=[0, "1/3", 1], start=["-1/8", 0])
    assert g.value([Fraction(1, 3)]) == (Fraction(-1, 8) + Fraction(1, 18),) * 2
    assert read(g.to_dict()).to_dict() == g.to_dict()


def test_it_agrees_with_the_expression_of_the_same_function():
    g = Telegraph([1, -1], 2)
    f = Target("x0^2/2-relu(x0-1/2)^2")
    points = [(k,) for k in range(41)]
    for order in ((0,), (1,)):
        one, two = g.enclose(order, points, 40, 60), f.enclose(order, points, 40, 60)
        assert all(a <= h and c <= b for a, b, c, h in zip(*one, *two, strict=True))
    x = np.linspace(0, 1, 33)[:, None]
    assert np.allclose(g(x), f(x), atol=1e-12)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Telegraph([]),
        lambda: Telegraph(["a"]),
        lambda: Telegraph([1], n=0),
        lambda: Telegraph([1], n=9),
        lambda: Telegraph([1], d=0),
        lambda: Telegraph([1, 1], breaks=[0, 1]),
        lambda: Telegraph([1, 1], breaks=[0, 1, 1]),
        lambda: Telegraph([1, 1], breaks=[0, "1/2", 2]),
        lambda: Telegraph([1], start=[0, 0]),
        lambda: Telegraph([1]).enclose((2,), [(0,)], 1, 4),
        lambda: Telegraph([1]).value([2]),
        lambda: Telegraph([1]).value([0, 0]),
        lambda: Telegraph([1]).ball((0,), [(0, 2)]),
        lambda: Telegraph([1])(np.zeros((1, 2))),
        lambda: read({"kind": "telegraph"}),
        lambda: read(Telegraph([1]).to_dict() | {"steps": "11"}),
    ],
)
def test_bad_arguments(make):
    with pytest.raises(InvalidInput):
        make()
