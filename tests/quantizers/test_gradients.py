"""Gradients: closed forms against finite differences of the smooth surrogate, and by hand."""

import numpy as np
import pytest
from quantizer_specification import VARIANTS, admitted, label, make

from qexpr import quantizers
from qexpr.errors import InvalidInput

STEP = 1e-6


def numerical(function, x):
    """Central differences of a scalar function, entry by entry."""
    gradient = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        shift = np.zeros_like(x)
        shift[place] = STEP
        gradient[place] = (function(x + shift) - function(x - shift)) / (2 * STEP)
    return gradient


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.mark.parametrize("bits", [2, 5])
def test_dorefa_through_tanh_and_maximum(rng, bits):
    w, g = rng.normal(size=(3, 4)), rng.normal(size=(3, 4))
    q = quantizers.get("dorefa", bits=bits)

    def surrogate(v):  # q_k taken out
        t = np.tanh(v)
        return np.sum(g * (2 * (t / (2 * np.max(np.abs(t))) + 0.5) - 1))

    assert q.gradient(w, g) == pytest.approx(numerical(surrogate, w), abs=1e-8)
    held = quantizers.get("dorefa", bits=bits, maximum="constant")
    top = np.max(np.abs(np.tanh(w)))
    assert held.gradient(w, g) == pytest.approx(
        numerical(lambda v: np.sum(g * np.tanh(v) / top), w), abs=1e-8
    )
    assert not np.allclose(held.gradient(w, g), q.gradient(w, g))


def test_dorefa_takes_the_first_of_equal_maxima():
    w, g = np.array([0.5, 1.0, -1.0]), np.array([1.0, 2.0, 4.0])
    t = np.tanh(w)
    top = np.tanh(1.0)
    shared = np.sum(g * t) / top**2
    expected = (1 - t**2) * (g / top - np.array([0, shared, 0]))
    assert quantizers.get("dorefa").gradient(w, g) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("levels", [1, 2, 3, 5])
def test_residual_with_residuals_not_detached(rng, levels):
    gamma = rng.uniform(0.1, 0.8, size=levels) * rng.choice([-1, 1], size=levels)
    x, g = rng.normal(size=7), rng.normal(size=7)
    q = quantizers.get("residual", levels=levels, gamma=gamma)

    # the sign replaced by its tangent at the point: value sign(r), slope 1[|r| <= 1]
    anchors, r = [], x
    for scale in np.abs(gamma):
        anchors.append(r)
        r = r - scale * np.where(r >= 0, 1, -1)

    def surrogate(v, scales):
        total, r = 0.0, v
        for scale, anchor in zip(np.abs(scales), anchors, strict=True):
            s = np.where(anchor >= 0, 1, -1) + (np.abs(anchor) <= 1) * (r - anchor)
            total, r = total + scale * s, r - scale * s
        return np.sum(g * total)

    grad, learned = q.gradient(x, g)
    assert grad == pytest.approx(numerical(lambda v: surrogate(v, gamma), x), abs=1e-7)
    assert learned["gamma"] == pytest.approx(numerical(lambda s: surrogate(x, s), gamma), abs=1e-7)


def test_residual_two_levels_inside():
    q = quantizers.get("residual", levels=2, gamma=[0.6, 0.3])
    grad, _ = q.gradient(np.array([0.2]), np.array([1.0]))
    assert grad == pytest.approx([0.6 + 0.3 * (1 - 0.6)])


def test_residual_with_a_temperature(rng):
    x, g = rng.normal(size=6), rng.normal(size=6)
    q = quantizers.get("residual", role="weight", gamma=[-1.3], temperature=0.4)

    def surrogate(v, gamma):
        return np.sum(g * np.abs(gamma[0]) * np.tanh(v / 0.4))

    grad, learned = q.gradient(x, g)
    assert grad == pytest.approx(numerical(lambda v: surrogate(v, [-1.3]), x), abs=1e-8)
    assert learned["gamma"] == pytest.approx(
        numerical(lambda s: surrogate(x, s), np.array([-1.3])), abs=1e-8
    )


@pytest.mark.parametrize("signed", [True, False])
def test_lsq_step(rng, signed):
    x, g = rng.normal(size=(4, 5)), rng.normal(size=(4, 5))
    q = quantizers.get("lsq", bits=2, step=0.4, signed=signed, gradient_scale=False)
    low, high = q.codes[0], q.codes[-1]
    offset = np.round(np.clip(x / 0.4, low, high)) - np.clip(x / 0.4, low, high)  # held

    def surrogate(v, step):
        return np.sum(g * step * (np.clip(v / step, low, high) + offset))

    grad, learned = q.gradient(x, g)
    expected = numerical(lambda s: surrogate(x, s), np.array([0.4]))[0]
    assert learned["step"] == pytest.approx(expected, rel=1e-6)
    assert grad == pytest.approx(numerical(lambda v: surrogate(v, 0.4), x), abs=1e-8)


def test_lsq_gradient_scale(rng):
    x, g = rng.normal(size=(4, 5)), rng.normal(size=(4, 5))
    plain = quantizers.get("lsq", bits=3, step=0.4, gradient_scale=False).gradient(x, g)[1]["step"]
    weights = quantizers.get("lsq", bits=3, step=0.4).gradient(x, g)[1]["step"]
    assert weights == pytest.approx(plain / np.sqrt(20 * 3))
    features = quantizers.get("lsq", bits=3, step=0.4, role="activation", signed=True)
    assert features.gradient(x, g)[1]["step"] == pytest.approx(plain / np.sqrt(5 * 3))


def test_lsq_start():
    x = np.array([1.0, -2.0, 3.0])
    assert quantizers.get("lsq", bits=3).initial_step(x) == pytest.approx(2 * 2 / np.sqrt(3))


def test_pact_clip(rng):
    x, g = rng.normal(size=9), rng.normal(size=9)
    q = quantizers.get("pact", alpha=0.7)

    def surrogate(v, alpha):
        return np.sum(g * np.clip(v, 0, alpha))

    grad, learned = q.gradient(x, g)
    assert grad == pytest.approx(numerical(lambda v: surrogate(v, 0.7), x), abs=1e-8)
    expected = numerical(lambda a: surrogate(x, a[0]), np.array([0.7]))[0]
    assert learned["alpha"] == pytest.approx(expected, abs=1e-8)
    at_the_ends, top = q.gradient(np.array([0.0, 0.7]), np.ones(2))
    assert at_the_ends.tolist() == [1, 0]
    assert top["alpha"] == 1


def test_ttq_scales(rng):
    x, g = rng.normal(size=9), rng.normal(size=9)
    q = quantizers.get("ttq", factor=0.2, positive=0.7, negative=1.2)
    codes = q.encode(x)[0]

    def surrogate(scales):
        return np.sum(g * (scales[0] * (codes > 0) - scales[1] * (codes < 0)))

    grad, learned = q.gradient(x, g)
    found = numerical(surrogate, np.array([0.7, 1.2]))
    assert [learned["positive"], learned["negative"]] == pytest.approx(found, abs=1e-8)
    assert grad == pytest.approx(g * np.select([codes > 0, codes < 0], [0.7, 1.2], 1.0))


def test_bwn_forms(rng):
    w, g = 2 * rng.normal(size=(2, 5)), rng.normal(size=(2, 5))
    alpha = np.mean(np.abs(w), axis=1, keepdims=True)
    inside = np.abs(w) <= 1
    paper = quantizers.get("bwn").gradient(w, g)
    assert paper == pytest.approx(g * (1 / 5 + alpha * inside))
    assert quantizers.get("bwn", gradient="plain").gradient(w, g) == pytest.approx(g)
    anchor = w.copy()

    def surrogate(v):  # the sign replaced by its tangent
        scale = np.mean(np.abs(v), axis=1, keepdims=True)
        return np.sum(g * scale * (np.sign(anchor) + inside * (v - anchor)))

    exact = quantizers.get("bwn", gradient="exact").gradient(w, g)
    assert exact == pytest.approx(numerical(surrogate, w), abs=1e-7)
    assert not np.allclose(exact, paper)


def test_hwgq_forms():
    x = np.array([-1.0, 0.0, 1e-9, 0.5, 1.9, 4.0])
    ones = np.ones_like(x)
    top = quantizers.get("hwgq", bits=2).positive_levels[-1]
    assert top == pytest.approx(3 * 0.5388119234)
    vanilla = quantizers.get("hwgq", backward="vanilla").gradient(x, ones)
    assert vanilla.tolist() == [0, 0, 1, 1, 1, 1]
    assert quantizers.get("hwgq").gradient(x, ones).tolist() == [0, 0, 1, 1, 0, 0]
    at_top = quantizers.get("hwgq").gradient(np.array([top]), np.ones(1))
    assert at_top.tolist() == [1]
    tailed = quantizers.get("hwgq", backward="log-tailed").gradient(x, ones)
    assert tailed == pytest.approx([0, 0, 1, 1, 1 / (1.9 - top + 1), 1 / (4 - top + 1)])


def test_cancelled_gradients():
    x, ones = np.array([-1.5, -1.0, 0.0, 1.0, 1.5]), np.ones(5)
    for variant in (("bnn", {"role": "activation"}), ("xnor", {})):
        assert make(variant).gradient(x, ones).tolist() == [0, 1, 1, 1, 0]
    assert quantizers.get("bnn").gradient(x, ones).tolist() == [1, 1, 1, 1, 1]
    activation = quantizers.get("dorefa", role="activation")
    assert activation.gradient(x, ones).tolist() == [0, 0, 1, 1, 0]


STRAIGHT = ("continuous-discrete", "binaryconnect", "twn", "log", "linear", "uniform")


@pytest.mark.parametrize(
    "variant", [v for v in VARIANTS if v[0] in (*STRAIGHT, "power-of-two")], ids=label
)
def test_straight_through_has_factor_one(variant, rng):
    x, g = rng.normal(size=(3, 4)), rng.normal(size=(3, 4))
    assert np.array_equal(make(variant).gradient(admitted(make(variant), x), g), g)


def test_upstream_is_checked():
    q = quantizers.get("twn")
    with pytest.raises(InvalidInput, match=r"shape of x, \(2,\), got \(3,\)"):
        q.gradient(np.ones(2), np.ones(3))
    with pytest.raises(InvalidInput, match="upstream must be finite"):
        q.gradient(np.ones(2), np.array([1.0, np.nan]))
