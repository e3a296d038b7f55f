"""Products of computed values: enclosed, differentiated, certified."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import product_networks

from qexpr import certificates, training
from qexpr import networks as nets
from qexpr.certificates import kernel
from qexpr.certificates.forms import affine_forms, float_program, plain
from qexpr.certificates.jacobian import gradients, largest_gradient
from qexpr.certificates.program import lower_to_program
from qexpr.certificates.relaxation import multiply
from qexpr.errors import CertificateError
from qexpr.targets import Target

ENDS = st.floats(-4, 4) | st.sampled_from([0.0, 5e-324, 2.0**-60, 1e150, -1e150, 1e-170, 1e300])
BOXES = st.tuples(st.integers(0, 15), st.integers(0, 15), st.sampled_from([1, 4, 30, 50]))


def corners(box):
    """A dyadic box of the unit square and exact points of it, with their coordinates."""
    i, j, bits = box
    radius = np.array([[2.0**-bits] * 2])
    centre = np.clip(np.array([[i / 16, j / 16]]), radius, 1 - radius)
    rows = [(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1)] + [(Fraction(1, 3), Fraction(-5, 8))]
    points = [
        [
            Fraction(float(c)) + Fraction(float(r)) * s
            for c, r, s in zip(centre[0], radius[0], t, strict=True)
        ]
        for t in rows
    ]
    return centre, radius, points, rows


@settings(deadline=None, max_examples=200)
@given(*[ENDS] * 4)
def test_the_band_contains_the_product(a, b, c, d):
    (a, b), (c, d) = sorted((a, b)), sorted((c, d))
    band = multiply(np.array([[a, c]]), np.array([[b, d]]))
    if not np.isfinite(band.radius).all():
        assert max(map(abs, (a, b, c, d))) > 1e140
        return
    slopes = [Fraction(float(v)) for v in band.slope[0]]
    middle, radius = Fraction(float(band.middle[0, 0])), Fraction(float(band.radius[0, 0]))
    for x in (Fraction(a), Fraction(b), (Fraction(a) + Fraction(b)) / 2):
        for y in (Fraction(c), Fraction(d), (Fraction(c) + 2 * Fraction(d)) / 3):
            assert abs(x * y - slopes[0] * x - slopes[1] * y - middle) <= radius


def test_the_band_is_the_best_and_exact_where_a_factor_is_known():
    band = multiply(np.array([[-1.0, 2.0, 3.0, 5.0]]), np.array([[1.0, 2.0, 7.0, 5.0]]))
    assert band.slope[0].tolist() == [5.0, 5.0, 0.0, 2.0]
    assert band.radius[0, 0] == pytest.approx(2.0)  # 1 * 2: a in [-1, 1], b in [3, 7]
    assert band.radius[0, 1] < 1e-13  # 2 * 5
    assert not np.isfinite(multiply(np.array([[np.nan, 0]]), np.array([[1.0, 1.0]])).radius).any()


def contained(w, box):
    centre, radius, points, rows = corners(box)
    forms = affine_forms(float_program(lower_to_program(w)), centre, radius)
    f0, error = Fraction(float(forms.centre[0])), forms.error[0]
    assert np.isfinite(error)
    slopes = [Fraction(float(a)) for a in forms.slopes[0]]
    for value, t in zip(w.evaluate_exact(points), rows, strict=True):
        line = f0 + sum(a * s for a, s in zip(slopes, t, strict=True))
        assert abs(value - line) <= Fraction(float(error))


@settings(deadline=None, max_examples=60)
@given(product_networks(d=2), BOXES)
def test_networks_are_contained(w, box):
    contained(w, box)


@pytest.mark.parametrize("ulps", [1, 2])
def test_a_kernel_off_by_ulps_does_no_harm(ulps, monkeypatch):
    noise = np.random.default_rng(3)

    def product(a, b):
        out = a @ b
        for _ in range(ulps):
            out = np.nextafter(out, np.where(noise.random(out.shape) < 0.5, -np.inf, np.inf))
        return out

    monkeypatch.setattr(kernel, "product", product)
    for seed in range(25):
        rng = np.random.default_rng(seed)
        big = 2 ** int(rng.integers(0, 41))  # a b - (a b + c) cancels almost completely
        first = rng.integers(-3, 4, (3, 2))
        bias = [Fraction(int(v), 16) for v in rng.integers(-16, 17, 6)]
        layers = (
            nets.Dense(np.vstack([first, first]), big, bias, activation=nets.Relu(), name="a"),
            nets.Dense(rng.integers(-2, 3, (6, 2)), Fraction(1, 3), source="input", name="b"),
            nets.Multiply(other="a"),
            nets.Dense([[1, 2, -1, -1, -2, 1]], 1 / Fraction(big)),
        )
        for box in [(8, 8, 1), (4, 12, 4), (8, 3, 30), (1, 15, 50)]:
            contained(nets.QuantizedNetwork((2,), layers), box)


@settings(deadline=None, max_examples=40)
@given(product_networks(d=2, steps=False), BOXES)
def test_gradients_contain_difference_quotients(w, box):
    centre, radius, points, _ = corners(box)
    rounded = float_program(lower_to_program(w))
    low, high, _ = gradients(rounded, centre, radius)
    sizes, _ = largest_gradient(rounded, centre, radius)
    steepest = Fraction(float(sizes[0].sum(axis=1).max())) * (1 + Fraction(1, 2**40))
    values = w.evaluate_exact(points)
    for x, fx in zip(points, values, strict=True):
        for y, fy in zip(points, values, strict=True):
            steps = [b - a for a, b in zip(x, y, strict=True)]
            ends = [
                [s * Fraction(float(g)) for g in (low[0, k], high[0, k])]
                for k, s in enumerate(steps)
            ]
            assert sum(map(min, ends)) <= fy - fx <= sum(map(max, ends))
            assert abs(fy - fx) <= max(map(abs, steps)) * steepest


def test_products_of_channels_are_lowered_exactly():
    rng = np.random.default_rng(2)
    layers = (
        nets.Conv2d(rng.integers(-2, 3, (3, 2, 2, 2)), name="a"),
        nets.Conv2d(rng.integers(-2, 3, (1, 2, 2, 2)), 0.5, source="input", name="k"),
        nets.Activate(source="a"),
        nets.Multiply(other="k", activation=nets.Clip(-3, 4)),
        nets.Multiply(other="a"),
        nets.Flatten(),
        nets.Dense(rng.integers(-2, 3, (1, 12))),
    )
    w = nets.QuantizedNetwork((2, 3, 3), layers)
    x = rng.integers(0, 9, (20, 18)) / 8
    exact = np.array([float(v) for v in w.evaluate_exact(x)])
    assert np.array_equal(plain(float_program(lower_to_program(w)), x), exact)


def xy():
    """x y, one product: the network is the target."""
    layers = (
        nets.Dense([[1, 0]], name="x"),
        nets.Dense([[0, 1]], source="input"),
        nets.Multiply(other="x"),
    )
    return nets.QuantizedNetwork((2,), layers)


def test_a_product_is_certified_and_checked_again():
    f = Target("x*y", 2)
    found = certificates.enclose(xy(), f, "0.5", budget=2)
    assert found.upper < Fraction(1, 1000)
    c = certificates.certify(xy(), f, "1e-3")
    assert c.verdict == "certified"
    certificates.check(c, xy())
    other = nets.QuantizedNetwork((2,), (*xy().layers[:2], nets.Add(other="x")))
    with pytest.raises(CertificateError):
        certificates.check(c, other)
    off = Target("x*y - 0.25", 2)
    found = certificates.enclose(xy(), off, "0.01")
    assert found.lower <= Fraction(1, 4) <= found.upper < Fraction(1, 3)
    # one input takes branch and bound, since squares have no pieces
    square = nets.QuantizedNetwork((1,), (nets.Dense([[1]], name="x"), nets.Multiply(other="x")))
    found = certificates.enclose(square, Target("x^2 - 0.5*x", 1), "0.01")
    assert found.method == "branch-and-bound"
    assert found.lower <= Fraction(1, 2) <= found.upper < Fraction(51, 100)


def test_xnor_networks_with_their_output_factor_are_enclosed():
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        training.QuantLinear(2, 5, weights=None),
        training.QuantLinear(5, 4, weights="bwn", inputs="xnor"),
        training.QuantLinear(4, 1, weights=None),
    ).double()
    w = training.freeze(model.eval(), (2,))
    assert any(isinstance(layer, nets.Multiply) for layer in w.layers)
    f = Target("sin(x)*y/3", 2)
    found = certificates.enclose(w, f, "0.05", budget=20)
    points = np.random.default_rng(0).integers(0, 65, (200, 2)) / 64
    errors = np.abs(w(points) - np.sin(points[:, 0]) * points[:, 1] / 3)
    assert float(found.lower) >= errors.max() * 0.9
    assert errors.max() <= float(found.upper)
    assert found.upper <= found.lower * Fraction(11, 10)
