"""What qexpr uses of python-flint, loaded without the other twenty extension modules.

Importing the package runs its ``__init__``, which loads every type there is: more than a quarter
of the time of a cold ``qexpr bound``. The submodules load one by one once their package has a
place in ``sys.modules``, so a bare one stands in for it meanwhile. It is taken away again: an
``import flint`` anywhere else finds the real package, with the very same types.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.machinery import PathFinder
from types import ModuleType
from typing import Any

__all__ = ["arb", "ctx", "fmpq", "fmpz"]

_NEEDED = {
    "ctx": ("flint.pyflint", "ctx"),
    "arb": ("flint.types.arb", "arb"),
    "fmpq": ("flint.types.fmpq", "fmpq"),
    "fmpz": ("flint.types.fmpz", "fmpz"),
}


def _load() -> dict[str, Any]:
    spec = PathFinder.find_spec("flint") if "flint" not in sys.modules else None
    if spec is not None and spec.submodule_search_locations is not None:
        package = ModuleType("flint")
        package.__path__ = list(spec.submodule_search_locations)
        package.__spec__ = spec
        sys.modules["flint"] = package
        try:
            return {name: getattr(import_module(m), a) for name, (m, a) in _NEEDED.items()}
        except (ImportError, AttributeError):
            pass
        finally:
            if sys.modules.get("flint") is package:
                del sys.modules["flint"]
    whole = import_module("flint")
    return {name: getattr(whole, name) for name in _NEEDED}


_loaded = _load()
arb: Any = _loaded["arb"]
ctx: Any = _loaded["ctx"]
fmpq: Any = _loaded["fmpq"]
fmpz: Any = _loaded["fmpz"]
