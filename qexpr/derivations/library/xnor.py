"""XNOR-Net: the exact least-squares factor of a binary product, and what K alpha leaves out."""

from __future__ import annotations

from qexpr.core.papers import cite
from qexpr.derivations.checks import Cases, Identity, Numbers
from qexpr.derivations.derivation import Derivation, Step
from qexpr.derivations.formula import Definition

__all__ = ["DERIVATION"]

DERIVATION = Derivation(
    name="xnor",
    title="Binary products: the least-squares factor and the covariance gap",
    statement="The factor gamma for which `gamma*sign(X)*sign(W)` is nearest to the products X*W "
    "is the mean of `abs(X*W)`. It exceeds `beta*alpha`, the product of the means of abs(X) and "
    "abs(W), by the covariance of the magnitudes; the paper's K alpha is least squares only where "
    "that is 0.",
    source=cite("rastegari2016xnor", "section 3.2 (binary dot product, binary convolution)"),
    definitions=(
        Definition("mean(v)", "sum(v)/len(v)"),
        Definition("centred(v)", "[t - mean(v) for t in v]"),
        Definition("products(X, W)", "[abs(x*w) for x, w in zip(X, W)]"),
    ),
    steps=(
        Step(
            "The sign of a product is the product of the signs, so this is the binary case for "
            "the vector of products.",
            "(x*w - gamma*s)**2 == (x*w)**2 - 2*gamma*s*x*w + gamma**2",
            "expand, with s^2 = 1",
            Identity(real="x w gamma", cases=(("s", (-1, 1)),)),
        ),
        Step(
            "With S the sum of the magnitudes of the n products and Q of their squares, the "
            "distance is least at gamma = S/n.",
            "Q - 2*gamma*S + n*gamma**2 == Q - S**2/n + n*(gamma - S/n)**2",
            "complete the square",
            Identity(real="Q S gamma", whole="n"),
        ),
        Step(
            "The covariance of magnitudes a, b with the means A, B, term by term,",
            "(a - A)*(b - B) == a*b - A*b - B*a + A*B",
            "expand",
            Identity(real="a b A B"),
        ),
        Step(
            "and summed over all n: the mean of the products less the product of the means. T is "
            "the sum of a*b.",
            "(T - A*(n*B) - B*(n*A) + n*(A*B))/n == T/n - A*B",
            "the sums of a and b are n*A and n*B",
            Identity(real="T A B", whole="n"),
        ),
        Step(
            "So the loss of taking beta*alpha is n times the squared covariance.",
            "Q - 2*(A*B)*S + n*(A*B)**2 == Q - S**2/n + n*(S/n - A*B)**2",
            "insert gamma = A*B, the paper's factor, into the parabola",
            Identity(real="Q S A B", whole="n"),
        ),
        Step(
            "Tried on vectors: the gap is the covariance.",
            "mean(products(X, W)) - mean([abs(x) for x in X])*mean([abs(w) for w in W]) == "
            "mean([a*b for a, b in zip(centred([abs(x) for x in X]), "
            "centred([abs(w) for w in W]))])",
            "all pairs of vectors of a grid",
            Cases((("X", "vectors([-1, 0, 2], 3)"), ("W", "vectors([-3/2, 1/2, 1], 3)"))),
        ),
        Step(
            "At inference a fixed factor g in place of gamma(X) costs n (gamma - g)^2 for each "
            "input. On average over inputs that is least for the mean M of gamma, where V is its "
            "variance and `V + M**2` its mean square.",
            "n*((V + M**2) - 2*g*M + g**2) == n*V + n*(M - g)**2",
            "complete the square: the loss of fixing the factor is n times its variance",
            Identity(real="M g V", whole="n"),
        ),
        Step(
            "The count of operations: c channels, filters of N weights, I outputs; 64 binary "
            "operations take one instruction, and K one product an output.",
            "c*N*I/(c*N*I/64 + I) == 64*c*N/(c*N + 64)",
            "divide by I/64",
            Identity(positive="c N I"),
        ),
        Step(
            "For c = 256 and 3 x 3 filters.",
            "abs(64*256*9/(256*9 + 64) - 62.27) <= 0.005",
            "evaluate",
            Numbers(),
        ),
    ),
)
