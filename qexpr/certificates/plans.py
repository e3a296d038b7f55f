"""What a circuit says of itself, read with suspicion: its plan, and the hashes of its parts."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from qexpr.circuits.graph import Circuit
from qexpr.core.canonical import sha256
from qexpr.core.numbers import read_rational
from qexpr.errors import CertificateError, InvalidInput, shorten

__all__ = ["part_hashes", "read_plan", "runs_of"]

_COMMON = {
    "construction": "text",
    "d": "count",
    "n": "count",
    "eps": "rational",
    "alphabet": "text",
    "norm": "norm",
    "error": "rational",
    "graph": "graph",
}
_OWN = {
    "cones": {
        "N": "count",
        "q": "rational",
        "b": "count",
        "p": "count",
        "long": "digits",
        "E": "power",
        "T": "whole",
    },
    "sigma_delta": {"N": "count", "h": "rational", "b": "count", "P": "count", "E": "power"},
    "shared_bitplane": {"N": "count", "r": "power", "t": "list"},
}
_MOST = 2**31
_MOST_POWER = 2**12  # of what is an exponent somewhere


def read_plan(plan: Mapping[str, Any]) -> dict[str, Any]:
    """The plan with its numbers read; every key is required and no other is allowed.

    Raises
    ------
    CertificateError
        If it is no plan of a construction that has templates.
    """
    name = plan.get("construction")
    if not isinstance(name, str) or name not in _OWN:
        raise CertificateError(
            f"templates exist for {', '.join(_OWN)}; this circuit's plan names {shorten(name)}"
        )
    kinds = {**_COMMON, **_OWN[name]}
    if set(plan) != set(kinds):
        wrong = sorted(set(plan) ^ set(kinds))[0]
        raise CertificateError(f"the plan of {name} lacks, or must not have, {shorten(wrong)}")
    return {key: _read(key, kind, plan[key]) for key, kind in kinds.items()}


def _read(key: str, kind: str, value: Any) -> Any:
    if kind in ("count", "whole", "power"):
        most = _MOST_POWER if kind == "power" else _MOST
        if type(value) is not int or not (kind == "count") <= value < most:
            raise CertificateError(f"the plan's {key} must be a whole number, got {shorten(value)}")
    elif kind == "rational" or (kind == "norm" and value is not None):
        try:
            number = read_rational(value, key) if isinstance(value, str) else None
        except InvalidInput:
            number = None
        # the class of the function 0 has the norm 0
        if number is None or number < 0 or (kind == "rational" and number == 0):
            raise CertificateError(f"the plan's {key} must be a positive rational, as text")
        if str(number) != value:
            raise CertificateError(f"the plan's {key} must be text in lowest terms")
        return number
    elif kind == "norm":
        raise CertificateError("a circuit of the class (no target) has no error to certify")
    elif kind == "graph" and value not in ("fixed", "any"):
        raise CertificateError(f"the plan's graph must be fixed or any, got {shorten(value)}")
    elif kind in ("digits", "list"):
        numbers = value.values() if kind == "digits" and isinstance(value, dict) else value
        if (kind == "digits") != isinstance(value, dict) or isinstance(value, str):
            raise CertificateError(f"the plan's {key} has the wrong form: {shorten(value)}")
        try:
            whole = all(type(x) is int and 0 <= x < _MOST_POWER for x in numbers)
        except TypeError:
            whole = False
        if not whole:
            raise CertificateError(f"the plan's {key} must hold whole numbers: {shorten(value)}")
    elif type(value) is not str and kind == "text":
        raise CertificateError(f"the plan's {key} must be text, got {shorten(value)}")
    return value


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
