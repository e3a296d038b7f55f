"""slope z + middle +- radius contains the activation on the whole interval, exactly."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from network_reference import activate
from strategies import activations

from qexpr.certificates.relaxation import relax, slopes_over
from qexpr.networks import Clip, Relu, Steps

ENDS = st.one_of(
    st.floats(-4, 4),
    st.integers(-64, 64).map(lambda n: n / 16),  # thresholds lie on this grid
    st.sampled_from([0.0, 5e-324, -5e-324, 2.0**-60, -(2.0**-60), 1e300, -1e300]),
)


def _points(activation, low, high):
    """Exact points of [low, high]: ends, thresholds and their nearest neighbours, a few between."""
    special = (*getattr(activation, "thresholds", ()), Fraction(0), Fraction(1, 3))
    if isinstance(activation, Clip):
        special += (activation.lower, activation.upper)
    tiny = Fraction(1, 2**80)
    candidates = [low, high, (low + high) / 2, (3 * low + high) / 4]
    candidates += [t + k * tiny for t in special for k in (-1, 0, 1)]
    return [z for z in candidates if low <= z <= high]


@settings(deadline=None, max_examples=300)
@given(activations(), ENDS, ENDS)
def test_the_band_contains_the_activation(activation, a, b):
    low, high = min(a, b), max(a, b)
    band = relax(activation, np.array([low]), np.array([high]))
    slope, middle, radius = (Fraction(float(v[0])) for v in (band.slope, band.middle, band.radius))
    for z in _points(activation, Fraction(low), Fraction(high)):
        assert abs(activate(activation, z) - slope * z - middle) <= radius


@settings(deadline=None, max_examples=100)
@given(activations(steps=False), ENDS, ENDS)
def test_slopes_contain_every_difference_quotient(activation, a, b):
    low, high = min(a, b), max(a, b)
    least, most = slopes_over(activation, np.array([low]), np.array([high]))
    points = sorted(set(_points(activation, Fraction(low), Fraction(high))))
    for x, y in pairwise(points):
        quotient = (activate(activation, y) - activate(activation, x)) / (y - x)
        assert least[0] <= quotient <= most[0]


def test_a_relu_that_does_not_switch_costs_nothing():
    band = relax(Relu(), np.array([0.0, -2.0, -1.0]), np.array([1.0, 0.0, 1.0]))
    assert band.radius.tolist()[:2] == [0.0, 0.0]
    assert band.slope.tolist()[:2] == [1.0, 0.0]
    assert 0.25 <= band.radius[2] <= 0.25 * (1 + 1e-12)  # the best band of parallel lines


def test_fine_steps_are_enclosed_along_their_slope():
    quarter = [Fraction(k, 16) for k in range(1, 16)]
    steps = Steps(tuple(quarter), tuple(Fraction(k, 16) for k in range(16)))
    band = relax(steps, np.array([0.0]), np.array([0.99]))
    assert band.slope[0] > 0.9
    assert band.radius[0] < 0.06  # flat steps would cost 0.47


@pytest.mark.parametrize("activation", [Relu(), Clip(0, 1), Steps((0,), (-1, 1))])
def test_nan_and_infinite_ranges_are_no_claim(activation):
    band = relax(activation, np.array([np.nan, -np.inf]), np.array([1.0, np.inf]))
    bounded = not isinstance(activation, Relu)
    assert (np.isfinite(band.radius) == bounded).all()
