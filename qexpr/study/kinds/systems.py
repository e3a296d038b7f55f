"""Methods of training beside each other, on targets, each error enclosed."""

from __future__ import annotations

from qexpr.study.kind import Kind
from qexpr.study.trained import COLUMNS, NEEDS, PARAMETERS, check_row, cost, run, validate

__all__ = ["KIND"]

KIND = Kind(
    name="systems",
    title="networks trained by a method on a target, their error enclosed",
    parameters=PARAMETERS,
    columns=COLUMNS,
    run=run,
    cost=cost,
    check=lambda cell, row, files, tools: check_row(KIND, cell, row, files),
    files=("network.qxr",),
    seeded=True,
    needs=NEEDS,
    validate=validate,
)
