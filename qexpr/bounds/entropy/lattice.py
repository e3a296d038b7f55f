"""Floors for one bounded derivative: functions that go up and down on a lattice.

|d_i f| <= 1 for every i means that f is 1-Lipschitz in l_1, so any values on a lattice whose
differences are at most the l_1 distances extend to the cube (McShane), truncated at +-1.
"""

from __future__ import annotations

import math
from fractions import Fraction

from qexpr.bounds.bound import Condition, Parameters, Rate
from qexpr.bounds.entropy.roots import check_size
from qexpr.bounds.entropy.sources import KOLMOGOROV_1959, ONE_DERIVATIVE, floor_bound
from qexpr.core.query import Query
from qexpr.rigor.balls import arb, enclosure

__all__ = ["BOUNDS", "CHECKERBOARD", "DP", "HANDOVER", "ICE", "ZIGZAG", "walk_share", "walks"]

HANDOVER = 64
"""Steps up to which walks are counted by the dynamic programme; more by its closed form."""

_ONE_VARIABLE = Condition("d == 1", "it is about functions of one variable")
_TWO_VARIABLES = Condition("d == 2", "it is about functions of two variables")

ZIGZAG = floor_bound(
    "entropy.zigzag",
    "zigzags from 0, F(1,1)",
    r"With $m = \lceil 1/\varepsilon \rceil - 1$ cells, longer than $\varepsilon$, the $2^m$ "
    r"zigzags through $f(0) = 0$ with slopes $\pm 1$ lie in $F_{1,1}$ and differ pairwise by "
    r"twice a cell, more than $2 \varepsilon$. For the class $f(0) = 0$, $|f'| \le 1$ the "
    r"value is exact.",
    "ceil(1/eps) - 1",
    Rate("1"),
    "entropy floors, zigzags (the value of Kolmogorov and Tikhomirov 1959, proved anew)",
    reference=KOLMOGOROV_1959,
    regime=(_ONE_VARIABLE, ONE_DERIVATIVE),
)


def walks(m: int, positions: int) -> int:
    """Count the walks of m steps +-1 on 1..positions that start at an odd position.

    By dynamic programming over the steps: the reference for `walk_share`.
    """
    ways = [(place + 1) % 2 for place in range(positions)]
    for _ in range(m):
        ways = [
            (ways[place - 1] if place else 0) + (ways[place + 1] if place + 1 < positions else 0)
            for place in range(positions)
        ]
    return sum(ways)


def walk_share(m: int, positions: int) -> Fraction | tuple[Fraction, Fraction]:
    r"""`walks` over 2^m: exactly up to `HANDOVER` steps, as an enclosure above.

    The strip is wider than a walk is long, so no walk meets both of its walls, and by reflection
    those lost at a wall at distance a number N(S >= a) + N(S > a), S being the end of a free walk.
    Summed over the starts of one parity this telescopes to

    .. math:: \lceil P/2 \rceil - E|S_m| + [P \text{ even}] \Pr(S_m \ge 1), \qquad
              E|S_m| = 2k \binom{2k}{k} 4^{-k}, \quad k = \lceil m/2 \rceil .
    """
    if m <= HANDOVER:
        return Fraction(walks(m, positions), 2**m)
    k = (m + 1) // 2
    even = positions % 2 == 0

    def share() -> arb:
        central = ((arb(k) + arb(1) / 2).lgamma() - arb(k + 1).lgamma()).exp() / arb.pi().sqrt()
        total = (positions + 1) // 2 - 2 * k * central
        if even:
            total += arb(1) / 2 if m % 2 else (1 - central) / 2
        return total

    return enclosure(share)


def _walks(query: Query) -> Parameters:
    m = math.ceil(1 / query.eps) - 1
    return {"m": m, "r": walk_share(m, math.ceil(2 / query.eps))}


DP = floor_bound(
    "entropy.dp",
    "walks in the strip |f| <= 1, F(1,1)",
    r"Walks of $m = \lceil 1/\varepsilon \rceil - 1$ steps up or down on $\lceil 2/\varepsilon "
    r"\rceil$ equidistant positions in $[-1, 1]$, all starting at odd positions, differ "
    r"pairwise by two positions, more than $2 \varepsilon$, and their polygons lie in $F_{1,1}$. "
    rf"Up to $m = {HANDOVER}$ they are counted by a dynamic programme, for more steps by its "
    r"closed form, which equals it.",
    "m + log(r)",
    Rate("1"),
    "entropy floors, walks in a strip",
    regime=(_ONE_VARIABLE, ONE_DERIVATIVE),
    parameters={
        "m": "number of steps, ceil(1/eps) - 1",
        "r": "number of walks over 2^m",
    },
    search=_walks,
)


def _board(query: Query) -> Parameters:
    K = math.ceil(1 / query.eps)
    check_size(K, query.d, query.eps)
    return {"K": K}


CHECKERBOARD = floor_bound(
    "entropy.checkerboard",
    "signs on a checkerboard, n = 1",
    r"On the grid with $K = \lceil 1/\varepsilon \rceil$ nodes an axis, of step $h > \varepsilon$, "
    r"the nodes of even coordinate sum are $2h$ apart in $l_1$, so every choice of values $\pm h$ "
    r"there extends to a member of $F_{d,1}$, and two of them differ by $2h$.",
    "ceil(K**d/2)",
    Rate("d"),
    "entropy floors, checkerboard",
    regime=(ONE_DERIVATIVE,),
    parameters={"K": "nodes an axis, ceil(1/eps)"},
    search=_board,
)


def _square(query: Query) -> Parameters:
    side = math.ceil(1 / query.eps)
    return {"K": side if side % 2 else side - 1}


ICE = floor_bound(
    "entropy.ice",
    "height functions of square ice, F(2,1)",
    r"With $K$ the largest odd integer $\le \lceil 1/\varepsilon \rceil$, functions on the "
    r"$K \times K$ grid of step $h = 1/(K-1) > \varepsilon$ whose neighbours differ by $\pm h$, 0 "
    r"at the centre, extend to members of $F_{2,1}$, and two of them differ by $2h$. Modulo 3 they "
    r"are the 3-colourings over 3; these number at least $W^{K^2}$ with Lieb's constant "
    r"$W = (4/3)^{3/2}$, since the logarithm of the count is subadditive in the box.",
    "3/2*log(4/3)*K**2 - log(3)",
    Rate("2"),
    "entropy floors, square ice",
    regime=(
        _TWO_VARIABLES,
        ONE_DERIVATIVE,
        Condition("eps < 1/2", "the grid needs three nodes an axis"),
    ),
    parameters={"K": "largest odd integer <= ceil(1/eps)"},
    search=_square,
)

BOUNDS = (ZIGZAG, DP, CHECKERBOARD, ICE)
