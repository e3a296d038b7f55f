"""One value for each constant: in derivations, quantizers, rigorous constants, and in print."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from qexpr import derivations
from qexpr.errors import InvalidInput
from qexpr.quantizers import constants as tables
from qexpr.rigor.constants import a_constant, g_constant, kappa

DIGITS = 21  # of the quantizers' tables


def is_correctly_rounded(text, enclosure):
    """Whether a decimal is the enclosed value to its last digit."""
    half = Fraction(10) ** Decimal(text).as_tuple().exponent / 2
    return all(abs(Fraction(text) - end) <= half for end in enclosure)


@pytest.mark.parametrize("name", sorted(tables.TERNARY))
def test_ternary_table(name):
    (enclosure,) = derivations.get("twn").enclosures(name, DIGITS)
    assert is_correctly_rounded(tables.TERNARY[name], enclosure)


def test_uniform_law_and_binary():
    twn = derivations.get("twn")
    for name in ("threshold_over_bound", "relative_error"):
        assert twn.digits(f"uniform.{name}") == [tables.TERNARY_UNIFORM[name]]
    (enclosure,) = derivations.get("binary").enclosures("relative_error", DIGITS)
    assert is_correctly_rounded(tables.BINARY["relative_error"], enclosure)


@pytest.mark.parametrize("bits", range(1, 9))
def test_half_wave_tables(bits):
    hwgq = derivations.get("hwgq")
    (step,) = hwgq.enclosures(f"step, {bits} bits", DIGITS)
    assert is_correctly_rounded(tables.HWGQ_STEPS[bits - 1], step)
    levels = hwgq.enclosures(f"levels, {bits} bits", DIGITS)
    texts = tables.HWGQ_LEVELS[bits - 1]
    assert all(is_correctly_rounded(t, level) for t, level in zip(texts, levels, strict=True))


def overlap(a, b):
    return max(a[0], b[0]) <= min(a[1], b[1])


@pytest.mark.parametrize(
    ("name", "prefix", "constant", "orders"),
    [
        ("kuhn", "kappa_", kappa, range(1, 7)),
        ("bump", "A_", a_constant, range(1, 9)),
        ("spline", "g_", g_constant, range(1, 7)),
    ],
)
def test_rigorous_constants(name, prefix, constant, orders):
    derivation = derivations.get(name)
    for n in orders:
        (enclosure,) = derivation.enclosures(f"{prefix}{n}", 17)
        assert overlap(enclosure, constant(n)), n
        assert enclosure[1] - enclosure[0] <= enclosure[1] / 10**16


# As printed where the results are stated; the last digit is rounded.
PRINTED = [
    ("twn", "threshold_over_sigma", "0.6120031810"),
    ("twn", "threshold_over_mean", "0.7670322388"),
    ("twn", "alpha_over_sigma", "1.2240063619"),
    ("twn", "kept", "0.5405"),
    ("twn", "relative_error", "0.19017404"),
    ("twn", "relative_error_at_0.7", "0.19162477"),
    ("binary", "relative_error", "0.36338023"),
    ("hwgq", "step, 1 bits", "0.7978845608"),
    ("hwgq", "step, 2 bits", "0.5388119234"),
    ("hwgq", "step, 3 bits", "0.3217289091"),
    ("hwgq", "step, 4 bits", "0.1842433428"),
    ("residual", "error, greedy", "0.130454"),
    ("residual", "error, best", "0.117482"),
    ("kuhn", "kappa_5", "0.0670885"),
    ("kuhn", "kappa_6", "0.0566601"),
    ("bump", "A_3", "0.00610194"),
    ("bump", "A_4", "0.000420507"),
    ("bump", "A_5", "0.0000229743"),
    ("bump", "A_6", "0.00000103044"),
    ("bump", "A_7", "0.0000000392591"),
    ("bump", "A_8", "0.00000000129898"),
    ("spline", "g_2", "0.728553"),
    ("spline", "g_3", "0.622008"),
    ("spline", "g_4", "0.525080"),
    ("spline", "g_5", "0.449086"),
    ("spline", "g_6", "0.384767"),
]


@pytest.mark.parametrize(("name", "constant", "text"), PRINTED)
def test_printed_figures(name, constant, text):
    (enclosure,) = derivations.get(name).enclosures(constant)
    assert is_correctly_rounded(text, enclosure)


# Max 1960, table I: computed by hand, so within a few units of the last place.
@pytest.mark.parametrize(("levels", "text"), [(4, "0.1175"), (8, "0.03454"), (16, "0.009497")])
def test_max_1960(levels, text):
    (error,) = derivations.get("lloyd-max").digits(f"normal, {levels} levels, error")
    assert float(error) == pytest.approx(float(text), rel=1e-3)


def test_printed_levels():
    levels = derivations.get("hwgq").enclosures("levels, 2 bits")
    texts = ("0.31771637", "1.00010605", "1.89359481")
    assert all(is_correctly_rounded(t, level) for t, level in zip(texts, levels, strict=True))


def test_levels_against_an_optimiser():
    """Lloyd-Max levels of three positive cells, by scipy."""
    import numpy as np
    from scipy import optimize, stats

    def error(levels):
        levels = np.sort(levels)
        cuts = np.array([0, *((levels[1:] + levels[:-1]) / 2), np.inf])
        mass = np.diff(stats.norm.cdf(cuts))
        first = -np.diff(stats.norm.pdf(cuts))
        return 1 - 2 * np.sum(2 * levels * first - levels**2 * mass)

    best = optimize.minimize(error, [0.5, 1.0, 1.5], method="BFGS", options={"gtol": 1e-8})
    digits = [float(text) for text in derivations.get("hwgq").digits("levels, 2 bits")]
    assert best.x == pytest.approx(digits, abs=1e-6)
    ours = float(derivations.get("hwgq").digits("error, 2 bits")[0])
    assert best.fun == pytest.approx(ours, abs=1e-10)


def test_digits_are_as_many_as_asked():
    twn = derivations.get("twn")
    assert twn.digits("kept", 5) == ["0.54054"]
    assert twn.digits("kept", 30)[0].startswith("0.540535652975431712362")
    assert len(twn.digits("kept", 30)[0]) == 32


def test_constants_that_do_not_exist_are_refused():
    with pytest.raises(InvalidInput, match="kept"):
        derivations.get("twn").digits("kpt")
