"""Linear regions against enumeration and against networks, piece by piece."""

import itertools
import math
import random
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qexpr.bounds import calculators
from qexpr.bounds.calculators import regions
from qexpr.errors import OutOfRegime


def lines(name, **given):
    return {line.label: line for line in calculators.get(name)(**given)}


def serra_by_enumeration(inputs, hidden):
    total = 0
    for choice in itertools.product(*(range(units + 1) for units in hidden)):
        room, product = inputs, 1
        for units, j in zip(hidden, choice, strict=True):
            product *= math.comb(units, j) if j <= min(room, units) else 0
            room = min(room, units - j)
        total += product
    return total


@given(st.integers(1, 4), st.lists(st.integers(1, 5), min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_the_dynamic_programme_sums_over_the_stated_set(inputs, hidden):
    assert regions.serra_upper(inputs, hidden) == serra_by_enumeration(inputs, hidden)


@given(st.integers(1, 4), st.lists(st.integers(1, 20), min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_lower_numbers_of_regions_stay_below_the_upper_one(inputs, hidden):
    upper = regions.serra_upper(inputs, hidden)
    for lower in (regions.montufar_lower, regions.serra_lower):
        try:
            assert lower(inputs, hidden) <= upper
        except OutOfRegime:
            assert min(hidden) < 3 * inputs


def test_one_layer_is_an_arrangement_of_lines():
    """n lines in general position cut the plane into 1 + n + n(n-1)/2 regions."""
    for n in range(1, 9):
        assert regions.serra_upper(2, (n,)) == 1 + n + n * (n - 1) // 2


def affine_pieces(layers):
    """The affine pieces on the real line of a network with one input, by exact breakpoints.

    A function is a list of (left end, slope, intercept); every unit breaks pieces at its zeros.
    """
    infinite = Fraction(-(10**9))
    values = [[(infinite, Fraction(1), Fraction(0))]]  # the input itself
    for number, (rows, biases) in enumerate(layers):
        cuts = sorted({left for function in values for left, _, _ in function})
        result = []
        for row, bias in zip(rows, biases, strict=True):
            pieces = []
            for left in cuts:
                slope, intercept = Fraction(0), bias
                for weight, function in zip(row, values, strict=True):
                    _, a, b = [piece for piece in function if piece[0] <= left][-1]
                    slope, intercept = slope + weight * a, intercept + weight * b
                pieces.append((left, slope, intercept))
            if number < len(layers) - 1:
                pieces = rectify(pieces, cuts)
            result.append(pieces)
        values = result
    (output,) = values
    return 1 + sum(a[1:] != b[1:] for a, b in itertools.pairwise(output))


def rectify(pieces, cuts):
    result = []
    for (left, slope, intercept), right in zip(pieces, [*cuts[1:], Fraction(10**9)], strict=True):
        ends = [left]
        if slope and left < -intercept / slope < right:
            ends.append(-intercept / slope)
        for end, stop in zip(ends, [*ends[1:], right], strict=True):
            middle = (end + stop) / 2
            on = slope * middle + intercept > 0
            result.append((end, slope, intercept) if on else (end, Fraction(0), Fraction(0)))
    return result


def test_one_input_reaches_the_product():
    """Three units fold the line four times over (-4, -3); every unit after cuts each fold.

    One of those looks down, the others up, so that at no point all of them are off.
    """
    F = Fraction
    first = ([[F(1)], [F(1)], [F(-1)]], [F(0), F(-1), F(3)])  # relu(x), relu(x-1), relu(3-x)
    folds = [F(-2), F(3, 2), F(-1)]
    for units in (2, 3, 5):
        thresholds = [-4 + F(j + 1, units + 1) for j in range(units)]
        *others, top = thresholds
        second = ([*([folds] * (units - 1)), [-w for w in folds]], [*(-t for t in others), top])
        last = ([[F(2**j) for j in range(units)]], [F(0)])
        pieces = affine_pieces([first, second, last])
        assert pieces == 4 * (units + 1)
        assert lines("regions", widths=(1, 3, units, 1))["one input"].value == pieces
        assert regions.serra_upper(1, (3, units)) == pieces


def test_random_networks_have_no_more_pieces():
    generator = random.Random(3)
    for _ in range(20):
        widths = [1, *(generator.randint(1, 4) for _ in range(2)), 1]
        layers = [
            (
                [[Fraction(generator.randint(-9, 9)) for _ in range(a)] for _ in range(b)],
                [Fraction(generator.randint(-9, 9)) for _ in range(b)],
            )
            for a, b in itertools.pairwise(widths)
        ]
        assert affine_pieces(layers) <= regions.serra_upper(1, widths[1:-1])


def test_numbers_of_regions_too_large_are_refused():
    with pytest.raises(OutOfRegime, match="fewer inputs"):
        calculators.get("regions")(widths="4096,4096,4096,1")
