"""Gadget G5: weights as multisets of alphabet values; the function does not change."""

from __future__ import annotations

from qexpr.core.papers import derived
from qexpr.derivations.checks import Cases, Identity
from qexpr.derivations.derivation import Derivation, Step
from qexpr.derivations.formula import Definition

__all__ = ["DERIVATION"]

DERIVATION = Derivation(
    name="realisation",
    title="Realisation over an alphabet (gadget G5)",
    statement="A circuit with dyadic weights is turned into one with weights of the alphabet by "
    "copies of units, sums of values and halving units, and computes the same function exactly. "
    "R edges of +-1/2 reach exactly the multiples of 1/2 up to R/2 that are R/2 modulo 1.",
    source=derived("gadget G5"),
    definitions=(
        Definition("reached(A, R)", "set([sum(v) for v in vectors(A, R)])"),
        Definition("linear(b)", "[k/2**b for k in range(1 - 2**b, 2**b, 2)]"),
    ),
    steps=(
        Step(
            "R edges of +-1/2, j of them negative, give R/2 - j.",
            "(R - j)*(1/2) + j*(-1/2) == R/2 - j",
            "add",
            Identity(real="R j"),
        ),
        Step(
            "These values are all that R edges reach.",
            "reached([-1/2, 1/2], R) == set([R/2 - j for j in range(R + 1)])",
            "try all choices",
            Cases((("R", "range(1, 9)"),)),
        ),
        Step(
            "So the multiple k/2 takes abs(k) edges and no fewer.",
            "min(R for R in range(1, 8) if k/2 in reached([-1/2, 1/2], R)) == abs(k)",
            "try all numbers of edges",
            Cases((("k", "[-7, -4, -3, -2, -1, 1, 2, 3, 4, 7]"),)),
        ),
        Step(
            "Linear alphabets are the odd multiples of 2^-b: a sum of R of them is an integer of "
            "the parity of R, over 2^b. So a free weight always takes the same number of edges.",
            "all(2**b*s % 2 == R % 2 for s in reached(linear(b), R))",
            "odd numbers add up to the parity of their count; try all",
            Cases((("b", (1, 2, 3)), ("R", (1, 2, 3)))),
        ),
        Step(
            "A weight w = a + b on one edge is the same as weights a and b on edges to two copies "
            "of the unit, whose values are equal.",
            "(a + b)*v == a*v + b*v",
            "distribute; copies have the same incoming edges",
            Identity(real="a b v"),
        ),
        Step(
            "A positive factor passes through a unit, so scales are moved and smaller weights are "
            "made by halving units.",
            "relu(c*x) == c*relu(x) and relu(relu(x/2)/2) == relu(x)/4",
            "both sides are linear on each side of 0: two points on each settle it",
            Cases((("c", "[1/4, 1/2, 3]"), ("x", "[-2, -1, 0, 1, 2]"))),
        ),
        Step(
            "A value of any sign passes as the difference of two units.",
            "relu(x) - relu(-x) == x",
            "linear on each side of 0",
            Cases((("x", "[-2, -1, 0, 1, 2]"),)),
        ),
        Step(
            "A free sign s is one edge s/2, doubled downstream.",
            "2*((s/2)*v) - s*v == 0",
            "multiply",
            Identity(real="s v"),
        ),
    ),
)
