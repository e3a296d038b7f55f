"""The floor by bumps: perfect B-splines on disjoint cells, with two or more heights."""

from __future__ import annotations

import math
from fractions import Fraction

from qexpr.bounds.bound import Condition, Parameters, Rate
from qexpr.bounds.entropy.roots import cells_below, check_size, log
from qexpr.bounds.entropy.sources import MAX_DIGITS, floor_bound
from qexpr.core.query import Query
from qexpr.rigor.constants import a_constant

__all__ = ["BOUNDS", "BUMP", "TENSOR_LIMIT", "has_bumps", "level_candidates"]

TENSOR_LIMIT = 32
"""The n up to which a product of bumps has been proven to lose nothing to tensorising."""

_FEW_CELLS = 64  # every N up to here is tried


def has_bumps(query: Query) -> bool:
    """Whether tensor bumps are members: d = 1, or n in the range where that is proven.

    The product of phi_n(x_i)/A_n has all derivatives bounded by 1/A_n when b_i b_j <= b_{i+j} for
    the norms b_j of phi_n^(j)/A_n; the tests prove it for every n <= `TENSOR_LIMIT`.
    """
    return query.d == 1 or query.n <= TENSOR_LIMIT


def level_candidates(d: int, n: int) -> tuple[int, ...]:
    """Numbers of levels worth trying: few, and around the best of log(l)/(l-1)^(d/n).

    They depend on d and n alone, so that the bound is monotone in eps.
    """
    best = int(math.exp(min(n / d, 600.0)))
    spread = {best * k // 16 for k in range(12, 25)} | set(range(best - 6, best + 7))
    return tuple(sorted(set(range(2, 33)) | {level for level in spread if level >= 2}))


def _bumps(query: Query) -> Parameters:
    d, n, eps = query.d, query.n, query.eps
    constants = {"N": 0, "l": math.ceil(1 / eps)}
    height = a_constant(n)[0] / eps
    if height <= 1 or not has_bumps(query):
        return constants

    most = cells_below(height, n)
    cells = set(range(1, min(most, _FEW_CELLS) + 1))
    cells |= {cells_below(height / (level - 1), n) for level in level_candidates(d, n)}
    log_height = log(height)

    def gain(N: int) -> float:
        """About log of the bits; floats choose, any N is valid."""
        smooth = log_height - n * math.log(N)
        log_level = math.log(math.ceil(height / N**n)) if smooth < 30 else smooth
        return d * math.log(N + 1) + math.log(log_level)

    N = max(sorted(cells - {0}), key=gain)
    check_size(N + 1, d, eps)
    chosen = {"N": N, "l": math.ceil(height / N**n)}
    return chosen if gain(N) > math.log(math.log(constants["l"])) else constants


BUMP = floor_bound(
    "entropy.bump",
    "bumps on disjoint cells",
    r"On cells of side $1/N$ centred at the nodes $k/N$, $k \in \{0..N\}^d$, tensor products of "
    r"the perfect B-spline of degree $n$, of height $A_n N^{-n}$, take any of $l = \lceil A_n / "
    r"(\varepsilon N^n) \rceil$ equidistant amplitudes, more than $2 \varepsilon$ apart. "
    r"$N = 0$ stands for the constants, $l = \lceil 1/\varepsilon \rceil$.",
    "(N+1)**d*log(l)",
    Rate("d/n"),
    "entropy floors, bump packing",
    regime=(
        Condition(
            f"d/n*log(1/eps) <= {MAX_DIGITS}",
            "with these d, n and eps the value has more digits than are given",
        ),
    ),
    parameters={
        "N": "cells an axis; 0 for constants",
        "l": "number of amplitudes",
    },
    search=_bumps,
)

BOUNDS = (BUMP,)


def two_level_cells(n: int, eps: Fraction) -> int:
    """ceil((A_n/eps)^(1/n)) at the lower end of A_n: that many bumps of height > eps an axis."""
    return cells_below(a_constant(n)[0] / eps, n) + 1
