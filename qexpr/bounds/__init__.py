"""Bounds on the expressivity of quantized networks: claims as data, with their sources.

``table`` evaluates all of them, ``get`` gives one, ``ids`` lists them; ``inverse_table`` answers
the inverse question, the least eps for a given size. ``entropy`` has the floors as functions,
``calculators`` what takes widths and not a query.
"""

from typing import TYPE_CHECKING, Any

from qexpr.bounds.bound import Bound
from qexpr.bounds.registry import get, ids
from qexpr.bounds.rows import Row, Table, table

if TYPE_CHECKING:
    from qexpr.bounds import calculators as calculators
    from qexpr.bounds import entropy as entropy
    from qexpr.bounds.inverse import inverse_table as inverse_table

__all__ = [
    "Bound",
    "Row",
    "Table",
    "calculators",
    "entropy",
    "get",
    "ids",
    "inverse_table",
    "table",
]


def __getattr__(name: str) -> Any:
    if name in ("calculators", "entropy"):
        from importlib import import_module

        return import_module(f"qexpr.bounds.{name}")
    if name == "inverse_table":  # not on the way of a cold `qexpr bound`
        from qexpr.bounds.inverse import inverse_table

        return inverse_table
    raise AttributeError(f"module 'qexpr.bounds' has no attribute {name!r}")
