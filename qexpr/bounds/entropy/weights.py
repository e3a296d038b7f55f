"""From bits to weights: how many edges with lambda values it takes to have 2^M functions."""

from __future__ import annotations

from fractions import Fraction

from qexpr.bounds.bound import Bound, Parameters, Rate, Statement
from qexpr.bounds.entropy.floors import best_floor
from qexpr.bounds.entropy.roots import least
from qexpr.bounds.entropy.sources import DERIVED, OWN
from qexpr.core.claim import Kind, Quantifier, Side
from qexpr.core.query import Query
from qexpr.core.source import Source
from qexpr.errors import OutOfRegime
from qexpr.rigor.balls import arb, ball, log2, lower_end, precision, upper_end

__all__ = [
    "BOUNDS",
    "LONGEST",
    "WEIGHTS_ANY",
    "WEIGHTS_FIXED",
    "free_graph_weights",
    "log_circuits",
]

LONGEST = 2048  # binary digits of the M that is turned into weights of a free graph


def _fixed(query: Query) -> Parameters:
    return {"M": best_floor(query.d, query.n, query.eps)[0].guarantee}


def log_circuits(W: int, d: int, lam: int) -> arb:
    r"""A ball that bounds log2 of the number of functions of circuits with at most W edges.

    A circuit with w edges has at most w units with incoming edges, so its graph is one of
    C(w(d+1) + w(w-1)/2, w) and its weights are one of lambda^w choices. The last of the terms
    T(w) outgrows the sum of the others: T(w)/T(w-1) >= rho = lambda (d + 1 + (w-1)/2) >= 4, hence
    sum_{w <= W} T(w) <= T(W) (1 + 4/(3 rho)). The lower end is that of T(W) alone.
    """
    if W == 0:
        return arb(0)
    pairs = W * (d + 1) + W * (W - 1) // 2
    binomial = arb(pairs + 1).lgamma() - arb(W + 1).lgamma() - arb(pairs - W + 1).lgamma()
    last = binomial / arb.const_log2() + W * log2(lam)
    rest = log2(1 + Fraction(4 * W, 3 * lam * pairs))
    return last.union(last + rest)


def free_graph_weights(M: Fraction, d: int, lam: int) -> int:
    """The least W that `log_circuits` does not rule out for 2^M functions: W edges are needed.

    Newton's steps in integers find it, and two enclosures decide it.
    """
    size = int(M).bit_length()
    if size > LONGEST:
        raise OutOfRegime(f"its floor in bits has more than {LONGEST} binary digits")

    with precision(96 + 3 * size):

        def enough(W: int) -> bool:
            return upper_end(log_circuits(W, d, lam)) >= M

        def step(W: int) -> int:
            missing = ball(M) - log_circuits(W, d, lam)
            slope = log2(arb(W * lam) / 2 + lam * (d + 1)) + arb(3)
            return round(lower_end((missing / slope).mid()))

        W = 1
        for _ in range(64 + size):
            move = step(W)
            W = max(W + move, 1)
            if abs(move) <= 1:
                break
        return least(enough, W)


def _any(query: Query) -> Parameters:
    M = best_floor(query.d, query.n, query.eps)[0].guarantee
    return {"W": free_graph_weights(Fraction(M), query.d, query.lam)}


def _weights(id: str, quantifier: Quantifier, text: str, rate: Rate, **more: object) -> Bound:
    return Bound(
        id=id,
        kind=Kind.EXPLICIT,
        side=Side.LOWER,
        quantifier=quantifier,
        statements=(Statement("weights", text, rate),),
        source=Source(OWN, "entropy floors, from bits to weights", DERIVED),
        setting="lambda distinct values",
        **more,  # type: ignore[arg-type]
    )


WEIGHTS_FIXED = _weights(
    "entropy.weights_fixed",
    Quantifier.CLASS_FIXED,
    "ceil(M/log(lam))",
    Rate("d/n"),
    title="entropy floor in weights, one graph",
    statement=r"One graph with $W$ weights from $\lambda$ values is at most $\lambda^W$ functions, "
    r"so it takes $W \ge M / \log_2 \lambda$ weights to bring every $f \in F_{d,n}$ within "
    r"$\varepsilon$, where $2^M$ functions are needed.",
    parameters={"M": "the lower end of the best floor in bits"},
    search=_fixed,
)

WEIGHTS_ANY = _weights(
    "entropy.weights_any",
    Quantifier.CLASS_ANY,
    "W",
    Rate("d/n", "-1"),
    title="entropy floor in weights, graph depends on f",
    statement=r"Circuits with at most $W$ edges from $\lambda$ values compute at most "
    r"$\sum_{w \le W} \binom{w(d+1) + w(w-1)/2}{w} \lambda^w$ functions; $W$ is the least number "
    r"for which that may be $2^M$, the number of functions needed.",
    parameters={"W": "least number of edges that the count of circuits does not rule out"},
    search=_any,
)

BOUNDS = (WEIGHTS_FIXED, WEIGHTS_ANY)
