"""Achour, Foucault, Gerchinovitz, Malgouyres: a lower bound in L^p norm (NeurIPS 2022)."""

from __future__ import annotations

from qexpr.bounds.bound import Bound, Rate, Statement
from qexpr.bounds.references import reference
from qexpr.core.claim import Kind, Quantifier, Side
from qexpr.core.source import Source, Trust

__all__ = ["BOUNDS", "REFERENCE"]

REFERENCE = reference("achour2022")

LP_NORM = Bound(
    id="achour2022.lp",
    title="L^p norm, real weights, lower, up to logarithms",
    statement=r"Networks with a piecewise polynomial activation that bring every function of a "
    r"Hoelder ball of smoothness $n$ within $\varepsilon$ in $L^p$ need as many weights as for "
    r"the sup norm, up to logarithms: the stated order.",
    kind=Kind.ORDER,
    side=Side.LOWER,
    quantifier=Quantifier.CLASS_FIXED,
    statements=(Statement("weights", "(1/eps)**(d/(2*n))", Rate("d/(2*n)")),),
    source=Source(
        REFERENCE,
        "lower bound for Hoelder balls",
        Trust("RECALLED", 0.9),
        "the statement is confirmed up to powers of log(1/eps); the list of authors is recalled",
    ),
    setting="L^p norm, Hoelder ball, real weights",
)

BOUNDS = (LP_NORM,)
