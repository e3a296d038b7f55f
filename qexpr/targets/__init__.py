"""Sobolev-class functions: an expression, exact derivatives, enclosures, proven membership."""

from __future__ import annotations

from qexpr.core.units import Units
from qexpr.targets.bumps import bump
from qexpr.targets.document import read
from qexpr.targets.library import entry, find, get, names
from qexpr.targets.membership import Membership
from qexpr.targets.piecewise import Telegraph, thue_morse
from qexpr.targets.target import Target

__all__ = [
    "Membership",
    "Target",
    "Telegraph",
    "Units",
    "bump",
    "entry",
    "find",
    "get",
    "names",
    "read",
    "thue_morse",
]
