"""Sobolev-class functions: an expression, exact derivatives, enclosures, proven membership."""

from __future__ import annotations

from qexpr.targets.membership import Membership
from qexpr.targets.target import Target
from qexpr.targets.units import Units

__all__ = ["Membership", "Target", "Units"]
