"""Petersen, Voigtlaender: piecewise smooth functions by deep ReLU networks (Neural Networks 2018).

The classes differ from F(d, n): piecewise C^n functions on [-1/2, 1/2]^d, and the C^n ball; errors
are in L^2. The version for L^p, with its number of layers, is the calculator ``petersen``.
"""

from __future__ import annotations

from qexpr.bounds.bound import Bound, Condition, Rate, Statement
from qexpr.bounds.references import reference
from qexpr.core.claim import Kind, Quantifier, Side
from qexpr.core.source import Source, Trust

__all__ = ["BOUNDS", "REFERENCE"]

REFERENCE = reference("petersen2018")

_SURFACE = Condition("d >= 2", "pieces have to have boundary surfaces")
_RECALLED = Trust("RECALLED", 0.75)
_PIECEWISE = "piecewise C^n functions (not F(d,n)), L^2 norm"

PIECEWISE = Bound(
    id="petersen2018.piecewise",
    title=f"{_PIECEWISE}, fixed number of layers",
    statement=r"Every piecewise $C^n$ function on $[-1/2,1/2]^d$, with $C^n$ boundary surfaces, is "
    r"within $\varepsilon$ in $L^2$ of a ReLU network whose number of layers depends on $d$ and "
    r"$n$ alone, with the stated order of nonzero weights; this order is optimal.",
    kind=Kind.ORDER,
    side=Side.UPPER,
    quantifier=Quantifier.CLASS_ANY,
    statements=(
        Statement("depth", "1", Rate("0")),
        Statement("weights", "(1/eps)**(2*(d-1)/n)", Rate("2*(d-1)/n")),
    ),
    source=Source(REFERENCE, "main upper bound", Trust("CONFIRMED")),
    regime=(_SURFACE,),
    setting=_PIECEWISE,
)

ENCODING = Bound(
    id="petersen2018.encoding",
    title=f"{_PIECEWISE}, weights of O(log(1/eps)) bits, lower",
    statement=r"If every weight is encoded by $\lceil C_0 \log_2(1/\varepsilon) \rceil$ bits, "
    r"networks that bring every piecewise $C^n$ function within $\varepsilon$ in $L^2$ have at "
    r"least the stated order of nonzero weights.",
    kind=Kind.ORDER,
    side=Side.LOWER,
    quantifier=Quantifier.CLASS_ANY,
    statements=(Statement("weights", "(1/eps)**(2*(d-1)/n)/log(1/eps)", Rate("2*(d-1)/n", "-1")),),
    source=Source(REFERENCE, "lower bound for encodable weights", _RECALLED),
    regime=(
        _SURFACE,
        Condition(
            "ln(1/eps) >= n/(2*(d-1))",
            "for larger eps the expression falls while eps falls, and says nothing",
        ),
    ),
    setting=f"{_PIECEWISE}, O(log(1/eps)) bits a weight",
)

DEPTH = Bound(
    id="petersen2018.depth",
    title=f"{_PIECEWISE}, least depth at the optimal rate",
    statement=r"Networks that reach the optimal number of weights for piecewise $C^n$ functions "
    r"have at least of the order of $n/d$ layers, up to a logarithm.",
    kind=Kind.ORDER,
    side=Side.LOWER,
    quantifier=Quantifier.CLASS_ANY,
    statements=(Statement("depth", "n/d", Rate("0")),),
    source=Source(
        REFERENCE,
        "lower bound on the depth",
        Trust("CONFIRMED"),
        "up to a logarithm, and only for networks with the optimal number of weights",
    ),
    setting=f"{_PIECEWISE}, optimal number of weights",
)

SMOOTH = Bound(
    id="petersen2018.smooth",
    title="C^n ball, L^2 norm, weights of O(log(1/eps)) bits",
    statement=r"Every $f$ of the $C^n$ ball is within $\varepsilon$ in $L^2$ of a ReLU network "
    r"with $(2 + \lceil \log_2 n \rceil)(11 + n/d)$ layers and the stated order of nonzero "
    r"weights, all in $[-\varepsilon^{-s}, \varepsilon^{-s}] \cap "
    r"2^{-s \lceil \log_2(1/\varepsilon) \rceil} \mathbb{Z}$, so of "
    r"$O(\log(1/\varepsilon))$ bits each.",
    kind=Kind.ORDER,
    side=Side.UPPER,
    quantifier=Quantifier.CLASS_ANY,
    statements=(
        Statement("depth", "(2 + ceil(log(n)))*(11 + n/d)", Rate("0")),
        Statement("weights", "(1/eps)**(d/n)", Rate("d/n")),
        Statement("bits", "(1/eps)**(d/n)*log(1/eps)", Rate("d/n", "1")),
    ),
    source=Source(REFERENCE, "the smooth case", _RECALLED),
    setting="C^n ball, L^2 norm, O(log(1/eps)) bits a weight",
)

BOUNDS = (PIECEWISE, ENCODING, DEPTH, SMOOTH)
