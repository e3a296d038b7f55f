"""The list of all derivations. A new one is one file, and one line here."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from qexpr.core.suggest import suggest
from qexpr.derivations.derivation import Derivation
from qexpr.errors import InvalidInput, shorten

__all__ = ["MODULES", "get", "names"]

# Every module has one DERIVATION; lists follow this order.
MODULES = (
    "binary",
    "ternary",
    "hwgq",
    "residual",
    "dorefa",
    "binaryconnect",
    "log",
    "xnor",
    "lloyd_max",
    "ding_theorem1",
    "log5",
    "optimal_lambda",
    "square",
    "product",
    "partition",
    "digits",
    "realisation",
    "kuhn",
    "bump",
    "spline",
    "cones",
    "bubbles",
    "multiresolution",
)


@cache
def _all() -> dict[str, Derivation]:
    found: dict[str, Derivation] = {}
    for module in MODULES:
        derivation: Derivation = import_module(f"qexpr.derivations.library.{module}").DERIVATION
        found[derivation.name] = derivation
    return found


def names() -> list[str]:
    """The names of all derivations, the quantizers' first."""
    return list(_all())


def get(name: str) -> Derivation:
    """The derivation of that name, or of that other name.

    Raises
    ------
    InvalidInput
        If there is none, with the nearest names.
    """
    known = _all() | {alias: d for d in _all().values() for alias in d.aliases}
    if isinstance(name, str) and name in known:
        return known[name]
    raise InvalidInput(
        f"there is no derivation {shorten(name)}{suggest(name, known)} (known: {', '.join(known)})"
    )
