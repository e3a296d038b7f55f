"""The floor, and how far above it the explicit upper bounds are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qexpr.bounds.rows import Row
from qexpr.core.claim import Claim, Explicit, Order, Quantifier, Scope, Side, comparable
from qexpr.core.decimals import round_decimal, spell
from qexpr.errors import InvalidInput

__all__ = ["best_floors", "floor_lines", "ratios"]

_FREEDOM = {
    Quantifier.CLASS_FIXED: "fixed structure",
    Quantifier.CLASS_ANY: "any graph",
    Quantifier.FUNCTION_FIXED: "this f, fixed structure",
    Quantifier.FUNCTION_ANY: "this f, any graph",
}


def may_compare(a: Claim, b: Claim) -> bool:
    """`comparable` as a question: False where it raises."""
    try:
        return comparable(a, b)
    except InvalidInput:
        return False


def best_floors(claims: Sequence[Claim]) -> list[Claim]:
    """The largest explicit, firmly sourced lower bound of each quantity and quantifier."""
    best: dict[tuple[str, ...], Claim] = {}
    for claim in claims:
        if claim.side is Side.LOWER and may_compare(claim, claim):
            key = (claim.quantity, claim.quantifier, claim.scope)
            if key not in best or claim.value > best[key].value:
                best[key] = claim
    return list(best.values())


def ratios(claims: Sequence[Claim], floor: Claim) -> list[tuple[Claim, str]]:
    """The upper bounds that may be held against a floor, with the ratio rounded up."""
    result = []
    for claim in claims:
        if claim.side is Side.UPPER and may_compare(claim, floor):
            assert isinstance(claim.value, Explicit)
            assert isinstance(floor.value, Explicit)
            if floor.value.lower > 0:
                ratio = claim.value.ratio(floor.value)
                result.append((claim, spell(*round_decimal(ratio, 3, up=True))))
    return result


def _meaning(floor: Claim) -> str:
    what = floor.quantity.replace("_", " ")
    if floor.scope is Scope.DESCRIPTION:
        what = f"{what} of a complete description, graph included"
    return f"{_FREEDOM[floor.quantifier]}: {what}"


def _remark(claim: Claim, floor: Claim) -> str:
    """What an upper bound counts, where it is not the floor's own quantity or not a network."""
    if claim.scope is Scope.DESCRIPTION:
        return " (a code, not a network)"
    return f" ({claim.quantity} of all weights)" if claim.quantity != floor.quantity else ""


def floor_lines(
    rows: Sequence[Row], label: str, number: Callable[[Explicit | Order], str]
) -> list[str]:
    """The block of one query."""
    claims = [row.claim for row in rows if row.claim is not None]
    floors = best_floors(claims)
    lines = [label] if label and floors else []
    for floor in floors:
        lines.append(f"{_meaning(floor)} >= {number(floor.value)}  {floor.id}")
        for claim, ratio in ratios(claims, floor):
            said = f"{claim.id}: {ratio} times the floor{_remark(claim, floor)}"
            lines.append(f"    {'<= ' + number(claim.value):>14}  {said}")
    return lines
