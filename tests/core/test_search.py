"""The planners' search against brute force."""

import itertools
import random
from contextlib import nullcontext
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


def test_floors_only_save_time():
    eps = Fraction(1, 50)
    best = cheapest_planes(ERRORS, eps, _count, lambda p: 0)
    assert best == cheapest_planes(ERRORS, eps, _count, _count)
    assert best == cheapest_planes(ERRORS, eps, _count, lambda p: p.N, lambda p: _count(p) - 1)


def _refined(errors, kept, least):
    """By the largest error, in rationals."""
    planes, error = [0] * len(errors.digit), {}
    for i in kept:
        planes[i], error[i] = 1, errors.digit[i] / 2**errors.bits
    yield tuple(planes), sum(error.values())
    while sum(error.values()) >= least:
        i = min(error, key=lambda i: (-error[i], i))
        planes[i], error[i] = planes[i] + 1, error[i] / 2**errors.bits
        yield tuple(planes), sum(error.values())


def _every_candidate(errors, eps):
    order = sorted(range(len(errors.digit)), key=lambda i: (errors.dropped[i], -i))
    for number in range(len(order)):
        kept = sorted(order[number:])
        fixed = sum(errors.dropped[i] for i in order[:number]) + sum(errors.fixed[i] for i in kept)
        products, r = sum(errors.product[i] for i in kept), 0
        if products:
            r = 1
            while products / 4 ** (r + 1) >= eps:
                r += 1
        for more in range(7 if products else 1):
            for planes, error in _refined(errors, kept, eps / 256):
                rest = eps - fixed - products / 4 ** (r + more + 1) - error
                if rest > 0:
                    yield least_root(errors.n, errors.taylor / rest), r + more, planes


@pytest.mark.parametrize("seed", range(6))
def test_candidates_in_integers_are_those_in_rationals(seed):
    draw = random.Random(seed)
    size = seed + 1

    def some(most):
        tops = [draw.randint(0, most) for _ in range(size)]
        return tuple(Fraction(top, draw.choice((1, 3, 8, 50))) for top in tops)

    errors = PlaneErrors(
        n=draw.randint(1, 4),
        taylor=Fraction(draw.randint(1, 90), 7),
        fixed=tuple(value / 10**4 for value in some(9)),
        digit=tuple(value + Fraction(1, 4) for value in some(20)),
        product=(Fraction(0), *some(30))[:size],
        dropped=some(40),
        bits=draw.choice((1, 2, 5)),
    )
    for eps in (Fraction(9, 10), Fraction(1, 7), Fraction(1, 12345)):
        seen = set()

        def counted(plan, seen=seen):
            seen.add(plan)
            return 1

        wanted = set(_every_candidate(errors, eps))
        with nullcontext() if wanted else pytest.raises(OutOfRegime):
            cheapest_planes(errors, eps, counted, lambda plan: 0)
        assert seen == wanted


def test_no_plan():
    errors = PlaneErrors(
        1, Fraction(1), (Fraction(1),), (Fraction(1),), (Fraction(0),), (Fraction(2),), 1
    )
    with pytest.raises(OutOfRegime):
        cheapest_planes(errors, Fraction(1, 2), _count, _count)
