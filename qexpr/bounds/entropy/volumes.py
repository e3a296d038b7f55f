"""Two floors by volume: a linear image of a part of F(d, n), against cubes of side 2 eps."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from qexpr.bounds.bound import Condition, Parameters, Rate
from qexpr.bounds.entropy.roots import check_size, log
from qexpr.bounds.entropy.sources import floor_bound
from qexpr.core.query import Query
from qexpr.errors import OutOfRegime
from qexpr.rigor.constants import g_constant

__all__ = ["BOUNDS", "VOLUME1", "VOLUME_SPLINE"]


def _best(candidates: set[int], gain: Callable[[int], float]) -> int:
    return max(sorted(N for N in candidates if N >= 1), key=gain)


def _around(place: float) -> set[int]:
    base = int(place)
    return {1, *range(base - 1, base + 3)}


def _volume1(query: Query) -> Parameters:
    log_y = -log(query.eps) - math.lgamma(query.n + 1)
    # N log(y / N^n) is concave in N, with its maximum at y^(1/n)/e.
    candidates = _around(math.exp(log_y / query.n - 1))
    return {"N": _best(candidates, lambda N: N * (log_y - query.n * math.log(N)))}


VOLUME1 = floor_bound(
    "entropy.volume1",
    "volume, d = 1",
    r"Functions with $f^{(n)}$ constant on $N$ equal cells and zero data at 0 are members for "
    r"values in $[-1, 1]$; the map from these to the values at the nodes has the determinant "
    r"$(N^{-n}/n!)^N$, so $2^M (2 \varepsilon)^N \ge (2 N^{-n}/n!)^N$.",
    "N*log(1/(factorial(n)*N**n*eps))",
    Rate("1/n"),
    "entropy floors, volume of piecewise polynomials",
    regime=(
        Condition("d == 1", "it is about functions of one variable"),
        Condition("factorial(n)*eps < 1", "for a larger eps the volume says nothing"),
    ),
    parameters={"N": "number of cells"},
    search=_volume1,
)


def _volume_spline(query: Query) -> Parameters:
    n, eps = query.n, query.eps
    g = g_constant(n)
    log_g = log(g[0])
    log_rest = -n * math.log(2) - log(eps)
    if log_g + log_rest <= 0:
        raise OutOfRegime(
            "it needs eps < g_n/2^n: for a larger eps the volume says nothing "
            f"(g_n = {float(g[0]):.6g} for n = {n})"
        )

    def gain(k: int, N: int) -> float:
        bits = log_rest + k * log_g - n * math.log(N)
        return k * math.log(N + 1) + math.log(bits) if bits > 0 else -math.inf

    candidates = []
    for k in range(1, query.d + 1):
        log_y = log_rest + k * log_g
        if log_y <= 0:
            break
        # The maximum over real N solves log(y/N^n) = (n/k) (1 + 1/N).
        places = {1, 2, 3, 4}
        for shift in (0.0, 0.05, 0.2, 0.5):
            places |= _around(math.exp(log_y / n - (1 + shift) / k))
        N = _best(places, partial(gain, k))
        candidates.append((gain(k, N), k, N))
    _, k, N = max(candidates)
    check_size(N + 1, k, eps)
    return {"k": k, "N": N, "g": g}


VOLUME_SPLINE = floor_bound(
    "entropy.volume_spline",
    "volume of splines, every d",
    r"Sums of centred cardinal B-splines of degree $n$ in the first $k \le d$ variables, at the "
    r"nodes of the grid of step $1/N$, with coefficients up to $(2N)^{-n}$ are members; sampling "
    r"at the nodes is a positive definite Toeplitz matrix whose determinant is at least "
    r"$g_n^{k (N+1)^k}$ by Szego's theorem, so $2^M (2 \varepsilon)^K \ge (2 (2N)^{-n} g_n^k)^K$ "
    r"with $K = (N+1)^k$.",
    "(N+1)**k*log(g**k/(2**n*N**n*eps))",
    Rate("d/n"),
    "entropy floors, volume of splines",
    parameters={
        "k": "number of variables that are used; d unless eps is large",
        "N": "cells an axis",
        "g": "g_n, the geometric mean of the Euler-Frobenius symbol",
    },
    search=_volume_spline,
)

BOUNDS = (VOLUME1, VOLUME_SPLINE)
