"""What a circuit says of itself, read with suspicion: its plan, and the hashes of its parts.

A template module states the keys of its construction's plan as ``PLAN``, each with the reader of
its value: ``reader(key, value)`` returns what it read, or raises CertificateError.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from qexpr.certificates.templates import template_of
from qexpr.circuits.graph import Circuit
from qexpr.core.canonical import sha256
from qexpr.core.numbers import read_rational
from qexpr.errors import CertificateError, InvalidInput, shorten

__all__ = [
    "Reader",
    "count",
    "list_of_powers",
    "part_hashes",
    "power",
    "powers_by_name",
    "rational",
    "read_plan",
    "runs_of",
    "text",
    "whole",
]

Reader = Callable[[str, Any], Any]
_MOST = 2**31
_MOST_POWER = 2**12


def count(key: str, value: Any) -> int:
    """A whole number of at least 1."""
    return _whole(key, value, 1, _MOST)


def whole(key: str, value: Any) -> int:
    """A whole number of at least 0."""
    return _whole(key, value, 0, _MOST)


def power(key: str, value: Any) -> int:
    """A whole number that is an exponent somewhere, and small."""
    return _whole(key, value, 0, _MOST_POWER)


def _whole(key: str, value: Any, least: int, most: int) -> int:
    if type(value) is not int or not least <= value < most:
        raise CertificateError(f"the plan's {key} must be a whole number, got {shorten(value)}")
    return value


def rational(key: str, value: Any) -> Fraction:
    """A positive rational as text in lowest terms."""
    number = _rational(key, value)
    if not number:
        raise CertificateError(f"the plan's {key} must be a positive rational, as text")
    return number


def _rational(key: str, value: Any) -> Fraction:
    try:
        number = read_rational(value, key) if isinstance(value, str) else None
    except InvalidInput:
        number = None
    if number is None or number < 0:
        raise CertificateError(f"the plan's {key} must be a positive rational, as text")
    if str(number) != value:
        raise CertificateError(f"the plan's {key} must be text in lowest terms")
    return number


def text(key: str, value: Any) -> str:
    """Any text."""
    if type(value) is not str:
        raise CertificateError(f"the plan's {key} must be text, got {shorten(value)}")
    return value


def list_of_powers(key: str, value: Any) -> list[int]:
    """A list of small whole numbers."""
    if not isinstance(value, list):
        raise CertificateError(f"the plan's {key} must be a list, got {shorten(value)}")
    return [power(key, number) for number in value]


def powers_by_name(key: str, value: Any) -> dict[str, int]:
    """An object of small whole numbers."""
    if not isinstance(value, dict):
        raise CertificateError(f"the plan's {key} must be an object, got {shorten(value)}")
    return {name: power(key, number) for name, number in value.items()}


def _norm(key: str, value: Any) -> Fraction:
    if value is None:
        raise CertificateError("a circuit of the class (no target) has no error to certify")
    return _rational(key, value)  # the class of the function 0 has the norm 0


def _graph(key: str, value: Any) -> str:
    if value not in ("fixed", "any"):
        raise CertificateError(f"the plan's graph must be fixed or any, got {shorten(value)}")
    return str(value)


_COMMON: Mapping[str, Reader] = {
    "construction": text,
    "d": count,
    "n": count,
    "eps": rational,
    "alphabet": text,
    "norm": _norm,
    "error": rational,
    "graph": _graph,
    "N": count,  # cells an axis of the construction's mesh
}


def read_plan(plan: Mapping[str, Any]) -> dict[str, Any]:
    """The plan with its numbers read; every key is required and no other is allowed.

    Raises
    ------
    CertificateError
        If it is no plan of a construction that has templates.
    """
    name = plan.get("construction")
    readers = {**_COMMON, **template_of(name).PLAN}
    if set(plan) != set(readers):
        wrong = sorted(set(plan) ^ set(readers))[0]
        raise CertificateError(f"the plan of {name} lacks, or must not have, {shorten(wrong)}")
    return {key: read(key, plan[key]) for key, read in readers.items()}


def runs_of(w: Circuit) -> list[list[Any]]:
    """The circuit's roles as the document lists them: [first node, size, copies, role]."""
    return [[role.first, role.size, role.copies, role.name] for role in w.roles]


def part_hashes(w: Circuit) -> dict[str, str]:
    """SHA-256 of everything a circuit states beside its edges, which `digest` is of."""
    try:
        return {
            "alphabet": sha256([str(value) for value in w.alphabet]),
            "free": sha256(w.free.tolist()),
            "plan": sha256(dict(w.plan)),
            "roles": sha256([role.to_dict() for role in w.roles]),
        }
    except (TypeError, ValueError):
        raise CertificateError(
            "the circuit's plan or roles hold values that are not JSON"
        ) from None


def as_text(values: Mapping[str, Fraction]) -> dict[str, str]:
    """Rationals as their canonical text."""
    return {name: str(value) for name, value in values.items()}
