"""Ding et al.'s optimal number of weight values."""

from __future__ import annotations

from qexpr.core.papers import cite
from qexpr.derivations.checks import Identity, Numbers
from qexpr.derivations.derivation import Constant, Derivation, Step
from qexpr.derivations.formula import Definition

__all__ = ["DERIVATION"]

DERIVATION = Derivation(
    name="optimal-lambda",
    title="The optimal number of weight values",
    statement="The bits of Ding et al.'s theorem 1, `lam*log2(lam)*T**(1/(lam - 1) + 1)`, first "
    "fall and then rise with lam; the best integer is 2 for T < 5.65, 3 up to 22.7, 4 up to 87, "
    "5 up to 328; among powers of two 2 up to 8 and 4 up to 3^(21/4) = 320.",
    source=cite("ding2019universal", "optimal bit width", recalled=0.75),
    definitions=(
        Definition("cost(lam, T)", "lam*log2(lam)*T**(1/(lam - 1) + 1)"),
        Definition("h(lam)", "(lam - 1)**2/lam*(1 + 1/ln(lam))"),
        Definition(
            "crossing(lam)",
            "((lam + 1)*log2(lam + 1)/(lam*log2(lam)))**(lam*(lam - 1))",
        ),
        Definition("double(lam)", "(2*log2(2*lam)/log2(lam))**((lam - 1)*(2*lam - 1)/lam)"),
    ),
    steps=(
        Step(
            "The logarithm of the cost has this slope.",
            "derivative(ln(cost(lam, T)), lam) == (h(lam) - ln(T))/(lam - 1)**2",
            "differentiate",
            Identity(positive="lam T"),
        ),
        Step(
            "h has this one.",
            "derivative(h(lam), lam) == (lam - 1)/(lam*ln(lam))**2*"
            "((lam + 1)*(ln(lam)**2 + ln(lam)) - (lam - 1))",
            "differentiate",
            Identity(positive="lam"),
        ),
        Step(
            "For lam >= 2 the bracket is positive, since ln^2 + ln is more than 1 from 2 on: h "
            "rises, so the slope of the cost changes its sign at most once, upwards.",
            "ln(2)**2 + ln(2) > 1",
            "evaluate; ln^2 + ln rises",
            Numbers(),
        ),
        Step(
            "Two neighbours cost the same at `T = crossing(lam)`: the powers of T differ by",
            "1/(lam - 1) + 1 - (1/lam + 1) == 1/(lam*(lam - 1))",
            "subtract the exponents and solve for T",
            Identity(positive="lam"),
        ),
        Step(
            "lam and 2 lam cost the same at `T = double(lam)`: the exponents differ by",
            "1/(lam - 1) + 1 - (1/(2*lam - 1) + 1) == lam/((lam - 1)*(2*lam - 1))",
            "the same",
            Identity(positive="lam"),
        ),
        Step(
            "At the crossings the costs agree.",
            "abs(cost(lam, crossing(lam))/cost(lam + 1, crossing(lam)) - 1) <= 1e-25 and "
            "abs(cost(lam, double(lam))/cost(2*lam, double(lam)) - 1) <= 1e-25",
            "evaluate",
            Numbers((("lam", (2, 3, 4, 5, 8)),)),
        ),
        Step(
            "The crossings.",
            "abs(crossing(2) - 5.65) <= 5e-3 and abs(crossing(3) - 22.7) <= 5e-2 and "
            "abs(crossing(4) - 87) <= 1/2 and abs(crossing(5) - 328) <= 1/2",
            "evaluate",
            Numbers(),
        ),
        Step(
            "Between powers of two.",
            "double(2) - 8 == double(4) - 3**(21/4) == 0",
            "log2(4) = 2 and log2(8) = 3",
            Identity(),
        ),
    ),
    constants=tuple(
        Constant(f"crossing {lam}", f"{lam} values cost as much as {lam + 1}", f"crossing({lam})")
        for lam in (2, 3, 4, 5)
    ),
)
