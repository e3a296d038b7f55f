"""The double intervals contain what balls say, and are narrow."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qexpr.rigor import balls
from qexpr.targets import floats
from qexpr.targets.floats import Interval

DOUBLES = st.floats(-30, 30, allow_nan=False)
FUNCTIONS = {
    "sin": lambda x: x.sin(),
    "cos": lambda x: x.cos(),
    "exp": lambda x: x.exp(),
    "log": lambda x: x.log(),
    "tanh": lambda x: x.tanh(),
    "sqrt": lambda x: x.sqrt(),
    "abs": lambda x: abs(x),
    "relu": lambda x: x.max(balls.ball(0)),
}


def exactly(x):
    return balls.ball(Fraction(x))


def contains(interval, value, index=0):
    """Whether the interval certainly contains the ball's centre up to the ball's radius."""
    low, high = Fraction(interval.lower[index]), Fraction(interval.upper[index])
    return (balls.lower_end(value) >= low and balls.upper_end(value) <= high) or (
        balls.lower_end(value) <= high
        and balls.upper_end(value) >= low
        and balls.upper_end(value) - balls.lower_end(value) < Fraction(1, 2**150)
    )


def box(a, b):
    return Interval(np.array([min(a, b)]), np.array([max(a, b)]))


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
@given(a=DOUBLES, b=DOUBLES, t=st.fractions(0, 1, max_denominator=64))
@settings(max_examples=150, deadline=None)
def test_function_contains_every_value(name, a, b, t):
    if name in ("log", "sqrt"):
        a, b = abs(a) + 1e-9, abs(b) + 1e-9
    x = box(a, b)
    with np.errstate(all="ignore"):
        result = floats.finish(floats.function(name, x))
    low, high = Fraction(float(x.lower[0])), Fraction(float(x.upper[0]))
    with balls.precision(300):
        for s in (Fraction(0), t, Fraction(1)):
            assert contains(result, FUNCTIONS[name](balls.ball(low + (high - low) * s)))


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
@given(a=DOUBLES)
@settings(max_examples=150, deadline=None)
def test_function_of_a_point_is_narrow(name, a):
    a = abs(a) + 1e-3 if name in ("log", "sqrt") else a
    result = floats.function(name, box(a, a))
    share = 2.0**-40 if name == "log" else 2.0**-43  # log is an absolute error per octave
    assert result.upper[0] - result.lower[0] <= share * max(1.0, abs(result.upper[0]))


@pytest.mark.parametrize("name", ["sin", "cos"])
def test_extremes_inside_are_found_and_clamped(name):
    # [1, 2] holds the crest of sin, [3, 4] the trough of cos, [0.1, 0.2] neither
    crest = floats.function("sin", box(1.0, 2.0))
    trough = floats.function("cos", box(3.0, 4.0))
    plain = floats.function(name, box(0.1, 0.2))
    assert crest.upper[0] == 1
    assert trough.lower[0] == -1
    assert plain.lower[0] > -1
    assert plain.upper[0] < 1


@given(a=DOUBLES, b=DOUBLES, c=DOUBLES, e=DOUBLES, k=st.sampled_from([-3, -2, -1, 2, 3, 4, 7]))
@settings(max_examples=300, deadline=None)
def test_arithmetic_contains_exact_results(a, b, c, e, k):
    x, y = box(a, b), box(c, e)
    with np.errstate(all="ignore"):
        total, times = floats.add(x, y), floats.multiply(x, y)
        scaled = floats.scale(Fraction(-1, 3), x)
        grown = floats.finish(floats.power(x, k))
    for p in (Fraction(a), Fraction(b), (Fraction(a) + Fraction(b)) / 2):
        for q in (Fraction(c), Fraction(e)):
            assert total.lower[0] <= p + q <= total.upper[0]
            assert times.lower[0] <= p * q <= times.upper[0]
        assert scaled.lower[0] <= -p / 3 <= scaled.upper[0]
        if p != 0 or k > 0:
            assert grown.lower[0] <= p**k <= grown.upper[0]


@given(a=DOUBLES, b=DOUBLES)
def test_sums_are_rounded_only_where_they_are_inexact(a, b):
    total = floats.add(box(a, a), box(b, b))
    exact = Fraction(a) + Fraction(b)
    if Fraction(a + b) == exact:
        assert total.lower[0] == total.upper[0] == a + b
    else:
        assert np.nextafter(total.lower[0], np.inf) == total.upper[0]


def test_nan_and_division_through_zero_become_infinite():
    with np.errstate(all="ignore"):
        through = floats.finish(floats.power(box(-1.0, 1.0), -1))
        root = floats.finish(floats.function("sqrt", box(-1.0, 4.0)))
    assert (through.lower[0], through.upper[0]) == (-np.inf, np.inf)
    assert root.lower[0] == -np.inf
    assert root.upper[0] >= 2


@pytest.mark.parametrize("name", ["sin", "cos"])
def test_large_angles_fall_back_to_the_whole_range(name):
    result = floats.function(name, box(1e9, 1e9))
    assert (result.lower[0], result.upper[0]) == (-1, 1)


def test_reduction_constants_are_those_of_pi_and_log_two():
    with balls.precision(300):
        quarter = sum(Fraction(p) for p in (floats._P1, floats._P2, floats._P3))
        assert abs(balls.arb.pi() / 2 - balls.ball(quarter)) < balls.ball(Fraction(1, 2**110))
        two = Fraction(floats._L1) + Fraction(floats._L2)
        assert abs(balls.arb.const_log2() - balls.ball(two)) < balls.ball(Fraction(1, 2**86))
    for part in (floats._P1, floats._P2, floats._L1):
        mantissa = Fraction(part).numerator
        assert mantissa.bit_length() <= 33
