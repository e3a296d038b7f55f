"""A cell that costs nothing: what is left is what a study adds."""

from __future__ import annotations

from qexpr.study.kind import Cell, Column, Kind, Parameter, Result
from qexpr.study.tools import Tools


def run(cell: Cell, tools: Tools) -> Result:
    """Square a number."""
    return Result({"square": cell["k"] ** 2})


KIND = Kind(
    name="cells.trivial",
    title="the square of a number",
    parameters=(Parameter(name="k", type="int", help="a number"),),
    columns=(Column(name="square", type="int", help="its square"),),
    run=run,
    cost=lambda cell: 0.0,
    exact=True,
)
