"""Boelcskei, Grohs, Kutyniok, Petersen: sparsely connected deep networks (SIMODS 2019)."""

from __future__ import annotations

from qexpr.bounds.bound import Bound, Rate, Statement
from qexpr.bounds.references import reference
from qexpr.core.claim import Kind, Quantifier, Side
from qexpr.core.source import Source, Trust

__all__ = ["BOUNDS", "REFERENCE"]

REFERENCE = reference("boelcskei2019")

EXPONENT = Bound(
    id="boelcskei2019.exponent",
    title="L^2 norm, weights of O(log(1/eps)) bits, lower (exponent only)",
    statement=r"Let $\gamma^*$ be the best exponent of the minimax code length "
    r"$O(\varepsilon^{-1/\gamma})$ of a class in $L^2$. Networks found by any rule, with weights "
    r"that $O(\log(1/\varepsilon))$ bits encode, cannot have $O(\varepsilon^{-1/\gamma})$ edges "
    r"with $\gamma > \gamma^*$. For the unit ball of $W^{n,\infty}([0,1]^d)$ it is "
    r"$\gamma^* = n/d$.",
    kind=Kind.ORDER,
    side=Side.LOWER,
    quantifier=Quantifier.CLASS_ANY,
    statements=(Statement("weights", "(1/eps)**(d/n)", Rate("d/n")),),
    source=Source(
        REFERENCE,
        "effective best M-edge approximation rate",
        Trust("RECALLED", 0.85),
        "a statement about the exponent: any smaller power of 1/eps is excluded, factors of "
        "lower order are not; the explicit form is the entropy floor",
    ),
    setting="L^2 norm, O(log(1/eps)) bits a weight",
)

BOUNDS = (EXPONENT,)
