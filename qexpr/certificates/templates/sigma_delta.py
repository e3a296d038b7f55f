"""Sigma-delta tracking: f~ rises or falls by one step on every cell (theory, section 5)."""

from __future__ import annotations

from collections.abc import Mapping

from qexpr.certificates.plans import Reader, count, power, rational
from qexpr.certificates.templates.planes import derive, digits_of

__all__ = ["PLAN", "derive", "digits_of"]

PLAN: Mapping[str, Reader] = {"h": rational, "b": count, "P": count, "E": power}
