"""Integer roots and integer search, against their definitions."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qexpr.bounds.entropy.roots import TooLong, cells_below, check_size, least, log, root_floor


@given(st.integers(0, 10**60), st.integers(1, 40))
def test_a_root_is_the_largest_power_below(y, n):
    k = root_floor(y, n)
    assert k**n <= y < (k + 1) ** n


@given(st.integers(1, 10**12), st.integers(2, 30), st.sampled_from((-1, 0, 1)))
def test_roots_next_to_powers(k, n, shift):
    assert root_floor(k**n + shift, n) == (k if shift >= 0 else k - 1)


@given(st.fractions(Fraction(1, 1000), 10**9, max_denominator=1000), st.integers(1, 9))
def test_cells_are_strictly_below(x, n):
    N = cells_below(x, n)
    assert N == 0 or N**n < x
    assert (N + 1) ** n >= x


def test_a_power_is_not_below_itself():
    assert cells_below(Fraction(27), 3) == 2
    assert cells_below(Fraction(28), 3) == 3


@given(st.integers(0, 10**30), st.integers(0, 10**30))
def test_the_least_is_found_from_any_guess(threshold, guess):
    calls = []
    assert least(lambda W: calls.append(W) or threshold <= W, guess) == threshold
    assert min(calls) >= 0
    assert len(calls) <= 2 * abs(threshold - guess).bit_length() + 4


def test_logarithms_of_numbers_beyond_doubles():
    assert log(Fraction(1, 10**400)) == pytest.approx(-400 * math.log(10))


def test_sizes_up_to_the_limit_pass():
    check_size(2**11, 1024, Fraction(1, 2))
    with pytest.raises(TooLong, match="d = 1025 and eps = 1/2"):
        check_size(2**11, 1025, Fraction(1, 2))
