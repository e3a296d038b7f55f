"""The floor by bumps: perfect B-splines on disjoint cells, with two or more heights."""

from __future__ import annotations

import math
from fractions import Fraction

from qexpr.bounds.bound import Parameters, Rate
from qexpr.bounds.entropy.roots import cells_below, check_size, log
from qexpr.bounds.entropy.sources import floor_bound
from qexpr.core.query import Query
from qexpr.rigor.constants import a_constant

__all__ = ["BOUNDS", "BUMP", "TENSOR_LIMIT", "bump_variables", "level_candidates"]

TENSOR_LIMIT = 32
"""The n up to which a product of bumps has been proven to lose nothing to tensorising."""

_FEW_CELLS = 64  # every N up to here is tried


def bump_variables(d: int, n: int) -> int:
    """How many of the variables the bumps may use: all, or one where n is over `TENSOR_LIMIT`.

    The product of phi_n(x_i)/A_n has all derivatives bounded by 1/A_n when b_i b_j <= b_{i+j} for
    the norms b_j of phi_n^(j)/A_n; the tests prove it for every n <= `TENSOR_LIMIT`. A single
    bump is a member for every n, since each derivative is an integral of the next one.
    """
    return d if n <= TENSOR_LIMIT else 1


def level_candidates(k: int, n: int) -> tuple[int, ...]:
    """Numbers of levels worth trying: few, and around the best of log(l)/(l-1)^(k/n).

    They depend on k and n alone, so that the bound is monotone in eps.
    """
    best = int(math.exp(min(n / k, 600.0)))
    spread = {best * part // 16 for part in range(12, 25)} | set(range(best - 6, best + 7))
    return tuple(sorted(set(range(2, 33)) | {level for level in spread if level >= 2}))


def _bumps(query: Query) -> Parameters:
    n, eps = query.n, query.eps
    k = bump_variables(query.d, n)
    constants = {"k": k, "N": 0, "l": math.ceil(1 / eps)}
    height = a_constant(n)[0] / eps
    if height <= 1:
        return constants

    most = cells_below(height, n)
    cells = set(range(1, min(most, _FEW_CELLS) + 1))
    cells |= {cells_below(height / (level - 1), n) for level in level_candidates(k, n)}
    log_height = log(height)

    def gain(N: int) -> float:
        """About log of the bits; floats choose, any N is valid."""
        smooth = log_height - n * math.log(N)
        log_level = math.log(math.ceil(height / N**n)) if smooth < 30 else smooth
        return k * math.log(N + 1) + math.log(log_level)

    N = max(sorted(cells - {0}), key=gain)
    check_size(N + 1, k, eps)
    chosen = {"k": k, "N": N, "l": math.ceil(height / N**n)}
    return chosen if gain(N) > math.log(math.log(constants["l"])) else constants


BUMP = floor_bound(
    "entropy.bump",
    "bumps on disjoint cells",
    r"On cells of side $1/N$ centred at the nodes $m/N$, $m \in \{0..N\}^k$, of the first "
    r"$k \le d$ variables, tensor products of the perfect B-spline of degree $n$, of height "
    r"$A_n N^{-n}$, take any of $l = \lceil A_n / (\varepsilon N^n) \rceil$ equidistant "
    r"amplitudes, more than $2 \varepsilon$ apart. $N = 0$ stands for the constants, "
    r"$l = \lceil 1/\varepsilon \rceil$.",
    "(N+1)**k*log(l)",
    Rate("d/n"),
    "entropy floors, bump packing",
    parameters={
        "k": f"number of variables that are used: d, or 1 for n > {TENSOR_LIMIT}",
        "N": "cells an axis; 0 for constants",
        "l": "number of amplitudes",
    },
    search=_bumps,
)

BOUNDS = (BUMP,)


def two_level_cells(n: int, eps: Fraction) -> int:
    """ceil((A_n/eps)^(1/n)) at the lower end of A_n: that many bumps of height > eps an axis."""
    return cells_below(a_constant(n)[0] / eps, n) + 1
