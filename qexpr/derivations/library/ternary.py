"""Ternary weights: the exact threshold, and what the usual approximation gives away."""

from __future__ import annotations

from qexpr.core.papers import cite
from qexpr.derivations.checks import Cases, Everywhere, Identity, Numbers
from qexpr.derivations.derivation import Constant, Derivation, Step
from qexpr.derivations.formula import Definition
from qexpr.derivations.gaussian import LOSS, MOMENTS, NORMAL

__all__ = ["DERIVATION"]

DERIVATION = Derivation(
    name="ternary",
    aliases=("twn",),
    title="Ternary weights: threshold and scale",
    statement="The nearest vector `alpha*t` with entries t in -1, 0, 1 keeps the weights beyond a "
    "threshold D, with alpha their mean magnitude; D maximises (the sum of the kept magnitudes)^2 "
    "over their number. For the normal law D is the root of `k(D) = 0` and `alpha = 2*D`.",
    source=cite(
        "li2016ternary",
        "section 2 (threshold-based ternary weights)",
        note="the paper takes D = 0.7 E abs(w)",
    ),
    definitions=(
        *NORMAL,
        LOSS,
        Definition("D", "root(k, 1/2, 3/4)"),
        Definition("explained(t)", "2*phi(t)**2/tail(t)"),
        Definition("mean", "sqrt(2/pi)"),
    ),
    steps=(
        Step(
            "If j weights are kept, with S the sum of their magnitudes and Q the sum of all "
            "squares, the distance is a parabola in alpha with its vertex at S/j.",
            "Q - 2*alpha*S + j*alpha**2 == Q - S**2/j + j*(alpha - S/j)**2",
            "the signs are those of the weights, as in the binary case; complete the square",
            Identity(real="Q S alpha", whole="j"),
        ),
        Step(
            "For a given number of kept weights, a kept magnitude b that is replaced by a larger "
            "one a raises `S**2`: both factors on the right are positive.",
            "(S + a - b)**2 - S**2 == (a - b)*(S + S + a - b)",
            "so the best support of each size holds the largest magnitudes: sorting finds it",
            Identity(real="S a b"),
        ),
        Step(
            "Hence the maximum over all supports is the maximum over the prefixes of the sorted "
            "magnitudes.",
            "max(sum(abs(W[i]) for i in I)**2/len(I) for j in range(1, len(W) + 1) "
            "for I in subsets(len(W), j)) == max("
            "sum(sorted([-abs(w) for w in W])[:j])**2/j for j in range(1, len(W) + 1))",
            "try all supports for every vector W of a grid",
            Cases((("W", "vectors([-3/2, -1/2, 0, 1/2, 1], 4)"),)),
        ),
        Step(
            "Keeping a weight of magnitude a is right exactly if it is above half the scale.",
            "(a - alpha)**2 - a**2 == alpha*(alpha - 2*a)",
            "expand: at the optimum the threshold is alpha/2",
            Identity(real="a alpha"),
        ),
        MOMENTS,
        Step(
            "For the normal law the kept share is `2*tail(t)` and their mean magnitude times it "
            "`2*phi(t)`, so the explained variance has this derivative.",
            "derivative(explained(t), t) == 2*phi(t)**2*k(t)/tail(t)**2",
            "quotient rule; its sign is that of `k(t)`",
            Identity(real="t"),
        ),
        Step(
            "k starts positive and falls; its slope rises up to `sqrt(3)` and falls from there on.",
            "derivative(k(t), t) - t*phi(t) + 2*tail(t) == "
            "derivative(t*phi(t) - 2*tail(t), t) - (3 - t**2)*phi(t) == 0",
            "differentiate twice",
            Identity(real="t"),
        ),
        Step(
            "The slope is negative at 0 and positive at `sqrt(3)`, so it changes sign once below "
            "`sqrt(3)`; beyond, it falls to its limit 0 and stays positive. So k falls, then rises "
            "to its limit 0: it has exactly one zero D, positive before and negative after.",
            "k(0) > 0 > -2*tail(0) and sqrt(3)*phi(sqrt(3)) > 2*tail(sqrt(3))",
            "evaluate at both points",
            Numbers(),
        ),
        Step(
            "Both k and its slope vanish at infinity.",
            "limit(k(t), t, infinity) == limit(t*phi(t), t, infinity) == "
            "limit(tail(t), t, infinity) == 0",
            "the tails of the normal law",
            Identity(real="t"),
        ),
        Step(
            "D to 15 digits: k changes its sign within half a unit of the last digit.",
            "k(0.612003180962481 - 5e-16) > 0 > k(0.612003180962481 + 5e-16)",
            "evaluate",
            Numbers(),
        ),
        Step(
            "The scale is the mean magnitude beyond D, which is 2*D.",
            "abs(phi(D)/tail(D) - 2*D) <= 1e-25 and "
            "abs(phi(D)/tail(D) - 1.22400636192496) <= 5e-15",
            "k(D) = 0",
            Numbers(),
        ),
        Step(
            "The threshold over the mean magnitude, the kept share, the relative error, and the "
            "same at 0.7 of the mean: what the approximation gives away.",
            "abs(D/mean - 0.767032238782334) <= 5e-16 and "
            "abs(2*tail(D) - 0.540535652975432) <= 5e-16 and "
            "abs(1 - explained(D) - 0.190174039247901) <= 5e-16 and "
            "abs(1 - explained(0.7*mean) - 0.191624773622211) <= 5e-16",
            "evaluate",
            Numbers(),
        ),
        Step(
            "No threshold explains more.",
            "explained(t) <= explained(D) + 1e-4",
            "a second look, by subdivision",
            Everywhere((("t", "0", "4"),)),
        ),
        Step(
            "For the uniform law on [-a, a] the kept share is `(a - t)/a` and their mean magnitude "
            "times it `(a**2 - t**2)/(2*a)`; the explained variance rises up to t = a/3 and falls "
            "from there to a.",
            "derivative(((a**2 - t**2)/(2*a))**2/((a - t)/a), t) == (a + t)*(a - 3*t)/(4*a)",
            "differentiate and factor",
            Identity(positive="a t"),
        ),
        Step(
            "There the scale is 2*a/3 and the relative error 1/9.",
            "1 - ((a**2 - (a/3)**2)/(2*a))**2/((a - a/3)/a)/(a**2/3) == 1/9",
            "insert t = a/3; the variance is a^2/3",
            Identity(positive="a"),
        ),
    ),
    constants=(
        Constant("threshold_over_sigma", "the threshold for the law N(0, 1)", "D"),
        Constant("threshold_over_mean", "the same over E abs(w)", "D/mean"),
        Constant("alpha_over_sigma", "the scale for the law N(0, 1)", "phi(D)/tail(D)"),
        Constant("kept", "the share of weights that are kept", "2*tail(D)"),
        Constant("relative_error", "E (w - alpha*t)^2 / E w^2", "1 - explained(D)"),
        Constant("relative_error_at_0.7", "the same at 0.7 E abs(w)", "1 - explained(0.7*mean)"),
        Constant("uniform.threshold_over_bound", "the threshold for the uniform law", "1/3"),
        Constant("uniform.relative_error", "its relative error", "1/9"),
    ),
)
