"""Counts of a construction for a whole class, beside what others state. Nothing is trained.

The counts come from the construction's own plan; the same counts by the formula of the bound,
which is written apart from it, have to be equal. Beside them stand Ding et al.'s order and the
explicit reconstruction of their proof, Yarotsky's order for real weights, the entropy floor and
the best code.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import Any

from qexpr import bounds
from qexpr.circuits.registry import CONSTRUCTIONS, plan
from qexpr.core.claim import Claim, Explicit, Order, Quantifier
from qexpr.core.query import Query, read_alphabet
from qexpr.errors import OutOfRegime
from qexpr.study.compare import compare, comparison_columns
from qexpr.study.kind import Cell, Column, Kind, Parameter, Result
from qexpr.study.kinds.witness_summary import summary
from qexpr.study.tools import Tools

__all__ = ["KIND"]

_COUNTS = ("weights", "depth", "units", "bits", "free_bits", "structure_bits")


def _alphabet(value: str) -> str:
    return str(read_alphabet(value))


PARAMETERS = (
    Parameter(
        name="construction", type="text", help="name of a construction", choices=CONSTRUCTIONS
    ),
    Parameter(name="d", type="int", help="dimension", least=1, most=16),
    Parameter(name="n", type="int", help="bounded derivatives", least=1, most=16),
    Parameter(
        name="alphabet",
        type="text",
        help="nonlinear:LAMBDA or linear:BITS",
        default="nonlinear:2",
        read=_alphabet,
    ),
    Parameter(
        name="eps",
        type="rational",
        help="accuracy in sup norm",
        least=Fraction(1, 10**12),
        most=Fraction(99, 100),
    ),
)

COLUMNS = (
    Column(name="weights", type="int", help="edges of the network (explicit)"),
    Column(name="depth", type="int", help="units on the longest path (explicit, at most)"),
    Column(name="units", type="int", help="ReLU units"),
    Column(name="bits", type="int", help="weights times bits of a weight"),
    Column(name="free_bits", type="int", help="bits that depend on the function"),
    Column(name="structure_bits", type="int", help="all other bits"),
    Column(name="error_upper", type="upper", help="guaranteed for every function of the class"),
    Column(name="formula_weights", type="int", help="weights by the bound's formula (explicit)"),
    Column(name="ding_order_weights", type="float", help="Ding et al., order", order=True),
    Column(name="ding_order_depth", type="float", help="Ding et al., order", order=True),
    Column(
        name="ding_built_weights", type="int", help="Ding et al.'s proof, reconstructed (explicit)"
    ),
    Column(name="yarotsky_order_weights", type="float", help="real weights, order", order=True),
    Column(name="code_bits_upper", type="upper", help="bits of the best code (explicit)"),
    Column(name="floor_ratio_upper", type="upper", help="free bits over the floor (explicit)"),
    *comparison_columns("formula", "weights"),
    *comparison_columns("floor", "free bits of a fixed graph"),
)


def _claims(id: str, query: Query) -> dict[str, Claim]:
    """The claims of a bound by quantity; none outside its regime."""
    try:
        return {c.quantity: c for c in bounds.get(id).claims(query)}
    except OutOfRegime:
        return {}


def _order(claims: dict[str, Claim], quantity: str) -> float | None:
    value = claims[quantity].value if quantity in claims else None
    return value.value if isinstance(value, Order) else None


def _count(claims: dict[str, Claim], quantity: str) -> int | None:
    value = claims[quantity].value if quantity in claims else None
    return value.value if isinstance(value, Explicit) else None


@cache
def _bound_id(construction: str) -> str | None:
    """The bound that states the construction's counts; None for what none states."""
    if construction == "ding2018":
        return "ding2018.reconstruction"
    id = f"witness.{construction}"
    return id if id in bounds.ids() else None


def run(cell: Cell, tools: Tools) -> Result:
    """Plan, count, and put what others state beside it."""
    query = Query(cell["d"], cell["n"], eps=cell["eps"], alphabet=cell["alphabet"])
    made = plan(cell["construction"], query.d, query.n, query.eps, alphabet=query.alphabet)
    counts = made.counts
    quantized = bool(counts.bits_per_weight)
    theorem = "ding2018.theorem1" if query.alphabet.kind == "nonlinear" else "ding2018.theorem2"
    ding = _claims(theorem, query)
    built = _claims("ding2018.reconstruction", query)
    yarotsky = _claims("yarotsky2017.theorem1", query)
    floor = _claims("entropy.floor", query).get("free_bits")
    code = _claims("entropy.code", query).get("bits")
    own_id = _bound_id(cell["construction"])
    own = _claims(own_id, query) if own_id else {}
    values: dict[str, Any] = {
        **{name: getattr(counts, name) for name in _COUNTS},
        "error_upper": made.error,
        "formula_weights": _count(own, "weights"),
        "ding_order_weights": _order(ding, "weights"),
        "ding_order_depth": _order(ding, "depth"),
        "ding_built_weights": _count(built, "weights"),
        "yarotsky_order_weights": _order(yarotsky, "weights"),
        "code_bits_upper": code.value.upper if code and isinstance(code.value, Explicit) else None,
        **_ratio(counts.free_bits if quantized else None, floor),
    }
    reasons = []
    if not quantized:
        values |= dict.fromkeys(("bits", "free_bits", "structure_bits"))
        reasons.append("real weights have no bits")
    if "weights" in own:
        # the bound states the count of this very network: as an upper bound it must not be lower
        values |= compare("formula", own["weights"], (counts.weights,) * 2, Quantifier.CLASS_FIXED)
    else:
        reasons.append("no bound states this construction's count")
    if floor is not None:
        measured = (counts.free_bits,) * 2 if quantized else None
        values |= compare("floor", floor, measured, Quantifier.CLASS_FIXED)
    else:
        reasons.append("no floor speaks of this query")
    return Result(values, reason="; ".join(reasons))


def _ratio(free_bits: int | None, floor: Claim | None) -> dict[str, Any]:
    value = floor.value if floor is not None else None
    if free_bits is None or not isinstance(value, Explicit) or value.lower <= 0:
        return {"floor_ratio_upper": None}
    return {"floor_ratio_upper": Fraction(free_bits) / value.lower}


KIND = Kind(
    name="witness",
    title="counts of a construction for a class, beside published bounds and the floor",
    parameters=PARAMETERS,
    columns=COLUMNS,
    run=run,
    cost=lambda cell: 0.3,
    exact=True,
    summary=summary,
    shown=(
        *("construction", "d", "n", "alphabet", "eps", "weights", "depth", "free_bits"),
        *("ding_order_weights", "ding_built_weights", "floor_ratio_upper", "floor_verdict"),
        "status",
    ),
)
