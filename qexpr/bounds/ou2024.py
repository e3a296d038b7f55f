"""Ou, Schenkel, Boelcskei: three quantization regimes for ReLU networks (2024).

In widths, depth and bits it is the calculator ``regimes``; here what it says of the memory.
"""

from __future__ import annotations

from qexpr.bounds.bound import Bound, Condition, Rate, Statement
from qexpr.bounds.references import reference
from qexpr.core.claim import Kind, Quantifier, Side
from qexpr.core.source import Source, Trust

__all__ = ["BOUNDS", "REFERENCE"]

REFERENCE = reference("ou2024three")

_LIPSCHITZ = (
    Condition("d == 1", "it is about Lipschitz functions on [0,1]"),
    Condition("n == 1", "it is about Lipschitz functions on [0,1]"),
)

PROPER = Bound(
    id="ou2024.proper",
    title="fully connected, proper quantization: memory-optimal",
    statement=r"Fully connected ReLU networks of width $W$ and depth $L$ with weights in "
    r"$(-2^{a+1}, 2^{a+1}) \cap 2^{-b}\mathbb{Z}$ have the minimax error $\asymp 1/(W^2 L b)$ over "
    r"the Lipschitz functions on $[0,1]$ where $C_1 \log(W)/L \lesssim b \lesssim C_2 L \log W$: "
    r"their memory is of the stated order, which is optimal.",
    kind=Kind.ORDER,
    side=Side.UPPER,
    quantifier=Quantifier.CLASS_FIXED,
    statements=(Statement("bits", "1/eps", Rate("1")),),
    source=Source(
        REFERENCE,
        "proper quantization",
        Trust("RECALLED", 0.65),
        "that this regime is memory-optimal is confirmed; its range is recalled",
    ),
    regime=_LIPSCHITZ,
    setting="fully connected, fixed-point weights, proper quantization",
)

BOUNDS = (PROPER,)
