"""An explicit lower bound on real weights: bumps are shattered, the VC dimension is bounded."""

from __future__ import annotations

import math
from fractions import Fraction

from qexpr.bounds.bound import Bound, Condition, Parameters, Rate, Statement
from qexpr.bounds.entropy.bumps import bump_variables, two_level_cells
from qexpr.bounds.entropy.roots import check_size, least
from qexpr.bounds.entropy.weights import LONGEST
from qexpr.bounds.references import reference
from qexpr.core.claim import Kind, Quantifier, Side
from qexpr.core.query import Query
from qexpr.core.source import Source, Trust
from qexpr.errors import OutOfRegime
from qexpr.rigor.balls import arb, log2, lower_end, precision, upper_end
from qexpr.rigor.constants import a_constant

__all__ = ["BOUNDS", "WEIGHTS_REAL", "real_weights", "shattered"]


def shattered(d: int, n: int, eps: Fraction) -> int:
    """ceil((A_n/eps)^(1/n))^k points that any architecture for F(d, n) within eps shatters.

    The signs of two-level bumps higher than eps survive an error of eps. k = d, or 1 where n is
    over the limit of `bump_variables`.
    """
    if a_constant(n)[0] <= eps:
        raise OutOfRegime(
            f"it needs eps < A_n, the height of the bump of degree n = {n}: a larger eps hides it"
        )
    side = two_level_cells(n, eps)
    k = bump_variables(d, n)
    check_size(side, k, eps)
    return int(side**k)


def _capacity(W: int, layers: int, points: int) -> arb:
    r"""log2 of the largest growth product of W weights in so many layers.

    W_i <= W, the units k_i add up to at most W, and (2 e m i k/W_i)^W_i grows with W_i up to
    2 m i k; so prod_i 2 (2 e m i k_i/W_i)^W_i is largest at W_i = W, k_i = W/L.
    """
    e, ln2 = arb(1).exp(), arb.const_log2()
    per_layer = 1 + W * log2(2 * e * points / layers)
    return layers * per_layer + W * arb(layers + 1).lgamma() / ln2


def real_weights(points: int, depth: int | None = None) -> int:
    r"""The least number W of weights with which an architecture may shatter so many points.

    Bartlett et al.: points <= L + L W log2(2 e points / L) + W log2(L!) for at most L layers. The
    right side grows with L, and each layer has a weight, so without a bound on the depth L = W.
    """

    def layers(W: int) -> int:
        return W if depth is None else min(depth, W)

    def possible(W: int) -> bool:
        if W < 1 or 2 * points < W:  # beyond, the product is not largest at W_i = W
            return W >= 1
        return bool(upper_end(_capacity(W, layers(W), points)) >= points)

    with precision(64 + 2 * points.bit_length()):
        W = 1
        for _ in range(64):  # the capacity is about c W^2, or c W: its own size corrects W
            capacity = int(lower_end(_capacity(W, layers(W), points)))
            last, W = (
                W,
                math.isqrt(W * W * points // capacity)
                if depth is None
                else (W * points // capacity),
            )
            W = min(max(W, 1), points)
            if abs(W - last) <= 1:
                break
        return least(possible, W)


def _search(query: Query) -> Parameters:
    points = shattered(query.d, query.n, query.eps)
    if points.bit_length() > LONGEST:
        raise OutOfRegime(f"the number of shattered points has more than {LONGEST} binary digits")
    return {"V": points, "W": real_weights(points)}


WEIGHTS_REAL = Bound(
    id="entropy.weights_real",
    title="explicit lower bound on real weights, any depth",
    statement=r"An architecture with real weights that brings every $f \in F_{d,n}$ within "
    r"$\varepsilon < A_n$ shatters $V = \lceil (A_n/\varepsilon)^{1/n} \rceil^d$ points. By the "
    r"growth product of Bartlett et al. $V \le W + W^2 \log_2(2 e V/W) + W \log_2 W!$ for $W$ "
    r"weights at any depth.",
    kind=Kind.EXPLICIT,
    side=Side.LOWER,
    quantifier=Quantifier.CLASS_FIXED,
    statements=(Statement("weights", "W", Rate("d/(2*n)", "-1/2")),),
    source=Source(
        reference("bartlett2019"),
        "upper bound on the VC dimension, its growth product",
        Trust("RECALLED", 0.93),
        "the shattered set is derived here; the VC bound is recalled",
    ),
    regime=(Condition("eps < 1/2", "the highest bump has the height 1/2"),),
    setting="real weights",
    parameters={"V": "points shattered", "W": "least number of weights with that VC dimension"},
    search=_search,
)

BOUNDS = (WEIGHTS_REAL,)
