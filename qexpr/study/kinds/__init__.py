"""The kinds of cells: a new one is a file here and a line in `MODULES`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from qexpr.core.suggest import suggest
from qexpr.errors import InvalidInput, shorten

if TYPE_CHECKING:
    from qexpr.study.kind import Kind

__all__ = ["MODULES", "get_kind"]

MODULES = ("witness",)


def get_kind(name: str) -> Kind:
    """The kind of that name.

    Raises
    ------
    InvalidInput
        If there is none, with the nearest names.
    """
    if name not in MODULES:
        raise InvalidInput(
            f"there is no kind {shorten(name)}{suggest(name, MODULES)}; "
            f"the kinds are {', '.join(MODULES)}"
        )
    kind: Kind = import_module(f"qexpr.study.kinds.{name}").KIND
    return kind
