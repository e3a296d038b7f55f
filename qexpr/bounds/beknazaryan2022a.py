"""Beknazaryan: networks with parameters 0, +-1/2, +-1, 2 (J. Stat. Theory Pract. 2022)."""

from __future__ import annotations

from qexpr.bounds.bound import Bound, Rate, Statement
from qexpr.bounds.references import reference
from qexpr.core.claim import Kind, Quantifier, Side
from qexpr.core.source import Source, Trust

__all__ = ["BOUNDS"]

DYADIC = Bound(
    id="beknazaryan2022a.dyadic",
    title="weights 0, +-1/2, +-1, 2; C^n ball",
    statement=r"A $C^n$-smooth $f$ is approximated within $\varepsilon$ by ReLU networks with all "
    r"parameters in $\{0, \pm\frac12, \pm 1, 2\}$ whose depth, width and number of nonzero "
    r"parameters are those for parameters in $[-1,1]$ up to a logarithmic factor: one more than "
    r"$\log(1/\varepsilon)\,\varepsilon^{-d/n}$.",
    kind=Kind.ORDER,
    side=Side.UPPER,
    quantifier=Quantifier.CLASS_FIXED,
    statements=(
        Statement("depth", "L**2", Rate("0", "2")),
        Statement("weights", "L**2*(1/eps)**(d/n)", Rate("d/n", "2")),
    ),
    source=Source(
        reference("beknazaryan2022a"),
        "main theorem",
        Trust("CONFIRMED"),
        "confirmed up to a logarithmic factor; one more power of log(1/eps) than with parameters "
        "in [-1,1], for depth and weights each, is how it is read here",
    ),
    definitions=(("L", "log(1/eps)"),),
    setting="weights 0, +-1/2, +-1, 2; C^n ball",
)

BOUNDS = (DYADIC,)
