"""The kinds of cells: a new one is a file here and a line in `MODULES`."""

from __future__ import annotations

import re
from importlib import import_module
from typing import TYPE_CHECKING

from qexpr.core.suggest import suggest
from qexpr.errors import InvalidInput, shorten

if TYPE_CHECKING:
    from qexpr.study.kind import Kind

__all__ = ["MODULES", "get_kind"]

MODULES = ("bitwidth", "digits", "floor", "rate", "systems", "theorem", "witness")

_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+", re.ASCII)


def get_kind(name: str) -> Kind:
    """The kind of that name; a name with a dot is a module outside qexpr that has a `KIND`.

    Raises
    ------
    InvalidInput
        If there is none, with the nearest names.
    """
    if name in MODULES:
        kind: Kind = import_module(f"qexpr.study.kinds.{name}").KIND
        return kind
    if _DOTTED.fullmatch(name):
        return _foreign(name)
    raise InvalidInput(
        f"there is no kind {shorten(name)}{suggest(name, MODULES)}; "
        f"the kinds are {', '.join(MODULES)}"
    )


def _foreign(name: str) -> Kind:
    from qexpr.study.kind import Kind

    try:
        kind = import_module(name).KIND
    except (ImportError, AttributeError) as error:
        raise InvalidInput(
            f"kind {name} is a module that has to be importable and to have a KIND: {error}"
        ) from None
    if not isinstance(kind, Kind) or kind.name != name:
        raise InvalidInput(f"{name}.KIND has to be a Kind with name={name!r}")
    return kind
