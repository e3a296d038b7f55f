"""Bounds on the expressivity of quantized networks: claims as data, with their sources.

``table`` evaluates all of them, ``get`` gives one, ``ids`` lists them; ``inverse_table`` answers
the inverse question, the least eps for a given size.
"""

from qexpr.bounds.bound import Bound
from qexpr.bounds.inverse import inverse_table
from qexpr.bounds.registry import get, ids
from qexpr.bounds.rows import Row, Table, table

__all__ = ["Bound", "Row", "Table", "get", "ids", "inverse_table", "table"]
