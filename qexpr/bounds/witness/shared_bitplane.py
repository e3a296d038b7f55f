"""Shared bit-planes: every d, n, eps and alphabet; hats that all coefficients' digits share."""

from __future__ import annotations

from functools import lru_cache

from qexpr.bounds.bound import Bound, Condition, Parameters, Rate, Statement
from qexpr.bounds.witness.planes_count import PlanesCount, count, halves, hat_edges, offset_of
from qexpr.bounds.witness.searchable import require_few_coefficients, require_few_nodes
from qexpr.bounds.witness.source import BUILT, digit_bits, witness_source
from qexpr.bounds.witness.taylor import errors, orders
from qexpr.core.claim import Kind, Quantifier, Side
from qexpr.core.query import Alphabet, Query
from qexpr.core.search import Planes, cheapest_planes

__all__ = ["BOUNDS", "SHARED_BITPLANE"]


@lru_cache(maxsize=4096)
def _folds(d: int, n: int, r: int, kept: tuple[bool, ...]) -> int:
    """The edges of the coefficients' products, and of the square or product that makes each z^a."""
    total = 0
    for a in [a for a, held in zip(orders(d, n), kept, strict=True) if held and any(a)]:
        total += 14 + 16 * r
        if sum(a) > 1:
            left, right = halves(a)
            total += 7 + 8 * r if left == right else 15 + 16 * r
    return total


def _hats_at_least(d: int, N: int) -> int:
    """Never more edges than make the hats.

    A hat of one variable has 2 and each of its two kinks one. One of two variables has 3, but for
    those at two borders; kinks along three directions, and what the first of these are added to,
    have 6 N + 1 more. One of more variables has one, and each of the (N+1)^(d-1) N excesses of
    both prefix maxima takes three.
    """
    nodes = (N + 1) ** d
    least: int = {1: 4 * N, 2: 3 * nodes + 5 * N - 1}.get(d, nodes + 6 * (nodes // (N + 1)) * N)
    return least


def _floor(d: int, n: int, plan: Planes, hats: int | None = None) -> int:
    """Never more than the count: hats, planes, products and doublings."""
    N, nodes, planes = plan.N, int((plan.N + 1) ** d), plan.planes
    shared = sum(planes) * (nodes + 2) - (len(planes) - planes.count(0))
    folds = _folds(d, n, plan.r, tuple(map(bool, planes)))
    hats = _hats_at_least(d, N) if hats is None else hats
    return shared + hats + folds + 10 * N.bit_length()


def _closer_floor(d: int, n: int, alphabet: Alphabet, plan: Planes) -> int:
    """The same with the hats counted."""
    digits = max(plan.planes) if alphabet.kind == "nonlinear" else 1
    return _floor(d, n, plan, hat_edges(d, plan.N, alphabet, digits))


@lru_cache(maxsize=64)
def _cheapest(query: Query) -> tuple[Planes, PlanesCount]:
    d, n, eps, alphabet = query.d, query.n, query.eps, query.alphabet
    require_few_coefficients(query)
    terms = errors(d, n, digit_bits(alphabet))
    require_few_nodes(query, terms.taylor)
    offset = offset_of(eps.numerator, eps.denominator)
    known: dict[Planes, PlanesCount] = {}

    def weights(plan: Planes) -> int:
        known[plan] = count(d, n, alphabet, offset, plan)
        return known[plan].weights

    best = cheapest_planes(
        terms,
        eps,
        weights,
        lambda plan: _floor(d, n, plan),
        lambda plan: _closer_floor(d, n, alphabet, plan),
    )
    return best, known[best]


def _parameters(query: Query) -> Parameters:
    best, counted = _cheapest(query)
    nodes = (best.N + 1) ** query.d
    t, b = sum(best.planes), digit_bits(query.alphabet)
    hats = hat_edges(query.d, best.N, query.alphabet, max(best.planes))
    return {
        "N": best.N,
        "r": best.r,
        "t": t,
        "H": hats,
        "O": counted.weights - hats - t * nodes,
        "D": counted.depth,
        "b": b,
        "B": query.alphabet.bits_per_weight,
    }


_FREE = "t*(N+1)**d"
_WEIGHTS = f"{_FREE} + H + O"

SHARED_BITPLANE = Bound(
    id="witness.shared_bitplane",
    title="shared bit-planes on a Taylor grid, built",
    statement=r"One ReLU network graph with weights from the alphabet, whose free digits alone "
    r"depend on $f$, approximates every $f \in F_{d,n}$ within $K(d,n)/(n!\,N^n) + \sum_{|a|<n} "
    r"C_a (2^{-b t_a} + |a| 4^{-(r+1)}) \le \varepsilon$: Taylor polynomials at the $(N+1)^d$ "
    r"nodes of a Kuhn mesh, each coefficient a sum of $t_a$ planes of digits over shared hats, and "
    r"products of $r$ folds. $C_a$ is the power of two above the class's coefficients, and "
    r"stands alone where $t_a = 0$. The parameters are those of the smallest network that the "
    r"search finds for values of $f$ known exactly; a target's are enclosed, its digits are "
    r"$1 + 2^{-20}$ times as far off, and the search may end in another network, with more or "
    r"fewer weights.",
    kind=Kind.EXPLICIT,
    side=Side.UPPER,
    quantifier=Quantifier.CLASS_FIXED,
    statements=(
        Statement("depth", "D", Rate("0", "1")),
        Statement("weights", _WEIGHTS, Rate("d/n", "1")),
        Statement("bits", f"B*({_WEIGHTS})", Rate("d/n", "1")),
        Statement("free_bits", f"B*{_FREE}", Rate("d/n", "1")),
    ),
    source=witness_source("witnesses, shared bit-planes"),
    regime=(
        BUILT,
        Condition("d <= 16", "grids are searched for up to 16 variables"),
        Condition("n <= 10", "digits are searched for up to 10 derivatives"),
        Condition("eps >= 1/10**16", "digits are searched for down to 1e-16"),
    ),
    setting="lambda distinct values, exact",
    parameters={
        "N": "cells an axis",
        "r": "folds of a product",
        "t": "planes of all coefficients together, the sum of t_a",
        "H": "edges of the hats",
        "O": "edges of products, shifts of planes, constants and output",
        "D": "depth",
        "b": "bits of a digit",
        "B": "bits a weight, ceil(log2 lambda)",
    },
    search=_parameters,
)

BOUNDS = (SHARED_BITPLANE,)
