"""Upper bounds on the entropy: what the best code of any kind needs."""

from __future__ import annotations

import math
from fractions import Fraction

from qexpr.bounds.bound import Bound, Parameters, Rate, Statement
from qexpr.bounds.entropy.lattice import ZIGZAG
from qexpr.bounds.entropy.roots import cells_below, check_size
from qexpr.bounds.entropy.sources import DERIVED, OWN
from qexpr.core.claim import Kind, Quantifier, Scope, Side
from qexpr.core.query import Query
from qexpr.core.source import Source

__all__ = ["BOUNDS", "CODE", "CODE_LIPSCHITZ", "taylor_error"]


def taylor_error(d: int, n: int) -> Fraction:
    """C = (1/2) sum_{j<n} (d/2)^j/j! + (d/2)^n/n!: the code's error is at most C K^-n."""
    total = term = 2**n * math.factorial(n)  # of (d/2)^j/j!, over that common denominator
    whole = total
    for j in range(1, n):
        term = term * d // (2 * j)
        total += term
    return Fraction(total + 2 * d**n, 2 * whole)


def _cells(query: Query) -> Parameters:
    K = cells_below(taylor_error(query.d, query.n) / query.eps, query.n) + 1
    check_size(K, query.d, query.eps)
    return {"K": K}


def _code(id: str, title: str, statement: str, text: str, rate: Rate, **more: object) -> Bound:
    return Bound(
        id=id,
        title=title,
        statement=statement
        + " The family of functions is any; that a network of so many bits exists is not claimed.",
        kind=Kind.EXPLICIT,
        side=Side.UPPER,
        quantifier=Quantifier.CLASS_ANY,
        statements=(Statement("bits", text, rate, scope=Scope.DESCRIPTION),),
        source=Source(OWN, f"entropy floors, {title}", DERIVED),
        setting="any finite family of functions (a code, not a network)",
        **more,  # type: ignore[arg-type]
    )


CODE = _code(
    "entropy.code",
    "code by Taylor polynomials along a snake",
    r"With $K = \lceil (C/\varepsilon)^{1/n} \rceil$ and $C = \frac12 \sum_{j<n} (d/2)^j/j! + "
    r"(d/2)^n/n!$, a path through the $K^d$ cells codes each $D^a f$, $|a| = j < n$, at their "
    r"centres to the step $K^{j-n}$: with $\log_2(2 K^{n-j})$ bits at first, then as "
    r"the prediction from the cell before plus one of $-1, 0, 1$ steps.",
    "log(3)*binomial(n+d-1,d)*(K**d-1) + binomial(n+d-1,d) + binomial(n+d,d+1)*log(K)",
    Rate("d/n"),
    parameters={"K": "cells an axis"},
    search=_cells,
)

CODE_LIPSCHITZ = _code(
    "entropy.code_lipschitz",
    "code by signs of slopes, F(1,1)",
    r"A start out of $\lceil 1/\varepsilon \rceil$ values and one sign a cell for "
    r"$\lceil 1/\varepsilon \rceil$ cells: the polygon with slopes of size at most 1 that the "
    r"signs steer stays within $\varepsilon$.",
    "ceil(1/eps) + log(ceil(1/eps))",
    Rate("1"),
    regime=ZIGZAG.regime,
)

BOUNDS = (CODE, CODE_LIPSCHITZ)
