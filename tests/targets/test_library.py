"""The library: every entry proven, every kind there; the bumps against their closed forms."""

import itertools
from fractions import Fraction

import numpy as np
import pytest

from qexpr import targets
from qexpr.errors import InvalidInput
from qexpr.rigor import balls
from qexpr.targets.bumps import bump, inverse_height
from qexpr.targets.library import LIBRARY
from qexpr.targets.membership import LIMIT


@pytest.mark.parametrize("item", LIBRARY, ids=lambda item: item.name)
def test_every_entry_is_proven(item):
    function = targets.get(item.name)
    proof = function.prove_membership(item.n)
    assert function.d == item.d == proof.d
    assert Fraction(1, 2) <= proof.norm <= LIMIT  # not scaled away


def test_the_library_is_wide():
    assert len(set(targets.names())) == len(LIBRARY) >= 12
    assert {item.d for item in LIBRARY} >= {1, 2, 3, 4}


@pytest.mark.parametrize("name", ["corner", "ridge", "folds"])
def test_kinked_members_are_not_in_the_next_class(name):
    item = targets.entry(name)
    with pytest.raises(InvalidInput, match="jumps"):
        targets.get(name).prove_membership(item.n + 1)


def test_unknown_names_are_refused_with_a_suggestion():
    with pytest.raises(InvalidInput, match="did you mean waves"):
        targets.get("wave")
    with pytest.raises(InvalidInput, match="the names are"):
        targets.find("nothing")
    with pytest.raises(InvalidInput, match="d = 2"):
        targets.find("waves", d=3)
    assert targets.find("waves").text == targets.find("sin(3*x0)*cos(2*x1)/27", 2).text
    assert targets.find("x").d == 1


A = {1: 1 / 2, 2: 1 / 16, 3: 6.10194e-3, 4: 4.20507e-4, 5: 2.29743e-5, 6: 1.03044e-6}


@pytest.mark.parametrize("n", sorted(A))
def test_bumps_have_the_extremal_height_and_vanish_at_both_ends(n):
    function = bump(n)
    low, high = function.value([Fraction(1, 2)])
    assert abs(float(low) - A[n]) < 1e-5 * A[n]
    assert high - low < 1e-20
    for end in (0, 1):
        for j in range(n):
            low, high = function.value([end], (j,))
            assert low <= 0 <= high
            assert high - low < Fraction(1, 2**100)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_the_last_derivative_is_one_in_size_between_the_zeros_of_chebyshev(n):
    knots = [(1 - np.cos(k * np.pi / (n + 1))) / 2 for k in range(n + 2)]
    middles = [(a + b) / 2 for a, b in itertools.pairwise(knots)]
    for k, middle in enumerate(middles):
        low, high = bump(n).value([Fraction(middle)], (n,))
        assert low <= (-1) ** k <= high
        assert high - low < Fraction(1, 2**100)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_heights_are_rounded_down(n):
    with balls.precision(200):
        total = balls.ball(1)
        for k in range(1, n // 2 + 1):
            total += 2 * (-1) ** k * balls.power((balls.arb.pi() * k / (n + 1)).cos(), n)
        height = abs(total) / (2**n * balls.ball(int(np.prod(range(1, n + 1)))))
    product = balls.ball(inverse_height(n)) * height
    assert product <= 1 or n <= 2  # 1 and 2 are exact: the ball holds 1
    assert product > 1 - balls.ball(Fraction(1, 10**10))


def test_a_bump_too_long_to_write_is_refused():
    with pytest.raises(InvalidInput, match="too long"):
        bump(8, 4)
