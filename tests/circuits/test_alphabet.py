"""Alphabets: exact values, and weights as shortest sums of them."""

import itertools
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qexpr.circuits.alphabet import least_t, values_of
from qexpr.errors import InvalidInput

ALPHABETS = [f"nonlinear:{lam}" for lam in range(2, 17)] + [f"linear:{b}" for b in range(1, 9)]


def test_values():
    half, quarter = Fraction(1, 2), Fraction(1, 4)
    assert values_of("nonlinear:2").members == (-half, half)
    assert values_of("linear:1").members == (-half, half)
    assert values_of("linear:2").members == (-3 * quarter, -quarter, quarter, 3 * quarter)
    # the case that floating-point powers get wrong, 243^(2/5) = 9 exactly
    assert Fraction(1, 2**9) in values_of("nonlinear:6", 243).members


@pytest.mark.parametrize(("lam", "t"), [(4, 3), (5, 5), (6, 7), (8, 13), (16, 244)])
def test_least_legal_t(lam, t):
    assert least_t(lam) == t == values_of(lam, 1).t
    assert len(set(values_of(lam, 1).members)) == lam


@pytest.mark.parametrize("lam", range(2, 13))
def test_the_least_t_is_the_first_that_gives_distinct_values(lam):
    """By the definition: ceil(t^(j/(lam-1))), j = 0..lam-2, in integers."""

    def is_legal(t):
        powers = [
            next(k for k in itertools.count(1) if k ** (lam - 1) >= t**j) for j in range(lam - 1)
        ]
        return len(set(powers)) == lam - 1

    first = next(t for t in itertools.count(1) if is_legal(t))
    assert least_t(lam) == first
    assert all(is_legal(t) for t in range(first, first + 5))
    assert least_t(lam, first + 3) == first + 3


@pytest.mark.parametrize("lam", [22, 64, 2**16])
def test_alphabets_that_no_circuit_can_hold_are_refused(lam):
    with pytest.raises(InvalidInput, match="at most 21 values"):
        values_of(lam)


@pytest.mark.parametrize("alphabet", ALPHABETS)
def test_values_are_distinct_dyadic_and_without_zero(alphabet):
    for t in (1, 9, 40):
        values = values_of(alphabet, t)
        kind, size = alphabet.split(":")
        assert len(set(values.members)) == (int(size) if kind == "nonlinear" else 2 ** int(size))
        assert 0 not in values.members
        assert list(values.members) == sorted(values.members)


@pytest.mark.parametrize("alphabet", ["nonlinear:2", "nonlinear:3", "nonlinear:5", "linear:2"])
def test_coins_are_shortest(alphabet):
    values = values_of(alphabet, 9)
    reach = {Fraction(0): 0}
    for number in range(1, 5):  # brute force: every sum of at most four values
        for total in {sum(c) for c in itertools.product(values.members, repeat=number)}:
            reach.setdefault(total, number)
    for total, number in reach.items():
        if total:
            coins = values.coins(total)
            assert sum(coins) == total
            assert set(coins) <= set(values.members)
            assert len(coins) == number


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(ALPHABETS), st.integers(-400, 400).filter(bool))
def test_coins_add_up(alphabet, number):
    values = values_of(alphabet, 6)
    unit = max(values.smallest, Fraction(1, 2**9))
    coins = values.coins(number * unit)
    assert sum(coins) == number * unit
    assert set(coins) <= set(values.members)


def test_a_free_weight_always_takes_the_same_number_of_edges():
    values = values_of(2)
    for weight in (Fraction(-1), Fraction(0), Fraction(1)):
        coins = values.exactly(weight, 4)
        assert len(coins) == 4
        assert sum(coins) == weight
    with pytest.raises(InvalidInput, match="exactly 3"):
        values.exactly(Fraction(1), 3)


def test_refusals():
    with pytest.raises(InvalidInput, match="no multiple"):
        values_of(2).coins(Fraction(1, 4))
    with pytest.raises(InvalidInput, match="must not be 0"):
        values_of(2).coins(Fraction(0))
    with pytest.raises(InvalidInput, match="at most 2\\^16"):
        values_of("linear:20")
