"""The floor, and how far above it the explicit upper bounds are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qexpr.bounds.rows import Row
from qexpr.core.claim import Claim, Explicit, Order, Quantifier, Side, comparable
from qexpr.core.decimals import round_decimal, spell
from qexpr.errors import InvalidInput

__all__ = ["best_floors", "floor_lines", "ratios"]

_MEANING = {
    ("free_bits", Quantifier.CLASS_FIXED): "fixed structure: free bits",
    ("bits", Quantifier.CLASS_FIXED): "fixed structure: bits of all weights",
    ("bits", Quantifier.CLASS_ANY): "any graph: a complete description, the graph included",
    ("weights", Quantifier.CLASS_FIXED): "fixed structure: weights",
    ("weights", Quantifier.CLASS_ANY): "any graph: weights",
}


def may_compare(a: Claim, b: Claim) -> bool:
    """`comparable` as a question: False where it raises."""
    try:
        return comparable(a, b)
    except InvalidInput:
        return False


def best_floors(claims: Sequence[Claim]) -> list[Claim]:
    """The largest explicit, firmly sourced lower bound of each quantity and quantifier."""
    best: dict[tuple[str, str], Claim] = {}
    for claim in claims:
        if claim.side is Side.LOWER and may_compare(claim, claim):
            key = (claim.quantity, claim.quantifier)
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


def floor_lines(
    rows: Sequence[Row], label: str, number: Callable[[Explicit | Order], str]
) -> list[str]:
    """The block of one query."""
    claims = [row.claim for row in rows if row.claim is not None]
    floors = best_floors(claims)
    lines = [label] if label and floors else []
    for floor in floors:
        what = _MEANING.get(
            (floor.quantity, floor.quantifier),
            f"{floor.quantity.replace('_', ' ')}, {floor.quantifier}",
        )
        lines.append(f"{what:<56}{'>= ' + number(floor.value):>16}  {floor.id}")
        lines += [
            f"{'':<56}{'<= ' + number(claim.value):>16}  {claim.id}: {ratio} times the floor"
            for claim, ratio in ratios(claims, floor)
        ]
    return lines
