"""From merged units to edges out of the alphabet (docs, Lemma 21), and the same counted unbuilt.

Each weight becomes the shortest multiset of alphabet values. Since no two edges may join the
same pair, a weight of k values needs k copies of its source unit; sources cannot be copied, but
on [0,1] relu(a x) = a x is one, so they get first-layer copies. All copies of a unit have the
same incoming edges.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from qexpr.circuits.alphabet import Values
from qexpr.circuits.builder import Builder, Bundle, Group, pairs_of
from qexpr.circuits.graph import Circuit, Role
from qexpr.core.progress import Progress
from qexpr.errors import InvalidInput

__all__ = ["BYTES_AN_EDGE", "Counts", "count", "realise", "require_memory"]

BYTES_AN_EDGE = 200  # at the peak of building; held by a test
MAX_EDGES = 2**31 - 1
HALF = Fraction(1, 2)


@dataclass(frozen=True, slots=True)
class Counts:
    """What a realised network has, before it is built.

    Exact, but for `depth`: every unit is taken at its group's depth, so that it is an upper bound
    where the units of a group differ in depth (too large by 2 in bubbles of (2,3,1e-2) and by 1
    in ding2018 over linear:2, exact wherever else it was compared). A width needs every unit's own
    depth: build the network.
    """

    weights: int
    depth: int
    units: int
    free_edges: int
    bits_per_weight: int

    @property
    def bits(self) -> int:
        """weights * ceil(log2 lam)."""
        return self.weights * self.bits_per_weight

    @property
    def free_bits(self) -> int:
        """Bits of the weights that depend on the target."""
        return self.free_edges * self.bits_per_weight

    @property
    def structure_bits(self) -> int:
        """The bits of all other weights."""
        return self.bits - self.free_bits


@lru_cache(maxsize=4096)
def _split(values: Values, weight: Fraction) -> tuple[Fraction | None, Fraction]:
    """A source's weight as one direct edge (or none) and a weight from its first-layer copies."""
    if values.unit != HALF:  # the copies hold the source itself
        first = values.coins(weight)[0]
        return first, weight - first
    best: tuple[int, Fraction | None, Fraction] | None = None
    # among powers of two, one finer than the weight would leave an expensive rest
    finest = max(weight.denominator, 2)
    for direct in (None, *(v for v in values.members if v.denominator <= finest)):
        rest = (weight - (direct or 0)) / HALF
        if rest == 0 or (rest / values.smallest).denominator != 1:
            continue
        cost = len(values.coins(rest)) + (direct is not None)
        if best is None or cost < best[0]:
            best = cost, direct, rest
    if best is None:
        raise InvalidInput(f"a source's weight {weight} is out of reach of {values.name}")
    return best[1], best[2]


class _Expansion:
    """A builder's groups and bundles after sources got their copies, with copies and depths."""

    def __init__(self, net: Builder) -> None:
        if net.output < 0:
            raise InvalidInput("a network needs its output: call finish()")
        self.values = net.values
        self.d = net.d
        self.groups = list(net.groups)
        self.bundles: list[Bundle] = []
        self._costs: dict[tuple[int, int], int] = {}
        self._copy_sources(net)
        self.cost = [self._cost(bundle) for bundle in self.bundles]
        self.copies = [1] * len(self.groups)
        for bundle, cost in zip(self.bundles, self.cost, strict=True):
            self.copies[bundle.source] = max(self.copies[bundle.source], cost)
        self.depths = self._depths()

    def _cost(self, bundle: Bundle) -> int:
        if bundle.free:
            return bundle.spread
        # hashing a Fraction is slow, and counting is what planners wait for
        key = (bundle.weight.numerator, bundle.weight.denominator)
        cost = self._costs.get(key)
        if cost is None:
            cost = self._costs[key] = len(self.values.coins(bundle.weight))
        return cost

    def _is_single(self, bundle: Bundle) -> bool:
        if bundle.free:
            return bundle.spread == 1
        return self.values.is_real or bundle.weight in self.values.members

    def _copy_sources(self, net: Builder) -> None:
        made: dict[int, Group] = {}
        for bundle in net.bundles:
            if bundle.source > net.d or self._is_single(bundle):
                self.bundles.append(bundle)
                continue
            if bundle.free:
                raise InvalidInput("a free weight of several edges needs a unit as its source")
            direct, rest = _split(self.values, bundle.weight)
            if bundle.source not in made:
                made[bundle.source] = self._copy_of(bundle.source)
            if direct is not None:
                self.bundles.append(replace(bundle, weight=direct))
            self.bundles.append(replace(bundle, source=made[bundle.source].index, weight=rest))

    def _copy_of(self, source: int) -> Group:
        """A first-layer copy: relu(source/2), or, where 1/2 is no value, the source in full."""
        u = self.values.unit
        copy = self._add("copy", source)
        self.bundles.append(Bundle(source, copy.index, 1, u))
        if u == HALF:
            return copy
        full = self._add("full copy", source)
        self.bundles.append(Bundle(source, full.index, 1, 1 - u))
        self.bundles.append(Bundle(copy.index, full.index, 1, Fraction(1)))
        return full

    def _add(self, role: str, source: int) -> Group:
        group = Group(len(self.groups), 1, role, (("source", source),))
        self.groups.append(group)
        return group

    def _depths(self) -> list[int]:
        out: list[list[int]] = [[] for _ in self.groups]
        waiting = [0] * len(self.groups)
        for bundle in self.bundles:
            out[bundle.source].append(bundle.target)
            waiting[bundle.target] += 1
        depths = [0 if i <= self.d else 1 for i in range(len(self.groups))]
        ready = [i for i, number in enumerate(waiting) if not number]
        for i in ready:  # grows while it is read
            for target in out[i]:
                depths[target] = max(depths[target], depths[i] + 1)
                waiting[target] -= 1
                if not waiting[target]:
                    ready.append(target)
        if len(ready) < len(self.groups):
            raise InvalidInput("the groups' edges go round in a cycle")
        return depths


def count(net: Builder) -> Counts:
    """Count the realised network without building it, in time O(groups + bundles)."""
    e = _Expansion(net)
    weights = free = 0
    for bundle, cost in zip(e.bundles, e.cost, strict=True):
        edges = bundle.count * cost * e.copies[bundle.target]
        weights += edges
        if bundle.free:
            free += edges
    units = sum(
        group.size * copies
        for group, copies, depth in zip(e.groups, e.copies, e.depths, strict=True)
        if depth
    )
    return Counts(
        weights=weights,
        depth=e.depths[net.output],
        units=units,
        free_edges=free,
        bits_per_weight=e.values.bits_per_weight,
    )


def _memory() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):  # a system that does not tell
        return 8 * 2**30


def require_memory(size: Counts) -> None:
    """Refuse a network that cannot be built here, before anything is built.

    Raises
    ------
    InvalidInput
        With the predicted size and what to change.
    """
    need = BYTES_AN_EDGE * size.weights
    if size.weights > MAX_EDGES or size.units > MAX_EDGES or need > _memory():
        raise InvalidInput(
            f"the network would have {size.weights} weights and take about {need / 2**30:.3g} GiB "
            f"to build, this machine has {_memory() / 2**30:.3g}: take a larger eps, or only "
            "count it (circuits.plan, or qexpr witness --class)"
        )


def _layout(e: _Expansion, output: int) -> tuple[list[int], list[int]]:
    """The first node of every group, by depth, the output last; and the groups in that order."""
    order = [i for i in range(e.d + 1, len(e.groups)) if i != output]
    order.sort(key=lambda i: e.depths[i])
    first = list(range(len(e.groups)))
    node = e.d + 1
    for i in (*order, output):
        first[i] = node
        node += e.groups[i].size * e.copies[i]
    return first, [*order, output]


def realise(
    net: Builder, plan: Mapping[str, Any] | None = None, progress: Progress | None = None
) -> Circuit:
    """Build the circuit over the builder's alphabet.

    Its `roles` are runs in node order, one for each group: copy j of the group's unit i is node
    ``first + i * copies + j``.

    Raises
    ------
    InvalidInput
        If it cannot fit, if two bundles join the same pair, or if a weight is out of reach.
    """
    size = count(net)
    require_memory(size)
    e = _Expansion(net)
    first, order = _layout(e, net.output)
    output = first[net.output]
    table, code_of = _table(e)
    into: dict[int, list[int]] = {i: [] for i in order}
    for number, bundle in enumerate(e.bundles):
        into[bundle.target].append(number)
    code_type = np.min_scalar_type(max(len(table) - 1, 1))
    parts: list[tuple[Any, Any, Any, Any]] = []
    made = 0
    for i in order:
        parts.append(_edges_into(e, i, into[i], first, code_of, code_type))
        made += len(parts[-1][0])
        if progress is not None:
            progress(made, size.weights)
    free = np.flatnonzero(np.concatenate([p[3] for p in parts]))
    return Circuit(
        inputs=net.d,
        sources=np.concatenate([p[0] for p in parts]),
        targets=np.concatenate([p[1] for p in parts]),
        codes=np.concatenate([p[2] for p in parts]),
        output=output,
        alphabet=table,
        free=free,
        plan=dict(plan or {}),
        roles=tuple(
            Role(first[i], e.groups[i].size, e.copies[i], e.groups[i].role, e.groups[i].params)
            for i in order
        ),
    )


def _weights_of(bundle: Bundle) -> tuple[Any, list[Fraction]]:
    """A free bundle's distinct weights, and the index of each edge's weight among them."""
    if bundle.digits is None:
        return np.zeros(bundle.count, np.int64), [bundle.weight]
    digits = np.asarray(bundle.digits())
    if len(digits) != bundle.count:
        raise InvalidInput(f"a free bundle of {bundle.count} edges was given {len(digits)} digits")
    distinct, index = np.unique(digits, return_inverse=True)
    return index, [int(digit) * bundle.weight for digit in distinct.tolist()]


def _table(e: _Expansion) -> tuple[tuple[Fraction, ...], dict[Fraction, int]]:
    if not e.values.is_real:
        return e.values.members, {value: i for i, value in enumerate(e.values.members)}
    used: set[Fraction] = set()
    for bundle in e.bundles:
        used.update(_weights_of(bundle)[1] if bundle.free else (bundle.weight,))
    table = tuple(sorted(used))
    return table, {value: i for i, value in enumerate(table)}


def _edges_into(
    e: _Expansion,
    target: int,
    numbers: list[int],
    first: list[int],
    code_of: dict[Fraction, int],
    code_type: Any,
) -> tuple[Any, Any, Any, Any]:
    """All edges into one group, sorted by target and source: source, target, code, free."""
    units: list[Any] = []
    sources: list[Any] = []
    codes: list[Any] = []
    free: list[Any] = []
    for number in numbers:
        bundle = e.bundles[number]
        s, t = pairs_of(bundle, e.groups)
        base = first[bundle.source] + s * e.copies[bundle.source]
        if bundle.free:
            index, weights = _weights_of(bundle)
            coins = np.array(
                [[code_of[c] for c in e.values.exactly(w, bundle.spread)] for w in weights],
                code_type,
            )
            columns = [coins[index, j] for j in range(bundle.spread)]
        else:
            columns = [
                np.full(bundle.count, code_of[c], code_type) for c in e.values.coins(bundle.weight)
            ]
        for j, column in enumerate(columns):
            units.append(t.astype(np.int32))
            sources.append((base + j).astype(np.int32))
            codes.append(column)
            free.append(np.full(bundle.count, bundle.free))
    copies, size = e.copies[target], e.groups[target].size
    if not units:
        empty = np.zeros(0, np.int32)
        return empty, empty, np.zeros(0, code_type), np.zeros(0, bool)
    unit, source = np.concatenate(units), np.concatenate(sources)
    code, is_free = np.concatenate(codes), np.concatenate(free)
    order = np.argsort(unit.astype(np.int64) << 32 | source)
    unit, source, code, is_free = unit[order], source[order], code[order], is_free[order]
    twice = np.flatnonzero((np.diff(unit) == 0) & (np.diff(source) == 0))
    if len(twice):
        group = e.groups[target]
        raise InvalidInput(f"two bundles join the same units into {group.role} {group.params}")
    if copies > 1:
        # every unit's row, once for each of its copies, rows staying together
        bounds = np.searchsorted(unit, np.arange(size + 1))
        rows = np.repeat(np.arange(size), copies)
        lengths = np.diff(bounds)[rows]
        ends = np.cumsum(lengths)
        pick = np.arange(ends[-1]) - np.repeat(ends - lengths - bounds[rows], lengths)
        node = np.repeat(np.arange(size * copies, dtype=np.int32), lengths)
        return source[pick], node + np.int32(first[target]), code[pick], is_free[pick]
    return source, unit + np.int32(first[target]), code, is_free
