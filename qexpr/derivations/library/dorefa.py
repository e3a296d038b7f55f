"""DoReFa's stochastic gradient quantizer: unbiased, with a variance that is known."""

from __future__ import annotations

from qexpr.core.papers import cite
from qexpr.derivations.checks import Cases, Identity
from qexpr.derivations.derivation import Derivation, Step
from qexpr.derivations.formula import Definition

__all__ = ["DERIVATION"]

DERIVATION = Derivation(
    name="dorefa",
    title="Stochastic gradient quantization: no bias, and the variance",
    statement="With g = `2*m*(round(y + N)/s - 1/2)`, `y = s*(r/(2*m) + 1/2)`, s = 2^k - 1, m the "
    "largest magnitude and N uniform on (-1/2, 1/2), the quantized gradient has the mean r and "
    "the variance `(2*m/s)**2*f*(1 - f) <= (m/s)**2`, f the fractional part of y.",
    source=cite("zhou2016dorefa", "sections 2.2 to 2.5"),
    definitions=(
        Definition("s(k)", "2**k - 1"),
        Definition("grid(m)", "[m*i/8 for i in range(-8, 9)]"),
    ),
    steps=(
        Step(
            "Let y = j + f with an integer j and 0 <= f < 1. y + N rounds up to j + 1 where N is "
            "at least 1/2 - f, a part of (-1/2, 1/2) of the length f, and down to j on the rest.",
            "1/2 - (1/2 - f) == f",
            "the length of an interval",
            Identity(real="f"),
        ),
        Step(
            "So the rounded value has the mean y,",
            "(1 - f)*j + f*(j + 1) == j + f",
            "two values, two probabilities",
            Identity(real="f j"),
        ),
        Step(
            "and the variance f (1 - f), at most 1/4.",
            "(1 - f)*f**2 + f*(1 - f)**2 == f*(1 - f) == 1/4 - (f - 1/2)**2",
            "the two values are f and 1 - f away; expand, and complete the square",
            Identity(real="f"),
        ),
        Step(
            "The map from r to y and back is affine and gives r again, so the mean is kept.",
            "2*m*(s*(r/(2*m) + 1/2)/s - 1/2) == r",
            "the mean passes through affine maps",
            Identity(real="r", positive="m s"),
        ),
        Step(
            "The variance is multiplied by the square of the slope; at f = 1/2 it is (m/s)^2.",
            "(2*m/s)**2*(1/2*(1 - 1/2)) == (m/s)**2",
            "the derivative of the way back is 2 m/s",
            Identity(positive="m s"),
        ),
        Step(
            "Since y lies in [0, s], so do both values: the clip to [0, 1] changes nothing.",
            "all(0 <= floor(s(k)*(r/(2*m) + 1/2)) <= ceil(s(k)*(r/(2*m) + 1/2)) <= s(k) "
            "for r in grid(m))",
            "at y = s the fraction is 0",
            Cases((("k", (1, 2, 3, 4, 8)), ("m", "[1/3, 1, 5/2]"))),
        ),
        Step(
            "With the noise on the midpoints of a grid of q cells and y a multiple of 1/q, the "
            "mean of the rounded values is y exactly.",
            "sum(floor(y/q + (i + 1/2)/q) for i in range(q)) == y",
            "try all of them; round(x) = floor(x + 1/2)",
            Cases((("q", (1, 2, 3, 8)), ("y", "range(0, 24)"))),
        ),
    ),
)
