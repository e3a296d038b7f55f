"""Certificates: what is proven about a circuit or a network, and its independent derivation."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qexpr.certificates.dispatch import Enclosure as Enclosure
    from qexpr.certificates.dispatch import certify as certify
    from qexpr.certificates.dispatch import check as check
    from qexpr.certificates.dispatch import enclose as enclose
    from qexpr.certificates.document import Certificate as Certificate
    from qexpr.certificates.document import Verdict as Verdict
    from qexpr.certificates.document import read as read
    from qexpr.certificates.document import write as write
    from qexpr.certificates.properties import lipschitz as lipschitz
    from qexpr.certificates.properties import output_range as output_range

_PUBLIC = {
    "Certificate": "document",
    "Enclosure": "dispatch",
    "Verdict": "document",
    "certify": "dispatch",
    "check": "dispatch",
    "enclose": "dispatch",
    "lipschitz": "properties",
    "output_range": "properties",
    "read": "document",
    "write": "document",
}

__all__ = [*_PUBLIC]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(f"qexpr.certificates.{_PUBLIC[name]}"), name)
    raise AttributeError(f"module 'qexpr.certificates' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
