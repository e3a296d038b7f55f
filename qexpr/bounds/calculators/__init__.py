"""Calculators: statements that take widths, sizes or precisions and not a query.

``names()`` lists them and ``get(name)`` gives one; calling it returns its lines.
"""

from __future__ import annotations

from importlib import import_module

from qexpr.bounds.calculators.calculator import Calculator, Line, Parameter
from qexpr.core.suggest import suggest
from qexpr.errors import InvalidInput, shorten

__all__ = ["MODULES", "Calculator", "Line", "Parameter", "get", "names"]

# Calculator name -> the module that has it as CALCULATOR.
MODULES = (("vc", "vc"),)


def names() -> list[str]:
    """The names of all calculators, in the order of lists."""
    return [name for name, _ in MODULES]


def get(name: str) -> Calculator:
    """The calculator of that name.

    Raises
    ------
    InvalidInput
        If there is none, with the nearest names.
    """
    for one, module in MODULES:
        if one == name:
            calculator: Calculator = import_module(f"qexpr.bounds.calculators.{module}").CALCULATOR
            return calculator
    raise InvalidInput(
        f"there is no calculator {shorten(name)}{suggest(name, names())}; "
        f"there are {', '.join(names())}"
    )
