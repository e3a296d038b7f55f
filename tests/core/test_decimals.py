"""Short decimals: outward rounding, exact spelling, any size."""

from __future__ import annotations

import sys
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import rationals

from qexpr.core.decimals import digits_of, round_decimal, short, spell


def exact(m, k):
    return Fraction(m) * Fraction(10) ** k


@given(rationals(-(10**9), 10**9, 10**9), st.integers(1, 20))
def test_rounding_goes_where_it_is_told(value, digits):
    low = exact(*round_decimal(value, digits, up=False))
    high = exact(*round_decimal(value, digits, up=True))
    near = exact(*round_decimal(value, digits))
    assert low <= value <= high
    assert near in (low, high)
    assert abs(near - value) == min(high - value, value - low)
    assert high - low <= 10 * abs(value) / Fraction(10) ** digits
    for m in (round_decimal(value, digits, up=up)[0] for up in (True, False, None)):
        assert abs(m) < 10**digits


@given(rationals(-(10**9), 10**9, 10**9), st.integers(1, 20))
def test_spelling_is_read_back(value, digits):
    m, k = round_decimal(value, digits)
    assert Fraction(spell(m, k)) == exact(m, k)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(1, 1000), "1e-3"),
        (Fraction(1, 10), "0.1"),
        (Fraction(1, 80), "0.0125"),
        (Fraction(1, 3), "1/3"),
        (Fraction(-5, 2), "-2.5"),
        (Fraction(1250000), "1250000"),
        (Fraction(125 * 10**8), "1.25e10"),
        (Fraction(1, 10**300), "1e-300"),
        (Fraction(0), "0"),
    ],
)
def test_short_is_exact(value, text):
    assert short(value) == text
    assert Fraction(text) == value


@given(st.integers(0, 60_000), st.integers(-5, 5))
def test_digits_of_integers_beyond_the_limit_of_str(bits, offset):
    number = (1 << bits) + offset
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        expected = str(number)
    finally:
        sys.set_int_max_str_digits(before)
    assert digits_of(number) == expected


def test_digits_of_keeps_zeros_inside():
    assert digits_of(-(10**5000) - 7) == f"-1{'0' * 4999}7"
