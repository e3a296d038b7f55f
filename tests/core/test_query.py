"""Queries and alphabets: exact, checked, frozen."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qexpr.core.query import Alphabet, Query, read_alphabet
from qexpr.errors import InvalidInput, QexprError


@pytest.mark.parametrize(
    "eps", ["1e-3", "0.001", "1/1000", ".001", "10e-4", 0.001, Decimal("1e-3")]
)
def test_a_thousandth_is_exactly_a_thousandth(eps):
    query = Query(eps=eps)
    assert query.eps == Fraction(1, 1000)
    assert query.eps != Fraction(0.001)  # the double next to it
    assert query == Query(1, 1, 2, Fraction(1, 1000))


def test_the_docstring_says_what_a_float_stands_for():
    assert "shortest decimal" in Query.__doc__
    assert "0.001 is 1/1000" in Query.__doc__


@given(st.floats(1e-300, 1, exclude_max=True))
def test_a_float_stands_for_its_shortest_decimal(eps):
    assert Query(eps=eps).eps == Fraction(repr(eps))


@given(
    st.integers(1, 1000),
    st.integers(1, 1000),
    st.integers(2, 2**64),
    st.fractions(0, 1).filter(lambda x: Fraction(1, 10**300) <= x < 1),
)
def test_a_query_holds_what_is_given(d, n, lam, eps):
    query = Query(d, n, lam, eps)
    assert (query.d, query.n, query.lam, query.eps) == (d, n, lam, eps)
    assert str(query.alphabet) == f"nonlinear:{lam}"
    text = Query(str(d), str(n), str(lam), f"{eps.numerator}/{eps.denominator}")
    assert text == query
    assert hash(text) == hash(query)


def test_the_ends_of_the_ranges_are_allowed():
    query = Query(1000, 1000, 2**64, "1e-300")
    assert query.eps == Fraction(1, 10**300)
    assert Query(1, 1, 2, Fraction(10**9 - 1, 10**9)).eps < 1


@pytest.mark.parametrize(
    ("given_", "words"),
    [
        ({"d": 0}, "d must be an integer from 1 to 1000, got 0"),
        ({"d": 1001}, "d must be an integer from 1 to 1000, got 1001"),
        ({"n": 1.0}, "n must be an integer from 1 to 1000, got 1.0"),
        ({"n": True}, "n must be an integer from 1 to 1000, got True"),
        ({"n": "two"}, "n must be an integer from 1 to 1000, got 'two'"),
        ({"lam": 1}, "lam must be an integer from 2 to 2^64, got 1"),
        ({"lam": 2**64 + 1}, "lam must be an integer from 2 to 2^64"),
        ({"eps": None}, "eps must be given"),
        ({"eps": 1}, "eps must satisfy 1e-300 <= eps < 1, got 1"),
        ({"eps": "1e-301"}, "eps must satisfy 1e-300 <= eps < 1, got '1e-301'"),
        ({"eps": 0}, "eps must satisfy"),
        ({"eps": "-1e-3"}, "eps must satisfy"),
        ({"eps": "nan"}, "eps must be a number such as 1e-3"),
        ({"eps": float("nan")}, "eps must be a number such as 1e-3"),
        ({"eps": float("inf")}, "eps must be a number such as 1e-3"),
        ({"eps": "1e-400000000"}, "decimal exponent from -1000 to 1000"),
        ({"eps": "1/0"}, "nonzero denominator"),
        ({"eps": "0." + "1" * 10**6}, "at most 400 characters"),
        ({"alphabet": "linear:65"}, "the bits of alphabet linear must be an integer from 1 to 64"),
        ({"alphabet": "linear:0"}, "from 1 to 64"),
        ({"alphabet": "nonlinear:1"}, "from 2 to 2^64"),
        ({"alphabet": "ternary:3"}, "nonlinear:LAMBDA or linear:BITS, got 'ternary:3'"),
        ({"alphabet": "linear:"}, "from 1 to 64"),
        ({"alphabet": "linear:2", "lam": 3}, "lam and alphabet must agree"),
    ],
    ids=lambda x: str(x)[:40],
)
def test_bad_input_is_refused_with_what_is_allowed(given_, words):
    with pytest.raises(InvalidInput, match=re.escape(words)) as caught:
        Query(**({"eps": "1e-3"} | given_))
    assert isinstance(caught.value, QexprError)
    assert len(str(caught.value)) < 250


def test_lam_and_alphabet_may_both_be_given_when_they_agree():
    assert Query(eps="1e-3", lam=4, alphabet="linear:2").alphabet == Alphabet("linear", 2)
    assert Query(eps="1e-3", lam="nonlinear:4").lam == 4


@given(st.integers(1, 64))
def test_linear_alphabets_count_bits(b):
    alphabet = read_alphabet(f"linear:{b}")
    assert (alphabet.lam, alphabet.bits_per_weight, str(alphabet)) == (2**b, b, f"linear:{b}")


@given(st.integers(2, 2**64))
def test_bits_per_weight_are_the_ceiling_of_the_logarithm(lam):
    bits = read_alphabet(lam).bits_per_weight
    assert 2 ** (bits - 1) < lam <= 2**bits


def test_an_alphabet_is_read_in_every_form():
    one = Alphabet("nonlinear", 4)
    assert read_alphabet(one) is one
    assert read_alphabet(" nonlinear:4 ") == read_alphabet("4") == read_alphabet(4) == one


def test_a_query_does_not_change():
    query = Query(eps="1e-3")
    with pytest.raises(FrozenInstanceError):
        query.eps = Fraction(1, 2)
    with pytest.raises((AttributeError, TypeError)):
        query.other = 1
