"""Residual binarization with two levels: the greedy scales, and the optimum."""

from __future__ import annotations

from qexpr.core.papers import cite
from qexpr.derivations.checks import Everywhere, Identity, Numbers
from qexpr.derivations.derivation import Constant, Derivation, Step
from qexpr.derivations.formula import Definition
from qexpr.derivations.gaussian import CELLS, CENTROID, MOMENTS, MONOTONE, NORMAL, SPREAD
from qexpr.derivations.lloyd import FUNCTIONS

__all__ = ["DERIVATION"]

DERIVATION = Derivation(
    name="residual",
    title="Residual binarization: greedy scales against two means",
    statement="Two levels of residual binarization, x ~ g1*s1 + g2*s2, quantize abs(x) to the two "
    "levels g1 - g2 and g1 + g2. Greedy scales are g1 = E abs(x), g2 = E abs(abs(x) - g1); the "
    "best ones are two means of abs(x). For the normal law the errors are 0.130454 and 0.117482.",
    source=cite(
        "ghasemzadeh2018rebnet",
        "section III (v1: ResBinNet; later ReBNet)",
        note="the two-means optimum is qexpr's own",
    ),
    definitions=(
        *NORMAL,
        CENTROID,
        SPREAD,
        *CELLS,
        Definition("beyond(t)", "2*(phi(t) - t*tail(t))"),
        Definition("g1", "2*phi(0)"),
        Definition("g2", "2*beyond(g1)"),
        Definition("greedy", "1 - g1**2 - g2**2"),
        Definition("best", "error(levels(2))"),
        Definition(
            "excess(t)",
            "1 - 2*((1/2 - tail(t))*centroid(0, t)**2 + phi(t)**2/tail(t)) - best",
        ),
    ),
    functions=FUNCTIONS,
    steps=(
        Step(
            "The second sign is that of abs(x) - g1, so abs(x) goes to g1 - g2 below g1 and to "
            "g1 + g2 above it: the nearer one, as g1 is their midpoint. Any two levels a < b "
            "arise so, from g1 = (a + b)/2 and g2 = (b - a)/2.",
            "(a + b)/2 - (b - a)/2 - a == (a + b)/2 + (b - a)/2 - b == 0",
            "insert",
            Identity(real="a b"),
        ),
        Step(
            "One level: with the mean magnitude G and the mean square R of what is left,",
            "R - 2*g*G + g**2 == R - G**2 + (g - G)**2",
            "complete the square: the greedy scale is G, and takes G^2 off the error",
            Identity(real="R G g"),
        ),
        MOMENTS,
        Step(
            "For the normal law the mean of what abs(x) exceeds t by is `beyond(t)`: its "
            "derivative is minus the mass beyond t, and it vanishes at infinity.",
            "derivative(beyond(t), t) == -2*tail(t)",
            "differentiate",
            Identity(real="t"),
        ),
        Step(
            "So does `t*tail(t)`.",
            "limit(t*tail(t), t, infinity) == limit(phi(t), t, infinity) == 0",
            "the tails of the normal law",
            Identity(real="t"),
        ),
        Step(
            "Hence E abs(abs(x) - t) is twice the excess less the mean of abs(x) - t; at t = g1 = "
            "E abs(x) that mean is 0 and g2 is twice the excess.",
            "2*beyond(t) - (2*phi(0) - t) - (2*beyond(t) + t - sqrt(2/pi)) == 0",
            "abs(y) = 2 max(y, 0) - y",
            Identity(real="t"),
        ),
        Step(
            "The greedy scales and their error.",
            "abs(g1 - 0.797884560802865) <= 5e-16 and abs(g2 - 0.482624198685984) <= 5e-16 and "
            "abs(greedy - 0.130454) <= 5e-7",
            "evaluate",
            Numbers(),
        ),
        *MONOTONE,
        Step(
            "With two cells, the levels that meet Lloyd's condition are between these sides: the "
            "only ones, so the optimum.",
            "all(below(2)[i] < c(below(2), i) for i in range(2)) and "
            "all(above(2)[i] > c(above(2), i) for i in range(2)) and "
            "all(0 < above(2)[i] - below(2)[i] <= 1e-22 for i in range(2))",
            "evaluate all centroids",
            Numbers(),
        ),
        Step(
            "At centroids the error is the mean square less that of the levels: with the mass P, "
            "the centroid q and the second moment R of a cell,",
            "R - 2*q*(P*q) + P*q**2 == R - P*q**2",
            "the first moment is P*q; sum over both cells, on both sides of 0",
            Identity(real="R P q"),
        ),
        Step(
            "The best levels, their error, and what the greedy scales give away.",
            "abs(levels(2)[0] - 0.452780034636492) <= 5e-16 and "
            "abs(levels(2)[1] - 1.51041760849910) <= 5e-15 and "
            "abs(best - 0.117482) <= 5e-7 and abs(greedy - best - 0.012972) <= 5e-7",
            "evaluate",
            Numbers(),
        ),
        Step(
            "The threshold between them has the centroids for levels: its error is the least.",
            "abs(excess((levels(2)[0] + levels(2)[1])/2)) <= 1e-20",
            "evaluate",
            Numbers(),
        ),
        Step(
            "No threshold t does better, with the centroids of its two cells for levels: "
            "`excess(t)` is the error over the least one.",
            "excess(t) >= -1e-3",
            "a second look, by subdivision",
            Everywhere((("t", "1/20", "4"),)),
        ),
    ),
    constants=(
        Constant("gamma_1, greedy", "the first greedy scale for N(0, 1)", "g1"),
        Constant("gamma_2, greedy", "the second greedy scale", "g2"),
        Constant("error, greedy", "E (x - Q(x))^2 for N(0, 1)", "greedy"),
        Constant(
            "gamma_1, best", "the first scale of the optimum", "(levels(2)[0] + levels(2)[1])/2"
        ),
        Constant(
            "gamma_2, best", "the second scale of the optimum", "(levels(2)[1] - levels(2)[0])/2"
        ),
        Constant("error, best", "the least error", "best"),
        Constant("gap", "what the greedy scales give away", "greedy - best"),
    ),
)
