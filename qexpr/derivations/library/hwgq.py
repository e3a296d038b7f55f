"""The half-wave Gaussian quantizer: optimal steps and optimal levels, 1 to 8 bits."""

from __future__ import annotations

from qexpr.core.papers import cite
from qexpr.derivations.checks import Everywhere, Identity, Numbers
from qexpr.derivations.derivation import Constant, Derivation, Step
from qexpr.derivations.formula import Definition
from qexpr.derivations.gaussian import CELLS, CENTROID, LOSS, MOMENTS, MONOTONE, NORMAL, SPREAD
from qexpr.derivations.lloyd import FUNCTIONS

__all__ = ["DERIVATION"]

_BITS = tuple(range(1, 9))
_GLOBAL = (2, 3, 4)
# where the slope of the error in the step is sure to change its sign
_NEAR = ("4/5", "27/50", "8/25", "37/200", "103/1000", "113/2000", "31/1000", "33/2000")
_DIGITS = (
    "0.797884560802865",
    "0.538811923399690",
    "0.321728909067772",
    "0.184243342763192",
    "0.102984010306003",
    "0.0565843439826602",
    "0.0306913738894067",
    "0.0164817841056941",
)

DERIVATION = Derivation(
    name="hwgq",
    title="Half-wave Gaussian quantization: optimal steps and levels",
    statement="Positive inputs of the law N(0, 1) go to m = 2^b - 1 positive levels, with "
    "thresholds at their midpoints and the first threshold at 0. The levels of least mean square "
    "error are the only solution of Lloyd's condition; the best uniform step d is the root of "
    "`slope(d, m) = 0`: of all steps up to 4 bits, and of the steps near it from 5 to 8.",
    source=cite("cai2017hwgq", "sections 3 and 4 (forward and backward approximations)"),
    definitions=(
        *NORMAL,
        LOSS,
        CENTROID,
        SPREAD,
        *CELLS,
        Definition("count(b)", "2**b - 1"),
        Definition("slope(d, m)", "d/2 - phi(0) - sum(k((i + 1/2)*d) for i in range(1, m))"),
        Definition("edge(i, d)", "0 if i == 0 else (i + 1/2)*d"),
        Definition("q(i, m, d)", "0 if i == m else tail(edge(i, d))"),
        Definition("g(i, m, d)", "0 if i == m else phi(edge(i, d))"),
        Definition(
            "loss(d, m)",
            "1/2 + sum((i*d)**2*(q(i - 1, m, d) - q(i, m, d)) "
            "- 2*i*d*(g(i - 1, m, d) - g(i, m, d)) for i in range(1, m + 1))",
        ),
        Definition("rise(t)", "2*tail(t) - t*phi(t)"),
        Definition("curve(d, m)", "1/2 + sum((i + 1/2)*rise((i + 1/2)*d) for i in range(1, m))"),
        Definition("near(b)", f"[{', '.join(_NEAR)}][b - 1]"),
        Definition("digits(b)", f"[{', '.join(_DIGITS)}][b - 1]"),
        Definition("unit(b)", "5e-16 if b <= 5 else 5e-17"),
        Definition(
            "step(b)",
            "2*phi(0) if b == 1 else root(lambda d: slope(d, count(b)), "
            "99/100*near(b), 101/100*near(b))",
        ),
    ),
    functions=FUNCTIONS,
    steps=(
        MOMENTS,
        *MONOTONE,
        Step(
            "The sides that Newton's method proposes are below and above their own centroids, so "
            "the levels lie between them: the optimum, for every number of bits.",
            "all(below(count(b))[i] < c(below(count(b)), i) for i in range(count(b))) and "
            "all(above(count(b))[i] > c(above(count(b)), i) for i in range(count(b)))",
            "evaluate all centroids",
            Numbers((("b", _BITS),)),
        ),
        Step(
            "The sides are close to one another.",
            "all(0 < above(count(b))[i] - below(count(b))[i] <= 1e-22 for i in range(count(b)))",
            "subtract",
            Numbers((("b", _BITS),)),
        ),
        Step(
            "Two bits, in digits.",
            "abs(levels(3)[0] - 0.317716369294838) <= 5e-16 and "
            "abs(levels(3)[1] - 1.00010604619754) <= 5e-15 and "
            "abs(levels(3)[2] - 1.89359481164172) <= 5e-15",
            "evaluate",
            Numbers(),
        ),
        Step(
            "The error of these levels, 2 to 4 bits: 1 less the mean square of the levels.",
            "abs(error(levels(count(2))) - 0.0579776537150730) <= 5e-17 and "
            "abs(error(levels(count(3))) - 0.0122320001083862) <= 5e-17 and "
            "abs(error(levels(count(4))) - 0.00283928040428078) <= 5e-18",
            "at centroids the error is the mean square less that of the levels",
            Numbers(),
        ),
        Step(
            "For uniform levels i*d the slope of the error in d is a sum over cells, twice "
            "`i*(i*d*P - M)` with the mass P and the first moment M of the cell. Two neighbouring "
            "cells share a threshold, at which masses and moments are tails and densities: the "
            "sum by parts, for one threshold with tail p and density f between i and i + 1,",
            "-i**2*d*p + i*f + (i + 1)**2*d*p - (i + 1)*f == (2*i + 1)*d*p - f",
            "collect the terms of that threshold; at `t = (i + 1/2)*d` it is `-k(t)`, at 0 it is "
            "`d/2 - phi(0)`",
            Identity(real="i d p f"),
        ),
        Step(
            "and so half the slope of the error is `slope(d, m)`: here from the error itself.",
            "derivative(loss(d, m), d)/2 == slope(d, m)",
            "differentiate, the moving thresholds included",
            Identity(positive="d", cases=(("m", (1, 2, 3)),)),
        ),
        Step(
            "Half the second derivative is `curve(d, m)`.",
            "derivative(slope(d, m), d) == curve(d, m)",
            "the slope of k is t phi(t) - 2 P(w > t)",
            Identity(positive="d", cases=(("m", (1, 2, 3, 7)),)),
        ),
        Step(
            "For 1 bit the slope is d/2 - phi(0): the step is the mean magnitude. For more, it is "
            "negative while all thresholds are below 3/5, where k is positive, and positive once "
            "all are above the root of k, 0.612.., and `d > 2*phi(0)`. In between, for 2 to 4 "
            "bits, it is negative below a neighbourhood of the root",
            "slope(u*near(b), count(b)) < 0",
            "by subdivision",
            Everywhere((("u", "1/5", "99/100"),), (("b", _GLOBAL),)),
        ),
        Step(
            "and positive above it.",
            "slope(u*near(b), count(b)) > 0",
            "by subdivision",
            Everywhere((("u", "101/100", "22/5"),), (("b", _GLOBAL),)),
        ),
        Step(
            "In that neighbourhood the slope rises, so its root there is the only stationary step,",
            "curve(u*near(b), count(b)) > 0",
            "by subdivision",
            Everywhere((("u", "99/100", "101/100"),), (("b", (1, *_GLOBAL)),)),
        ),
        Step(
            "and for 5 to 8 bits it rises near the step, which is a strict local minimum.",
            "curve(u*digits(b), count(b)) > 0",
            "by subdivision",
            Everywhere((("u", "99999/100000", "100001/100000"),), (("b", (5, 6, 7, 8)),)),
        ),
        Step(
            "The steps to 15 digits: the slope changes its sign within half a unit of the last.",
            "slope(digits(b) - unit(b), count(b)) < 0 < slope(digits(b) + unit(b), count(b))",
            "evaluate",
            Numbers((("b", _BITS),)),
        ),
    ),
    constants=(
        *(
            Constant(f"step, {b} bits", f"the best uniform step for 2^{b} - 1 levels", f"step({b})")
            for b in _BITS
        ),
        *(
            Constant(
                f"levels, {b} bits",
                f"the best {2**b - 1} levels, in increasing order",
                f"levels({2**b - 1})",
            )
            for b in _BITS
        ),
        *(
            Constant(
                f"error, {b} bits",
                "2 E (w - Q(w))^2 over w > 0, for these levels",
                f"error(levels({2**b - 1}))",
            )
            for b in (1, 2, 3, 4)
        ),
    ),
)
