"""Exact pieces: breakpoints, values, counts; at most prod (n_l + 1), which is attained."""

from fractions import Fraction
from itertools import pairwise
from math import prod

import certified_networks
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import dense_networks, small_circuits

from qexpr import certificates
from qexpr import networks as nets
from qexpr.certificates.breakpoints import TooManyPieces, pieces
from qexpr.errors import Unsupported


@settings(deadline=None, max_examples=80)
@given(st.one_of(dense_networks(d=1, steps=False), small_circuits(d=1)))
def test_pieces_are_exact(w):
    found = pieces(w)
    assert found.points[0] == 0
    assert found.points[-1] == 1
    assert w.evaluate_exact([[x] for x in found.points]) == list(found.values)
    middles = [(a + b) / 2 for a, b in pairwise(found.points)]
    thirds = [(2 * a + b) / 3 for a, b in pairwise(found.points)]
    for points, share in ((middles, Fraction(1, 2)), (thirds, Fraction(1, 3))):
        lines = [a + share * (b - a) for a, b in pairwise(found.values)]
        assert w.evaluate_exact([[x] for x in points]) == lines
    slopes = [
        (b - a) / (y - x)
        for (x, a), (y, b) in pairwise(zip(found.points, found.values, strict=True))
    ]
    assert all(s != t for s, t in pairwise(slopes))  # every breakpoint is one


@settings(deadline=None, max_examples=60)
@given(dense_networks(d=1, relu_only=True))
def test_never_more_than_the_product_of_widths_plus_one(w):
    # Serra, Tjandraatmadja, Ramalingam 2018, exact for one input
    if any(isinstance(layer, nets.Add) for layer in w.layers):
        return
    widths = [shape[0] for shape in w.shapes[:-1]]
    assert pieces(w).count <= prod(n + 1 for n in widths)


def _folding(depth):
    """Layers of three units that each fold [0, 1] four times onto itself.

    4 - 6 relu(x - 1/3) + 9 relu(2/3 - x) - 12 relu(5/6 - x) runs 0, 1, 0, 1, 0 at 0, 1/3, 2/3,
    5/6, 1: three units give four slopes, 3, -3, 6, -6.
    """
    knots, signs = [Fraction(1, 3), Fraction(2, 3), Fraction(5, 6)], [1, -1, -1]
    bias = [-s * x for s, x in zip(signs, knots, strict=True)]
    layers = [nets.Dense([[s] for s in signs], 1, bias, activation=nets.Relu())]
    row = [-6, 9, -12]
    for _ in range(depth - 1):
        codes = [[s * c for c in row] for s in signs]
        moved = [b + 4 * s for b, s in zip(bias, signs, strict=True)]
        layers.append(nets.Dense(codes, 1, moved, activation=nets.Relu()))
    return nets.QuantizedNetwork((1,), (*layers, nets.Dense([row], 1, [4])))


@pytest.mark.parametrize("depth", [1, 2, 3, 5])
def test_the_product_of_widths_plus_one_is_attained(depth):
    found = pieces(_folding(depth))
    assert found.count == (3 + 1) ** depth
    assert set(found.values) == {0, 1}


@pytest.mark.parametrize("n", [1, 2, 7, 64])
def test_one_layer_attains_n_plus_one(n):
    knots = [Fraction(k + 1, n + 2) for k in range(n)]
    hidden = nets.Dense([[1]] * n, 1, [-x for x in knots], activation=nets.Relu())
    w = nets.QuantizedNetwork((1,), (hidden, nets.Dense([[1] * n])))
    found = pieces(w)
    assert found.breakpoints == tuple(knots)
    assert found.count == n + 1


@pytest.mark.parametrize("levels", [1, 2, 3, 6])
def test_tents_have_two_to_the_levels_pieces(levels):
    found = pieces(certified_networks.tents(levels))
    assert found.points == tuple(Fraction(k, 2**levels) for k in range(2**levels + 1))
    assert found.values == tuple(Fraction(k % 2) for k in range(2**levels + 1))


def test_breakpoints_need_not_be_dyadic():
    w = nets.QuantizedNetwork(
        (1,), (nets.Dense([[3], [7]], 1, [-1, -2], activation=nets.Relu()), nets.Dense([[1, 1]]))
    )
    assert pieces(w).breakpoints == (Fraction(2, 7), Fraction(1, 3))


def test_a_clip_has_two_kinks():
    w = nets.QuantizedNetwork((1,), (nets.Dense([[4]], 1, [-1], activation=nets.Clip(0, "5/2")),))
    assert pieces(w).breakpoints == (Fraction(1, 4), Fraction(7, 8))


def test_the_steepest_piece_is_the_lipschitz_constant():
    f = certificates  # the package under test
    for kind in certified_networks.KINDS:
        w = certified_networks.fitted(lambda x: np.sin(3 * x[:, 0]), kind, 1, (16, 16))
        found = pieces(w)
        slopes = [
            abs((b - a) / (y - x))
            for (x, a), (y, b) in pairwise(zip(found.points, found.values, strict=True))
        ]
        proven = f.lipschitz(w, gap="1e-3")
        assert proven.lower <= max(slopes) <= proven.upper
        assert proven.closed
        least, greatest = f.output_range(w, gap="1e-4")
        assert least.lower <= min(found.values) <= least.upper
        assert greatest.lower <= max(found.values) <= greatest.upper
        assert least.closed
        assert greatest.closed


def test_what_has_no_pieces_is_refused():
    with pytest.raises(Unsupported, match="one input"):
        pieces(nets.from_arrays([[[1.0, 1.0]]]))
    with pytest.raises(Unsupported, match="not for Steps"):
        pieces(nets.QuantizedNetwork((1,), (nets.Activate(activation=nets.sign()),)))
    with pytest.raises(TooManyPieces, match="more than 100"):
        pieces(certified_networks.tents(8), most=100)


def test_the_enumeration_ends_with_the_budget():
    with pytest.raises(TooManyPieces, match="by layer 0"):
        pieces(certified_networks.tents(3), deadline=0.0)


def test_too_many_pieces_are_left_to_branch_and_bound(monkeypatch):
    from qexpr.certificates import piecewise
    from qexpr.targets import Target

    monkeypatch.setattr(piecewise, "_LEAST_TIME", 0.0)
    found = certificates.enclose(certified_networks.tents(3), Target("x"), "0.1", budget=1e-9)
    assert found.method == "branch-and-bound"
    with pytest.raises(TooManyPieces):
        certificates.enclose(
            certified_networks.tents(3), Target("x"), budget=1e-9, method="piecewise"
        )
