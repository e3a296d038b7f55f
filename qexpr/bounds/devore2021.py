"""DeVore, Hanin, Petrova: neural network approximation (Acta Numerica 2021), a survey."""

from __future__ import annotations

from qexpr.bounds.bound import Bound, Rate, Statement
from qexpr.bounds.references import reference
from qexpr.core.claim import Kind, Quantifier, Side
from qexpr.core.source import Source, Trust

__all__ = ["BOUNDS", "REFERENCE"]

REFERENCE = reference("devore2021")

STABLE = Bound(
    id="devore2021.stable",
    title="real weights, stable (Lipschitz) selection, lower",
    statement=r"Approximation that is stable (the maps from $f$ to the weights and from the "
    r"weights to the network are Lipschitz) cannot beat the entropy numbers: on $F_{d,n}$ it "
    r"needs at least the stated order of weights. Rates with fewer weights are unstable.",
    kind=Kind.ORDER,
    side=Side.LOWER,
    quantifier=Quantifier.CLASS_FIXED,
    statements=(Statement("weights", "(1/eps)**(d/n)", Rate("d/n")),),
    source=Source(REFERENCE, "stable manifold widths", Trust("RECALLED", 0.95)),
    setting="real weights, Lipschitz selection and realization",
)

BOUNDS = (STABLE,)
