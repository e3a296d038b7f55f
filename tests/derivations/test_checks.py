"""The checks prove what holds, and fail loudly on what does not."""

from __future__ import annotations

import pytest

from qexpr.derivations.checks import Cases, Context, Everywhere, Identity, Numbers
from qexpr.derivations.formula import Definition
from qexpr.errors import CertificateError

X = (("x", "0", "1"),)
NONE = Context()


@pytest.mark.parametrize(
    ("check", "formula"),
    [
        (Identity(real="x"), "(x + 1)**2 == x**2 + 2*x + 1"),
        (Identity(real="x"), "sin(x)**2 + cos(x)**2 == 1 == 2 - 1"),
        (Identity(positive="x", cases=(("n", (1, 2, 3)),)), "derivative(x**n, x) == n*x**(n - 1)"),
        (Everywhere(X), "x*(1 - x) <= 1/4 + 1e-3"),
        (Everywhere(X, (("n", (1, 2)),)), "exp(x) > 1/2 + n/4 - 1/4"),
        (Cases((("x", "range(5)"),)), "sum(range(x + 1)) == x*(x + 1)/2"),
        (Cases((("x", (1, 2, 3, 4)),), where="x % 2 == 0"), "x/2 == floor(x/2)"),
        (Numbers(), "3.14159265 < pi < 3.14159266"),
        (Numbers((("k", (1, 2)),)), "abs(sqrt(k)**2 - k) <= 1e-30"),
    ],
)
def test_what_holds_is_proven(check, formula):
    assert check.prove(formula, NONE)


@pytest.mark.parametrize(
    ("check", "formula", "why"),
    [
        (Identity(real="x"), "(x + 1)**2 == x**2 + 1", "differ by"),
        (Identity(real="x"), "x == x + 1/10**12", "not simplified"),
        (Identity(cases=(("n", (2, 3)),)), "n == 2", "differ by"),
        (Everywhere(X), "x*(1 - x) <= 1/4 - 1e-3", "wrong at x = 0.5"),
        (Everywhere(X), "x*(1 - x) <= 1/4", "not proven"),  # touching is for algebra
        (Everywhere(X, limit=10), "exp(x) <= 1 + 2*x + 1e-9", "not proven within 10"),
        (Cases((("x", "range(5)"),)), "x < 4", "wrong for x = 4"),
        (Cases((("x", (1, 3)),), where="x % 2 == 0"), "x == 2", "no case"),
        (Numbers(), "pi < 3", "certainly wrong"),
        (Numbers(), "sqrt(2)**2 <= 2", "not certain"),
        (Numbers((("k", (1, 2)),)), "sqrt(k) < 1.2", "wrong for k = 2"),
    ],
)
def test_what_does_not_hold_is_refused(check, formula, why):
    with pytest.raises(CertificateError, match=why):
        check.prove(formula, NONE)


def test_an_equation_of_balls_is_no_proof():
    with pytest.raises(CertificateError):
        Numbers().prove("sqrt(2)*sqrt(2) == 2", NONE)


def test_decimals_are_exact():
    assert Cases((("x", (1,)),)).prove("0.1 + 0.2 == 0.3", NONE)
    assert Numbers().prove("0.1 + 0.2 == 0.3 == 3/10", NONE)


def test_a_root_is_where_the_sign_changes():
    context = Context(
        (Definition("f(x)", "x**2 - 2"), Definition("g(x)", "x**2 + 1")),
    )
    assert Numbers().prove("abs(root(f, 1, 2) - sqrt(2)) <= 1e-25", context)
    with pytest.raises(CertificateError):
        Numbers().prove("root(g, 1, 2) > 0", context)


def test_definitions_may_recur():
    context = Context((Definition("F(n)", "n if n < 2 else F(n - 1) + F(n - 2)"),))
    assert Cases((("n", (60,)),)).prove("F(n) == 1548008755920", context)
