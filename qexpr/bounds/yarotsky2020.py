"""Yarotsky, Zhevnerchuk: the phase diagram of approximation rates (NeurIPS 2020)."""

from __future__ import annotations

from qexpr.bounds.bound import Bound, Rate, Statement
from qexpr.bounds.references import reference
from qexpr.core.claim import Kind, Quantifier, Side
from qexpr.core.source import Source, Trust

__all__ = ["BOUNDS", "REFERENCE"]

REFERENCE = reference("yarotsky2020phase")

DEEP = Bound(
    id="yarotsky2020.deep",
    title="real weights of high precision, fixed width, any smoothness",
    statement=r"For every smoothness $r$ the rates $W^{-p}$ with $r/d < p \le 2r/d$ are reached by "
    r"deep ReLU networks with weights that do not depend continuously on $f$; fully connected "
    r"networks of a fixed width that does not depend on $r$ are enough for almost optimal rates. "
    r"With $r = n$ and $p = 2n/d$: the stated orders.",
    kind=Kind.ORDER,
    side=Side.UPPER,
    quantifier=Quantifier.CLASS_FIXED,
    statements=(
        Statement("depth", "(1/eps)**(d/(2*n))", Rate("d/(2*n)")),
        Statement("weights", "(1/eps)**(d/(2*n))", Rate("d/(2*n)")),
        Statement("width", "1", Rate("0")),
    ),
    source=Source(
        REFERENCE,
        "deep discontinuous phase",
        Trust("CONFIRMED"),
        "at fixed width the rates are almost optimal: logarithmic factors are not shown",
    ),
    setting="real weights of unbounded precision, fixed width",
)

BOUNDS = (DEEP,)
