"""Exact evaluation against a reference in Fractions; floats close to it; int64 never overflows."""

from fractions import Fraction

import network_reference
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import dense_networks, image_networks, rationals

from qexpr import networks as nets
from qexpr.errors import InvalidInput


@settings(deadline=None, max_examples=60)
@given(dense_networks(d=2), st.lists(st.tuples(rationals(0, 1), rationals(0, 1)), max_size=4))
def test_dense_networks_are_evaluated_exactly(network, points):
    expected = [network_reference.evaluate(network, point)[0] for point in points]
    assert network.evaluate_exact(points) == expected


@settings(deadline=None, max_examples=30)
@given(image_networks(), st.data())
def test_image_networks_are_evaluated_exactly(network, data):
    # values on thresholds and padded borders come up often on this grid
    point = data.draw(st.lists(rationals(-1, 1, 2), min_size=60, max_size=60))
    assert network.evaluate_exact([point])[0] == network_reference.evaluate(network, point)


@settings(deadline=None, max_examples=60)
@given(dense_networks(d=3, steps=False), st.integers(0, 2**32))
def test_floats_are_near_the_exact_values(network, seed):
    x = np.random.default_rng(seed).random((5, 3))
    exact = np.array([float(v) for v in network.evaluate_exact(x)])
    assert np.allclose(network(x), exact, rtol=1e-9, atol=1e-6)


def test_a_threshold_belongs_to_the_side_that_is_said():
    for closed, expected in (((True,), 1), ((False,), -1)):
        step = nets.Steps((Fraction(1, 3),), (-1, 1), closed)
        network = nets.QuantizedNetwork((1,), (nets.Activate(activation=step),))
        assert network.evaluate_exact([[Fraction(1, 3)]]) == [expected]
        below, above = Fraction(1, 3) - Fraction(1, 10**30), Fraction(1, 3) + Fraction(1, 10**30)
        assert network.evaluate_exact([[below], [above]]) == [-1, 1]


def test_sign_of_zero_is_plus_one():
    network = nets.QuantizedNetwork((1,), (nets.Activate(activation=nets.sign("1/3")),))
    assert network.evaluate_exact([[0]]) == [Fraction(1, 3)]
    assert network([[0.0]]).tolist() == [1 / 3]


@pytest.mark.parametrize("bits", [20, 31, 52, 61, 62, 63, 90])
def test_large_codes_do_not_overflow(bits):
    codes = [[2**bits, 1], [2**bits - 1, -(2**bits)]]
    network = nets.QuantizedNetwork(
        (2,), (nets.Dense(codes, activation=nets.Relu()), nets.Dense([[3, 5]]))
    )
    x, y = Fraction(2**40 + 1, 2**40), Fraction(1, 3)
    first = max(codes[0][0] * x + y, 0)
    second = max(codes[1][0] * x + codes[1][1] * y, 0)
    assert network.evaluate_exact([[x, y]]) == [3 * first + 5 * second]


def test_padded_taps_read_the_padding_value():
    for value in (0, 1):
        layer = nets.Conv2d([[[[1] * 3] * 3]], padding=1, padding_value=value)
        network = nets.QuantizedNetwork((1, 1, 1), (layer,))
        assert network.evaluate_exact([[Fraction(1, 7)]]) == [Fraction(1, 7) + 8 * value]


def test_several_outputs_come_as_rows():
    network = nets.QuantizedNetwork((1,), (nets.Dense([[1], [2]]),))
    assert network.evaluate_exact([[1], [2]]) == [[1, 2], [2, 4]]
    assert network([[1.0], [2.0]]).tolist() == [[1, 2], [2, 4]]


@pytest.mark.parametrize("points", [[[1.0]], [[float("nan"), 0.0]], [[[0.0, 0.0]]], [["x", 0.0]]])
def test_bad_points_are_refused(points):
    network = nets.QuantizedNetwork((2,), (nets.Dense([[1, 1]]),))
    with pytest.raises(InvalidInput):
        network.evaluate_exact(points)
    with pytest.raises(InvalidInput):
        network(points)


@pytest.mark.parametrize("bits", [70, 1100])
def test_zero_times_a_number_beyond_every_type_is_zero(bits):
    size = 2**bits
    layers = (
        nets.Dense([[size, 0]], Fraction(1, 3 * size), [size], activation=nets.Clip(-size, size)),
        nets.Dense([[0]], size, [Fraction(1, size)]),
    )
    network = nets.QuantizedNetwork((2,), layers)
    assert network.evaluate_exact([[0, 0], [0, 1]]) == [Fraction(1, size)] * 2
    added = nets.QuantizedNetwork(
        (1,), (nets.Dense([[1]], Fraction(1, size)), nets.Add(other="input"))
    )
    assert added.evaluate_exact([[0]]) == [0]


def test_padding_a_map_of_large_numbers_keeps_python_integers():
    wide = nets.Conv2d(np.ones((1, 1, 1, 1), dtype=int), scale=Fraction(2**70 + 1))
    around = nets.Conv2d(np.full((1, 1, 3, 3), 2**40), padding=(1, 1))
    network = nets.QuantizedNetwork((1, 1, 1), (wide, around, around))
    assert network.evaluate_exact([[3]]) == [3 * (2**70 + 1) * 2**80]
