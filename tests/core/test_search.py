"""The planners' search against brute force."""

import itertools
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qexpr.core.search import PlaneErrors, Planes, cheapest_planes, least_root
from qexpr.errors import OutOfRegime


@given(st.integers(1, 6), st.fractions(Fraction(1, 50), 10**6, max_denominator=50))
def test_least_root(n, value):
    N = least_root(n, value)
    assert N**n >= value
    assert N == 1 or (N - 1) ** n < value


ERRORS = PlaneErrors(
    n=2,
    taylor=Fraction(1, 8),
    fixed=(Fraction(0), Fraction(1, 10**6)),
    digit=(Fraction(2), Fraction(1, 2)),
    product=(Fraction(0), Fraction(1, 2)),
    dropped=(Fraction(2), Fraction(1, 2)),
    bits=1,
)


def _count(plan):
    return (plan.N + 1) * (sum(plan.planes) + 6) + (16 * plan.r if plan.planes[1] else 0)


@pytest.mark.parametrize("eps", [Fraction(1, 3), Fraction(3, 4), Fraction(1, 50), Fraction(1, 777)])
def test_nothing_cheaper_exists(eps):
    best = cheapest_planes(ERRORS, eps, _count, lambda p: (p.N + 1) * sum(p.planes))
    assert ERRORS.total(best) <= eps
    ranges = range(1, 24), range(1, 9), range(1, 15), range(13)
    for N, r, first, second in itertools.product(*ranges):
        plan = Planes(N, r, (first, second))
        if _count(plan) < _count(best):
            assert ERRORS.total(plan) > eps


def test_the_floor_only_saves_time():
    eps = Fraction(1, 50)
    assert cheapest_planes(ERRORS, eps, _count, lambda p: 0) == cheapest_planes(
        ERRORS, eps, _count, _count
    )


def test_no_plan():
    errors = PlaneErrors(
        1, Fraction(1), (Fraction(1),), (Fraction(1),), (Fraction(0),), (Fraction(2),), 1
    )
    with pytest.raises(OutOfRegime):
        cheapest_planes(errors, Fraction(1, 2), _count, _count)
