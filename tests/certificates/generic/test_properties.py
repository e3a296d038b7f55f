"""Certified range and Lipschitz constant: samples stay inside, ends meet."""

from fractions import Fraction

import certified_networks
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import dense_networks, small_circuits

from qexpr import certificates
from qexpr import networks as nets
from qexpr.errors import InvalidInput, Unsupported
from qexpr.targets import Target


@settings(deadline=None, max_examples=30)
@given(st.one_of(dense_networks(d=2), small_circuits(d=2)), st.integers(0, 2**32))
def test_every_value_lies_in_the_range(w, seed):
    box = [("1/3", "2/3"), ("-1", "0.1")]
    least, greatest = certificates.output_range(w, box, "0.1", budget=0.1)
    rng = np.random.default_rng(seed)
    points = [
        [Fraction(1, 3) + Fraction(int(a), 3 * 64), Fraction(-1) + Fraction(11 * int(b), 640)]
        for a, b in rng.integers(0, 65, (8, 2))
    ]
    for value in w.evaluate_exact(points):
        assert least.lower <= value <= greatest.upper
    assert w.evaluate_exact([list(least.point)])[0] == least.upper
    assert w.evaluate_exact([list(greatest.point)])[0] == greatest.lower
    for x, y in (least.point, greatest.point):
        assert Fraction(1, 3) <= x <= Fraction(2, 3)
        assert -1 <= y <= Fraction(1, 10)


@settings(deadline=None, max_examples=30)
@given(
    st.one_of(dense_networks(d=2, steps=False), small_circuits(d=2)),
    st.sampled_from(["inf", "2"]),
    st.integers(0, 2**32),
)
def test_no_secant_is_steeper_than_the_constant(w, norm, seed):
    found = certificates.lipschitz(w, gap="0.1", norm=norm, budget=0.1)
    rng = np.random.default_rng(seed)
    points = [[Fraction(int(v), 4096) for v in row] for row in rng.integers(0, 4097, (6, 2))]
    points += [[x + Fraction(1, 2**30), y] for x, y in points]
    values = w.evaluate_exact(points)
    for p, v in zip(points, values, strict=True):
        for q, u in zip(points, values, strict=True):
            gaps = [abs(a - b) for a, b in zip(p, q, strict=True)]
            if norm == "inf":
                assert abs(v - u) <= found.upper * max(gaps)
            else:
                assert (v - u) ** 2 <= found.upper**2 * sum(g**2 for g in gaps)
    assert 0 <= found.lower <= found.upper


@pytest.mark.parametrize("norm", ["inf", "2"])
def test_the_ends_of_the_constant_meet(norm):
    f = Target("sin(3*x0)*cos(2*x1)/27", 2)
    w = certified_networks.fitted(f, "ternary", 2, (12, 12))
    found = certificates.lipschitz(w, gap="1e-2", norm=norm, budget=30)
    assert found.closed
    x = np.random.default_rng(0).random((200_000, 2)) * 0.999
    h = 2.0**-20
    slopes = np.stack([(w(x + e) - w(x)) / h for e in np.eye(2) * h], axis=1)
    steepest = np.abs(slopes).sum(axis=1) if norm == "inf" else np.sqrt((slopes**2).sum(axis=1))
    assert steepest.max() <= float(found.upper) * (1 + 1e-6)
    assert steepest.max() >= float(found.lower) * 0.9


def test_a_linear_map_has_its_exact_constant():
    w = nets.from_arrays([[[0.75, -0.5]]])
    assert certificates.lipschitz(w, gap="1e-9").lower <= Fraction(5, 4)
    found = certificates.lipschitz(w, [(-10, 10), (0, 1)], "1e-9", norm="2")
    exact = Fraction(9, 16) + Fraction(1, 4)
    assert found.lower**2 <= exact <= found.upper**2
    assert found.closed
    least, greatest = certificates.output_range(w, [(-2, 4), (1, 1)], "1e-6")
    assert least.lower <= -2 <= least.upper
    assert greatest.lower <= Fraction(5, 2) <= greatest.upper
    assert least.closed
    assert greatest.closed


def test_steps_have_no_lipschitz_constant():
    w = nets.QuantizedNetwork((1,), (nets.Activate(activation=nets.sign()),))
    with pytest.raises(Unsupported, match="no Lipschitz constant"):
        certificates.lipschitz(w)


@pytest.mark.parametrize("box", [[(0, 1)], [(1, 0), (0, 1)], [(0, 1, 2), (0, 1)], 5, [3, 4]])
def test_bad_boxes_are_refused(box):
    with pytest.raises(InvalidInput, match="a box must be 2 pairs"):
        certificates.output_range(nets.from_arrays([[[1.0, 1.0]]]), box)


def test_a_flat_box_has_no_lipschitz_constant():
    with pytest.raises(InvalidInput, match="a < b on every side"):
        certificates.lipschitz(nets.from_arrays([[[1.0, 1.0]]]), [(0, 1), ("1/2", "1/2")])


def test_bad_norms_are_refused():
    with pytest.raises(InvalidInput, match="norm must be"):
        certificates.lipschitz(nets.from_arrays([[[1.0]]]), norm="1")
