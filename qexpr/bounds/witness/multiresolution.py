"""Multiresolution bit-planes: every d, n, eps and alphabet, O(1) digits a node."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import comb, factorial, prod

from qexpr.bounds.bound import Bound, Condition, Parameters, Rate, Statement
from qexpr.bounds.witness.multiresolution_count import count
from qexpr.bounds.witness.planes_count import PlanesCount, hat_edges
from qexpr.bounds.witness.searchable import require_few_coefficients, require_few_nodes
from qexpr.bounds.witness.source import BUILT, digit_bits, witness_source
from qexpr.core.claim import Kind, Quantifier, Side
from qexpr.core.levels import Tree, TreeErrors, cheapest_tree
from qexpr.core.query import Query
from qexpr.rigor.constants import k_constant, kappa

__all__ = ["BOUNDS", "MULTIRESOLUTION", "errors"]


@lru_cache(maxsize=64)
def errors(d: int, n: int, b: int) -> TreeErrors:
    """The inequalities for steps, and the errors, of exact targets with norm 1.

    Order i of T = D^b f (block side)^i/b! differs from what the parent's polynomial gives by
    (d/2)^(n-i)/(b! (n-i)!) h^n for f's remainder, and by half a step of each order m >= i of the
    parent, times binom(m+d-1, i+d-1) 2^(n-2m+i).
    """
    half = Fraction(1, 2)
    counts = [comb(i + d - 1, d - 1) for i in range(n)]
    planes = [-(-(n + 1 - i) // b) for i in range(n)]
    # the least b! of its order: parts i // d and i // d + 1
    least = [prod(factorial(i // d + (k < i % d)) for k in range(d)) for i in range(n)]
    spread = [
        [half * Fraction(2) ** (n + i - 2 * m) * comb(m + d - 1, i + d - 1) for m in range(n)]
        for i in range(n)
    ]
    remainder = []
    for i in range(n):
        term = Fraction(1, least[i])
        for j in range(1, n - i + 1):
            term *= Fraction(d, 2 * j)
        remainder.append(term)
    return TreeErrors(
        d=d,
        n=n,
        bits=b,
        number=tuple(counts),
        planes=tuple(planes),
        remainder=tuple(remainder),
        carried=tuple(map(tuple, spread)),
        size=tuple(Fraction(1, b_) for b_ in least),
        taylor=k_constant(d, n)[1] / factorial(n),
        digit=tuple(half * counts[i] * (Fraction(1) if i == 0 else kappa(i)[1]) for i in range(n)),
        product=tuple(0 if i == 0 else counts[i] * (i - 1 + min(1 << d, d + 1)) for i in range(n)),
    )


@lru_cache(maxsize=64)
def _cheapest(query: Query) -> tuple[Tree, PlanesCount]:
    d, n, eps, alphabet = query.d, query.n, query.eps, query.alphabet
    require_few_coefficients(query)
    terms = errors(d, n, digit_bits(alphabet))
    require_few_nodes(query, terms.taylor)
    known: dict[Tree, PlanesCount] = {}

    def weights(tree: Tree) -> int:
        known[tree] = count(d, n, alphabet, eps, tree)
        return known[tree].weights

    best = cheapest_tree(terms, eps, weights)
    return best, known[best]


def _parameters(query: Query) -> Parameters:
    best, counted = _cheapest(query)
    d, b = query.d, digit_bits(query.alphabet)
    numbers = errors(d, query.n, b).number
    digits = [
        sum(p * c for p, c in zip(planes, numbers, strict=True))
        for planes in (best.at(0), best.planes, best.at(best.levels))
    ]
    nodes = best.first**d
    # edges to parents, and digits of the levels between the first and the last
    tree = nodes * sum(2 ** (d * level) for level in range(1, best.levels + 1))
    between = nodes * sum(2 ** (d * level) for level in range(1, best.levels))
    free = digits[2] * (best.N + 1) ** d + digits[1] * between
    free += digits[0] * nodes if best.levels else 0
    t = max(max(best.at(level)) for level in range(best.levels + 1))
    hats = hat_edges(d, best.N, query.alphabet, t)
    assert free == counted.free
    return {
        "N": best.N,
        "L": best.levels,
        "t": digits[2],
        "C": free - digits[2] * (best.N + 1) ** d,
        "H": hats,
        "T": tree,
        "O": counted.weights - hats - tree - free,
        "D": counted.depth,
        "b": b,
        "B": query.alphabet.bits_per_weight,
    }


_FREE = "t*(N+1)**d + C"
_WEIGHTS = f"{_FREE} + H + T + O"

MULTIRESOLUTION = Bound(
    id="witness.multiresolution",
    title="multiresolution bit-planes, built",
    statement=r"One ReLU network graph with weights from the alphabet, whose free digits alone "
    r"depend on $f$, approximates every $f \in F_{d,n}$ within $\varepsilon$: Taylor polynomials "
    r"at the $(N+1)^d$ nodes of a Kuhn mesh, coded along a tree of $L + 1$ levels of blocks, each "
    r"level only the correction to its parent's prediction, so that a node has $t$ digits at the "
    r"last level and $C$ in all are above it, however small $\varepsilon$ is. Blocks of one "
    r"class share a triangle wave, and one product for each order. The error is $K(d,n)/(n!\,N^n) "
    r"+ \frac12 \sum_{|b|<n} \kappa_{|b|} q_b$ and that of the products, $q_b$ the last step of "
    r"order $b$. The parameters are those of the smallest network that the search finds for values "
    r"of $f$ known exactly; a target's are enclosed, its steps are $1 + 2^{-20}$ times as far off, "
    r"and the search may end in another network, with more or fewer weights.",
    kind=Kind.EXPLICIT,
    side=Side.UPPER,
    quantifier=Quantifier.CLASS_FIXED,
    statements=(
        Statement("depth", "D", Rate("0", "1")),
        Statement("weights", _WEIGHTS, Rate("d/n")),
        Statement("bits", f"B*({_WEIGHTS})", Rate("d/n")),
        Statement("free_bits", f"B*({_FREE})", Rate("d/n")),
    ),
    source=witness_source("witnesses, multiresolution bit-planes"),
    regime=(
        BUILT,
        Condition("d <= 16", "trees are searched for up to 16 variables"),
        Condition("n <= 10", "digits are searched for up to 10 derivatives"),
        Condition("eps >= 1/10**16", "digits are searched for down to 1e-16"),
    ),
    setting="lambda distinct values, exact",
    parameters={
        "N": "cells an axis",
        "L": "levels of the tree above the nodes",
        "t": "digits of a node at the last level",
        "C": "digits of all other levels together",
        "H": "edges of the hats",
        "T": "edges of the sum tree",
        "O": "edges of products, waves, shifts of planes, constants and output",
        "D": "depth",
        "b": "bits of a digit",
        "B": "bits a weight, ceil(log2 lambda)",
    },
    search=_parameters,
)

BOUNDS = (MULTIRESOLUTION,)
