"""Logarithmic quantization: the largest relative error."""

from __future__ import annotations

from qexpr.core.papers import cite
from qexpr.derivations.checks import Everywhere, Identity, Numbers
from qexpr.derivations.derivation import Constant, Derivation, Step
from qexpr.derivations.formula import Definition

__all__ = ["DERIVATION"]

DERIVATION = Derivation(
    name="log",
    title="Logarithmic quantization: relative error when the logarithm is rounded",
    statement="Where nothing is clipped, rounding the base-b logarithm of a magnitude to the "
    "nearest integer changes the magnitude by the factor `b**r` with r in [-1/2, 1/2]: the "
    "relative error is at most `b**(1/2) - 1`, and attains it.",
    source=cite(
        "miyashita2016log", "section 3", note="the bound on the relative error is qexpr's own"
    ),
    definitions=(Definition("largest(q)", "exp(ln(2)/(2*q)) - 1"),),
    steps=(
        Step(
            "Let y be the logarithm of x and y + r the rounded one. Then the quantized value over "
            "x is `b**r`.",
            "b**(y + r)/b**y - 1 == b**r - 1",
            "divide",
            Identity(real="y r", positive="b"),
        ),
        Step(
            "The relative error is increasing in r, so its extremes are at r = -1/2 and 1/2.",
            "derivative(b**r, r) == ln(b)*b**r",
            "b > 1, so the derivative is positive",
            Identity(real="r", positive="b"),
        ),
        Step(
            "The error above exceeds the one below by a square, so the one above is the largest.",
            "(b**(1/2) - 1) - (1 - b**(-1/2)) == (b**(1/4) - b**(-1/4))**2",
            "expand",
            Identity(positive="b"),
        ),
        Step(
            "No r does worse, in either base.",
            "abs(exp(r*ln(2)/q) - 1) <= largest(q) + 1e-9",
            "by subdivision: base 2 for q = 1, base `sqrt(2)` for q = 2",
            Everywhere((("r", "-1/2", "1/2"),), (("q", (1, 2)),)),
        ),
        Step(
            "In digits: base 2 and base `sqrt(2)`.",
            "abs(largest(1) - 0.414213562373095) <= 5e-16 and "
            "abs(largest(2) - 0.189207115002721) <= 5e-16",
            "evaluate",
            Numbers(),
        ),
        Step(
            "Rounding x itself with the best threshold t between 1 and b would do better: the "
            "errors 1 - 1/t below and b/t - 1 above are equal at t = (b + 1)/2, and there",
            "1 - 1/((b + 1)/2) == b/((b + 1)/2) - 1 == (b - 1)/(b + 1)",
            "the first rises with t, the second falls, so the largest of both is least there",
            Identity(positive="b"),
        ),
        Step(
            "So rounding the logarithm, which needs no comparison, gives this factor away.",
            "(sqrt(b) - 1)/((b - 1)/(b + 1)) == (b + 1)/(sqrt(b) + 1)",
            "b - 1 = (sqrt b - 1)(sqrt b + 1)",
            Identity(positive="b"),
        ),
        Step(
            "Products of quantized values are sums of exponents: shifts, in base 2.",
            "b**e*b**f == b**(e + f)",
            "a law of powers",
            Identity(real="e f", positive="b"),
        ),
    ),
    constants=(
        Constant("base 2", "the largest relative error in base 2", "2**(1/2) - 1"),
        Constant("base sqrt2", "the same in base sqrt(2)", "2**(1/4) - 1"),
        Constant("base 2, best threshold", "the least possible in base 2", "(2 - 1)/(2 + 1)"),
        Constant(
            "base sqrt2, best threshold",
            "the least possible in base sqrt(2)",
            "(sqrt(2) - 1)/(sqrt(2) + 1)",
        ),
    ),
)
