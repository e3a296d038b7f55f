"""Cones: n = 1 and 2, every d, two edges a node, no product and no logarithm.

The interpolant of f on the Kuhn mesh of step h = 1/N has the basis C(N x - m + (1,..,1)),
C(y) = relu(min_k y_k), whose coefficients are stencils of f's values and therefore O(h^n): coded
to multiples of q they take O(1) sign digits each. C(y) = relu(t - s) from kinks t in one
coordinate and s in differences of coordinates, which are shared by all nodes.

The function itself is the project's own result (docs, theory); the idea of coding values along
a path so that increments are small is Kolmogorov and Tikhomirov's.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

from qexpr.circuits.alphabet import Values, values_of
from qexpr.circuits.builder import Builder
from qexpr.circuits.constructions.cones_code import Code, encode
from qexpr.circuits.constructions.cones_lattice import sources_of
from qexpr.circuits.constructions.cones_plan import (
    ConesPlan,
    bias,
    edges_at_least,
    error_of,
    neighbours,
    steps,
)
from qexpr.circuits.constructions.output import bias_unit
from qexpr.circuits.constructions.planes import Planes
from qexpr.circuits.graph import Circuit
from qexpr.circuits.realisation import Counts, count, realise
from qexpr.circuits.registry import Plan, class_norm
from qexpr.core.descent import cheapest_at_most
from qexpr.core.function import Function
from qexpr.core.progress import Progress
from qexpr.core.query import Query
from qexpr.errors import InvalidInput, OutOfRegime, shorten

__all__ = ["build", "plan"]

_MOST = 32


def plan(query: Query, norm: Fraction | None = None, graph: str = "fixed") -> Plan:
    """The cheapest mesh, digits and layout, by exact counts.

    Parameters
    ----------
    graph : str
        "fixed": one graph for the whole class, planes lifted by a bias. "any": the sign of a
        digit chooses between two accumulators, so that the graph depends on the target.
    """
    if query.n > 2:
        raise OutOfRegime("cones are for n = 1 and 2: a piecewise linear f~ is no better beyond")
    if query.d > _MOST:
        raise OutOfRegime(f"cones are planned for d <= {_MOST}: a stencil has 2^(d+1) terms")
    if graph not in ("fixed", "any"):
        raise InvalidInput(f"graph must be fixed or any, got {shorten(graph)}")
    size = class_norm(norm)
    values, fixed = values_of(query.alphabet), graph == "fixed"
    b = _digit_bits(query)

    def counted(layout: ConesPlan) -> Counts:
        return _counted(layout, values, size, fixed)

    best = cheapest_at_most(
        query.eps,
        lambda eps: _starts(query.d, query.n, eps, b, size),
        neighbours,
        lambda layout: counted(layout).weights,
        edges_at_least,
    )
    return Plan(
        construction="cones",
        query=query,
        norm=norm,
        parameters={
            "graph": graph,
            "N": best.N,
            "q": str(best.q),
            "b": best.b,
            "p": best.p,
            "long": dict(best.long),
            "E": best.E,
            "T": best.T,
        },
        error=error_of(query.d, query.n, best.N, best.q, size),
        counts=counted(best),
    )


def build(made: Plan, f: Function | None, progress: Progress | None = None) -> Circuit:
    """The circuit of a plan."""
    given = made.parameters
    layout = ConesPlan(
        made.query.d,
        made.query.n,
        given["N"],
        Fraction(given["q"]),
        given["b"],
        given["p"],
        tuple(given["long"].items()),
        given["E"],
        given["T"],
    )
    size = class_norm(made.norm)
    code = None if f is None else encode(layout, f)
    values = values_of(made.query.alphabet)
    net = _write(layout, values, size, given["graph"] == "fixed", code)
    return realise(net, made.to_dict(), progress)


# plans share the finer accuracies at which they search
_starts = lru_cache(maxsize=256)(steps)


@lru_cache(maxsize=4096)
def _counted(layout: ConesPlan, values: Values, norm: Fraction, fixed: bool) -> Counts:
    return count(_write(layout, values, norm, fixed, None))


def _digit_bits(query: Query) -> int:
    return query.alphabet.size if query.alphabet.kind == "linear" else 1


def _write(
    plan: ConesPlan, values: Values, norm: Fraction, fixed: bool, code: Code | None
) -> Builder:
    """The network of a layout; without a code the class's, every free digit +1."""
    net = Builder(plan.d, values)
    sources = sources_of(net, plan)
    ones, power = sources.constants.ladder, bias(plan)
    lift = (bias_unit(net, ones, power), power) if fixed else None
    planes = Planes(net, plan, ones, lift, code)
    for feed in sources.feeds:
        planes.enter(feed)
    planes.close(norm)
    return net
