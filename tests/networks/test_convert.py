"""The circuit of a network computes the same function, exactly."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import dense_networks, rationals

from qexpr import networks as nets
from qexpr.errors import Unsupported


@settings(deadline=None, max_examples=60)
@given(
    dense_networks(d=2, relu_only=True, dyadic=True),
    st.lists(st.tuples(rationals(0, 1), rationals(0, 1)), min_size=1, max_size=4),
)
def test_the_circuit_equals_the_network(network, points):
    assert network.to_circuit().evaluate_exact(points) == network.evaluate_exact(points)


def test_convolution_pooling_and_addition():
    rng = np.random.default_rng(5)
    network = nets.QuantizedNetwork(
        (2, 4, 4),
        (
            nets.Conv2d(
                rng.integers(-1, 2, (2, 1, 3, 3)),
                0.5,
                [1, -0.25],
                padding=1,
                padding_value=1,
                groups=2,
                activation=nets.Relu(),
                name="a",
            ),
            nets.Conv2d(rng.integers(-1, 2, (2, 2, 1, 1)), [2, 0.25]),
            nets.Add(other="a", activation=nets.Relu()),
            nets.AvgPool2d(),
            nets.Flatten(),
            nets.Dense(rng.integers(-2, 3, (1, 8)), 0.125, [3]),
        ),
    )
    points = [[Fraction(int(v), 8) for v in rng.integers(0, 9, 32)] for _ in range(3)]
    assert network.to_circuit().evaluate_exact(points) == network.evaluate_exact(points)


def test_linear_layers_cost_no_unit_and_zeros_no_edge():
    network = nets.QuantizedNetwork(
        (2,),
        (
            nets.Dense([[1, 0], [0, 2]]),
            nets.Dense([[1, 1]], activation=nets.Relu()),
            nets.Dense([[3]]),
        ),
    )
    assert list(network.to_circuit().edges()) == [(0, 3, 1), (1, 3, 2), (3, 4, 3)]


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ((nets.Dense([[1]], activation=nets.sign()),), "activation Steps"),
        ((nets.Dense([[1]], activation=nets.Clip(0, 1)),), "activation Clip"),
        ((nets.Dense([[1], [1]]),), "2"),
        ((nets.Dense([[1]], "1/3"),), "1/3"),
        ((nets.Multiply(other="input"),), "not linear"),
    ],
)
def test_what_a_circuit_cannot_be_is_refused(layers, message):
    with pytest.raises(Unsupported, match=message):
        nets.QuantizedNetwork((1,), layers).to_circuit()
