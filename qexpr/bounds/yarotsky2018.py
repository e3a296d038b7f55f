"""Yarotsky: optimal approximation of continuous functions by very deep ReLU networks (2018).

The error is measured by the modulus of continuity, a omega_f(c W^-p); for F(d, 1) that is W^-p.
"""

from __future__ import annotations

from qexpr.bounds.bound import Bound, Condition, Rate, Statement
from qexpr.bounds.references import reference
from qexpr.core.claim import Kind, Quantifier, Side
from qexpr.core.source import Source, Trust

__all__ = ["BOUNDS", "REFERENCE"]

REFERENCE = reference("yarotsky2018")

_LIPSCHITZ = (
    Condition("n == 1", "it is about the modulus of continuity, here of Lipschitz functions"),
)

SHALLOW = Bound(
    id="yarotsky2018.shallow",
    title="real weights, constant depth, weights continuous in f (p = 1/d)",
    statement=r"Networks of constant depth with $W$ weights, chosen continuously, reach the error "
    r"$a\,\omega_f(c W^{-1/d})$ for every continuous $f$; on $F_{d,1}$ this is $\varepsilon$ for "
    r"the stated order of weights.",
    kind=Kind.ORDER,
    side=Side.UPPER,
    quantifier=Quantifier.CLASS_FIXED,
    statements=(
        Statement("depth", "1", Rate("0")),
        Statement("weights", "(1/eps)**d", Rate("d")),
    ),
    source=Source(REFERENCE, "rate p = 1/d", Trust("CONFIRMED")),
    regime=_LIPSCHITZ,
    setting="real weights that depend continuously on f, constant depth",
)

DEEP = Bound(
    id="yarotsky2018.deep",
    title="real weights of high precision, constant width (p = 2/d)",
    statement=r"Networks of constant width and depth $L \sim W$ reach the error "
    r"$a\,\omega_f(c W^{-2/d})$ for every continuous $f$, with weights that do not depend "
    r"continuously on $f$; on $F_{d,1}$ this is $\varepsilon$ for the stated orders.",
    kind=Kind.ORDER,
    side=Side.UPPER,
    quantifier=Quantifier.CLASS_FIXED,
    statements=(
        Statement("depth", "(1/eps)**(d/2)", Rate("d/2")),
        Statement("weights", "(1/eps)**(d/2)", Rate("d/2")),
        Statement("width", "1", Rate("0")),
    ),
    source=Source(
        REFERENCE,
        "rate p = 2/d",
        Trust("CONFIRMED"),
        "bit extraction: fewer weights, each of many bits",
    ),
    regime=_LIPSCHITZ,
    setting="real weights of unbounded precision, constant width",
)

LIMIT = Bound(
    id="yarotsky2018.limit",
    title="real weights, no rate above p = 2/d",
    statement=r"No networks with $W$ real weights reach the error $a\,\omega_f(c W^{-p})$ for "
    r"every continuous $f$ with $p > 2/d$: on $F_{d,1}$ at least the stated order of weights is "
    r"needed.",
    kind=Kind.ORDER,
    side=Side.LOWER,
    quantifier=Quantifier.CLASS_FIXED,
    statements=(Statement("weights", "(1/eps)**(d/2)", Rate("d/2")),),
    source=Source(REFERENCE, "p > 2/d is impossible", Trust("CONFIRMED")),
    regime=_LIPSCHITZ,
    setting="real weights of unbounded precision, any depth",
)

BOUNDS = (SHALLOW, DEEP, LIMIT)
