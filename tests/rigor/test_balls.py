import math
from fractions import Fraction

import pytest
from flint import arb, fmpq, fmpz
from hypothesis import given
from hypothesis import strategies as st
from strategies import rationals

from qexpr.errors import InvalidInput, QexprError
from qexpr.rigor import balls


def holds(x, value):
    """Whether a ball contains a rational, by its ends."""
    return balls.lower_end(x) <= value <= balls.upper_end(x)


@given(rationals())
def test_a_ball_contains_its_number(value):
    assert holds(balls.ball(value), value)
    assert holds(balls.ball(fmpq(value.numerator, value.denominator)), value)


def test_balls_of_integers_and_balls():
    assert balls.lower_end(balls.ball(fmpz(7))) == balls.upper_end(balls.ball(7)) == 7
    x = arb(2, 1)
    assert balls.ball(x) is x


@pytest.mark.parametrize("value", [1.0, "1", None, 1j])
def test_a_ball_refuses_what_is_not_exact(value):
    with pytest.raises(InvalidInput, match=type(value).__name__):
        balls.ball(value)


@given(rationals(), rationals())
def test_an_interval_contains_its_ends(a, b):
    x = balls.interval(min(a, b), max(a, b))
    assert balls.lower_end(x) <= min(a, b) <= max(a, b) <= balls.upper_end(x)


@given(rationals(), rationals(0, 2), st.integers(0, 7))
def test_powers_contain_the_powers_of_all_points(middle, radius, exponent):
    x = balls.interval(middle - radius, middle + radius)
    result = balls.power(x, exponent)
    for point in (middle - radius, middle, middle + radius):
        assert holds(result, point**exponent)
    if exponent % 2 == 0:
        assert balls.lower_end(result) >= 0
    ends = (abs(middle - radius), abs(middle + radius))
    slack = Fraction(1, 2**24) * (1 + max(ends)) ** exponent
    assert (
        balls.upper_end(result) <= max((middle + radius) ** exponent, ends[0] ** exponent) + slack
    )


@pytest.mark.parametrize(
    ("middle", "radius", "exponent"),
    [(Fraction(5, 4), Fraction(6, 5), 6), (Fraction(31, 16), Fraction(29, 15), 4)],
)
def test_even_powers_are_not_negative_where_the_radius_is_rounded(middle, radius, exponent):
    x = balls.interval(middle - radius, middle + radius)
    assert balls.lower_end(balls.power(x, exponent)) >= 0


def test_negative_powers():
    assert holds(balls.power(arb(3), -2), Fraction(1, 9))
    assert not balls.is_finite(balls.power(arb(0, 1), -1))


@given(st.integers(-60, 60))
def test_log2_is_exact_at_powers_of_two(k):
    x = balls.log2(Fraction(2) ** k)
    assert x.is_exact()
    assert balls.lower_end(x) == k


@given(rationals(Fraction(1, 50), 50))
def test_log2_of_rationals(value):
    low, high = balls.enclosure(lambda: balls.log2(value))
    assert float(low) <= math.log2(value) + 1e-12
    assert float(high) >= math.log2(value) - 1e-12
    # Rigorous at the three-halves: 2^low <= value^1 <= 2^high, in integers for low = p/8.
    p = math.floor(8 * low)
    assert Fraction(2) ** p <= value**8 <= Fraction(2) ** (math.ceil(8 * high))


def test_log2_of_balls_and_of_what_has_none():
    with balls.precision(100):
        assert holds(balls.log2(arb(8)), 3)
    for value in (0, -1, Fraction(-1, 2)):
        with pytest.raises(InvalidInput, match="positive"):
            balls.log2(value)


def test_enclose_raises_the_precision_until_the_ball_is_narrow():
    def cancelling():
        return (1 + arb(2) ** -500) - 1

    low, high = balls.enclosure(cancelling)
    assert low == high == Fraction(1, 2**500)
    low, high = balls.enclosure(lambda: arb.pi(), Fraction(1, 2**200))
    assert 0 < high - low <= high / 2**200


def test_enclose_stops_at_the_first_precision_that_is_enough():
    calls = []
    balls.enclosure(lambda: calls.append(balls.ctx.prec) or arb(2).sqrt(), Fraction(1, 2**100))
    assert calls == [64, 128]


def test_enclose_returns_the_narrowest_ball_where_the_width_is_never_reached():
    low, high = balls.enclosure(lambda: arb.pi() - arb.pi())
    assert low <= 0 <= high
    assert high < Fraction(1, 2**8000)


def test_enclose_raises_where_nothing_is_finite():
    with pytest.raises(QexprError, match="finite"):
        balls.enclose(lambda: arb("nan"))


@given(rationals(-9, 9, 8))
def test_certain_floor_and_ceil_of_exact_numbers(value):
    assert balls.certain_floor(lambda: value) == math.floor(value)
    assert balls.certain_ceil(lambda: value) == math.ceil(value)


def test_certain_floor_and_ceil_of_balls():
    assert balls.certain_floor(lambda: arb(2).sqrt() * 10**40) == math.isqrt(2 * 10**80)
    assert balls.certain_ceil(lambda: arb(2).sqrt() * 10**40) == math.isqrt(2 * 10**80) + 1
    assert balls.certain_floor(lambda: arb(7)) == balls.certain_ceil(lambda: arb(7)) == 7


def test_certain_floor_gives_up_on_a_tie():
    with pytest.raises(QexprError, match="integer"):
        balls.certain_floor(lambda: balls.power(arb(2).sqrt(), 2))


def test_ends_of_numbers_beyond_all_exponents():
    tiny = (-(arb(2) ** 5000)).exp()
    assert balls.lower_end(tiny) <= 0 < balls.upper_end(tiny) < Fraction(1, 2**1000)
    huge = (arb(2) ** 5000).exp()
    assert not balls.is_finite(huge)
    assert balls.upper_end(huge) == math.inf
    below = balls.lower_end(-tiny)
    assert -Fraction(1, 2**1000) < below < 0 <= balls.upper_end(-tiny)


@given(rationals(), st.integers(-300, 300))
def test_ends_are_exact(value, shift):
    number = Fraction(math.floor(value * 64)) * Fraction(2) ** shift  # dyadic: the ball is exact
    with balls.precision(64):
        x = balls.ball(number)
    assert balls.lower_end(x) == balls.upper_end(x) == number
