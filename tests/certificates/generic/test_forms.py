"""Affine enclosures contain the exact output everywhere in the box, whatever the kernel rounds."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import dense_networks, small_circuits

from qexpr import networks as nets
from qexpr.certificates import kernel
from qexpr.certificates.forms import affine_forms, float_program, plain
from qexpr.certificates.jacobian import gradients, largest_gradient
from qexpr.certificates.program import lower_to_program

BOXES = st.tuples(st.integers(0, 15), st.integers(0, 15), st.sampled_from([1, 4, 30, 50]))


def _box(box):
    """A dyadic box of the unit square, small ones around points of the grid of sixteenths."""
    i, j, bits = box
    radius = np.array([[2.0**-bits, 2.0**-bits]])
    centre = np.clip(np.array([[i / 16, j / 16]]), radius, 1 - radius)
    return centre, radius


def _points(centre, radius, seed):
    """Exact points: corners, the centre, faces and a few inside."""
    rng = np.random.default_rng(seed)
    rows = [[1, 1], [-1, -1], [1, -1], [0, 0], [0, 1]]
    rows += [[Fraction(int(v), 8) for v in rng.integers(-8, 9, 2)] for _ in range(4)]
    for t in rows:
        yield (
            [
                Fraction(float(c)) + Fraction(float(r)) * s
                for c, r, s in zip(centre[0], radius[0], t, strict=True)
            ],
            t,
        )


def _assert_contained(w, box, seed):
    centre, radius = _box(box)
    forms = affine_forms(float_program(lower_to_program(w)), centre, radius)
    f0, error = Fraction(float(forms.centre[0])), Fraction(float(forms.error[0]))
    slopes = [Fraction(float(a)) for a in forms.slopes[0]]
    for x, t in _points(centre, radius, seed):
        line = f0 + sum(a * s for a, s in zip(slopes, t, strict=True))
        assert abs(w.evaluate_exact([x])[0] - line) <= error


@settings(deadline=None, max_examples=120)
@given(dense_networks(d=2), BOXES, st.integers(0, 2**32))
def test_networks(w, box, seed):
    _assert_contained(w, box, seed)


@settings(deadline=None, max_examples=60)
@given(small_circuits(d=2), BOXES, st.integers(0, 2**32))
def test_circuits(w, box, seed):
    _assert_contained(w, box, seed)


def _cancelling(seed, big):
    """Values of size `big` that cancel almost completely; kinks on the edges of dyadic boxes."""
    rng = np.random.default_rng(seed)
    first = rng.integers(-3, 4, (6, 2))
    bias = [Fraction(int(v), 16) for v in rng.integers(-16, 17, 6)]
    row = rng.integers(-3, 4, 6)
    layers = (
        nets.Dense(
            np.vstack([first, first]), big, [b * big for b in bias] * 2, activation=nets.Relu()
        ),
        nets.Dense(
            np.vstack([np.r_[row, -row], np.r_[row, row]]),
            1,
            [Fraction(1, 3), 0],
            activation=nets.Clip(-1, big),
        ),
        nets.Dense([[big, 1]], 1 / Fraction(big)),
    )
    return nets.QuantizedNetwork((2,), layers)


@pytest.mark.parametrize("bits", [0, 20, 40, 60, 300])
@pytest.mark.parametrize("box", [(8, 8, 1), (4, 12, 4), (8, 3, 30), (1, 15, 50)])
def test_networks_that_cancel(bits, box):
    for seed in range(4):
        _assert_contained(_cancelling(seed, 2**bits), box, seed)


@pytest.mark.parametrize("bits", [-40, -500, -1060])
def test_weights_of_all_sizes_and_underflow(bits):
    tiny = Fraction(2) ** bits
    layers = (
        nets.Dense([[3, -1], [1, 2]], tiny, [tiny, -tiny], activation=nets.Relu()),
        nets.Dense([[1, -1]], 1, [tiny / 3], activation=nets.Relu()),
        nets.Dense([[1]], Fraction(2) ** min(-bits, 900)),
    )
    for box in [(8, 8, 1), (3, 5, 30)]:
        _assert_contained(nets.QuantizedNetwork((2,), layers), box, 0)


@pytest.fixture(params=[1, 2])
def perturbed_kernel(request, monkeypatch):
    """A kernel that is wrong by up to so many ulps in every entry, at random."""
    rng = np.random.default_rng(3)

    def product(a, b):
        out = a @ b
        for _ in range(request.param):
            out = np.nextafter(out, np.where(rng.random(out.shape) < 0.5, -np.inf, np.inf))
        return out

    monkeypatch.setattr(kernel, "product", product)


@pytest.mark.usefixtures("perturbed_kernel")
def test_a_kernel_off_by_ulps_does_no_harm():
    for seed in range(12):
        for bits in (0, 40):
            for box in [(8, 8, 1), (4, 12, 4), (8, 3, 30), (1, 15, 50)]:
                _assert_contained(_cancelling(seed, 2**bits), box, seed)


def test_the_perturbation_is_noticed_without_rounding_bounds(monkeypatch):
    """The double would break a bound that took floats at their word."""
    w = _cancelling(0, 2**40)
    rounded = float_program(lower_to_program(w))
    x = np.array([[0.40625, 0.71875]])
    monkeypatch.setattr(kernel, "product", lambda a, b: np.nextafter(a @ b, np.inf))
    forms = affine_forms(rounded, x, np.zeros_like(x))
    exact = w.evaluate_exact(x)[0]
    assert Fraction(float(forms.centre[0])) != exact
    assert abs(Fraction(float(forms.centre[0])) - exact) <= Fraction(float(forms.error[0]))


@settings(deadline=None, max_examples=60)
@given(dense_networks(d=2, steps=False), BOXES, st.integers(0, 2**32))
def test_gradients_contain_difference_quotients(w, box, seed):
    centre, radius = _box(box)
    rounded = float_program(lower_to_program(w))
    low, high, _ = gradients(rounded, centre, radius)
    sizes, _ = largest_gradient(rounded, centre, radius)
    points = [x for x, _ in _points(centre, radius, seed)]
    values = w.evaluate_exact(points)
    for x, fx in zip(points, values, strict=True):
        for y, fy in zip(points, values, strict=True):
            least = sum(
                min((b - a) * Fraction(float(g)) for g in (low[0, k], high[0, k]))
                for k, (a, b) in enumerate(zip(x, y, strict=True))
            )
            assert fy - fx >= least
            width = max(abs(b - a) for a, b in zip(x, y, strict=True))
            steepest = Fraction(float(sizes[0].sum(axis=1).max())) * (1 + Fraction(1, 2**40))
            assert abs(fy - fx) <= width * steepest


@settings(deadline=None, max_examples=40)
@given(dense_networks(d=2) | small_circuits(d=2), st.integers(0, 2**32))
def test_a_program_is_what_it_was_lowered_from(w, seed):
    x = np.random.default_rng(seed).random((5, 2))
    exact = np.array(
        [float(v) for v in w.evaluate_exact([[Fraction(float(v)) for v in r] for r in x])]
    )
    rounded = float_program(lower_to_program(w))
    assert np.allclose(plain(rounded, x), exact, rtol=1e-6, atol=1e-6)


def test_pooling_and_convolutions_are_lowered_exactly():
    rng = np.random.default_rng(11)
    for kernel_size in ((2, 2), (3, 2), (1, 1)):
        w = nets.QuantizedNetwork(
            (1, 4, 4),
            (
                nets.Conv2d(
                    rng.integers(-2, 3, (2, 1, 3, 3)),
                    [0.5, "1/3"],
                    padding=1,
                    padding_value=1,
                    name="c",
                ),
                nets.MaxPool2d(kernel_size, activation=nets.Relu()),
                nets.AvgPool2d((1, 2), 1),
                nets.Flatten(),
                nets.Activate(activation=nets.Clip(-1, 2)),
            ),
        )
        size = w.outputs
        w = nets.QuantizedNetwork((1, 4, 4), (*w.layers, nets.Dense([list(range(size))])))
        x = rng.integers(0, 9, (20, 16)) / 8
        exact = np.array([float(v) for v in w.evaluate_exact(x)])
        assert np.allclose(plain(float_program(lower_to_program(w)), x), exact)
