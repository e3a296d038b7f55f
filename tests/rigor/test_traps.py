"""One test for each trap of the ball library: what it does, and what qexpr.rigor does instead."""

import heapq
import math
from fractions import Fraction

import pytest
from flint import arb, ctx

from qexpr.errors import InvalidInput
from qexpr.rigor import balls


def around_zero():
    return arb(0, 1)


def test_integer_powers_of_balls_around_zero():
    assert (around_zero() ** 3).is_nan(), "the trap is gone: balls.power may be simplified"
    cube = balls.power(around_zero(), 3)
    assert balls.lower_end(cube) <= -1
    assert balls.upper_end(cube) >= 1
    square = balls.power(around_zero(), 2)
    assert balls.lower_end(square) >= 0
    assert 1 <= balls.upper_end(square) < Fraction(11, 10)


def test_nan_compares_false_both_ways():
    nan = arb("nan")
    assert not nan < 1
    assert not nan >= 1
    assert not balls.is_finite(nan)
    assert balls.upper_end(nan) == math.inf
    assert balls.lower_end(nan) == -math.inf


def test_infinite_balls_are_not_finite():
    assert not balls.is_finite(1 / arb(0, 1))
    assert balls.upper_end(arb("inf")) == math.inf


def test_a_heap_keyed_by_floats_orders_but_does_not_decide():
    # Two bounds that no double can tell apart: the heap may give either first, so the comparison
    # that matters is made on the rationals.
    small, large = Fraction(1, 3), Fraction(1, 3) + Fraction(1, 10**30)
    heap = [(float(large), "large"), (float(small), "small")]
    heapq.heapify(heap)
    assert heap[0][1] == "large"
    low, high = (
        balls.enclosure(lambda v=v: balls.ball(v), Fraction(1, 2**120)) for v in (small, large)
    )
    assert low[1] < high[0]


def test_a_float_is_the_double_next_to_the_decimal():
    assert not arb(0.1).contains(arb(1) / 10) or not arb(0.1).is_exact()
    assert balls.lower_end(arb(0.1)) != Fraction(1, 10)
    with pytest.raises(InvalidInput, match="exact number, got float"):
        balls.ball(0.1)


def test_the_working_precision_is_global_and_given_back():
    before, seen = ctx.prec, []
    with balls.precision(300):
        assert ctx.prec == 300
        with pytest.raises(ZeroDivisionError), balls.precision(77):
            seen.append(ctx.prec) or 1 // 0
        assert seen == [77]
        assert ctx.prec == 300
    assert ctx.prec == before


def test_ends_do_not_depend_on_the_precision_at_hand():
    with balls.precision(300):
        third = arb(1) / 3
    # The library's own ends round to the 53 bits that hold out here.
    assert Fraction(int(third.lower().man_exp()[0]).bit_length()) <= 53
    assert 0 < balls.upper_end(third) - balls.lower_end(third) < Fraction(1, 2**290)
    assert balls.lower_end(third) <= Fraction(1, 3) <= balls.upper_end(third)


def test_text_says_nothing_rigorous():
    # Not contained in what its text reads as: a ball is judged by its ends.
    with balls.precision(53):
        x = arb(2).sqrt()
    assert "1.41421356237309" in str(x)
    assert balls.lower_end(x) ** 2 < 2 < balls.upper_end(x) ** 2
    exact = balls.ball(Fraction(1, 2**80) + 1)
    assert float(exact) == 1.0
    assert balls.lower_end(exact) != 1


@pytest.mark.parametrize("text", ["gamma(d)", "sin(eps)", "d.real", "__import__('os')", "0.1*d"])
def test_unknown_functions_raise(text):
    from qexpr.bounds.formula import parse

    with pytest.raises(InvalidInput, match="formula"):
        parse(text)
