"""Rounding errors against exact networks; the floors of the three quantization regimes."""

import itertools
import random
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qexpr.bounds import calculators
from qexpr.bounds.calculators import regimes, rounding, vc


def lines(name, **given):
    return {line.label: line for line in calculators.get(name)(**given)}


def random_layers(generator, widths, largest):
    return [
        (
            [
                [Fraction(generator.randint(-997, 997), 997) * largest for _ in range(a)]
                for _ in range(b)
            ],
            [Fraction(generator.randint(-997, 997), 997) * largest for _ in range(b)],
        )
        for a, b in itertools.pairwise(widths)
    ]


def value_at(layers, x):
    for number, (rows, biases) in enumerate(layers):
        x = [
            sum((a * b for a, b in zip(row, x, strict=True)), bias)
            for row, bias in zip(rows, biases, strict=True)
        ]
        if number < len(layers) - 1:
            x = [max(entry, Fraction(0)) for entry in x]
    return x[0]


@given(
    st.integers(0, 10**6),
    st.lists(st.integers(1, 5), min_size=1, max_size=3),
    st.integers(0, 8),
    st.sampled_from([Fraction(1, 3), Fraction(1), Fraction(5, 2)]),
)
@settings(max_examples=60, deadline=None)
def test_rounded_networks_stay_within_the_bounds(seed, hidden, bits, largest):
    generator = random.Random(seed)
    widths = (2, *hidden, 1)
    layers = random_layers(generator, widths, largest)
    near = [
        (
            [[rounding.round_to_bits(entry, bits) for entry in row] for row in rows],
            [rounding.round_to_bits(entry, bits) for entry in biases],
        )
        for rows, biases in layers
    ]
    posterior = rounding.a_posteriori(layers, bits)
    assert posterior <= rounding.a_priori(widths, largest, bits)
    for _ in range(10):
        x = [Fraction(generator.randint(0, 64), 64) for _ in range(2)]
        assert abs(value_at(layers, x) - value_at(near, x)) <= posterior


def test_one_rounded_weight_attains_the_bound():
    """f = w x + b on [0, 1] with both errors 2^-(b+1): the bound is the error at x = 1."""
    half = Fraction(1, 2)
    layers = [([[Fraction(1, 2)]], [Fraction(1, 2)])]
    assert rounding.a_posteriori(layers, 0) == 2 * half
    assert rounding.a_priori((1, 1), Fraction(1), 0) == 2 * half


def test_entries_that_round_upward_are_covered():
    """0.51 rounds to 1: the signal of the rounded network grows where the other's does not."""
    largest = Fraction(51, 100)
    layers = [([[largest]], [largest])] * 5
    near = [([[Fraction(1)]], [Fraction(1)])] * 5
    error = abs(value_at(layers, [Fraction(1)]) - value_at(near, [Fraction(1)]))
    assert error <= rounding.a_posteriori(layers, 0) <= rounding.a_priori((1,) * 6, largest, 0)


@pytest.mark.parametrize("eps", ["1/2", "1e-3", "1e-30"])
@pytest.mark.parametrize("largest", [Fraction(1), Fraction(1, 3), Fraction(7)])
def test_the_least_number_of_bits_is_the_least(eps, largest):
    eps = Fraction(eps)
    bits = rounding.least_bits((2, 16, 16, 1), largest, eps)
    assert rounding.a_priori((2, 16, 16, 1), largest, bits) <= eps
    assert bits > 0
    assert rounding.a_priori((2, 16, 16, 1), largest, bits - 1) > eps


# --- the three regimes ---------------------------------------------------------------------------


def test_the_precision_floor_is_the_distance_to_the_grid():
    """A network of L layers on the grid 2^-b has f(0) in 2^-(bL) Z."""
    generator = random.Random(5)
    bits, widths = 2, (1, 3, 3, 1)
    for _ in range(20):
        layers = [
            (
                [[rounding.round_to_bits(entry, bits) for entry in row] for row in rows],
                [rounding.round_to_bits(entry, bits) for entry in biases],
            )
            for rows, biases in random_layers(generator, widths, Fraction(1))
        ]
        assert (value_at(layers, [Fraction(0)]) * 2 ** (bits * 3)).denominator == 1
    assert regimes.precision_floor(3, bits) == Fraction(1, 2 * 2**6)


@pytest.mark.parametrize(
    ("width", "depth", "bits", "name"),
    [(256, 4, 2, "under"), (256, 4, 3, "proper"), (4, 4, 8, "proper"), (4, 4, 9, "over")],
)
def test_regimes_change_at_log_w_over_l_and_l_log_w(width, depth, bits, name):
    assert regimes.regime(width, depth, bits) == name


def test_the_floors_of_the_regimes():
    found = lines("regimes", width=2, depth=2, bits=1)
    # 1 -> 2 -> 1 has 7 weights with 2^3 - 1 values: floor(7 log2 7) = 19 bits.
    assert found["floor by memory"].value.guarantee == Fraction(1, 20)
    assert found["floor by precision"].value.guarantee == Fraction(1, 8)
    assert found["eps at least"].value.guarantee == Fraction(1, 8)
    v = vc.vc_of_widths((1, 2, 1))
    assert found["floor by VC dimension"].value.guarantee == Fraction(1, 2 * v)
