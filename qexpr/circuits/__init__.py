"""Exact ReLU circuits over a finite alphabet, and the constructions that build them.

How a construction is written
-----------------------------
A construction describes *merged* units in bulk with a `Builder` and hands it to `realise`::

    values = values_of("nonlinear:2")             # the exact alphabet; t= for lam >= 3
    net = Builder(d=1, values=values)             # net.inputs[k], net.one: the sources
    fold = net.group("fold", size=4, scale="1/4") # 4 units of one role (any JSON parameters)
    net.connect(net.inputs[0], fold, Fraction(1, 2))           # one to all
    net.connect(net.one, fold, Fraction(-1, 2), count=3,       # some units: index arrays,
                pairs=lambda: (np.zeros(3, int), np.arange(1, 4)))   # made only when built
    plane = net.group("plane")
    net.connect_free(fold, plane, HALF, digits=lambda: signs)  # weights signs * 1/2, one edge each
    out = net.finish()                            # the linear output, last
    net.connect(plane, out, 4)                    # weights: any multiple of the smallest value
    count(net)                                    # weights, depth, width, units, free bits: exact,
                                                  # without building, O(groups + bundles)
    circuit = realise(net, plan={...})            # the Circuit; circuit.roles are runs of nodes

Rules. Groups and edges may be made in any order, without a cycle; the units of a group should have
the same depth (or the counted width is an upper bound only); no unit pair is joined twice, over
all bundles. A weight of k alphabet values costs k edges for each
copy of its target and makes k copies of its source, and a group has as many copies as its dearest
edge needs: keep wide groups (and units with many inputs) at cost 1, put one unit behind them and
double that one. Sources are copied by the realisation itself (relu(a x) = a x on [0, 1]).
``connect_free(digits=None)`` is the class: every digit +1.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qexpr.circuits.alphabet import REAL as REAL
    from qexpr.circuits.alphabet import Values as Values
    from qexpr.circuits.alphabet import values_of as values_of
    from qexpr.circuits.builder import Builder as Builder
    from qexpr.circuits.builder import Bundle as Bundle
    from qexpr.circuits.builder import Group as Group
    from qexpr.circuits.graph import Circuit as Circuit
    from qexpr.circuits.graph import Role as Role
    from qexpr.circuits.realisation import Counts as Counts
    from qexpr.circuits.realisation import count as count
    from qexpr.circuits.realisation import realise as realise
    from qexpr.circuits.registry import construct as construct
    from qexpr.circuits.registry import plan as plan
    from qexpr.circuits.registry import plans as plans
    from qexpr.circuits.registry import smallest as smallest

# Loaded on first use: a checker that imports circuits.graph must not load a builder with it.
_HOME = {
    "REAL": "alphabet",
    "Builder": "builder",
    "Bundle": "builder",
    "Circuit": "graph",
    "Counts": "realisation",
    "Group": "builder",
    "Role": "graph",
    "Values": "alphabet",
    "count": "realisation",
    "realise": "realisation",
    "construct": "registry",
    "plan": "registry",
    "plans": "registry",
    "smallest": "registry",
    "values_of": "alphabet",
}
# The constructions: qexpr.circuits.registry.CONSTRUCTIONS, held equal by a test.
_CONSTRUCTIONS = (
    "shared_bitplane",
    "cones",
    "bubbles",
    "multiresolution",
    "sigma_delta",
    "ding2018",
    "yarotsky2017",
)

__all__ = sorted((*_HOME, *_CONSTRUCTIONS))


def __getattr__(name: str) -> Any:
    if name in _CONSTRUCTIONS:
        return importlib.import_module(f"{__name__}.registry").named(name)
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
