"""The cone basis: the impulse identity and the stencils."""

from __future__ import annotations

from qexpr.core.papers import derived
from qexpr.derivations.checks import Cases, Identity
from qexpr.derivations.derivation import Derivation, Step
from qexpr.derivations.formula import Definition

__all__ = ["DERIVATION"]

DERIVATION = Derivation(
    name="cones",
    title="The cone basis of the Kuhn mesh",
    statement="With `C(y) = relu(min(y))` the piecewise linear interpolant of v on the Kuhn mesh "
    "is the sum of `rho_k*C(N x - k + (1, .., 1))`, rho the differences of v along every axis and "
    "along the diagonal. The stencil of rho has magnitudes that add up to nu + 1, nu = 3, 5, 15, "
    "29 for d = 1, 2, 3, 4.",
    source=derived("cones"),
    definitions=(
        Definition("C(y)", "relu(min(y))"),
        Definition("step(t)", "1 if t >= 1 else 0"),
        Definition("moved(m, e, b)", "[a - s - b for a, s in zip(m, e)]"),
        Definition(
            "impulse(m, d)",
            "sum((-1)**(sum(e) + b)*C(moved(m, e, b)) for e in vectors([0, 1], d) for b in [0, 1])",
        ),
        Definition(
            "stencil(j, d)",
            "sum((-1)**(sum(e) + b) for e in vectors([0, 1], d) for b in [0, 1] "
            "if all(s + b == a for a, s in zip(j, e)))",
        ),
        Definition("most(d)", "2**(d + 1) - 1"),
        Definition("value(v, k)", "v[k] if 0 <= k < len(v) else 0"),
        Definition("rho(v, k)", "value(v, k) - 2*value(v, k - 1) + value(v, k - 2)"),
        Definition("kuhn(y)", "relu(1 - max([0, *y]) - max([0, *[-t for t in y]]))"),
    ),
    steps=(
        Step(
            "At an integer t the ramp less the ramp moved by 1 is a step.",
            "relu(t) - relu(t - 1) == step(t)",
            "both ramps are linear beyond 0 and 1: two points on each side settle it",
            Cases((("t", (-2, -1, 0, 1, 2, 3)),)),
        ),
        Step(
            "Moving along the diagonal moves the minimum by as much, so the difference of C along "
            "the diagonal is the step of the minimum, which is the product of the steps.",
            "C(m) - C([a - 1 for a in m]) == product([step(a) for a in m])",
            "the minimum is at least 1 exactly if all coordinates are",
            Cases((("m", "[v for d in [1, 2, 3, 4] for v in vectors([-1, 0, 1, 2], d)]"),)),
        ),
        Step(
            "The difference of a step is an impulse at 1, and differences along different axes act "
            "on different factors: together, the impulse at (1, .., 1).",
            "step(t) - step(t - 1) == (1 if t == 1 else 0)",
            "two points on each side of 1 settle it",
            Cases((("t", (-2, -1, 0, 1, 2, 3)),)),
        ),
        Step(
            "All differences at once, d = 1 to 4.",
            "impulse(m, len(m)) == (1 if all(a == 1 for a in m) else 0)",
            "evaluate on a box around the impulse",
            Cases((("m", "[v for d in [1, 2, 3, 4] for v in vectors([-1, 0, 1, 2, 3], d)]"),)),
        ),
        Step(
            "Summation by parts moves the differences from v to C, which makes them impulses: the "
            "sum takes the values v at the nodes. Here in one dimension, for every v of a grid.",
            "all(sum(rho(v, k)*C([m - k + 1]) for k in range(len(v) + 2)) == value(v, m) "
            "for m in range(len(v)))",
            "the sum is a convolution; v is 0 outside",
            Cases((("v", "vectors([-2, 0, 1, 5], 4)"),)),
        ),
        Step(
            "C is linear on every simplex of the mesh: it equals its own interpolant by the hats.",
            "sum(kuhn([a - b for a, b in zip(x, m)])*C(m) for m in vectors([-1, 0, 1, 2], len(x))) "
            "== C(x)",
            "evaluate at all points of a grid",
            Cases(
                (
                    (
                        "x",
                        "[v for d in [1, 2, 3] for v in vectors([-1/3, 0, 1/4, 2/3, 1, 4/3], d)]",
                    ),
                )
            ),
        ),
        Step(
            "The stencil is the product of (1 - X_i) and 1 - X_1..X_d, multiplied out. The last "
            "term of the first and the diagonal one fall on the same node: they cancel for even d "
            "and add up for odd d.",
            "sum(abs(stencil(j, d)) for j in vectors([0, 1, 2], d)) - 1 == "
            "[3, 5, 15, 29][d - 1] <= most(d)",
            "count",
            Cases((("d", (1, 2, 3, 4)),)),
        ),
        Step(
            "For d = 2 it has six terms.",
            "(1 - X)*(1 - Y)*(1 - X*Y) == 1 - X - Y + X**2*Y + X*Y**2 - X**2*Y**2",
            "multiply out: X and Y are the moves along the axes",
            Identity(real="X Y"),
        ),
    ),
)
