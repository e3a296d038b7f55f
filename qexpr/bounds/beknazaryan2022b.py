"""Beknazaryan: expressive power of binary and ternary networks (2022).

Binary weights +-1, and one hidden layer of indicators of intervals, also approximate; without a
rate they are among the `remarks`.
"""

from __future__ import annotations

from qexpr.bounds.bound import Bound, Rate, Statement
from qexpr.bounds.references import reference
from qexpr.core.claim import Kind, Quantifier, Side
from qexpr.core.source import Source, Trust

__all__ = ["BOUNDS"]

TERNARY = Bound(
    id="beknazaryan2022b.ternary",
    title="ternary weights 0, +-1; Hoelder ball of smoothness n",
    statement=r"Sparse ReLU networks with weights in $\{0, \pm 1\}$ approximate the "
    r"$n$-Hoelder functions on $[0,1]^d$ within $\varepsilon$ with the stated order of nonzero "
    r"weights.",
    kind=Kind.ORDER,
    side=Side.UPPER,
    quantifier=Quantifier.CLASS_FIXED,
    statements=(Statement("weights", "L*(1/eps)**(d/n)", Rate("d/n", "1")),),
    source=Source(
        reference("beknazaryan2022b"),
        "ternary theorem",
        Trust("RECALLED", 0.5),
        "that such networks approximate is confirmed; the rate is recalled",
    ),
    definitions=(("L", "log(1/eps)"),),
    setting="weights 0, +-1; Hoelder ball",
)

BOUNDS = (TERNARY,)
