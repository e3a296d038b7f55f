"""qexpr: the expressivity of quantized neural networks, executable and checkable.

Subpackages are loaded when they are first used, so that ``import qexpr`` stays light.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qexpr import bounds as bounds
    from qexpr import certificates as certificates
    from qexpr import circuits as circuits
    from qexpr import derivations as derivations
    from qexpr import networks as networks
    from qexpr import quantizers as quantizers
    from qexpr import targets as targets
    from qexpr import training as training
    from qexpr.core.query import Query as Query

_PACKAGES = (
    "bounds",
    "certificates",
    "circuits",
    "derivations",
    "networks",
    "quantizers",
    "targets",
    "training",
)

__all__ = ["Query", "__version__", *_PACKAGES]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _PACKAGES:
        return import_module(f"qexpr.{name}")
    if name == "Query":
        return import_module("qexpr.core.query").Query
    if name == "__version__":
        return import_module("importlib.metadata").version("qexpr")
    raise AttributeError(f"module 'qexpr' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
