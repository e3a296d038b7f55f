"""Guentuerk, Li: approximation of functions with one-bit neural networks (2021).

Sigma-Delta quantization of Bernstein coefficients. Its one-dimensional part is the calculator
``bernstein``.
"""

from __future__ import annotations

from qexpr.bounds.bound import Bound, Rate, Statement
from qexpr.bounds.references import reference
from qexpr.core.claim import Kind, Quantifier, Side
from qexpr.core.source import Source, Trust

__all__ = ["BOUNDS", "REFERENCE"]

REFERENCE = reference("gunturk2021onebit")

_CLASS = "C^n([0,1]^d) with |f| < 1, error away from the boundary"
_CAVEAT = "the exponent 2d/n is worse than the d/n of others, but every parameter is one bit"

RELU = Bound(
    id="gunturk2021.relu",
    title="ReLU network, every parameter +-1/2, error away from the boundary",
    statement=r"Every $f \in C^n([0,1]^d)$ with $\|f\|_\infty < 1$ is approximated within "
    r"$\varepsilon$, away from the boundary, by a ReLU network with all parameters in "
    r"$\{\pm 1/2\}$, of the stated order.",
    kind=Kind.ORDER,
    side=Side.UPPER,
    quantifier=Quantifier.CLASS_FIXED,
    statements=(
        Statement("weights", "(1/eps)**(2*d/n)*log(1/eps)", Rate("2*d/n", "1")),
        Statement("bits", "(1/eps)**(2*d/n)*log(1/eps)", Rate("2*d/n", "1")),
    ),
    source=Source(REFERENCE, "ReLU theorem", Trust("CONFIRMED"), _CAVEAT),
    setting=f"weights +-1/2 (one bit each); {_CLASS}",
    alphabet="nonlinear",
)

QUADRATIC = Bound(
    id="gunturk2021.quadratic",
    title="quadratic activation, every parameter +-1, error away from the boundary",
    statement=r"Every $f \in C^n([0,1]^d)$ with $\|f\|_\infty < 1$ is approximated within "
    r"$\varepsilon$, away from the boundary, by a network with quadratic activation and all "
    r"parameters in $\{\pm 1\}$, of the stated order.",
    kind=Kind.ORDER,
    side=Side.UPPER,
    quantifier=Quantifier.CLASS_FIXED,
    statements=(
        Statement("weights", "(1/eps)**(2*d/n)", Rate("2*d/n")),
        Statement("bits", "(1/eps)**(2*d/n)", Rate("2*d/n")),
    ),
    source=Source(REFERENCE, "quadratic theorem", Trust("CONFIRMED"), _CAVEAT),
    setting=f"weights +-1 (one bit each), quadratic activation; {_CLASS}",
)

BOUNDS = (RELU, QUADRATIC)
