"""Numbers of the quantizers' papers, and those derived from their definitions, by the code's maps.

Expectations over a law are taken on its quantiles (i + 1/2)/n: deterministic samples whose error
is of the order 1/n.
"""

import numpy as np
import pytest
from scipy import optimize, stats

from qexpr import quantizers
from qexpr.quantizers.backend import NUMPY
from qexpr.quantizers.constants import BINARY, HWGQ_LEVELS, HWGQ_STEPS, TERNARY, TERNARY_UNIFORM
from qexpr.quantizers.xnor import speedup

COUNT = 400_001
SHARES = (np.arange(COUNT) + 0.5) / COUNT


@pytest.fixture(scope="module")
def gaussian():
    return stats.norm.ppf(SHARES)


def relative_error(q, x):
    return np.sum((x - q.quantize(x)) ** 2) / np.sum(x**2)


# Li and Liu 2016, section 3 (Gaussian weights); the digits by the stationarity D = alpha/2.
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("threshold_over_sigma", 0.6120031810),
        ("threshold_over_mean", 0.7670322388),
        ("alpha_over_sigma", 1.2240063619),
        ("kept", 0.5405),
        ("relative_error", 0.19017404),
        ("relative_error_at_0.7", 0.19162477),
    ],
)
def test_ternary_constants(name, value):
    digits = len(repr(value).split(".")[1])
    assert abs(float(TERNARY[name]) - value) <= 0.5 * 10.0**-digits


def test_ternary_of_gaussian_weights(gaussian):
    q = quantizers.get("twn", threshold="exact")
    codes, alpha = q.encode(gaussian)
    kept = np.mean(codes != 0)
    border = np.max(np.abs(gaussian[codes == 0]))
    assert border == pytest.approx(0.6120031810, abs=1e-4)
    assert border / np.mean(np.abs(gaussian)) == pytest.approx(0.7670322388, abs=1e-4)
    assert alpha == pytest.approx(1.2240063619, abs=1e-4)
    assert kept == pytest.approx(0.5405, abs=1e-4)
    assert relative_error(q, gaussian) == pytest.approx(0.19017404, abs=2e-5)
    assert relative_error(quantizers.get("twn"), gaussian) == pytest.approx(0.19162477, abs=2e-5)


# Li and Liu 2016, section 3 (uniform weights): D = a/3, which is 2/3 of the mean.
def test_ternary_of_uniform_weights():
    x = 2.5 * (2 * SHARES - 1)
    codes, alpha = quantizers.get("twn", threshold="exact").encode(x)
    assert np.max(np.abs(x[codes == 0])) / 2.5 == pytest.approx(1 / 3, abs=1e-5)
    assert alpha / 2.5 == pytest.approx(2 / 3, abs=1e-5)
    assert TERNARY_UNIFORM["threshold_over_bound"] == "1/3"


# Rastegari et al. 2016, eqs. 5 and 6, on Gaussian weights: 1 - 2/pi.
def test_binary_of_gaussian_weights(gaussian):
    assert relative_error(quantizers.get("bwn"), gaussian) == pytest.approx(0.36338023, abs=2e-5)
    assert float(BINARY["relative_error"]) == pytest.approx(0.36338023, abs=5e-9)


# Rastegari et al. 2016, section 4.1: c = 256 channels, 3 x 3 filters.
def test_xnor_speedup():
    assert float(speedup(256, 9)) == pytest.approx(62.27, abs=0.005)
    assert speedup(1, 1) == pytest.approx(64 / 65)


# Rastegari et al. 2016, abstract: weights take 32 times less memory.
def test_xnor_memory():
    w = np.ones((256, 256, 3, 3), np.float32)
    q = quantizers.get("bwn")
    bits = q.measure(w).size * q.code_bits
    assert 8 * w.nbytes / bits == 32


# Cai et al. 2017, section 4.2 and reference code: optimal uniform steps for b = 1..4.
@pytest.mark.parametrize(
    ("bits", "step"),
    [(1, 0.7978845608), (2, 0.5388119234), (3, 0.3217289091), (4, 0.1842433428)],
)
def test_hwgq_steps(bits, step):
    assert abs(float(HWGQ_STEPS[bits - 1]) - step) <= 0.5e-10
    q = quantizers.get("hwgq", bits=bits, uniform=True)
    # thresholds at midpoints except the first, which is 0: (0, 3/2 step] becomes step
    delta = q.positive_levels[0]
    x = np.array([-1.0, 0.0, 1e-12, delta, 1.5 * delta, 99.0])
    middle = [0, 0, delta, delta, delta, (2**bits - 1) * delta]
    assert q.quantize(x) == pytest.approx(middle, rel=1e-15)


# Cai et al. 2017: the non-uniform levels of 2 bits.
def test_hwgq_non_uniform_levels():
    levels = [float(text) for text in HWGQ_LEVELS[1]]
    assert levels == pytest.approx([0.31771637, 1.00010605, 1.89359481], abs=5e-9)
    q = quantizers.get("hwgq", bits=2, uniform=False)
    assert q.quantize(levels) == pytest.approx(levels, rel=1e-15)


# Cai et al. 2017, eq. 7: each non-uniform level is the mean of what is mapped to it.
@pytest.mark.parametrize("bits", [1, 2, 3, 4])
def test_hwgq_levels_are_centroids(bits, gaussian):
    q = quantizers.get("hwgq", bits=bits, uniform=False)
    positive = gaussian[gaussian > 0]
    codes, _ = q.encode(positive)
    means = [positive[codes == code].mean() for code in range(1, 2**bits)]
    assert means == pytest.approx(q.positive_levels, abs=1e-3)  # few samples in the last cell


# Zhou et al. 2016, section 2.4: the noise makes the quantized gradient unbiased.
@pytest.mark.parametrize("bits", [1, 2, 4, 6])
def test_dorefa_gradients_are_unbiased(bits):
    q = quantizers.get("dorefa", role="gradient", bits=bits)
    grid = 20_000
    noise = np.append((np.arange(grid) + 0.5) / grid, 0.5)  # in the place of the uniform draws
    for share in (-0.9, -0.31, 0.0, 1e-3, 0.5, 0.77):
        x = np.append(np.full(grid, 3 * share), 3.0)[None]
        values = q.rule_forward(NUMPY, x, {}, noise[None])[0, :-1]
        gap = 6 / (2**bits - 1)
        assert values.mean() == pytest.approx(3 * share, abs=gap / grid + 1e-12)


# Ghasemzadeh et al. 2018: greedy scales for N(0, 1), and the two-means optimum.
def test_residual_of_a_gaussian(gaussian):
    first = np.mean(np.abs(gaussian))
    second = np.mean(np.abs(np.abs(gaussian) - first))
    q = quantizers.get("residual", levels=2, gamma=[first, second])
    assert relative_error(q, gaussian) == pytest.approx(0.130454, abs=2e-5)
    thin = stats.norm.ppf((np.arange(20_001) + 0.5) / 20_001)

    def error(gamma):
        return relative_error(quantizers.get("residual", levels=2, gamma=list(gamma)), thin)

    best = optimize.minimize(error, [first, second], method="Nelder-Mead", options={"xatol": 1e-4})
    assert best.fun == pytest.approx(0.117482, abs=5e-4)
    assert error(best.x) < error([first, second])


# Miyashita et al. 2016: products in the log domain are additions of exponents.
@pytest.mark.parametrize("base", ["2", "sqrt2"])
def test_log_products_are_shifts(base):
    q = quantizers.get("log", bits=4, fsr=1, base=base)
    rng = np.random.default_rng(0)
    w, x = rng.normal(size=(2, 1000))
    (codes_w, _), (codes_x, _) = q.encode(w), q.encode(x)
    step = 1 if base == "2" else 2
    low = step * q.fsr - 16
    exponents = (np.abs(codes_w) + low + np.abs(codes_x) + low) / step
    products = np.sign(codes_w) * np.sign(codes_x) * 2.0**exponents
    assert products == pytest.approx(q.quantize(w) * q.quantize(x), rel=1e-15)
