"""BinaryConnect's stochastic binarization: its mean is the clipped weight."""

from __future__ import annotations

from qexpr.core.papers import cite
from qexpr.derivations.checks import Cases, Identity
from qexpr.derivations.derivation import Derivation, Step
from qexpr.derivations.formula import Definition

__all__ = ["DERIVATION"]

DERIVATION = Derivation(
    name="binaryconnect",
    title="Stochastic binarization: the mean is clip(w, -1, 1)",
    statement="If b is +1 with the probability `P(w) = clip((w + 1)/2, 0, 1)` and else -1, then "
    "E b = clip(w, -1, 1) and Var b = `1 - clip(w, -1, 1)**2`.",
    source=cite("courbariaux2015binaryconnect", "section 2.2, eqs. 1 to 3"),
    definitions=(
        Definition("clip(x, a, b)", "min([max([x, a]), b])"),
        Definition("P(w)", "clip((w + 1)/2, 0, 1)"),
    ),
    steps=(
        Step(
            "With the probability p of +1 the mean is 2 p - 1,",
            "p*1 + (1 - p)*(-1) == 2*p - 1",
            "two values, two probabilities",
            Identity(real="p"),
        ),
        Step(
            "and the variance 4 p (1 - p) = 1 - (2 p - 1)^2.",
            "p*(1 - (2*p - 1))**2 + (1 - p)*(-1 - (2*p - 1))**2 == 4*p*(1 - p) == 1 - (2*p - 1)**2",
            "expand",
            Identity(real="p"),
        ),
        Step(
            "Between -1 and 1 the mean is w itself.",
            "2*((w + 1)/2) - 1 == w",
            "there p = (w + 1)/2",
            Identity(real="w"),
        ),
        Step(
            "Both `2*P(w) - 1` and clip(w, -1, 1) are linear on each side of -1 and of 1, so they "
            "agree if they do at two points of each piece.",
            "2*P(w) - 1 == clip(w, -1, 1)",
            "evaluate at two points of each of the three pieces, the ends included",
            Cases((("w", "[-3, -2, -1, -1/2, 1/2, 1, 2, 3]"),)),
        ),
        Step(
            "The deterministic form, b = sign(w), is the nearest of the two values: -1 is further "
            "from w than +1 exactly if w > 0.",
            "(w + 1)**2 - (w - 1)**2 == 4*w",
            "expand",
            Identity(real="w"),
        ),
        Step(
            "The mean of n independent draws has the same mean and the variance over n.",
            "n*(v/n**2) == v/n",
            "variances of independent draws add up: n of v/n^2 each",
            Identity(positive="v", whole="n"),
        ),
        Step(
            "Of all laws on two values it is the only one without bias: a probability p with the "
            "mean w is (w + 1)/2.",
            "2*p - 1 - w == 2*(p - (w + 1)/2)",
            "solve for p",
            Identity(real="p w"),
        ),
    ),
)
