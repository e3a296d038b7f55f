"""What stands beside a witness: other constructions, published orders, the floor, the best code."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from qexpr.errors import OutOfRegime

if TYPE_CHECKING:
    from qexpr.circuits.registry import Plan
    from qexpr.core.query import Query

__all__ = ["choose", "code_of_class", "floor_of_class", "orders", "planned"]


def choose(
    query: Query, norm: Fraction | None, name: str, graph: str | None
) -> tuple[Plan, dict[str, Plan | str]]:
    """The plan to build, and every construction's (or the reason why it does not apply).

    Parameters
    ----------
    name : str
        A construction, or auto: the one of fewest weights over the alphabet.
    graph : str or None
        fixed or any, where the construction knows both.
    """
    from qexpr.circuits.registry import Plan, plan, plans

    found = plans(query, norm)
    if graph is not None:
        made = plan(
            "cones", query.d, query.n, query.eps, alphabet=query.alphabet, norm=norm, graph=graph
        )
        found["cones"] = made
        return made, found
    if name != "auto":
        chosen = found.get(name)
        if isinstance(chosen, Plan):
            return chosen, found
        # refused by the registry (no such name) or by the construction
        return plan(name, query.d, query.n, query.eps, alphabet=query.alphabet, norm=norm), found
    fit = [p for p in found.values() if isinstance(p, Plan) and p.counts.bits_per_weight]
    if not fit:
        raise OutOfRegime("no construction applies to this query")
    return min(fit, key=lambda p: (p.counts.weights, p.construction)), found


def planned(plan: Plan) -> dict[str, int]:
    """The counts of a plan, its depth an upper bound; no bits where the weights are real."""
    c = plan.counts
    out = {"weights": c.weights, "depth": c.depth, "units": c.units}
    if c.bits_per_weight:
        out |= {"bits": c.bits, "free_bits": c.free_bits, "structure_bits": c.structure_bits}
    return out


def orders(query: Query) -> dict[str, dict[str, Any]]:
    """The published orders at unit constant, by the bound's name."""
    from qexpr import bounds

    theorem = "ding2018.theorem1" if query.alphabet.kind == "nonlinear" else "ding2018.theorem2"
    out = {}
    for id in (theorem, "yarotsky2017.theorem1"):
        bound = bounds.get(id)
        try:
            values = {str(c.quantity): float(c.value) for c in bound.claims(query)}
        except (OutOfRegime, OverflowError):
            continue
        out[id] = {**values, "trust": str(bound.source.trust)}
    return out


def floor_of_class(query: Query) -> tuple[int, str] | str:
    """Bits that every network of the class needs and the bound that says so, or why none does."""
    from qexpr.bounds.entropy.floors import best_floor

    try:
        value, bound = best_floor(query.d, query.n, query.eps)
    except OutOfRegime as reason:
        return str(reason)
    return max(0, -(-value.lower.numerator // value.lower.denominator)), bound.id


def code_of_class(query: Query) -> tuple[int, str] | str:
    """Bits that are enough for some code of the class, and the bound that says so."""
    from qexpr.bounds.entropy.floors import best_code

    try:
        value, bound = best_code(query.d, query.n, query.eps)
    except OutOfRegime as reason:
        return str(reason)
    return -(-value.upper.numerator // value.upper.denominator), bound.id
