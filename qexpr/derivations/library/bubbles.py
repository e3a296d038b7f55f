"""Bubbles: covariances on the Kuhn mesh, folds, digits, and the constants of the error."""

from __future__ import annotations

from fractions import Fraction

from qexpr.core.papers import derived
from qexpr.derivations.checks import Cases, Identity
from qexpr.derivations.derivation import Derivation, Step
from qexpr.derivations.formula import Definition
from qexpr.rigor.bubble_kernel import is_below
from qexpr.rigor.bubbles import bubble_kappa

__all__ = ["DERIVATION"]


def _kernel_is_below(M: int, bound: Fraction) -> bool:
    return is_below(M, Fraction(bound))


DERIVATION = Derivation(
    name="bubbles",
    title="Second-order bubbles on the Kuhn mesh",
    statement="For a quadratic the interpolant on the Kuhn mesh is off by half of the sum of "
    "`w_kl*Cov(V_k, V_l)`, and these covariances are differences of `G(s) = s*(1 - s)` of the "
    "fractional parts of N x_1, N x_2 and N (x_1 - x_2). With second derivatives interpolated "
    "on a mesh M times coarser the rest is at most kappa h^3, kappa = 1/24 for d = 1 and at most "
    "0.3334, 0.6453, 1.7205 for d = 2 and M = 1, 2, 4.",
    source=derived("bubbles"),
    definitions=(
        Definition("G(s)", "s*(1 - s)"),
        Definition("fold(y, c)", "y if c < 1 else fold(abs(y - c), c/2)"),
        Definition("part(s)", "s - floor(s)"),
        Definition("hat_mean(a)", "a + (1 - a)**3/3"),
    ),
    functions=(("kernel_is_below", _kernel_is_below), ("kappa", bubble_kappa)),
    steps=(
        Step(
            "The vertices (0,0), (1,0), (1,1) have the weights 1 - a, a - b, b, a >= b. Only the "
            "last one has both coordinates 1.",
            "b - a*b == (G(a) + G(b) - G(a - b))/2",
            "E V_1 V_2 = b; multiply out",
            Identity(real="a b"),
        ),
        Step(
            "Collected by bubbles, three products are enough for d = 2.",
            "(p*G(a) + r*G(b) + q*(G(a) + G(b) - G(a - b)))/2 == "
            "((p + q)*G(a) + (q + r)*G(b) - q*G(a - b))/2",
            "p, q, r stand for w_11, w_12, w_22; the mixed term enters twice",
            Identity(real="a b p q r"),
        ),
        Step(
            "By the wave v = 2 s - 1, or 1 - 2 s, between the nodes.",
            "G(s) == (1 - (2*s - 1)**2)/4",
            "multiply out",
            Identity(real="s"),
        ),
        Step(
            "A product of factors between -1 and 1, and a term without a product.",
            "-w*(1 - v**2)/4/2 == (w*(2*v**2 - 1) - w)/16",
            "multiply out",
            Identity(real="v w"),
        ),
        Step(
            "Folds at 2^(k-1), .., 1 lead from [0, 2^k] to [0, 1] and keep the bubble.",
            "0 <= fold(y, K) <= 1 and G(fold(y, K)) == G(part(y))",
            "a fold at a whole number changes the fractional part to 1 less it, or not at all",
            Cases((("K", (1, 2, 4, 8)), ("y", "[k/12 for k in range(0, 193)]")), where="y <= 2*K"),
        ),
        Step(
            "Each further fold takes a tangent off the square: with |v_(i-1)| = a and the fold at "
            "c = 2^-i, the rest is the square of v_i = a - c.",
            "a**2 == 2*c*a - c**2 + (a - c)**2",
            "multiply out",
            Identity(real="a c"),
        ),
        Step(
            "What the tangents leave besides folds is a geometric sum.",
            "sum(4**-(i + 1) for i in range(r)) == (1 - 4**-r)/3",
            "add up",
            Cases((("r", (0, 1, 2, 3, 8)),)),
        ),
        Step(
            "The stencil of f's code for d = 2 is a sum of two third differences: at most 2 h^3.",
            "(1 - X)*(1 - Y)*(1 - X*Y) == (1 - X)*(1 - Y)*(1 - X) + X*(1 - X)*(1 - Y)*(1 - Y)",
            "the move along the diagonal is one along each axis",
            Identity(real="X Y"),
        ),
        Step(
            "The mean distance from the mass of a hat on [-1, 1] to a point a of [0, 1]: to both "
            "sides of it (a + (1 - a)^3/6 and (1 - a)^3/6).",
            "a + (1 - a)**3/6 + (1 - a)**3/6 == hat_mean(a)",
            "integrate (a - x)(1 - |x|) below a and (x - a)(1 - |x|) above",
            Identity(real="a"),
        ),
        Step(
            "For d = 2 half of the sum of the bubbles is at most 1/3.",
            "2/3 - (G(a) + G(b) + G(a - b)) == 2*(b - a/2)**2 + 3*(a - 2/3)**2/2",
            "complete the squares",
            Identity(real="a b"),
        ),
        Step(
            "kappa for d = 1: with sqrt(u (1 - u)) at most 1/2 the kernel's norm is at most "
            "u (1 - u)/6.",
            "u*(1 - u)*((1 - 2*u)/3 + 4*u/3*(1/2))/2 == u*(1 - u)/6 == 1/24 - (u - 1/2)**2/6",
            "int |p s^2 - r| ds = p/3 - r + 4 r sqrt(r/p)/3 for 0 <= r <= p",
            Identity(real="u"),
        ),
        Step(
            "kappa for d = 2: the l1 norm of the kernel is nowhere above the constants, and is "
            "above nearby numbers somewhere.",
            "kernel_is_below(case[0], kappa(2, case[0])) and not kernel_is_below(case[0], case[1])",
            "balls and subdivision of the unit square, for every place in the coarse cell",
            Cases(
                (
                    (
                        "case",
                        ((1, Fraction(33, 100)), (2, Fraction(64, 100)), (4, Fraction(171, 100))),
                    ),
                )
            ),
        ),
    ),
)
