"""Cones: f~ interpolates coded node values on the Kuhn mesh (theory, section 5.2)."""

from __future__ import annotations

from collections.abc import Mapping

from qexpr.certificates.plans import Reader, count, power, powers_by_name, rational, whole
from qexpr.certificates.templates.planes import derive, digits_of

__all__ = ["PLAN", "derive", "digits_of"]

PLAN: Mapping[str, Reader] = {
    "q": rational,
    "b": count,
    "p": count,
    "long": powers_by_name,
    "E": power,
    "T": whole,
}
