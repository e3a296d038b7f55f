"""A theorem of Ding et al. at unit constant beside everything that was built: the constant needed.

The theorems state orders, so no network refutes them. What a cell gives is the constant that the
order would need to hold for the network that was built, exactly counted: where it grows without
end as eps falls, the construction is larger than the theorem says, where it falls to zero, the
theorem is not sharp.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from qexpr import bounds
from qexpr.circuits.registry import plan
from qexpr.core.claim import Order
from qexpr.core.query import Query
from qexpr.study.fits import fit_slope, group_by
from qexpr.study.kind import Cell, Column, Figure, Kind, Parameter, Result, Row, Small, Summary
from qexpr.study.kinds import witness
from qexpr.study.tools import Tools

__all__ = ["KIND"]

_THEOREMS = tuple(f"ding2018.theorem{k}" for k in (1, 2, 3, 4))
_QUANTITIES = ("weights", "bits", "depth")

PARAMETERS = (
    Parameter(name="theorem", type="text", help="id of the theorem", choices=_THEOREMS),
    *witness.PARAMETERS,  # what was built, and for which class
)

COLUMNS = (
    *(
        column
        for q in _QUANTITIES
        for column in (
            Column(name=f"order_{q}", type="float", help=f"{q} of the theorem, order", order=True),
            Column(name=f"built_{q}", type="int", help=f"{q} of the network (explicit)"),
            Column(
                name=f"constant_{q}",
                type="float",
                help=f"constant at which the order is the {q} built",
                order=True,
            ),
        )
    ),
    Column(name="error_upper", type="upper", help="guaranteed for the class (explicit)"),
)


def run(cell: Cell, tools: Tools) -> Result:
    """The theorem's values, the plan's counts, and their quotients."""
    query = Query(cell["d"], cell["n"], eps=cell["eps"], alphabet=cell["alphabet"])
    claims = {c.quantity: c.value for c in bounds.get(cell["theorem"]).claims(query)}
    made = plan(cell["construction"], query.d, query.n, query.eps, alphabet=query.alphabet)
    values: dict[str, Any] = {"error_upper": made.error}
    for quantity in _QUANTITIES:
        order, built = claims.get(quantity), getattr(made.counts, quantity)
        assert isinstance(order, Order)  # all four theorems state orders of all three
        values |= {
            f"order_{quantity}": order.value,
            f"built_{quantity}": built,
            f"constant_{quantity}": built / order.value,
        }
    return Result(values)


def summary(rows: Sequence[Row]) -> Summary:
    """How the constants grow: the exponent of 1/eps that is left, and their range."""
    table: list[tuple[str, ...]] = []
    grows: list[str] = []
    falls = level = 0
    done = [row for row in rows if row["status"] == "ok"]
    keys = ("theorem", "construction", "d", "n", "alphabet")
    for key, group in group_by(done, keys):
        sizes = [float(row["constant_weights"]) for row in group]
        slope = fit_slope([1 / float(row["eps"]) for row in group], sizes)
        table.append(
            (
                *map(str, key),
                f"{min(sizes):.3g}",
                f"{max(sizes):.3g}",
                "" if slope is None else slope.text(),
            )
        )
        if slope is not None:
            falls += slope.high < 0
            level += slope.low <= 0 <= slope.high
            if slope.low > 0:
                grows.append(f"{key[1]} over {key[4]} in F({key[2]},{key[3]}), {key[0]}")
    few = sum(1 for row in done if row["constant_weights"] <= 1)
    named = f": {'; '.join(grows[:8])}{'; ...' if len(grows) > 8 else ''}" if grows else ""
    answer = (
        f"Of {len(done)} networks that were planned and counted, {few} need no more weights than "
        "the theorem's expression at unit constant. An order names no constant, so the others "
        "refute nothing: the table gives the constant that each would need, and how it grows.",
        f"As eps falls the constant falls in {falls} of {falls + level + len(grows)} groups with "
        "three accuracies or more, where the network grows slower than the expression; it grows in "
        f"{len(grows)}{named}. In {level} neither can be told.",
    )
    caption = "Constants of the weights: range over eps, and exponent of 1/eps that is left in them"
    header = (*keys, "least", "largest", "exponent [95 % of a straight line]")
    small = Small(caption, header, tuple(table))
    return Summary(answer, (small,), tuple(_figures(done)), _THEOREMS)


def _figures(rows: Sequence[Row]) -> Iterator[Figure]:
    """The constants of the first theorem over one alphabet, a panel for each class."""
    from qexpr.figures.series import Line, Panel, draw_panels

    alphabet = rows[0]["alphabet"] if rows else ""
    theorem = rows[0]["theorem"] if rows else ""
    chosen = [r for r in rows if (r["theorem"], r["alphabet"]) == (theorem, alphabet)]
    panels = []
    for (d, n), of_class in group_by(chosen, ("d", "n")):
        lines = []
        for (name,), group in group_by(of_class, ("construction",)):
            ends = sorted((float(r["eps"]), float(r["constant_weights"])) for r in group)
            lines.append(Line(name, *zip(*ends, strict=True), "order"))
        panels.append(Panel(f"F({d},{n})", lines))
    if panels:
        yield Figure(
            "constants",
            lambda form: draw_panels(
                panels[:9], "accuracy eps (sup norm)", "weights / expression", form, invert_x=True
            ),
            f"The constant that {theorem} would need for each construction over {alphabet}, "
            "against accuracy, one panel for each class, with logarithmic axes; eps falls to the "
            "right.",
            f"Counted weights over the expression of {theorem} at unit constant, over {alphabet}: "
            "at 1 they are equal, and a curve that falls is a network that grows slower.",
        )


KIND = Kind(
    name="theorem",
    title="theorems at unit constant beside what was built",
    parameters=PARAMETERS,
    columns=COLUMNS,
    run=run,
    cost=lambda cell: 0.1,
    exact=True,
    summary=summary,
    shown=(
        *("theorem", "construction", "d", "n", "alphabet", "eps"),
        *("order_weights", "built_weights", "constant_weights", "status"),
    ),
)
