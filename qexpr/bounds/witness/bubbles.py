"""Bubbles: n = 3, d = 1 and 2, O(1) digits a node and d (d + 1) / 2 products in all."""

from __future__ import annotations

from functools import lru_cache

from qexpr.bounds.bound import Bound, Condition, Parameters, Rate, Statement
from qexpr.bounds.witness.bubbles_count import BubblesCount, count
from qexpr.bounds.witness.bubbles_mesh import Layout, all_choices, first, moves, rules
from qexpr.bounds.witness.source import BUILT, digit_bits, witness_source
from qexpr.core.bubbles import meshes
from qexpr.core.claim import Kind, Quantifier, Side
from qexpr.core.descent import cheapest_layout
from qexpr.core.query import Query

__all__ = ["BOUNDS", "BUBBLES"]


@lru_cache(maxsize=64)
def _cheapest(query: Query, b: int) -> tuple[Layout, BubblesCount]:
    """The cheapest layout and its count, by the planner's search."""
    d, known = query.d, dict[Layout, BubblesCount]()

    def weights(layout: Layout) -> int:
        if layout not in known:
            known[layout] = count(layout, query.eps)
        return known[layout].weights

    found = meshes(rules(d, b), all_choices(d, b), query.eps)
    best = cheapest_layout([first(mesh, d, b) for mesh in found], moves, weights)
    return best, known[best]


def _parameters(query: Query) -> Parameters:
    # the alphabet enters the counts by the size of its digits alone
    b = digit_bits(query.alphabet)
    best, counted = _cheapest(Query(query.d, query.n, eps=query.eps), b)
    f, d = best.f, query.d
    cones, cells = 2 * f.N**d, f.N // best.M
    inside = f.p * (f.N - 1) ** d
    inside_w = sum(code.p for code in best.second) * (cells - 1) ** d
    return {
        "N": f.N,
        "M": best.M,
        "q": f.q,
        "q_w": best.second[0].q,
        "p": f.p,
        "p_w": sum(code.p for code in best.second),
        "C": counted.digit_edges - inside - inside_w,
        "S": counted.other_edges - cones,
        "D": counted.depth,
        "s": best.s,
        "r": best.r,
        "B": best.B,
        "mu": best.mu,
        "levels": len(best.blocks),
        "E": f.E,
        "T": f.T,
        "b": b,
        "c": query.alphabet.bits_per_weight,
    }


_FREE = "p*(N-1)**d + p_w*(N/M-1)**d + C"
_WEIGHTS = f"2*N**d + {_FREE} + S"

BUBBLES = Bound(
    id="witness.bubbles",
    title="bubbles on a Kuhn mesh, built",
    statement=r"One ReLU network graph with weights from the alphabet, whose free signs (or "
    r"digits) alone depend on $f$, approximates every $f \in F_{d,3}$, $d \le 2$, within "
    r"$\kappa_M N^{-3} + (1 + 2^{-20})(q + c q_w)$ and what squares of $s$ and products of $r$ "
    r"folds add, at most $\varepsilon$ in all: the interpolant on the Kuhn mesh of step $1/N$ "
    r"less $d(d+1)/2$ products of second derivatives, interpolated on a mesh $M$ times coarser, "
    r"with periodic bubbles. Each cone or kink takes two edges and every digit one; $C$ digits "
    r"belong to the boundary and to blocks. The parameters are those of the cheapest layout that "
    r"the search finds.",
    kind=Kind.EXPLICIT,
    side=Side.UPPER,
    quantifier=Quantifier.CLASS_FIXED,
    statements=(
        Statement("depth", "D", Rate("0", "1")),
        Statement("weights", _WEIGHTS, Rate("d/n")),
        Statement("bits", f"c*({_WEIGHTS})", Rate("d/n")),
        Statement("free_bits", f"c*({_FREE})", Rate("d/n")),
    ),
    source=witness_source("witnesses, bubbles"),
    regime=(
        Condition("n == 3", "bubbles bring cones from order 2 to order 3"),
        Condition("d <= 2", "the bubbles of more variables are not those of Kuhn's differences"),
        BUILT,
        Condition("eps >= 1/10**16", "layouts are searched for down to 1e-16"),
    ),
    setting="lambda distinct values, exact",
    parameters={
        "N": "cells an axis",
        "M": "the second derivatives' mesh is so many times coarser",
        "q": "step of f's code",
        "q_w": "step of the second derivatives' codes",
        "p": "digits of f's coefficients away from the boundary",
        "p_w": "digits of the second derivatives' coefficients at a coarse node, all together",
        "C": "digits of the boundary's coefficients and of blocks, all together",
        "S": "edges of lines, kinks, planes, folds, constants and output",
        "D": "depth, at most",
        "s": "folds of a bubble's square",
        "r": "folds of a product",
        "B": "d = 1: kinks in a block",
        "mu": "d = 1: increments of blocks are 2^(b mu) times odd",
        "levels": "d = 1: levels of blocks",
        "E": "N x is held as N x 2^(-b E)",
        "T": "the last plane of f's code",
        "b": "bits of a digit",
        "c": "bits a weight, ceil(log2 lambda)",
    },
    search=_parameters,
)

BOUNDS = (BUBBLES,)
