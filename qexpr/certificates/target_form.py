"""The target inside a certificate: its text and units, from which it is built again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qexpr.errors import CertificateError, InvalidInput, shorten
from qexpr.targets import Target

__all__ = ["read_target", "target_to_dict"]


def target_to_dict(f: Target) -> dict[str, Any]:
    """Expression, number of variables, domain and norm."""
    return {
        "expression": f.text,
        "d": f.d,
        "domain": [[str(a), str(b)] for a, b in f.units.domain],
        "norm": str(f.units.norm),
    }


def read_target(value: Mapping[str, Any]) -> Target:
    """Build the target again.

    Raises
    ------
    CertificateError
        If this is not what `target_to_dict` writes.
    """
    if set(value) != {"expression", "d", "domain", "norm"}:
        raise CertificateError("the target must have expression, d, domain and norm")
    if not isinstance(value["expression"], str) or isinstance(value["d"], bool):
        raise CertificateError("the target's expression must be text, and d an integer")
    try:
        f = Target(value["expression"], value["d"], domain=value["domain"], norm=value["norm"])
        same = target_to_dict(f) == dict(value)
    except InvalidInput as error:
        raise CertificateError(f"the target is refused: {error}") from None
    except (TypeError, ValueError):
        raise CertificateError(f"the target is malformed: {shorten(dict(value))}") from None
    if not same:
        raise CertificateError("the target is not written in its canonical form")
    return f
