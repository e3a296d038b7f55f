"""Binary weights: the nearest scaled sign vector."""

from __future__ import annotations

from qexpr.core.papers import cite
from qexpr.derivations.checks import Cases, Identity, Numbers
from qexpr.derivations.derivation import Constant, Derivation, Step
from qexpr.derivations.gaussian import MOMENTS, NORMAL

__all__ = ["DERIVATION"]

_SIGNS = (-1, 1)
_WEIGHTS = "[-3/2, -1/2, 0, 1/2, 1]"

DERIVATION = Derivation(
    name="binary",
    title="Binary weights: the sign and the mean magnitude",
    statement="Among all scales `alpha >= 0` and sign vectors b, the distance of `alpha*b` from a "
    "vector w of m weights is least for b = sign(w), alpha = mean of `abs(w)`.",
    source=cite("rastegari2016xnor", "section 3.1 (binary-weight networks)"),
    definitions=NORMAL,
    steps=(
        Step(
            "In each coordinate the square of the sign drops out.",
            "(w - alpha*b)**2 == w**2 - 2*alpha*b*w + alpha**2",
            "expand, with b^2 = 1",
            Identity(real="w alpha", cases=(("b", _SIGNS),)),
        ),
        Step(
            "Write w = s*a with a = `abs(w)` and s its sign. Then `b*w` falls short of a by a "
            "multiple of a square, which is 0 for b = s and 2*a for b = -s.",
            "a - b*s*a == a*(b - s)**2/2",
            "expand, with b^2 = s^2 = 1; so for alpha >= 0 the sum of `alpha*b*w` is largest, "
            "and the distance least, for b = s in every coordinate",
            Identity(positive="a", cases=(("b", _SIGNS), ("s", _SIGNS))),
        ),
        Step(
            "With b = sign(w), S the sum of the magnitudes and Q that of the squares, the distance "
            "is a parabola in alpha with its vertex at S/m, the mean magnitude.",
            "Q - 2*alpha*S + m*alpha**2 == Q - S**2/m + m*(alpha - S/m)**2",
            "complete the square; S/m >= 0 is an admissible scale",
            Identity(real="Q S alpha", whole="m"),
        ),
        Step(
            "No sign pattern, each with its own best scale, does better.",
            "min(sum(w**2 for w in W) - relu(sum(b*w for b, w in zip(B, W)))**2/len(W) "
            "for B in vectors([-1, 1], len(W))) == "
            "sum(w**2 for w in W) - sum(abs(w) for w in W)**2/len(W)",
            "try all sign patterns for every vector W of a grid",
            Cases((("W", f"vectors({_WEIGHTS}, 3)"),)),
        ),
        MOMENTS,
        Step(
            "For weights of the normal law the mean magnitude is `2*phi(0) = sqrt(2/pi)`, and the "
            "relative error is `1 - 2/pi`.",
            "1 - (2*phi(0))**2 == 1 - 2/pi",
            "E abs(w) is twice the mean beyond 0; the variance is 1",
            Identity(),
        ),
        Step(
            "In digits.",
            "abs(1 - 2/pi - 0.363380227632419) <= 5e-16",
            "evaluate",
            Numbers(),
        ),
    ),
    constants=(
        Constant("alpha_over_sigma", "the scale for the law N(0, 1)", "sqrt(2/pi)"),
        Constant("relative_error", "E (w - alpha*b)^2 / E w^2 for the law N(0, 1)", "1 - 2/pi"),
    ),
)
