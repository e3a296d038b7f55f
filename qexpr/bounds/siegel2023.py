"""Siegel: optimal rates on Sobolev and Besov spaces (JMLR 2023)."""

from __future__ import annotations

from qexpr.bounds.bound import Bound, Rate, Statement
from qexpr.bounds.references import reference
from qexpr.core.claim import Kind, Quantifier, Side
from qexpr.core.source import Source, Trust

__all__ = ["BOUNDS", "REFERENCE"]

REFERENCE = reference("siegel2023")

_TRUST = Trust("RECALLED", 0.85)
_RATE = Rate("d/(2*n)")
_NOTE = "the rate L^(-2n/d) at fixed width is confirmed"

DEEP = Bound(
    id="siegel2023.deep",
    title="real weights of high precision, width 25 d + 31",
    statement=r"For $f$ in $W^s(L_q)$ or a Besov space with $1/q - 1/p < s/d$ networks of width "
    r"$25 d + 31$ and depth $L$ are within $C \|f\| L^{-2s/d}$ of $f$ in $L_p$; here $s = n$, "
    r"$q = p = \infty$.",
    kind=Kind.ORDER,
    side=Side.UPPER,
    quantifier=Quantifier.CLASS_FIXED,
    statements=(
        Statement("depth", "(1/eps)**(d/(2*n))", _RATE),
        Statement("weights", "(1/eps)**(d/(2*n))", _RATE),
        Statement("width", "25*d + 31", Rate("0")),
    ),
    source=Source(REFERENCE, "main theorem", _TRUST, _NOTE),
    setting="real weights of unbounded precision, fixed width",
)

SHARP = Bound(
    id="siegel2023.sharp",
    title="real weights, fixed width, lower",
    statement=r"The rate $L^{-2n/d}$ of networks of a fixed width is sharp: at least the stated "
    r"order of layers, and of weights, is needed.",
    kind=Kind.ORDER,
    side=Side.LOWER,
    quantifier=Quantifier.CLASS_FIXED,
    statements=(
        Statement("depth", "(1/eps)**(d/(2*n))", _RATE),
        Statement("weights", "(1/eps)**(d/(2*n))", _RATE),
    ),
    source=Source(REFERENCE, "sharpness", _TRUST, _NOTE),
    setting="real weights of unbounded precision, fixed width",
)

BOUNDS = (DEEP, SHARP)
