"""Counts worked out by hand."""

import math

import numpy as np
import pytest

from qexpr import networks as nets


def test_a_ternary_layer_and_a_layer_of_powers_of_two():
    network = nets.QuantizedNetwork(
        (3,),
        (
            nets.Dense([[1, 0, -1], [1, 1, 0]], "3/4", [1, 0], activation=nets.Relu()),
            nets.Dense([[4, 3]], "1/2"),
        ),
    )
    counts = network.counts()
    assert (counts.weights, counts.parameters) == (6, 8)
    assert counts.distinct == 5  # 3/4, 0, -3/4, 2, 3/2
    assert counts.bits_packed == 6 * 2 + 2 * 1
    # 3, 2 and 1 of 6: one of 28 sums of three numbers, one of 60 arrangements, are 5 + 6 bits;
    # 4 and 3: one of 3 sums, one of 2 arrangements, are 2 + 1. As packed: 12, and 2, which is less
    assert counts.bits_entropy == (1 + 11) + (1 + 2)
    assert counts.bits_scales == (3 + 2) + (2 + 0) + (1 + 0) + (2 + 1)
    done = counts.operations
    assert done.additions == 4 + 1 + 2  # products by +-1, one bias, products by 4 and 3
    assert done.multiplications == 2 + 1  # the scale 3/4 twice, the code 3
    assert done.shifts == 1 + 1  # the code 4, the scale 1/2
    assert done.comparisons == 2
    assert done.bit_operations == 0


@pytest.mark.parametrize(("levels", "bits"), [(2, 1), (4, 2), (16, 4)])
def test_step_values_times_binary_weights_are_bit_operations(levels, bits):
    steps = nets.Steps(tuple(range(1, levels)), tuple(range(levels)))
    codes = np.where(np.arange(50).reshape(5, 10) % 3, 1, -1)
    network = nets.QuantizedNetwork(
        (10,), (nets.Activate(activation=steps), nets.Dense(codes), nets.Dense([[1] * 5]))
    )
    done = network.counts().operations
    assert done.bit_operations == 2 * 50 * bits
    assert done.additions == 5 * (bits - 1) + 5
    assert done.comparisons == 10 * (levels - 1).bit_length()


def test_a_convolution_counts_every_position():
    network = nets.QuantizedNetwork(
        (1, 4, 4), (nets.Conv2d([[[[1, -1], [0, 1]]]], name="c"), nets.MaxPool2d((3, 3)))
    )
    counts = network.counts()
    assert counts.weights == 3
    assert counts.operations.additions == 3 * 9
    assert counts.operations.comparisons == 8


def test_one_value_needs_no_bits():
    counts = nets.QuantizedNetwork((2,), (nets.Dense([[5, 5]]),)).counts()
    assert (counts.bits_packed, counts.bits_entropy, counts.distinct) == (0, 1, 1)


def told(codes):
    return nets.QuantizedNetwork((len(codes),), (nets.Dense([codes]),)).counts().bits_entropy


def test_frequencies_and_arrangements_tell_the_codes():
    """Counting them exactly, on both sides of where logarithms of factorials take over."""
    for size, ones in ((1, 1), (20, 3), (999, 40), (1400, 40), (1400, 700)):
        codes = np.where(np.arange(size) < ones, 1, -1)
        ways = math.comb(size, ones)
        values = len(set(codes.tolist()))  # 1 if all are
        need = (size + 1 - 1).bit_length() if values == 2 else 0
        fewest = min(need + (ways - 1).bit_length(), size * (values - 1))
        assert told(codes) - 1 == fewest
        assert told(np.random.default_rng(0).permutation(codes)) - 1 == fewest
    three = np.repeat([0, 1, -1], [1500, 300, 200])
    ways = math.factorial(2000) // math.prod(map(math.factorial, (1500, 300, 200)))
    assert told(three) - 1 == (math.comb(2002, 2) - 1).bit_length() + (ways - 1).bit_length()
    assert told(three) >= 2000 * 1.0540  # the entropy of 3/4, 3/20, 1/10 is 1.05401 bits


def test_the_table_of_codes_far_apart_is_counted():
    codes = np.repeat([0, 1, 2**30], [1800, 150, 50])
    ways = math.factorial(2000) // math.prod(map(math.factorial, (1800, 150, 50)))
    histogram = (math.comb(2002, 2) - 1).bit_length()
    assert told(codes) - 1 == 3 * 32 + histogram + (ways - 1).bit_length()


def test_the_codes_of_real_weights_are_not_indices_for_nothing():
    # 12 different numbers of 20 bits: a table of them is no smaller than they are
    codes = np.random.default_rng(0).integers(2**19, 2**20, (3, 4)) * [1, -1, 1, -1]
    counts = nets.QuantizedNetwork((4,), (nets.Dense(codes, "1/1048576"),)).counts()
    assert 12 * 20 <= counts.bits_packed <= 12 * 21


def test_few_values_far_apart_take_a_table():
    codes = np.array([[1, -1, 2**14, -(2**14)] * 100])
    counts = nets.QuantizedNetwork((400,), (nets.Dense(codes),)).counts()
    assert counts.bits_packed == 400 * 2 + 4 * 16
    even = nets.QuantizedNetwork((400,), (nets.Dense(codes // 2**14 * 2 + 1),)).counts()
    assert even.bits_packed == 400 * 2  # -1, 1, 3 are three steps of a progression
