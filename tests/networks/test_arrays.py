"""from_arrays: doubles are taken as exactly the rationals they are."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from qexpr import networks as nets
from qexpr.errors import InvalidInput
from qexpr.networks.values import scale_and_codes


@settings(deadline=None, max_examples=150)
@given(
    hnp.arrays(
        np.float64,
        st.tuples(st.integers(1, 3), st.integers(1, 3)),
        elements=st.floats(allow_nan=False, allow_infinity=False),
    )
)
def test_scale_and_codes_are_exactly_the_doubles(weights):
    scale, codes = scale_and_codes(weights, "weights")
    for code, weight in zip(codes.ravel().tolist(), weights.ravel().tolist(), strict=True):
        assert scale * code == Fraction(weight)
    # the scale is the greatest common divisor: the codes have none
    nonzero = [abs(int(code)) for code in codes.ravel() if code]
    assert not nonzero or np.gcd.reduce(np.array(nonzero, dtype=object)) == 1


def test_ternary_doubles_become_ternary_codes():
    alpha = 0.1234567
    network = nets.from_arrays([np.array([[alpha, 0.0, -alpha]])])
    assert network.layers[0].codes.tolist() == [[1, 0, -1]]
    assert network.layers[0].scale == Fraction(alpha)


def test_integer_weights_biases_and_scales():
    network = nets.from_arrays(
        [np.array([[1, -1], [0, 2]]), np.array([[0.5, 0.25]])],
        [None, [0.125]],
        scales=[[Fraction(1, 3), 2], 4],
    )
    x, y = Fraction(1, 2), Fraction(1, 4)
    hidden = (x - y) / 3, 4 * y
    expected = 4 * (hidden[0] / 2 + hidden[1] / 4) + Fraction(1, 8)
    assert network.evaluate_exact([[x, y]]) == [expected]


def test_convolutions_are_flattened_before_dense_layers():
    network = nets.from_arrays(
        [np.ones((2, 1, 2, 2)), np.ones((1, 8))], activation=nets.sign(), input_shape=(1, 3, 3)
    )
    assert [type(layer).__name__ for layer in network.layers] == ["Conv2d", "Flatten", "Dense"]
    assert network.evaluate_exact([[0] * 9]) == [8]


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_not_finite_are_refused(bad):
    with pytest.raises(InvalidInput, match=r"weights\[1\] must be finite, got -?(nan|inf)"):
        nets.from_arrays([[[1.0]], [[bad]]])
    with pytest.raises(InvalidInput, match=r"bias\[0\] must be finite"):
        nets.from_arrays([[[1.0]]], [[bad]])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([],), "at least one array"),
        (([[[1.0]]], [[1.0], [2.0]]), "biases must have 1 entries"),
        (([[1.0, 2.0]],), "must have shape"),
        (([[["a"]]],), "real numbers"),
        (([[[1.0, 2.0]], [[1.0, 2.0]]],), "needs an input of shape"),
        (([[[1.0], [2.0, 3.0]]],), "rectangular"),
        (([np.ones((1, 1, 2, 2))],), "input_shape"),
    ],
)
def test_arrays_that_are_no_network_are_refused(arguments, message):
    with pytest.raises(InvalidInput, match=message):
        nets.from_arrays(*arguments)
