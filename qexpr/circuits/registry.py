"""The constructions by name, each as two functions: plan (counts only) and build.

A plan carries everything that is known before a target is: parameters, exact counts, and the
error that it guarantees for every function of the class with the given norm.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from qexpr.circuits.graph import Circuit
from qexpr.circuits.realisation import Counts, require_memory
from qexpr.core.function import Function
from qexpr.core.progress import Progress
from qexpr.core.query import Query
from qexpr.core.units import Units
from qexpr.errors import InvalidInput, OutOfRegime, shorten

__all__ = [
    "CONSTRUCTIONS",
    "SLACK",
    "Plan",
    "build",
    "class_norm",
    "construct",
    "plan",
    "plans",
    "smallest",
]

SLACK = Fraction(1, 2**20)
"""How far a digit may be from the best one, relative to its error: targets are only enclosed."""


def class_norm(norm: Fraction | None) -> Fraction:
    """The norm that a plan is made for: at least 1, so that every member has the class's graph.

    A smaller norm would allow a coarser grid, but then the graph would tell targets apart.
    """
    return Fraction(1) if norm is None else max(norm, Fraction(1))


@dataclass(frozen=True, slots=True)
class Plan:
    """What a construction will build.

    Parameters
    ----------
    construction : str
    query : Query
    norm : Fraction or None
        The proven norm that the error is for; None is the class itself (norm 1, exact targets).
    parameters : mapping
        The construction's own (N, r, t, ...), JSON values.
    error : Fraction
        sup |f - f~| is at most this, and this is at most eps.
    counts : Counts
        Exact, of the realised network.
    """

    construction: str
    query: Query
    norm: Fraction | None
    parameters: Mapping[str, Any]
    error: Fraction
    counts: Counts

    def to_dict(self) -> dict[str, Any]:
        """The JSON form, as a circuit carries it."""
        return {
            "construction": self.construction,
            "d": self.query.d,
            "n": self.query.n,
            "eps": str(self.query.eps),
            "alphabet": str(self.query.alphabet),
            "norm": None if self.norm is None else str(self.norm),
            "error": str(self.error),
            **self.parameters,
        }


# One line each. A module offers plan(query, norm, **options) -> Plan, raising OutOfRegime where
# it does not apply, and build(plan, f, progress) -> Circuit, f None for the class (all free
# digits +1); it reports to `progress` in edges.
CONSTRUCTIONS: tuple[str, ...] = (
    "shared_bitplane",
    "cones",
    "bubbles",
    "multiresolution",
    "sigma_delta",
    "ding2018",
    "yarotsky2017",
)


def _module(name: str) -> Any:
    if name not in CONSTRUCTIONS:
        raise InvalidInput(
            f"a construction must be one of {', '.join(CONSTRUCTIONS)}, got {shorten(name)}"
        )
    return importlib.import_module(f"qexpr.circuits.constructions.{name}")


def plan(
    construction: str,
    d: int,
    n: int,
    eps: object,
    *,
    lam: object = None,
    alphabet: object = None,
    norm: Fraction | None = None,
    **options: Any,
) -> Plan:
    """Plan and count without building; `norm` None is the class.

    Raises
    ------
    OutOfRegime
        If the construction does not apply to (d, n).
    """
    query = Query(d, n, lam, eps, alphabet=alphabet)
    made: Plan = _module(construction).plan(query, norm, **options)
    return made


def plans(query: Query, norm: Fraction | None = None) -> dict[str, Plan | str]:
    """Every construction's plan, or the reason why there is none."""
    out: dict[str, Plan | str] = {}
    for name in CONSTRUCTIONS:
        try:
            out[name] = _module(name).plan(query, norm)
        except OutOfRegime as reason:
            out[name] = str(reason)
    return out


def _query(
    f: Function | None, n: object, eps: object, lam: object, alphabet: object, d: object
) -> tuple[Query, Fraction | None]:
    if f is None and d is None:
        raise InvalidInput("without a target (f=None, the class) d must be given")
    if f is not None and not isinstance(f, Function):
        raise InvalidInput(
            f"f must be a target, such as targets.Target('sin(x)'), got {shorten(f)}"
        )
    if f is not None and d is not None and d != f.d:
        raise InvalidInput(f"d is {f.d} for this target, got {shorten(d)}")
    query = Query(f.d if f is not None else d, n, lam, eps, alphabet=alphabet)
    return query, None if f is None else f.norm(query.n)


def construct(
    construction: str,
    f: Function | None,
    n: object = 1,
    eps: object = None,
    lam: object = None,
    *,
    alphabet: object = None,
    d: object = None,
    **options: Any,
) -> Circuit:
    """Plan, check that it fits, and build; f None is the class, all free digits +1."""
    query, norm = _query(f, n, eps, lam, alphabet, d)
    return build(_module(construction).plan(query, norm, **options), f)


def build(made: Plan, f: Function | None, progress: Progress | None = None) -> Circuit:
    """Build a plan for a function that has the norm it was made for (None: the class).

    `progress` is told the edges made and the edges in all.

    Raises
    ------
    InvalidInput
        If the network would not fit into memory, with its predicted size.
    """
    require_memory(made.counts)
    circuit: Circuit = _module(made.construction).build(made, f, progress)
    units: Units | None = getattr(f, "units", None)
    return circuit if units is None or units.trivial else replace(circuit, frame=units)


def smallest(
    f: Function | None,
    n: object = 1,
    eps: object = None,
    lam: object = None,
    *,
    alphabet: object = None,
    d: object = None,
) -> Circuit:
    """Build the construction of fewest weights that carries the guarantee.

    Only constructions over the alphabet asked for compete (not the unquantized comparison).
    """
    query, norm = _query(f, n, eps, lam, alphabet, d)
    found = [p for p in plans(query, norm).values() if isinstance(p, Plan)]
    found = [p for p in found if p.counts.bits_per_weight]
    return build(min(found, key=lambda p: (p.counts.weights, p.construction)), f)


def named(construction: str) -> Callable[..., Circuit]:
    """The public function of a construction: ``circuits.<name>(f, n=, eps=, lam=, ...)``."""

    def of_target(
        f: Function | None,
        n: object = 1,
        eps: object = None,
        lam: object = None,
        *,
        alphabet: object = None,
        d: object = None,
        **options: Any,
    ) -> Circuit:
        return construct(construction, f, n, eps, lam, alphabet=alphabet, d=d, **options)

    of_target.__name__ = of_target.__qualname__ = construction
    of_target.__doc__ = _module(construction).__doc__
    return of_target
