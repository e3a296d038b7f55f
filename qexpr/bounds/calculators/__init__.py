"""Calculators: statements that take widths, sizes or precisions and not a query.

``names()`` lists them and ``get(name)`` gives one; calling it returns its lines.
"""

from __future__ import annotations

from importlib import import_module

from qexpr.bounds.calculators.calculator import Calculator, Line, Parameter
from qexpr.core.suggest import suggest
from qexpr.errors import InvalidInput, shorten

__all__ = ["MODULES", "Calculator", "Line", "Parameter", "get", "names"]

# A calculator called NAME is CALCULATOR in the module NAME; lists keep this order.
MODULES = (
    "regions",
    "vc",
    "rounding",
    "bitwidth",
    "overhead",
    "constants",
    "block",
    "regimes",
    "shen",
    "square",
    "phase",
    "petersen",
    "elbraechter",
    "bernstein",
)


def names() -> list[str]:
    """The names of all calculators, in the order of lists."""
    return list(MODULES)


def get(name: str) -> Calculator:
    """The calculator of that name.

    Raises
    ------
    InvalidInput
        If there is none, with the nearest names.
    """
    if name in MODULES:
        calculator: Calculator = import_module(f"qexpr.bounds.calculators.{name}").CALCULATOR
        return calculator
    raise InvalidInput(
        f"there is no calculator {shorten(name)}{suggest(name, names())}; "
        f"there are {', '.join(names())}"
    )
