"""Order statements and explicit constants of the other papers, at points computed by hand."""

import math

import pytest

from qexpr.bounds import get
from qexpr.core.claim import Kind
from qexpr.errors import OutOfRegime

L = math.log2(1000)


@pytest.mark.parametrize(
    ("id", "query", "expected"),
    [
        ("petersen2018.piecewise", {"d": 2, "n": 2}, {"depth": 1, "weights": 1000}),
        ("petersen2018.encoding", {"d": 2, "n": 2}, {"weights": 1000 / L}),
        ("petersen2018.depth", {"d": 2, "n": 3}, {"depth": 1.5}),
        (
            "petersen2018.smooth",
            {"d": 2, "n": 3},  # (2 + ceil(log2 3)) (11 + 3/2) = 4 * 12.5
            {"depth": 50, "weights": 100, "bits": 100 * L},
        ),
        ("boelcskei2019.exponent", {"d": 2, "n": 3}, {"weights": 100}),
        ("gunturk2021.relu", {"d": 1, "n": 2}, {"weights": 1000 * L, "bits": 1000 * L}),
        ("gunturk2021.quadratic", {"d": 1, "n": 2}, {"weights": 1000, "bits": 1000}),
        ("beknazaryan2022a.dyadic", {"d": 2, "n": 3}, {"depth": L**2, "weights": 100 * L**2}),
        ("beknazaryan2022b.ternary", {"d": 2, "n": 3}, {"weights": 100 * L}),
        ("ou2024.proper", {"d": 1, "n": 1}, {"bits": 1000}),
        ("devore2021.stable", {"d": 2, "n": 3}, {"weights": 100}),
        ("siegel2023.deep", {"d": 2, "n": 3}, {"depth": 10, "weights": 10, "width": 81}),
        ("siegel2023.sharp", {"d": 2, "n": 3}, {"depth": 10, "weights": 10}),
        ("liu2024.width", {"d": 2, "n": 3}, {"width": 13}),
        ("achour2022.lp", {"d": 2, "n": 3}, {"weights": 10}),
    ],
)
def test_values_at_a_thousandth(id, query, expected):
    found = get(id).evaluate(**query, eps="1e-3")
    assert {name: float(value) for name, value in found.items()} == pytest.approx(expected)


def test_shen_2020_at_width_parameter_one():
    """d = 2: L = 19 d/eps = 38000 (+1), width 3^5 * 2, 12 L + 14 + 2d hidden layers."""
    found = get("shen2020.uniform").evaluate(d=2, n=1, eps="1e-3")
    hidden, width = 12 * 38001 + 18, 486
    assert found.width == width
    assert found.depth == hidden + 1
    assert found.weights == 3 * width + (hidden - 1) * (width + 1) * width + width + 1


def test_shen_2022_at_width_parameter_one():
    """log_3(N + 2) = 1: L = 131 d/eps (+1), width 3^5 * 3, 11 L + 18 + 2d hidden layers."""
    found = get("shen2022.uniform").evaluate(d=2, n=1, eps="1e-3")
    assert found.width == 729
    assert found.depth == 11 * 262_001 + 22 + 1


def test_lu_2021_at_width_parameter_one():
    """C_3 = 85 (s+1)^d 8^s, C_1 (N+2) log2(8N) = 9 * 17 s^(d+1) 3^d d, C_2 = 18 s^2."""
    found = get("lu2021.smooth").evaluate(d=2, n=1, eps="1e-3")
    K = 85 * 4 * 8 * 1000 + 1
    assert found.width == 9 * 17 * 9 * 2
    assert float(found.depth) == pytest.approx(18 * (K + 2) * math.log2(4 * K) + 4 + 1, rel=1e-12)


@pytest.mark.parametrize("id", ["shen2020.uniform", "shen2022.uniform", "lu2021.smooth"])
def test_recalled_constants_are_flagged_and_huge_numbers_refused(id):
    bound = get(id)
    assert bound.kind is Kind.EXPLICIT
    assert not bound.source.trust.is_firm
    with pytest.raises(OutOfRegime, match="written out"):
        bound.evaluate(d=1000, n=1, eps="1e-300")


@pytest.mark.parametrize(
    ("id", "query", "reason"),
    [
        ("petersen2018.piecewise", {"d": 1, "n": 1}, "d >= 2"),
        ("petersen2018.encoding", {"d": 2, "n": 900}, "falls"),
        ("ou2024.proper", {"d": 2, "n": 1}, "d == 1"),
        ("gunturk2021.relu", {"alphabet": "linear:2"}, "nonlinear"),
    ],
)
def test_regimes(id, query, reason):
    with pytest.raises(OutOfRegime, match=reason):
        get(id).evaluate(**query, eps="1e-3")
