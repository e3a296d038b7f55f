"""The constants, recomputed at 40 digits from the conditions that define them."""

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from mpmath import erfc, exp, mp, mpf, pi, quad, sqrt

from qexpr.quantizers.constants import (
    BINARY,
    HWGQ_LEVELS,
    HWGQ_STEPS,
    TERNARY,
    TERNARY_UNIFORM,
)

DIGITS = 21


@pytest.fixture(autouse=True)
def forty_digits():
    with mp.workdps(40):
        yield


def density(t):
    return exp(-t * t / 2) / sqrt(2 * pi)


def tail(t):
    return erfc(t / sqrt(mpf(2))) / 2


def is_correctly_rounded(text, value):
    """Whether the text is the value to its last digit, with all digits written."""
    digits = Decimal(text).as_tuple()
    return len(digits.digits) == DIGITS and abs(mpf(text) - value) <= mpf(10) ** digits.exponent / 2


def cells(levels):
    """Thresholds, with densities and tails at them; the last threshold is infinity."""
    t = [mpf(0)] + [(a + b) / 2 for a, b in pairwise(levels)]
    return t, [density(s) for s in t] + [mpf(0)], [tail(s) for s in t] + [mpf(0)]


def newton_step(levels):
    """One Newton step towards Lloyd's condition, each level the centroid of its cell."""
    t, f, p = cells(levels)
    t.append(mpf(0))  # never used: the density there is 0
    count = len(levels)
    off, low, diagonal, up = [], [], [], []
    for i, level in enumerate(levels):
        mass = p[i] - p[i + 1]
        centroid = (f[i] - f[i + 1]) / mass
        left = f[i] * (centroid - t[i]) / mass / 2 if i else mpf(0)  # the first threshold is fixed
        right = f[i + 1] * (t[i + 1] - centroid) / mass / 2
        off.append(level - centroid)
        low.append(-left)
        diagonal.append(1 - left - right)
        up.append(-right)
    for i in range(1, count):
        factor = low[i] / diagonal[i - 1]
        diagonal[i] -= factor * up[i - 1]
        off[i] -= factor * off[i - 1]
    step = [mpf(0)] * count
    for i in reversed(range(count)):
        step[i] = (off[i] - (up[i] * step[i + 1] if i + 1 < count else 0)) / diagonal[i]
    return [level - s for level, s in zip(levels, step, strict=True)]


@pytest.mark.parametrize("bits", range(1, 9))
def test_lloyd_max_levels(bits):
    texts = HWGQ_LEVELS[bits - 1]
    assert len(texts) == 2**bits - 1
    levels = [mpf(text) for text in texts]
    assert all(a < b for a, b in pairwise([mpf(0), *levels]))
    better = newton_step(levels)  # quadratic: from 21 digits to 40
    assert all(is_correctly_rounded(text, value) for text, value in zip(texts, better, strict=True))


def slope_of_step(step, count):
    """Half the derivative of E(x - Q(x))^2 in the step; a root is a stationary step."""
    levels = [i * step for i in range(1, count + 1)]
    _, f, p = cells(levels)
    return sum(i * (i * step * (p[i - 1] - p[i]) - (f[i - 1] - f[i])) for i in range(1, count + 1))


@pytest.mark.parametrize("bits", range(1, 9))
def test_uniform_steps(bits):
    text, count = HWGQ_STEPS[bits - 1], 2**bits - 1
    half = mpf(10) ** Decimal(text).as_tuple().exponent / 2
    assert len(Decimal(text).as_tuple().digits) == DIGITS
    # the derivative changes its sign, upwards, within half a unit of the last digit
    assert slope_of_step(mpf(text) - half, count) < 0 < slope_of_step(mpf(text) + half, count)


def test_ternary_of_a_gaussian():
    text = TERNARY["threshold_over_sigma"]
    half = mpf(10) ** -DIGITS / 2

    def condition(d):  # D = alpha / 2
        return 2 * d * tail(d) - density(d)

    assert condition(mpf(text) - half) < 0 < condition(mpf(text) + half)
    d = mp.findroot(condition, mpf(text))
    mean = sqrt(2 / pi)
    kept = 2 * tail(d)
    alpha = 2 * density(d) / kept
    assert alpha == pytest.approx(2 * d)
    paper = mpf(7) / 10 * mean
    values = {
        "threshold_over_sigma": d,
        "threshold_over_mean": d / mean,
        "alpha_over_sigma": alpha,
        "kept": kept,
        "relative_error": 1 - kept * alpha**2,
        "relative_error_at_0.7": 1 - 2 * density(paper) ** 2 / tail(paper),
    }
    assert values.keys() == TERNARY.keys()
    for name, value in values.items():
        assert is_correctly_rounded(TERNARY[name], value), name


def test_ternary_of_a_gaussian_is_the_maximum():
    def explained(d):
        return density(d) ** 2 / tail(d)

    best = explained(mpf(TERNARY["threshold_over_sigma"]))
    assert all(explained(mpf(k) / 100) <= best for k in range(1, 400))


def test_ternary_of_a_uniform_law():
    d = mpf(1) / 3
    alpha = quad(lambda w: w, [d, 1]) / (1 - d)
    error = 1 - (1 - d) * alpha**2 / quad(lambda w: w * w, [0, 1])
    values = {
        "threshold_over_bound": d,
        "threshold_over_mean": d / quad(lambda w: w, [0, 1]),
        "alpha_over_bound": alpha,
        "relative_error": error,
    }
    assert values.keys() == TERNARY_UNIFORM.keys()
    for name, value in values.items():
        share = Fraction(TERNARY_UNIFORM[name])
        assert abs(value - mpf(share.numerator) / share.denominator) < mpf(10) ** -30, name
    # and no other threshold explains more: (1 - d^2)^2 / (1 - d) is largest there
    assert all((1 - s * s) ** 2 / (1 - s) <= (1 - d * d) ** 2 / (1 - d) for s in (0.3, 0.4, 0.1))


def test_binary_of_a_gaussian():
    assert is_correctly_rounded(BINARY["relative_error"], 1 - 2 / pi)
