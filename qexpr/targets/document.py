"""Reading a target back from the JSON values of its `to_dict`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qexpr.errors import InvalidInput, shorten
from qexpr.targets.piecewise import Telegraph
from qexpr.targets.target import Target

__all__ = ["read"]

_KEYS = {
    "expression": {"kind", "version", "expression", "d", "units"},
    "telegraph": {"kind", "version", "n", "d", "steps", "breaks", "start"},
}


def read(document: Mapping[str, Any]) -> Target | Telegraph:
    """The function that `to_dict` wrote.

    Raises
    ------
    InvalidInput
        For anything else.
    """
    kind = document.get("kind") if isinstance(document, Mapping) else None
    if not isinstance(kind, str) or kind not in _KEYS:
        raise InvalidInput(
            f"a target's document must have kind expression or telegraph, got {shorten(kind)}"
        )
    if set(document) != _KEYS[kind] or document["version"] != 1:
        raise InvalidInput(
            f"a document of kind {kind} must have version 1 and the keys {sorted(_KEYS[kind])}"
        )
    if kind == "telegraph":
        for key in ("steps", "breaks", "start"):
            if not isinstance(document[key], list):
                raise InvalidInput(f"{key} of a telegraph must be a list")
        return Telegraph(
            document["steps"],
            document["n"],
            document["d"],
            breaks=document["breaks"],
            start=document["start"],
        )
    units = document["units"]
    if not isinstance(units, Mapping) or set(units) != {"domain", "norm"}:
        raise InvalidInput("units must be a domain and a norm")
    return Target(document["expression"], document["d"], domain=units["domain"], norm=units["norm"])
