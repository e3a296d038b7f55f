"""Cones: n = 1 and 2, every d, two edges a node and O(1) digits each."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

from qexpr.bounds.bound import Bound, Condition, Parameters, Rate, Statement
from qexpr.bounds.witness.cones_count import ConesCount, count
from qexpr.bounds.witness.cones_mesh import Layout, edges_at_least, first_layouts, moves
from qexpr.bounds.witness.source import BUILT, digit_bits, witness_source
from qexpr.core.claim import Kind, Quantifier, Side
from qexpr.core.descent import cheapest_at_most
from qexpr.core.query import Query

__all__ = ["BOUNDS", "CONES"]


# queries share the finer accuracies at which they search
_counted = lru_cache(maxsize=4096)(count)
_starts = lru_cache(maxsize=256)(first_layouts)


@lru_cache(maxsize=64)
def _cheapest(d: int, n: int, eps: Fraction, b: int) -> tuple[Layout, ConesCount]:
    """The cheapest layout and its count, by the planners' search."""
    best = cheapest_at_most(
        eps,
        lambda accuracy: _starts(d, n, accuracy, b),
        moves,
        lambda layout: _counted(layout).weights,
        edges_at_least,
    )
    return best, _counted(best)


def _parameters(query: Query) -> Parameters:
    # the alphabet enters the counts by the size of its digits alone
    b = digit_bits(query.alphabet)
    best, counted = _cheapest(query.d, query.n, query.eps, b)
    inside = best.p * (best.N - 1) ** query.d
    return {
        "N": best.N,
        "M": best.N if query.d < 3 else best.N + 1,
        "q": best.q,
        "p": best.p,
        "C": counted.digit_edges - inside,
        "S": counted.shared_edges,
        "O": counted.output_edges,
        "D": counted.plane_depth,
        "A": counted.output_depth,
        "E": best.E,
        "T": best.T,
        "b": b,
        "B": query.alphabet.bits_per_weight,
    }


_FREE = "p*(N-1)**d + C"
_WEIGHTS = f"2*M**d + {_FREE} + S + O"

CONES = Bound(
    id="witness.cones",
    title="cones on a Kuhn mesh, built",
    statement=r"One ReLU network graph with weights from the alphabet, whose free signs (or "
    r"digits) alone depend on $f$, approximates every $f \in F_{d,n}$, $n \le 2$, within "
    r"$\kappa N^{-n} + (1 + 2^{-20}) q \le \varepsilon$, $\kappa = d/2$ for $n = 1$ and $d^2/8$ "
    r"for $n = 2$: the interpolant on the Kuhn mesh of step $1/N$ in a basis of cones, its "
    r"coefficients coded to odd multiples of $q$ with $p$ digits to the base $2^b$. Each of the "
    r"$M^d$ cones takes two edges and every digit one; $C$ digits belong to the boundary. The "
    r"parameters are those of the cheapest layout that the search finds.",
    kind=Kind.EXPLICIT,
    side=Side.UPPER,
    quantifier=Quantifier.CLASS_FIXED,
    statements=(
        Statement("depth", "D + A", Rate("0", "1")),
        Statement("weights", _WEIGHTS, Rate("d/n")),
        Statement("bits", f"B*({_WEIGHTS})", Rate("d/n")),
        Statement("free_bits", f"B*({_FREE})", Rate("d/n")),
    ),
    source=witness_source("witnesses, cones"),
    regime=(
        Condition("n <= 2", "a piecewise linear function is no better beyond two derivatives"),
        BUILT,
        Condition("d <= 16", "layouts are searched for up to 16 variables"),
        Condition("eps >= 1/10**16", "layouts are searched for down to 1e-16"),
    ),
    setting="lambda distinct values, exact",
    parameters={
        "N": "cells an axis",
        "M": "cones an axis: N, or N + 1 for d >= 3",
        "q": "step of the code",
        "p": "digits of a coefficient away from the boundary",
        "C": "digits of the boundary's coefficients, all together",
        "S": "edges of lines, kinks and constants",
        "O": "edges of planes, bias and output",
        "D": "depth of the last plane",
        "A": "layers from there to the output",
        "E": "N x is held as N x 2^(-b E)",
        "T": "the last plane",
        "b": "bits of a digit",
        "B": "bits a weight, ceil(log2 lambda)",
    },
    search=_parameters,
)

BOUNDS = (CONES,)
