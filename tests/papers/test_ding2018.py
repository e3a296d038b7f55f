"""Ding, Liu, Xiong, Shi (ICLR 2019): Theorems 1 to 4, the log^5 headline, the best bit width."""

import math
from fractions import Fraction

import pytest

from qexpr.bounds import calculators, get
from qexpr.bounds.calculators import bitwidth, overhead
from qexpr.core.claim import Order
from qexpr.errors import OutOfRegime

L = math.log2(1000)  # at eps = 1e-3


def values(id, **query):
    return {name: float(value) for name, value in get(id).evaluate(**query).items()}


def test_theorem_1_at_two_values():
    """lambda L^(1/(lambda-1)) + L = 3 L and lambda L^2 eps^(-d/n), Theorem 1."""
    found = values("ding2018.theorem1", d=2, n=3, lam=2, eps="1e-3")
    assert found == pytest.approx({"depth": 3 * L, "weights": 200 * L**2, "bits": 200 * L**2})


def test_theorem_1_at_four_values():
    found = values("ding2018.theorem1", d=1, n=1, lam=4, eps="1e-3")
    weights = 4000 * L ** (4 / 3)
    depth = 4 * L ** (1 / 3) + L
    assert found == pytest.approx({"depth": depth, "weights": weights, "bits": 2 * weights})


def test_theorem_2():
    """L, (L + L^2/log lambda) eps^(-d/n), linear quantization: precision 1/lambda."""
    found = values("ding2018.theorem2", d=2, n=3, eps="1e-3", alphabet="linear:2")
    weights = 100 * (L + L**2 / 2)
    assert found == pytest.approx({"depth": L, "weights": weights, "bits": 2 * weights})
    with pytest.raises(OutOfRegime, match="linear alphabets"):
        get("ding2018.theorem2").evaluate(d=2, n=3, eps="1e-3", alphabet="nonlinear:4")


def test_theorem_3():
    """lambda (log L)^(1/(lambda-1)) + L, lambda (log L)^(1/(lambda-1)+1) + 1/eps."""
    found = values("ding2018.theorem3", d=1, n=1, lam=2, eps="1e-3")
    weights = 2 * math.log2(L) ** 2 + 1000
    depth = 2 * math.log2(L) + L
    assert found == pytest.approx({"depth": depth, "weights": weights, "bits": weights})


@pytest.mark.parametrize("eps", ["1/2", "0.7"])
def test_theorem_3_needs_a_positive_iterated_logarithm(eps):
    with pytest.raises(OutOfRegime, match="eps < 1/2"):
        get("ding2018.theorem3").evaluate(d=1, n=1, lam=2, eps=eps)


def test_theorem_4():
    """L, 1/eps, log(lambda)/eps."""
    found = values("ding2018.theorem4", d=1, n=1, eps="1e-3", alphabet="linear:3")
    assert found == pytest.approx({"depth": L, "weights": 1000, "bits": 3000})


@pytest.mark.parametrize("id", ["ding2018.theorem3", "ding2018.theorem4"])
def test_function_dependent_theorems_are_about_one_variable(id):
    with pytest.raises(OutOfRegime, match="d == 1"):
        get(id).evaluate(d=2, n=1, eps="1e-3")


def test_the_headline_has_the_fifth_power_of_the_logarithm():
    """weights(theorem 1, lambda = 2) / weights(4b, p = 1) is a constant times L^5."""
    import sympy as sp

    power, d, n = sp.symbols("L d n", positive=True)
    eps = 2**-power  # L = log2(1/eps)
    upper = overhead.UPPER.weights.subs(sp.Symbol("lam"), 2)
    quotient = upper / overhead.LOWER.weights
    quotient = quotient.subs({sp.Symbol("d"): d, sp.Symbol("n"): n}).subs(sp.Symbol("eps"), eps)
    quotient = sp.powsimp(sp.simplify(sp.expand_log(quotient, force=True)), force=True)
    exponent = sp.simplify(power * sp.diff(quotient, power) / quotient)
    assert exponent == 5
    assert overhead.log_exponent(2) == 5


def test_the_headline_is_two_l_to_the_fifth_at_unit_constant():
    (line,) = calculators.get("overhead")(d=2, n=3, eps="1e-3")
    assert isinstance(line.value, Order)
    assert float(line.value) == pytest.approx(2 * L**5, rel=1e-12)
    assert "log^5" in line.label
    assert "eps^(-d/(2n))" in line.note  # the caveat travels with the number


def test_the_headline_keeps_the_regime_of_4b():
    with pytest.raises(OutOfRegime, match="ln"):
        calculators.get("overhead")(d=1, n=3, eps="1e-3")


# Thresholds of lambda log(lambda) T^(1/(lambda-1)+1): 2 below 5.65, then 3, 4, 5.
@pytest.mark.parametrize(
    ("T", "best"),
    [
        ("5.64", 2),
        ("5.66", 3),
        ("22.6", 3),
        ("22.8", 4),
        ("86.5", 4),
        ("87.5", 5),
        ("327.5", 5),
        ("329", 6),
    ],
)
def test_the_best_number_of_values(T, best):
    assert bitwidth.best_lambda(Fraction(T)) == best


@pytest.mark.parametrize(
    ("T", "bits"),
    [("7.999", 1), ("8", 1), ("8.001", 2), ("319", 2), ("319.8", 2), ("320", 3), ("321", 3)],
)
def test_the_best_power_of_two(T, bits):
    """One bit below T = 8 (a tie there), two bits up to 3^5.25 = 319.9."""
    assert bitwidth.best_power_of_two(Fraction(T)) == 2**bits


@pytest.mark.parametrize("T", [2, 5, 6, 20, 60, 200, 1000, 10**6])
def test_the_best_number_of_values_against_a_table(T):
    costs = {lam: bitwidth.cost(lam, Fraction(T)) for lam in range(2, 60)}
    assert bitwidth.best_lambda(Fraction(T)) == min(costs, key=costs.get)


def test_the_calculator_takes_a_query_or_t():
    lines = {line.label: line for line in calculators.get("bitwidth")(d=2, n=3, eps="1e-3")}
    assert float(lines["T"].value) == pytest.approx(math.log2(36000))
    assert lines["lambda"].value == 3
    assert lines["bits"].value == 2
    exact = calculators.get("bitwidth")(d=1, n=1, eps=Fraction(3, 512))  # T = log2(1024) = 10
    assert exact[0].value == 10
