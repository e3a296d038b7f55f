"""Liu, Chen: ReLU networks of width d + O(1) reach the optimal rate (ICML 2024)."""

from __future__ import annotations

from qexpr.bounds.bound import Bound, Rate, Statement
from qexpr.bounds.references import reference
from qexpr.core.claim import Kind, Quantifier, Side
from qexpr.core.source import Source, Trust

__all__ = ["BOUNDS", "REFERENCE"]

REFERENCE = reference("liu2024width")

WIDTH = Bound(
    id="liu2024.width",
    title="real weights, width d + 11 at the optimal rate",
    statement=r"ReLU networks of width $d + 11$ reach the optimal rate in sup norm (of width "
    r"$d + 1$ in $L_p$, $p < \infty$) for continuous functions on $[0,1]^d$.",
    kind=Kind.EXPLICIT,
    side=Side.UPPER,
    quantifier=Quantifier.CLASS_FIXED,
    statements=(Statement("width", "d + 11", Rate("0")),),
    source=Source(REFERENCE, "main theorem", Trust("CONFIRMED")),
    setting="real weights of unbounded precision",
)

BOUNDS = (WIDTH,)
