"""The grammar of formula texts, their readings and their LaTeX."""

import math
from fractions import Fraction

import numpy as np
import pytest

from qexpr.bounds.evaluation import enclose
from qexpr.bounds.formula import FUNCTIONS, parse
from qexpr.bounds.latex import to_latex
from qexpr.bounds.readings import FLOATS, arrays, balls, symbols
from qexpr.errors import InvalidInput, OutOfRegime

# Each function at an argument whose value is known.
KNOWN = {
    "abs": ("abs(2 - 5)", 3),
    "binomial": ("binomial(7, 3)", 35),
    "ceil": ("ceil(7/2)", 4),
    "factorial": ("factorial(5)", 120),
    "floor": ("floor(-7/2)", -4),
    "ln": ("ln(10)", math.log(10)),
    "log": ("log(10)", math.log2(10)),
    "max": ("max(2, 5, 3)", 5),
    "min": ("min(2, 5, 3)", 2),
    "sqrt": ("sqrt(2)", math.sqrt(2)),
}


@pytest.mark.parametrize(
    "text",
    [
        "x.real",
        "x[0]",
        "lambda: 1",
        "__import__('os')",
        "open(x)",
        "x if x else 1",
        "[x]",
        "1.5*x",
        "'a'",
        "True",
        "x // 2",
        "x % 2",
        "+x",
        "not x",
        "x < y < 1",
        "1 + (x < y)",
        "log(x, base=2)",
        "log",
        "x == y == 2",
        "x != 2",
        "max(*x)",
        "(y := 2)",
    ],
)
def test_texts_outside_the_grammar_are_refused(text):
    with pytest.raises(InvalidInput, match="a formula may not contain"):
        parse(text)


@pytest.mark.parametrize("text", ["", "x +", "2 x", "a; b", "a = 1"])
def test_texts_that_are_no_expression_are_refused(text):
    with pytest.raises(InvalidInput, match="not a formula"):
        parse(text)


def test_names_are_the_free_variables():
    assert parse("lam*L**(1/(lam-1)) + max(d, 2)").names == {"lam", "L", "d"}


def test_every_function_is_tested_and_known_to_every_reading():
    assert set(KNOWN) == set(FUNCTIONS)
    for reading in (FLOATS, arrays(), balls(), symbols()):
        assert set(reading.functions) == set(FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_mean_the_same_in_every_reading(name):
    text, value = KNOWN[name]
    formula = parse(text)
    low, high = enclose(lambda: formula.evaluate(balls(), {}))
    assert low <= high
    assert float(high - low) <= 1e-15
    assert float(low) == pytest.approx(value, rel=1e-15)
    assert float(formula.evaluate(FLOATS, {})) == pytest.approx(value, rel=1e-15)
    assert float(formula.evaluate(symbols(), {})) == pytest.approx(value, rel=1e-15)
    if name not in ("max", "min"):  # numpy's take two arguments
        assert float(formula.evaluate(arrays(), {})) == pytest.approx(value, rel=1e-15)
    assert to_latex(formula)


def test_powers_are_exact_for_rationals():
    value = parse("(1/eps)**(d/n)").evaluate(
        balls(), {"eps": Fraction(1, 1000), "d": Fraction(6), "n": Fraction(3)}
    )
    assert value == Fraction(10**6)


def test_irrational_powers_are_enclosed():
    names = {"eps": Fraction(1, 2), "d": Fraction(1), "n": Fraction(2)}
    low, high = enclose(lambda: parse("(1/eps)**(d/n)").evaluate(balls(), names))
    assert low**2 < 2 < high**2
    assert high - low < Fraction(1, 2**60)


def test_ceilings_beyond_the_range_of_doubles_are_integers():
    """2^1500 log2(3), rounded up: its ball's ends are rationals that no double holds."""
    formula = parse("ceil(2**1500*log(3))")
    low, high = enclose(lambda: formula.evaluate(balls(), {}))
    assert low == high
    assert low.denominator == 1
    assert 2**1500 < low < 2**1501


@pytest.mark.parametrize("text", ["1/x", "x**(-2)", "log(x)"])
def test_undefined_values_are_out_of_regime(text):
    with pytest.raises(OutOfRegime):
        parse(text).evaluate(balls(), {"x": Fraction(0)})


def test_arrays_are_elementwise():
    grid = np.array([1.0, 2.0, 8.0])
    assert parse("log(x) + 1").evaluate(arrays(), {"x": grid}).tolist() == [1, 2, 4]


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("(1/eps)**(d/n)", r"\left(\frac{1}{\varepsilon}\right)^{d/n}"),
        ("lam*(a+b)", r"\lambda \, \left(a + b\right)"),
        ("a-(b-c)", r"a - \left(b - c\right)"),
        ("ceil(A_n/eps)", r"\left\lceil \frac{A_{n}}{\varepsilon} \right\rceil"),
        ("binomial(n+d-1, d)", r"\binom{n + d - 1}{d}"),
        ("sqrt(2)*x", r"\sqrt{2} \, x"),
        ("eps < 1/2", r"\varepsilon < \frac{1}{2}"),
    ],
)
def test_latex(text, latex):
    assert to_latex(parse(text)) == latex


def test_comparisons_have_two_sides_and_no_value():
    left, sign, right = parse("ln(1/eps) >= 3*n/d").comparison
    assert (left.text, sign, right.text) == ("ln(1 / eps)", ">=", "3 * n / d")
    with pytest.raises(InvalidInput, match="no value"):
        parse("eps < 1").evaluate(FLOATS, {"eps": 0.5})
    with pytest.raises(InvalidInput, match="not a comparison"):
        _ = parse("eps + 1").comparison
