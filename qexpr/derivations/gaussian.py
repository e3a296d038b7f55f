"""The normal law: its density, its tail, and what every derivation about it uses."""

from __future__ import annotations

from qexpr.derivations.checks import Identity
from qexpr.derivations.derivation import Step
from qexpr.derivations.formula import Definition

__all__ = [
    "CELLS",
    "CENTROID",
    "DENSITY",
    "LOSS",
    "MOMENTS",
    "MONOTONE",
    "NORMAL",
    "SPREAD",
    "TAIL",
]

DENSITY = Definition("phi(t)", "exp(-t**2/2)/sqrt(2*pi)")
TAIL = Definition("tail(t)", "erfc(t/sqrt(2))/2")
LOSS = Definition("k(t)", "phi(t) - 2*t*tail(t)")
NORMAL = (DENSITY, TAIL)

MOMENTS = Step(
    "The normal law has antiderivatives for its mass, its mean and its square: "
    "`tail(t)` is `P(w > t)`, and beyond t the mean is `phi(t)`.",
    "derivative(-tail(t), t) - phi(t) == derivative(-phi(t), t) - t*phi(t) == "
    "derivative(tail(t) + t*phi(t), t) + t**2*phi(t) == 0",
    "differentiate; all three functions vanish at infinity",
    Identity(real="t"),
)

CENTROID = Definition("centroid(s, t)", "(phi(s) - phi(t))/(tail(s) - tail(t))")
SPREAD = Definition(
    "spread(s, t)",
    "1 + (s*phi(s) - t*phi(t))/(tail(s) - tail(t)) - centroid(s, t)**2",
)

# Levels x with thresholds at their midpoints, the first at 0 and the last at infinity.
CELLS = (
    Definition("cut(x, i)", "0 if i == 0 else (x[i - 1] + x[i])/2"),
    Definition("f(x, i)", "0 if i == len(x) else phi(cut(x, i))"),
    Definition("p(x, i)", "0 if i == len(x) else tail(cut(x, i))"),
    Definition("c(x, i)", "(f(x, i) - f(x, i + 1))/(p(x, i) - p(x, i + 1))"),
    Definition("error(x)", "1 - 2*sum((p(x, i) - p(x, i + 1))*c(x, i)**2 for i in range(len(x)))"),
)

MONOTONE = (
    Step(
        "A threshold between two levels a and b is best at their midpoint.",
        "(x - a)**2 - (x - b)**2 == 2*(b - a)*(x - (a + b)/2)",
        "x goes to the nearer level: the difference changes its sign at the midpoint",
        Identity(real="x a b"),
    ),
    Step(
        "A level q is best at the centroid of its cell: with the mass P, the first moment M and "
        "the second moment R of the cell,",
        "R - 2*q*M + P*q**2 == R - M**2/P + P*(q - M/P)**2",
        "complete the square. Both conditions together are Lloyd's: `x[i] = c(x, i)`",
        Identity(real="R M q", positive="P"),
    ),
    Step(
        "The centroid of a cell rises with its lower end, at this rate,",
        "derivative(centroid(s, t), s) == phi(s)*(centroid(s, t) - s)/(tail(s) - tail(t))",
        "quotient rule; the centroid lies inside the cell",
        Identity(real="s t"),
    ),
    Step(
        "and with its upper end.",
        "derivative(centroid(s, t), t) == phi(t)*(t - centroid(s, t))/(tail(s) - tail(t))",
        "the same",
        Identity(real="s t"),
    ),
    Step(
        "Moved as a whole by h, the centroid of a cell moves by less than h: the two rates add up "
        "to 1 less the variance of the cell, `spread(s, t)`.",
        "derivative(centroid(s, t), s) + derivative(centroid(s, t), t) == 1 - spread(s, t)",
        "add; the moments are those of the antiderivatives",
        Identity(real="s t"),
    ),
    Step(
        "The same for the last cell, from s to infinity.",
        "derivative(phi(s)/tail(s), s) == phi(s)/tail(s)*(phi(s)/tail(s) - s) == "
        "1 - (1 + s*phi(s)/tail(s) - (phi(s)/tail(s))**2)",
        "quotient rule; the bracket is the variance of that cell. So the map from levels to "
        "centroids is increasing, and it shrinks the largest difference of two sets of levels: it "
        "has at most one fixed point, and where y <= c(y) and z >= c(z) it has one between y and z",
        Identity(real="s"),
    ),
)
"""Why Lloyd's condition has exactly one solution for the normal law."""
