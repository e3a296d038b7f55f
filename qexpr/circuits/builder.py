"""How a construction writes a network down: groups of merged units, and bundles of edges.

A *merged* unit stands for all its copies; its edges carry small dyadic weights. Nothing is
expanded here, and edge lists are callables that run only when the network is built: counting a
network of 10^12 edges takes as long as counting one of 10^3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from qexpr.circuits.alphabet import Values
from qexpr.errors import InvalidInput

__all__ = ["Builder", "Bundle", "Digits", "Group", "Indices", "Pairs", "pairs_of"]

Indices = npt.NDArray[Any]
Pairs = Callable[[], tuple[Indices, Indices]]
Digits = Callable[[], Indices]


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """`size` merged units of one role, all at the same depth; a source is a group of one."""

    index: int
    size: int
    role: str
    params: tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Bundle:
    """`count` merged edges from one group to another, all of one weight, or all free.

    ``pairs()`` gives the indices inside source and target; None is one to one, one to all or
    all to one. A free bundle's weights are ``digits() * unit``, each in exactly `spread` edges.
    """

    source: int
    target: int
    count: int
    weight: Fraction  # of a free bundle: the unit of its digits
    pairs: Pairs | None = None
    free: bool = False
    digits: Digits | None = None
    spread: int = 1


class Builder:
    """A network in the making.

    Parameters
    ----------
    d : int
        The number of variables.
    values : Values
        The alphabet it will be realised over.

    Attributes
    ----------
    inputs : tuple of Group
    one : Group
        The constant 1.
    groups, bundles : list
    """

    def __init__(self, d: int, values: Values) -> None:
        self.d = d
        self.values = values
        self.groups: list[Group] = []
        self.bundles: list[Bundle] = []
        self.inputs = tuple(self.group("input", k=k) for k in range(d))
        self.one = self.group("one")
        self.output = -1

    def group(self, role: str, size: int = 1, **params: Any) -> Group:
        """Add `size` units; `params` are JSON values that a certificate's reader will need."""
        made = Group(len(self.groups), size, role, tuple(params.items()))
        self.groups.append(made)
        return made

    def finish(self, role: str = "output", **params: Any) -> Group:
        """Add the output, which is linear."""
        if self.output >= 0:
            raise InvalidInput("a network has one output")
        made = self.group(role, 1, **params)
        self.output = made.index
        return made

    def connect(
        self,
        source: Group,
        target: Group,
        weight: Fraction | int,
        pairs: Pairs | None = None,
        count: int | None = None,
    ) -> None:
        """Join units by edges of one weight (any multiple of the alphabet's smallest value).

        Without `pairs`, groups of equal size are joined one to one, and a group of one to all.
        With it, `count` is the number of edges, and no pair may occur twice, here or in another
        bundle. A bundle of no edges, or of weight 0, is left out.
        """
        number = self._count(source, target, pairs, count)
        if number and weight:
            self.bundles.append(Bundle(source.index, target.index, number, Fraction(weight), pairs))

    def connect_free(
        self,
        source: Group,
        target: Group,
        unit: Fraction,
        digits: Digits | None,
        pairs: Pairs | None = None,
        count: int | None = None,
        spread: int = 1,
    ) -> None:
        """Join units by free edges of weights ``digits() * unit``, in the order of the pairs.

        Each takes exactly `spread` realised edges whatever its digit, so that the graph does not
        depend on the target. ``digits=None`` is the class: every digit +1.
        """
        number = self._count(source, target, pairs, count)
        if number:
            self.bundles.append(
                Bundle(
                    source.index, target.index, number, Fraction(unit), pairs, True, digits, spread
                )
            )

    def _count(self, source: Group, target: Group, pairs: Pairs | None, count: int | None) -> int:
        if target.index <= self.d:
            raise InvalidInput("an edge must lead to a unit, not to a source")
        if source.index == self.output:
            raise InvalidInput("the output has no edges out of it")
        if pairs is not None:
            if count is None:
                raise InvalidInput("a bundle given by pairs needs its count")
            return count
        if source.size != target.size and 1 not in (source.size, target.size):
            raise InvalidInput(
                f"groups of {source.size} and {target.size} units need their pairs given"
            )
        return max(source.size, target.size)


def pairs_of(bundle: Bundle, groups: list[Group]) -> tuple[Indices, Indices]:
    """The index arrays of a bundle."""
    if bundle.pairs is not None:
        s, t = bundle.pairs()
        s, t = np.asarray(s, np.int64), np.asarray(t, np.int64)
        if not len(s) == len(t) == bundle.count:
            raise InvalidInput(
                f"a bundle of {bundle.count} edges from {groups[bundle.source].role} to "
                f"{groups[bundle.target].role} was given {len(s)} pairs"
            )
        return s, t
    index = np.arange(bundle.count, dtype=np.int64)
    zero = np.zeros(bundle.count, np.int64)
    return (
        index if groups[bundle.source].size > 1 else zero,
        index if groups[bundle.target].size > 1 else zero,
    )
