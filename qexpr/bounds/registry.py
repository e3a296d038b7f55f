"""The list of all bounds. A new paper is one file, and one line here."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib import import_module

from qexpr.bounds.bound import Bound
from qexpr.core.suggest import suggest
from qexpr.errors import InvalidInput, shorten

__all__ = ["MODULES", "all_bounds", "get", "ids"]

# Every module has a tuple BOUNDS; tables list them in this order.
MODULES = (
    "ding2018",
    "yarotsky2017",
    "yarotsky2018",
    "yarotsky2020",
    "petersen2018",
    "boelcskei2019",
    "gunturk2021",
    "beknazaryan2022a",
    "beknazaryan2022b",
    "ou2024",
    "devore2021",
    "shen2020",
    "shen2022",
    "lu2021",
    "siegel2023",
    "liu2024",
    "achour2022",
    "entropy",
    "witness",
)


@cache
def _by_id() -> dict[str, Bound]:
    bounds: dict[str, Bound] = {}
    for module in MODULES:
        members: Iterable[Bound] = import_module(f"qexpr.bounds.{module}").BOUNDS
        for bound in members:
            if bound.id in bounds:
                raise RuntimeError(f"two bounds are called {bound.id}")
            bounds[bound.id] = bound
    return bounds


def all_bounds() -> tuple[Bound, ...]:
    """All registered bounds, in the order of tables."""
    return tuple(_by_id().values())


def ids() -> list[str]:
    """The ids of all bounds, in the order of tables."""
    return list(_by_id())


def get(id: str) -> Bound:
    """The bound of that id.

    Raises
    ------
    InvalidInput
        If there is none, with the nearest ids.
    """
    bounds = _by_id()
    if isinstance(id, str) and id in bounds:
        return bounds[id]
    raise InvalidInput(
        f"there is no bound {shorten(id)}{suggest(id, bounds)}; `qexpr bound --list` names all"
    )
