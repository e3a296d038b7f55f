"""The output: doublings of a sum, and the offset taken off."""

from __future__ import annotations

from qexpr.bounds.witness.ledger import Ledger, Unit

__all__ = ["amplify", "take_off"]


def amplify(book: Ledger, unit: Unit, target: Unit, doublings: int) -> None:
    """Lanes of four equal units: 11 edges a doubling; or one lane of weights 2."""
    b = book.b
    rounds = doublings - 1 + b
    if rounds < 0:
        book.join(book.scaled(unit, -doublings - 1), target, 1, -1)
        return
    if b > 1:
        lane = book.unit()
        book.join(unit, lane, 1)
        for _ in range(rounds):
            lane, last = book.unit(), lane
            book.join(last, lane, 1, 1)
        book.join(lane, target, 1, 1)
        return
    # depths: a, then b behind it, then the two that have both, beside them
    level = book.unit(4)
    book.join(unit, level, 4)
    target.edges += 11 * rounds + 4
    target.depth = max(target.depth, level.depth + 3 * rounds + 1)


def take_off(book: Ledger, output: Unit, quarters: int) -> None:
    """Subtract the offset, in quarters: from halves of 1, 1/2 at once and 1/4 an edge."""
    b, rungs = book.b, book.one.rungs
    assert rungs is not None
    if b == 1:
        rungs.split = max(rungs.split, quarters - 2)
        output.edges += quarters - 1
        output.depth = max(output.depth, 2)
    else:
        used = rungs.use(0, quarters << b - 2)
        output.edges += used.edges
        output.depth = max(output.depth, used.depth + 1)
