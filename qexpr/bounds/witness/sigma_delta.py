"""Sigma-delta tracking: F(1,1), one free sign a cell."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from qexpr.bounds.bound import Bound, Condition, Parameters, Rate, Statement
from qexpr.bounds.witness.coins import Rungs, least_log
from qexpr.bounds.witness.cones_mesh import simplest
from qexpr.bounds.witness.pieces import Constants, closing, kinks, multiple
from qexpr.bounds.witness.source import BUILT, digit_bits, witness_source
from qexpr.core.claim import Kind, Quantifier, Side
from qexpr.core.descent import cheapest_at_most
from qexpr.core.query import Query

__all__ = ["BOUNDS", "SIGMA_DELTA"]

_MORE = 6  # scales that are tried below the largest one


def _mesh(eps: tuple[int, int]) -> tuple[int, int, int]:
    """N and h = odd / 2^power with 1/N <= h <= eps: the least N for which there is an h."""
    top, bottom = eps
    N = -(-bottom // top)
    if top == 1 and N & (N - 1):
        N += 1  # h would have to be 1/N
    odd, power = simplest(bottom, top * N, bottom * N)
    return max(N, 2), odd, power


def _shared(N: int, step: tuple[int, int], P: int, E: int, b: int) -> tuple[int, int]:
    """The edges beyond five a cell and one a digit of the first value, and the depth."""
    constants, below = Constants(b), Rungs(b)
    ones = constants.rungs
    zeros = (N & -N).bit_length() - 1
    line = multiple(below, N >> zeros, zeros - b * (E - 1))
    more, depth = kinks(constants, line.depth, E, N)
    start = max(ones.at(E + 2 - j) for j in range(P))
    # all digits at their worst, in units of u^(E + 3)
    power = E + 3 - least_log(N + (1 << b * P) - 1, b)
    used = ones.use(power - 1) if power > 0 else ones.use(power, 1 << b)
    total = max(depth + 1, start, used.depth + 1) + 1
    odd, below_one = step
    end = closing(constants, total, (power, used.depth + 1), (odd, b * (E + 3) - below_one), (3, 1))
    # the bias has the weight 1, two edges, so that its unit has a copy; ramps have 2 N - 1 edges
    edges = line.edges + below.edges() + more - 1 + 2 * used.edges + 2 + end.edges
    return edges + constants.edges + ones.edges(), end.depth


class _Layout(NamedTuple):
    """N cells, h = odd / 2^power, the digits of the first value, and the scale."""

    N: int
    odd: int
    power: int
    P: int
    E: int


def _most_scale(N: int, b: int) -> int:
    return max(-(-(N - 1).bit_length() // b), 1)


def _start(eps: Fraction, b: int) -> _Layout:
    N, odd, power = _mesh((eps.numerator, eps.denominator))
    P = max(1, least_log(-(-(1 << power) // odd), b))
    return _Layout(N, odd, power, P, _most_scale(N, b))


def _moves(layout: _Layout, b: int) -> list[_Layout]:
    most = _most_scale(layout.N, b) + _MORE
    return [layout._replace(E=E) for E in (layout.E + 1, layout.E - 1) if 1 <= E <= most]


@lru_cache(maxsize=64)
def _cheapest(eps: Fraction, b: int) -> tuple[_Layout, int, int]:
    """The cheapest layout, what it shares, and its depth."""
    known: dict[_Layout, tuple[int, int]] = {}

    def weights(at: _Layout) -> int:
        if at not in known:
            known[at] = _shared(at.N, (at.odd, at.power), at.P, at.E, b)
        return 5 * at.N + at.P + known[at][0]

    best = cheapest_at_most(
        eps,
        lambda accuracy: [_start(accuracy, b)],
        lambda at: _moves(at, b),
        weights,
        lambda at: 5 * at.N + at.P,
    )
    return (best, *known[best])


def _parameters(query: Query) -> Parameters:
    b = digit_bits(query.alphabet)
    (N, odd, power, P, E), shared, depth = _cheapest(query.eps, b)
    return {
        "N": N,
        "k": power,
        "j": odd,
        "P": P,
        "S": shared,
        "D": depth,
        "E": E,
        "b": b,
        "B": query.alphabet.bits_per_weight,
    }


SIGMA_DELTA = Bound(
    id="witness.sigma_delta",
    title="sigma-delta tracking, F(1,1), built",
    statement=r"One ReLU network graph with weights from the alphabet, of which $N$ signs and the "
    r"$P$ digits of a first value alone depend on $f$, approximates every $f \in F_{1,1}$ within "
    r"$h = j 2^{-k} \le \varepsilon$: the polygon that goes $h$ up or down on each of $N \ge 1/h$ "
    r"cells, towards $f$. A cell takes five edges: two for its kink, two for its ramp, and its "
    r"sign. Values of $f$ are taken as known exactly; a target's are enclosed, which takes "
    r"$(1 + 2^{-20}) h \le \varepsilon$, and its network may have more or fewer weights.",
    kind=Kind.EXPLICIT,
    side=Side.UPPER,
    quantifier=Quantifier.CLASS_FIXED,
    statements=(
        Statement("depth", "D", Rate("0", "1")),
        Statement("weights", "5*N + P + S", Rate("1")),
        Statement("bits", "B*(5*N + P + S)", Rate("1")),
        Statement("free_bits", "B*(N + P)", Rate("1")),
    ),
    source=witness_source("witnesses, sigma-delta tracking"),
    regime=(
        Condition("d == 1", "it is about functions of one variable"),
        Condition("n == 1", "it is about functions with one bounded derivative"),
        BUILT,
        Condition("eps >= 1/10**100", "layouts are searched for down to 1e-100"),
    ),
    setting="lambda distinct values, exact",
    parameters={
        "N": "cells",
        "k": "power of two under the step h",
        "j": "numerator of the step h",
        "P": "digits of the first value",
        "S": "edges of residuals, constants, scales and output",
        "D": "depth",
        "E": "N x is held as N x 2^(-b E)",
        "b": "bits of a digit",
        "B": "bits a weight, ceil(log2 lambda)",
    },
    search=_parameters,
)

BOUNDS = (SIGMA_DELTA,)
