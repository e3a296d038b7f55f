"""Where the floors come from, and the shape that they share."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from qexpr.bounds.bound import Bound, Condition, Parameters, Rate, Statement
from qexpr.bounds.references import reference
from qexpr.core.claim import Kind, Quantifier, Scope, Side
from qexpr.core.query import Query
from qexpr.core.source import Reference, Source, Trust

__all__ = ["DERIVED", "KOLMOGOROV_1959", "MAX_DIGITS", "ONE_DERIVATIVE", "OWN", "floor_bound"]

OWN = reference("qexpr")
KOLMOGOROV_1959 = reference("kolmogorov1959")

DERIVED = Trust("DERIVED")

ONE_DERIVATIVE = Condition("n == 1", "it is about functions with one bounded derivative")

MAX_DIGITS = 12288
"""Binary digits of the largest value that is given; larger ones are refused as out of regime."""

_MEANING = (
    r" Hence with a fixed graph at least that many free bits, and with a graph that depends on "
    r"$f$ at least that many bits in a complete description, the graph included (not in weights "
    r"$\times \lceil \log_2 \lambda \rceil$)."
)


def floor_bound(
    id: str,
    title: str,
    statement: str,
    text: str,
    rate: Rate,
    place: str,
    *,
    reference: Reference = OWN,
    regime: tuple[Condition, ...] = (),
    parameters: Mapping[str, str] | None = None,
    search: Callable[[Query], Parameters] | None = None,
) -> Bound:
    """A lower bound on bits: on free bits for one graph, on a description for any graph."""
    return Bound(
        id=id,
        title=title,
        statement=statement + _MEANING,
        kind=Kind.EXPLICIT,
        side=Side.LOWER,
        quantifier=Quantifier.CLASS_FIXED,
        statements=(
            Statement("free_bits", text, rate),
            Statement("bits", text, rate, Quantifier.CLASS_ANY, Scope.DESCRIPTION),
        ),
        source=Source(reference, place, DERIVED),
        regime=regime,
        setting="any finite family of functions",
        parameters=parameters or {},
        search=search,
    )
