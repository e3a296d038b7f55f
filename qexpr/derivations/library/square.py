"""Gadget G1: squares by folding, and their exact error."""

from __future__ import annotations

from qexpr.core.papers import derived
from qexpr.derivations.checks import Cases, Identity
from qexpr.derivations.derivation import Derivation, Step
from qexpr.derivations.formula import Definition

__all__ = ["DERIVATION", "SQUARE"]

SQUARE = (
    Definition("g(i, u)", "u if i == 0 else g(i - 1, u)/2 - relu(g(i - 1, u) - 2**(1 - 2*i))"),
    Definition("delta(r)", "4**(-r - 1)"),
    Definition("sq(r, u)", "u - sum(g(i, u) for i in range(1, r + 1))"),
)

DERIVATION = Derivation(
    name="square",
    title="Squares by folding (gadget G1)",
    statement="For u in [0, 1] the circuit `sq(r, u)` lies above `u**2` by at most `4**(-r - 1)`, "
    "with equality exactly at the odd multiples of `2**(-r - 1)`.",
    source=derived("gadget G1", note="the folds are Yarotsky's (2017, proposition 2)"),
    definitions=(
        *SQUARE,
        Definition("tent(h)", "min([2*h, 2 - 2*h])"),
        Definition("fold(i, u)", "u if i == 0 else tent(fold(i - 1, u))"),
    ),
    steps=(
        Step(
            "Let `g(i - 1, u) = 4*q*h` with q = 4^-i; the threshold is 2 q. Where h <= 1/2 the "
            "unit is silent and the next value is q times the left branch of the tent map,",
            "4*q*h/2 == q*(2*h)",
            "halve",
            Identity(real="h q"),
        ),
        Step(
            "and where h >= 1/2 it is q times the right one.",
            "4*q*h/2 - (4*q*h - 2*q) == q*(2 - 2*h)",
            "subtract the unit; by induction `g(i, u)` is 4^-i times the i-fold tent map",
            Identity(real="h q"),
        ),
        Step(
            "As a check, for dyadic u.",
            "g(i, u) == 4**(-i)*fold(i, u) and g(i, u) >= 0",
            "evaluate",
            Cases((("i", (1, 2, 3, 4)), ("u", "[k/32 for k in range(33)]"))),
        ),
        Step(
            "h (1 - h) is a quarter of T + T (1 - T) for T = 2 h, the left branch,",
            "h*(1 - h) == (2*h + 2*h*(1 - 2*h))/4",
            "expand",
            Identity(real="h"),
        ),
        Step(
            "and for T = 2 - 2 h, the right one.",
            "h*(1 - h) == ((2 - 2*h) + (2 - 2*h)*(1 - (2 - 2*h)))/4",
            "expand",
            Identity(real="h"),
        ),
        Step(
            "So each fold takes its term off: with the i-fold tent T_i, `u - u**2` is the sum of "
            "4^-i T_i up to i = r, and 4^-r T_r (1 - T_r). The error of `sq(r, u)` is that rest.",
            "q*((T + T*(1 - T))/4) == (q/4)*T + (q/4)*T*(1 - T)",
            "the step from r to r + 1, with q = 4^-r",
            Identity(real="q T"),
        ),
        Step(
            "The rest is between 0 and 4^-(r + 1): T lies in [0, 1].",
            "1/4 - T*(1 - T) == (T - 1/2)**2",
            "complete the square; equality at T_r = 1/2, the odd multiples of 2^-(r + 1)",
            Identity(real="T"),
        ),
        Step(
            "The error in all dyadic points, and where it is attained.",
            "0 <= sq(r, u) - u**2 <= delta(r) and "
            "(sq(r, u) - u**2 == delta(r)) == (u*2**(r + 1) % 2 == 1)",
            "evaluate",
            Cases((("r", (1, 2, 3, 4)), ("u", "[k/64 for k in range(65)]"))),
        ),
        Step(
            "At the multiples of 2^-r there is none; 0 and 1 are among them.",
            "all(sq(r, k*2**(-r)) == (k*2**(-r))**2 for k in range(2**r + 1))",
            "there T_r is 0 or 1",
            Cases((("r", (1, 2, 3, 4, 5)),)),
        ),
    ),
)
