"""lower <= sup |f - f~| <= upper: never below a sampled error, never above one that is proven."""

import time
from fractions import Fraction

import certified_networks
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import dense_networks, expressions, small_circuits

from qexpr import certificates
from qexpr import networks as nets
from qexpr.certificates.breakpoints import pieces
from qexpr.certificates.error_bounds import error_at
from qexpr.errors import InvalidInput
from qexpr.targets import Target


def _target(text, d):
    try:
        return Target(text, d)
    except InvalidInput:  # a root or quotient that is not defined everywhere
        assume(False)
        raise


def _sound(w, f, found, seed):
    """No exact error at a sampled point exceeds upper; lower is reached at its point."""
    rng = np.random.default_rng(seed)
    for _ in range(8):
        point = tuple(Fraction(int(v), 64) for v in rng.integers(0, 65, f.d))
        assert error_at(w, f, point)[0] <= found.upper
    assert 0 <= found.lower <= error_at(w, f, found.point)[1]
    assert found.lower <= found.upper


# Small budgets: a search that is cut short has to be sound too.
BUDGETS = st.sampled_from([1e-6, 0.05])


@settings(deadline=None, max_examples=40)
@given(
    st.one_of(dense_networks(d=2), small_circuits(d=2)),
    expressions(2, kinks=True),
    BUDGETS,
    st.integers(0, 2**32),
)
def test_random_networks_and_targets_in_two_dimensions(w, text, budget, seed):
    f = _target(text, 2)
    _sound(w, f, certificates.enclose(w, f, "0.1", budget=budget), seed)


@settings(deadline=None, max_examples=40)
@given(
    st.one_of(dense_networks(d=1, steps=False), small_circuits(d=1)),
    expressions(1, kinks=True),
    BUDGETS,
    st.integers(0, 2**32),
)
def test_pieces_and_boxes_agree_in_one_dimension(w, text, budget, seed):
    f = _target(text, 1)
    first = certificates.enclose(w, f, "0.01", budget=budget, method="piecewise")
    second = certificates.enclose(w, f, "0.01", budget=budget, method="branch-and-bound")
    for found in (first, second):
        _sound(w, f, found, seed)
    assert max(first.lower, second.lower) <= min(first.upper, second.upper)


@pytest.mark.parametrize("d", [1, 2])
def test_a_million_points_stay_below(d):
    f = Target("sin(3*x0)*cos(2*x0)/5" if d == 1 else "sin(3*x0)*cos(2*x1)/27", d)
    w = certified_networks.fitted(f, "ternary", d, (16, 16))
    found = certificates.enclose(w, f, method="piecewise" if d == 1 else "branch-and-bound")
    other = certificates.enclose(w, f, method="branch-and-bound")
    assert found.lower <= other.upper
    assert other.lower <= found.upper
    side = np.linspace(0, 1, 10**6 if d == 1 else 10**3)
    grid = np.stack(np.meshgrid(*[side] * d), axis=-1).reshape(-1, d)
    sampled = max(np.abs(w(part) - f(part)).max() for part in np.array_split(grid, 20))
    assert sampled <= float(min(found.upper, other.upper)) + 1e-12
    assert sampled >= float(found.lower) * (1 - 1e-3)
    assert found.closed


@pytest.mark.parametrize(("r", "gap"), [(1, "1e-6"), (2, "1e-6"), (5, "1e-6"), (9, "1e-3")])
def test_the_square_attains_its_error_exactly(r, gap):
    w, f = certified_networks.square(r), Target("x^2")
    exact = Fraction(1, 4 ** (r + 1))
    for method in ("piecewise", "branch-and-bound"):
        found = certificates.enclose(w, f, gap, method=method)
        assert found.lower <= exact <= found.upper
        assert found.closed
        assert found.lower >= exact * (1 - Fraction(gap))
    assert pieces(w).count == 2**r


def test_a_kink_attains_its_error_exactly():
    w = nets.from_arrays([[[0.0]]], [[0.25]])
    f = Target("abs(x-1/3)", 1)
    found = certificates.enclose(w, f, "1e-9")
    assert found.lower <= Fraction(2, 3) - Fraction(1, 4) <= found.upper
    assert found.closed


def test_an_equal_network_is_enclosed_by_the_floor():
    w = nets.from_arrays([[[0.25, -0.5]]], [[0.125]])
    found = certificates.enclose(w, Target("x/4 - y/2 + 1/8"))
    assert found.lower == 0
    assert found.upper <= Fraction(1, 2**40) * (1 + Fraction(1, 2**30))
    assert found.closed


@pytest.mark.parametrize("kind", list(certified_networks.KINDS))
def test_gaps_of_one_percent_in_two_dimensions(kind):
    f = Target("sin(3*x0)*cos(2*x1)/27", 2)
    w = certified_networks.fitted(f, kind, 2)
    assert {64} == {layer.channels for layer in w.layers[:-1]}
    found = certificates.enclose(w, f, "1e-2")
    assert found.upper - found.lower <= found.upper / 100
    _sound(w, f, found, 0)


def test_a_gap_of_ten_percent_in_three_dimensions():
    f = Target("sin(3*x0)*cos(2*x1+x2)/27", 3)
    w = certified_networks.fitted(f, "ternary", 3, (64, 64))
    found = certificates.enclose(w, f, "1e-1")
    assert found.upper - found.lower <= found.upper / 10
    _sound(w, f, found, 0)


@settings(deadline=None, max_examples=15)
@given(dense_networks(d=2), st.integers(0, 2**32))
def test_step_activations_are_enclosed(w, seed):
    quantized = nets.QuantizedNetwork(
        w.input_shape,
        (
            nets.Activate(
                activation=nets.Steps(
                    tuple(Fraction(2 * k + 1, 8) for k in range(4)),
                    tuple(Fraction(k, 4) for k in range(5)),
                    (False, True, False, True),
                )
            ),
            *w.layers,
        ),
    )
    f = Target("x0*x1/2", 2)
    _sound(quantized, f, certificates.enclose(quantized, f, "0.05", budget=0.2), seed)


def test_a_step_network_closes_between_its_jumps():
    # constant 0 below 1/2 and 1 from there on, against x: the supremum 1/2 is not attained
    w = nets.QuantizedNetwork((1,), (nets.Activate(activation=nets.Steps(("1/2",), (0, 1))),))
    found = certificates.enclose(w, Target("x"), "1e-3", budget=5)
    assert found.lower <= Fraction(1, 2) <= found.upper
    assert found.closed


def test_the_budget_ends_the_search_with_both_ends():
    f = Target("sin(50*x0)*sin(40*x1)*sin(30*x2)/4", 3)
    w = certified_networks.fitted(f, "4-bit", 3, (32, 32))
    start = time.monotonic()
    found = certificates.enclose(w, f, "1e-6", budget=0.2)
    assert time.monotonic() - start < 20
    assert not found.closed
    assert found.lower < found.upper


@pytest.mark.parametrize("method", ["piecewise", "branch-and-bound"])
def test_a_number_of_boxes_ends_the_search_in_the_same_place_on_every_run(method):
    f = Target("sin(40*x0)/64", 1)
    w = certified_networks.fitted(f, "ternary", 1, (16, 16))
    found = certificates.enclose(w, f, "1e-9", boxes=70, method=method, budget=None)
    assert not found.closed
    assert 70 <= found.boxes < 200
    assert found == certificates.enclose(w, f, "1e-9", boxes=70, method=method, budget=None)
    assert found.upper > certificates.enclose(w, f, "1e-9", method=method).upper


def test_progress_shows_both_ends_moving_towards_each_other():
    f = Target("sin(3*x0)*cos(2*x1)/27", 2)
    w = certified_networks.fitted(f, "ternary", 2, (16, 16))
    seen = []
    found = certificates.enclose(w, f, "1e-3", progress=lambda *ends: seen.append(ends))
    assert [row[2] for row in seen] == sorted(row[2] for row in seen)
    assert [row[0] for row in seen] == sorted(row[0] for row in seen)
    assert seen[-1][1] <= seen[0][1]
    assert seen[-1][2] == found.boxes


BAD = [
    ({"boxes": 0}, "boxes must be"),
    ({"gap": "0"}, "gap must lie between 0 and 1"),
    ({"gap": "1"}, "gap must lie between 0 and 1"),
    ({"gap": "nan"}, "gap must be a number"),
    ({"budget": 0}, "budget must be a positive number"),
    ({"budget": -1.0}, "budget must be a positive number"),
    ({"budget": float("nan")}, "budget must be a positive number"),
    ({"method": "magic"}, "method must be one of"),
]


@pytest.mark.parametrize(("options", "message"), BAD)
def test_bad_options_are_refused(options, message):
    w = nets.from_arrays([[[1.0]]])
    with pytest.raises(InvalidInput, match=message):
        certificates.enclose(w, Target("x"), **options)


def test_a_target_of_another_dimension_is_refused():
    w = nets.from_arrays([[[1.0, 1.0]]])
    with pytest.raises(InvalidInput, match="the target has 1 variables, the network has 2 inputs"):
        certificates.enclose(w, Target("x"))
    with pytest.raises(InvalidInput, match="eps must be positive"):
        certificates.certify(w, Target("x*y"), 0)


class _Wide:
    """A target that is enclosed by an interval of width 1 and nothing better."""

    d = 1

    def enclose(self, order, numerators, denominator, bits):
        return [-(2 ** (bits + 1))] * len(numerators), [2 ** (bits + 1)] * len(numerators)


@pytest.mark.parametrize(
    ("value", "ends"), [(0, (0, 0.5)), (2, (1.5, 2.5)), (-2, (1.5, 2.5)), (0.25, (0, 0.75))]
)
def test_the_error_at_a_point_has_both_ends(value, ends):
    w = nets.from_arrays([[[0.0]]], [[float(value)]])
    assert error_at(w, _Wide(), (Fraction(1, 3),)) == ends


def test_weights_beyond_doubles_are_refused():
    w = nets.QuantizedNetwork((1,), (nets.Dense([[1]], Fraction(2) ** 2000),))
    for method in ("piecewise", "branch-and-bound"):
        with pytest.raises(InvalidInput, match="beyond the range of doubles"):
            certificates.enclose(w, Target("x"), method=method)


def test_values_that_overflow_are_no_bound():
    big = Fraction(2) ** 900
    layers = (nets.Dense([[1], [1]], big, activation=nets.Relu()), nets.Dense([[1, -1]], big))
    w = nets.QuantizedNetwork((1,), layers)
    with pytest.raises(InvalidInput, match="no finite bound"):
        certificates.enclose(w, Target("x"), method="branch-and-bound", budget=1)
    found = certificates.enclose(w, Target("x"), method="piecewise")
    assert found.lower <= 1 <= found.upper
