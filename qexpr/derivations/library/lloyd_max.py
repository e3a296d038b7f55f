"""Lloyd-Max quantizers of the normal and of the Laplace law, 1 to 4 bits."""

from __future__ import annotations

from qexpr.core.papers import cite
from qexpr.derivations.checks import Identity, Numbers
from qexpr.derivations.derivation import Constant, Derivation, Step
from qexpr.derivations.formula import Definition
from qexpr.derivations.gaussian import CELLS, CENTROID, MOMENTS, MONOTONE, NORMAL, SPREAD
from qexpr.derivations.lloyd import FUNCTIONS

__all__ = ["DERIVATION"]

_HALVES = (1, 2, 4, 8)

DERIVATION = Derivation(
    name="lloyd-max",
    title="Lloyd-Max quantizers of the normal and the Laplace law",
    statement="The quantizer with 2*m levels of least mean square error for a symmetric law has "
    "its thresholds at midpoints and its levels at centroids; for the normal and the Laplace law "
    "these conditions have one solution with a threshold at 0. Both laws have variance 1.",
    source=cite(
        "max1960quantizing",
        "conditions of least distortion, and the table of levels",
        recalled=0.95,
    ),
    definitions=(
        *NORMAL,
        CENTROID,
        SPREAD,
        *CELLS,
        Definition("g(a)", "1 - a/(exp(a) - 1)"),
        Definition("h(a)", "a - g(a)"),
        Definition("first(j)", "1 if j == 1 else g(width(j))"),
        Definition("inverse(y)", "root(lambda a: h(a) - y, 1/100, 2)"),
        Definition("width(j)", "inverse(first(j - 1))"),
        Definition(
            "distances(m)",
            "[sum(width(j) for j in range(m - i + 1, m + 1)) + first(m - i) for i in range(m)]",
        ),
        Definition("laplace(m)", "[x/sqrt(2) for x in distances(m)]"),
        Definition("start(m, i)", "sum(width(j) for j in range(m - i + 1, m + 1))"),
        Definition(
            "mass(m, i)", "exp(-start(m, i)) - (0 if i == m - 1 else exp(-start(m, i + 1)))"
        ),
        Definition(
            "laplace_error(m)",
            "1 - sum(mass(m, i)*distances(m)[i]**2 for i in range(m))/2",
        ),
    ),
    functions=FUNCTIONS,
    steps=(
        MOMENTS,
        *MONOTONE,
        Step(
            "Normal law, 2 to 16 levels: the positive half of the levels lies between these sides.",
            "all(below(m)[i] < c(below(m), i) for i in range(m)) and "
            "all(above(m)[i] > c(above(m), i) for i in range(m)) and "
            "all(0 < above(m)[i] - below(m)[i] <= 1e-22 for i in range(m))",
            "evaluate all centroids",
            Numbers((("m", _HALVES),)),
        ),
        Step(
            "Four levels, as in Max's table: 0.4528, 1.510, error 0.1175.",
            "abs(levels(2)[0] - 0.4528) <= 5e-5 and abs(levels(2)[1] - 1.510) <= 5e-4 and "
            "abs(error(levels(2)) - 0.1175) <= 5e-5",
            "evaluate",
            Numbers(),
        ),
        Step(
            "Laplace law, its positive half `exp(-x)`: masses and means have antiderivatives.",
            "derivative(-exp(-x), x) - exp(-x) == derivative(-(x + 1)*exp(-x), x) - x*exp(-x) == 0",
            "differentiate",
            Identity(real="x"),
        ),
        Step(
            "So the centroid of a cell of width a lies `g(a)` above its lower end, wherever the "
            "cell begins,",
            "((s + 1)*exp(-s) - (s + a + 1)*exp(-s - a))/(exp(-s) - exp(-s - a)) - s == g(a)",
            "the law has no memory",
            Identity(real="s", positive="a"),
        ),
        Step(
            "1 above it for the last cell,",
            "(s + 1)*exp(-s)/exp(-s) - s == 1",
            "its upper end is infinity",
            Identity(real="s"),
        ),
        Step(
            "and `h(a) = a - g(a)` below the upper end, which rises with a since `exp(a) > 1 + a`.",
            "derivative(h(a), a) == exp(a)*(exp(a) - 1 - a)/(exp(a) - 1)**2",
            "differentiate",
            Identity(positive="a"),
        ),
        Step(
            "`exp(a) - 1 - a` is 0 at 0 and rises for a > 0.",
            "derivative(exp(a) - a, a) - (exp(a) - 1) == exp(0) - 1 == 0",
            "differentiate; a threshold is a midpoint, so h of a cell's width is the distance of "
            "the next level from its own lower end: from the last cell, where that is 1, the "
            "widths follow one by one, each the only root. `width(j)` is that of the j-th cell "
            "from the end, `first(j)` the distance of its level from its lower end",
            Identity(positive="a"),
        ),
        Step(
            "The recursion meets both conditions: midpoints and centroids.",
            "all(abs(h(width(j)) - first(j - 1)) <= 1e-22 for j in range(2, m + 1)) and "
            "all(abs(start(m, i) - (distances(m)[i - 1] + distances(m)[i])/2) <= 1e-22 "
            "for i in range(1, m))",
            "evaluate",
            Numbers((("m", _HALVES),)),
        ),
        Step(
            "The second moment of `exp(-x)` is 2: at centroids the relative error is 1 less half "
            "the mean square of the levels.",
            "derivative(-(x**2 + 2*x + 2)*exp(-x), x) - x**2*exp(-x) == 0",
            "differentiate: the antiderivative is -2 at 0",
            Identity(real="x"),
        ),
        Step(
            "Four levels at variance 1.",
            "abs(laplace(2)[0] - 0.419756) <= 5e-7 and abs(laplace(2)[1] - 1.833969) <= 5e-7 and "
            "abs(laplace_error(2) - 0.176195) <= 5e-7",
            "evaluate",
            Numbers(),
        ),
    ),
    constants=(
        *(
            Constant(
                f"normal, {2 * m} levels",
                f"the {m} positive levels for N(0, 1)",
                f"levels({m})",
            )
            for m in _HALVES
        ),
        *(
            Constant(
                f"normal, {2 * m} levels, error",
                "the mean square error",
                f"error(levels({m}))",
            )
            for m in _HALVES
        ),
        *(
            Constant(
                f"laplace, {2 * m} levels",
                f"the {m} positive levels for the Laplace law of variance 1",
                f"laplace({m})",
            )
            for m in _HALVES
        ),
        *(
            Constant(
                f"laplace, {2 * m} levels, error",
                "the mean square error",
                f"laplace_error({m})",
            )
            for m in _HALVES
        ),
    ),
)
