"""The grammar: exact numbers, precedence, and one line for everything else."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qexpr.errors import InvalidInput
from qexpr.targets import Target
from qexpr.targets.parser import MAX_DEPTH

HOSTILE = [
    "__import__('os').system('true')",
    "x.__class__",
    "().__class__.__bases__",
    "lambda: 0",
    "x;y",
    "x==1",
    "eval(x)",
    "f(x)",
    "9" * 399 + "x",
    "9" * 390 + "^64",
    "((((x^64)^64)^64)^64)^64",
    "(" * (MAX_DEPTH + 1) + "x" + ")" * (MAX_DEPTH + 1),
    "(" * 200,
    "x" * 401,
    "x^x",
    "x^0.5",
    "x^65",
    "x^-65",
    "x^9999999999999999999",
    "x^2^2",
    "1e400*x",
    "1e99999999999*x",
    "x/0",
    "x/(x-x)",
    "log(-1)",
    "log(0)",
    "sqrt(-1)",
    "0^0",
    "0^-1",
    "",
    "  ",
    "+",
    "x+",
    "x y",
    "2x",
    "sin",
    "sin()",
    "sin(x,x)",
    "max(x)",
    "(x",
    "x)",
    "x,x",
    "xé",
    "١",
    "x\x00",
    "x0x",
    "x-1e",
    "nan",
    "inf",
    "e",
    "x[0]",
    "x if x else x",
    "π*x",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_refused_in_one_line(text):
    with pytest.raises(InvalidInput) as caught:
        Target(text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("value", [None, 1, 1.5, b"x", ["x"], object()])
def test_only_text_is_an_expression(value):
    with pytest.raises(InvalidInput, match="expression in text"):
        Target(value)


def complaint(text):
    """What is said against the text; nothing if it is a target."""
    try:
        Target(text)
    except InvalidInput as error:
        return str(error)
    return ""


@given(st.text(max_size=60))
@settings(max_examples=150, deadline=None)
def test_any_text_is_read_or_refused(text):
    assert "\n" not in complaint(text)


@given(st.text(alphabet="x0123+-*/^()., sincoexplogabrmxy", max_size=40))
@settings(max_examples=200, deadline=None)
def test_any_text_of_the_alphabet_is_read_or_refused(text):
    assert "\n" not in complaint(text)


VALUES = [
    ("-x^2", Fraction(-1, 9)),
    ("2-3-4*x", Fraction(-7, 3)),
    ("1/2/2", Fraction(1, 4)),
    ("2*-x", Fraction(-2, 3)),
    ("--x", Fraction(1, 3)),
    ("x**3", Fraction(1, 27)),
    ("x^(-2)", Fraction(9)),
    ("0.1+1e-1", Fraction(1, 5)),
    (".5*2.", Fraction(1)),
    ("max(x,1/2,1/4)", Fraction(1, 2)),
    ("min(x,1/2)", Fraction(1, 3)),
    ("relu(x-1/2)+abs(x-1/2)", Fraction(1, 6)),
    ("x0", Fraction(1, 3)),
    ("(x)", Fraction(1, 3)),
]


@pytest.mark.parametrize(("text", "value"), VALUES)
def test_values_are_exact(text, value):
    text = text if text != "x^(-2)" else "(x+1/1000)^(-2)"
    value = value if "1000" not in text else 1 / (Fraction(1, 3) + Fraction(1, 1000)) ** 2
    low, high = Target(text).value([Fraction(1, 3)])
    assert low <= value <= high
    assert high - low < Fraction(1, 2**100)


def test_variables_and_dimension():
    assert Target("x+y*z").d == 3
    assert Target("1").d == 1
    assert Target("x0", d=4).d == 4
    with pytest.raises(InvalidInput, match="x2 needs d >= 3, got d = 2"):
        Target("x2", d=2)
    for d in (0, 17, "a", 1.5):
        with pytest.raises(InvalidInput):
            Target("x0", d=d)


@pytest.mark.parametrize(
    "text",
    ["log(x)", "sqrt(x-1/2)", "1/(x-1/3)", "1/sin(4*x)", "x^-1", "log(relu(x-1/2))", "0*log(x-2)"],
)
def test_undefined_somewhere_is_refused_with_the_place(text):
    with pytest.raises(InvalidInput, match="cannot be proven to be defined"):
        Target(text)


@pytest.mark.parametrize(
    "text", ["log(x+1)", "sqrt(x)", "1/(1+x)", "sqrt(x*(1-x))", "log(max(x,1/2))"]
)
def test_defined_everywhere_is_accepted(text):
    assert Target(text).d == 1
