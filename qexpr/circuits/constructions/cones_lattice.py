"""The units that cones are made of, and the sources of every kind of coefficient.

Every function of the basis is held at a scale u^(2 - level + E): level 0 is a cone's, level 1 a
kink's, and a long coefficient's high digits come from larger copies of its function.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from qexpr.circuits.builder import Builder, Group, Indices
from qexpr.circuits.constructions.cones_plan import ConesPlan, place
from qexpr.circuits.constructions.ladder import Constants, Ladder, low_places, thresholds

__all__ = ["Feed", "Lines", "Rows", "Sources", "inner_nodes", "sources_of", "top_level"]

Rows = Callable[[], Indices]


@dataclass(frozen=True, slots=True)
class Feed:
    """Coefficients of one kind: digits each, how many, and their units (of a group) by level.

    Their digit j enters a plane that is `shift` above the one of its place.
    """

    name: str
    digits: int
    count: int
    source: Callable[[int], tuple[Group, Rows]]
    shift: int = 0


@dataclass(frozen=True, slots=True)
class Sources:
    """The shared constants and lines, and the feeds in the order of the encoder."""

    constants: Constants
    lines: Lines
    feeds: tuple[Feed, ...]


def sources_of(net: Builder, plan: ConesPlan, tops: dict[str, int] | None = None) -> Sources:
    """All units in front of the planes; `tops`: the highest level by kind, if not the plan's."""
    if tops is None:
        tops = {name: top_level(plan, name) for name, _ in plan.long}
    return {1: _line, 2: _square}.get(plan.d, _cube)(net, plan, tops)


def inner_nodes(N: int, d: int) -> Indices:
    """Which nodes of {0..N}^d have every coordinate at least 2: their stencil stays inside."""
    return (np.indices((N + 1,) * d) >= 2).all(axis=0).ravel()


def top_level(plan: ConesPlan, name: str) -> int:
    """The highest level that a long coefficient's digits need."""
    return place(plan, name, plan.digits(name) - 1)[1]


def _one(group: Group, index: int = 0) -> tuple[Group, Rows]:
    return group, lambda: np.full(1, index, np.int64)


def _many(name: str, digits: int, group: Group, count: int, rows: Rows) -> Feed:
    return Feed(name, digits, count, lambda level: (group, rows))


class Lines:
    """X_k^(i) = N x_k u^(E - i) for every axis: the largest built from x_k, the others from it."""

    def __init__(self, net: Builder, plan: ConesPlan, largest: list[int]) -> None:
        u = net.values.unit
        self.u, self.plan, self.net = u, plan, net
        self.ladders = []
        self.largest = largest
        for k, (source, most) in enumerate(zip(net.inputs, largest, strict=True)):
            steps = Ladder(net, source, f"x{k}")
            line = steps.multiple(plan.N * u ** (plan.E - most), "line", axis=k)
            self.ladders.append(Ladder(net, line, f"line{k}"))

    def at(self, k: int, i: int) -> Group:
        return self.ladders[k][self.largest[k] - i]

    def difference(self, k: int, i: int, plus: Group | None, role: str) -> Group:
        """u relu(X_0^(i) - X_k^(i) + plus)."""
        first, other = self.at(0, i), self.at(k, i)
        made = self.net.group(role, axis=k)
        self.net.connect(first, made, self.u)
        self.net.connect(other, made, -self.u)
        if plus is not None:
            self.net.connect(plus, made, self.u)
        return made


def _constants(net: Builder) -> Constants:
    return Constants(Ladder(net, net.one, "one"))


def _start(plan: ConesPlan, constants: Constants, top: int) -> Feed:
    ones = constants.ladder
    for level in range(1, top + 1):
        ones[2 - level + plan.E]  # made now: units come before the planes that they feed
    return Feed("start", plan.digits("start"), 1, lambda level: _one(ones[2 - level + plan.E]))


def _line(net: Builder, plan: ConesPlan, tops: dict[str, int]) -> Sources:
    N, E = plan.N, plan.E
    constants = _constants(net)
    top = tops["slope"]
    axes = Lines(net, plan, [max(1, top - 2)])
    kinks = thresholds(net, axes.at(0, 1), constants, E, N, "kink")
    for level in range(2, top + 1):
        axes.at(0, level - 2)

    def slope(level: int) -> tuple[Group, Rows]:
        return _one(kinks) if level == 1 else _one(axes.at(0, level - 2))

    return Sources(
        constants,
        axes,
        (
            _start(plan, constants, tops["start"]),
            Feed("slope", plan.digits("slope"), 1, slope),
            _many("inner", plan.p, kinks, N - 1, lambda: np.arange(1, N)),
        ),
    )


def _square(net: Builder, plan: ConesPlan, tops: dict[str, int]) -> Sources:
    u, N, E = net.values.unit, plan.N, plan.E
    constants = _constants(net)
    slope_top, kink_top, corner_top = max(3, tops["slope"]), tops["kink"], tops["corner"]
    if corner_top:
        kink_top = max(kink_top, corner_top + 1)
    second = max(slope_top, kink_top) - 1
    axes = Lines(net, plan, [max(second, corner_top - 1), second])
    # y = N (x_1 - x_2) + N, relu(N (x_1 - x_2)) and relu(min(N x_1, N x_2)), largest first
    i = slope_top - 1
    slopes = Ladder(net, axes.difference(1, i, constants[N * u ** (E - i)], "slope"), "slope")
    differences = thresholds(net, slopes[slope_top - 3], constants, E, 2 * N, "difference")
    kinks = corners = None
    if kink_top > 1:
        kinks = Ladder(net, axes.difference(1, kink_top - 1, None, "kink0"), "kink0")
    if corner_top:
        assert kinks is not None
        line, excess = axes.at(0, corner_top - 1), kinks[kink_top - corner_top - 1]
        corner = net.group("corner")
        net.connect(line, corner, u)
        net.connect(excess, corner, -u)
        corners = Ladder(net, corner, "corner")
    ramps = thresholds(net, axes.at(0, 1), constants, E, N, "ramp", low_places(2 * N, u))
    cones = net.group("cone", N * N)
    flat = np.arange
    net.connect(ramps, cones, u, pairs=lambda: (flat(N * N) // N, flat(N * N)), count=N * N)
    net.connect(
        differences,
        cones,
        -u,
        pairs=lambda: (flat(N * N) // N - flat(N * N) % N + N, flat(N * N)),
        count=N * N,
    )
    start = _start(plan, constants, tops["start"])

    def scaled(
        name: str, base: tuple[Group, int], least: int, ladder: Ladder | None, top: int
    ) -> Feed:
        levels: dict[int, tuple[Group, Rows]] = {least: _one(*base)}
        for level in range(least + 1, tops[name] + 1):
            assert ladder is not None
            levels[level] = _one(ladder[top - level])
        return Feed(name, plan.digits(name), 1, levels.__getitem__)

    return Sources(
        constants,
        axes,
        (
            start,
            scaled("slope", (differences, 0), 1, slopes, slope_top),
            scaled("kink", (differences, N), 1, kinks, kink_top),
            scaled("corner", (cones, 0), 0, corners, corner_top),
            _many(
                "axis",
                plan.digits("axis"),
                differences,
                2 * N - 2,
                lambda: np.delete(flat(1, 2 * N), N - 1),
            ),
            _many(
                "edge",
                plan.digits("edge"),
                cones,
                2 * N - 2,
                lambda: np.concatenate([flat(1, N) * N, flat(1, N)]),
            ),
            _many(
                "inner",
                plan.p,
                cones,
                (N - 1) ** 2,
                lambda: flat(N * N).reshape(N, N)[1:, 1:].ravel(),
            ),
        ),
    )


def _apexes(N: int, r: int) -> tuple[Indices, Indices]:
    """The distinct keys of a - min(a), a in {0..N}^r, and each a's row among them."""
    a = np.indices((N + 1,) * r).reshape(r, -1)
    keys = np.ravel_multi_index(tuple(a - a.min(axis=0)), (N + 1,) * r)
    return np.unique(keys, return_inverse=True)


def _stage(N: int, r: int) -> tuple[Indices, Indices]:
    """For each distinct key of r coordinates: the row of its first r - 1, and a_1 - a_r + N."""
    distinct, _ = _apexes(N, r)
    a = np.array(np.unravel_index(distinct, (N + 1,) * r))
    if r == 2:
        return np.zeros(len(distinct), np.int64), a[0] - a[1] + N
    before = a[:-1] - a[:-1].min(axis=0)
    keys = np.ravel_multi_index(tuple(before), (N + 1,) * (r - 1))
    return np.searchsorted(_apexes(N, r - 1)[0], keys), a[0] - a[-1] + N


def _cube(net: Builder, plan: ConesPlan, tops: dict[str, int]) -> Sources:
    u, N, E, d = net.values.unit, plan.N, plan.E, plan.d
    constants = _constants(net)

    low = low_places(2 * N + 1, u)

    def scale(r: int) -> int:  # the exponent of the r-th coordinate's difference kinks
        return E + 1 - 2 * (d - max(r, 3) + 1)

    index = [E + 3 - scale(r) for r in range(2, d + 1)]  # of X_0 - X_r, whose u-fold is the line
    axes = Lines(net, plan, [max(2, *index), *index])
    line, shift = axes.at(0, 2), constants[u ** (E - 2)]
    ramp = net.group("ramp0")
    net.connect(line, ramp, u)
    net.connect(shift, ramp, u)
    ramps = thresholds(net, ramp, constants, E, N + 1, "ramp", low)
    largest: tuple[Group, Rows] | None = None  # max_k relu(y_1 - y_k) by tuples of differences
    for r in range(2, d + 1):
        i = index[r - 2]
        line = axes.difference(r - 1, i, constants[N * u ** (E - i)], "difference0")
        kinks = thresholds(net, line, constants, scale(r) - 1, 2 * N + 1, "difference", low)
        largest = _larger(net, N, largest, kinks, r)
    assert largest is not None
    group, rows = largest
    nodes = (N + 1) ** d
    cones = net.group("cone", nodes)
    flat = np.arange
    net.connect(
        ramps, cones, u, pairs=lambda: (flat(nodes) // (N + 1) ** (d - 1), flat(nodes)), count=nodes
    )
    net.connect(
        group, cones, -u, pairs=lambda: (rows()[_apexes(N, d)[1]], flat(nodes)), count=nodes
    )
    inside = (N - 1) ** d
    return Sources(
        constants,
        axes,
        (
            _many(
                "face",
                plan.digits("face"),
                cones,
                nodes - inside,
                lambda: np.flatnonzero(~inner_nodes(N, d)),
            ),
            _many("inner", plan.p, cones, inside, lambda: np.flatnonzero(inner_nodes(N, d))),
        ),
    )


def _larger(
    net: Builder, N: int, before: tuple[Group, Rows] | None, kinks: Group, r: int
) -> tuple[Group, Rows]:
    """The larger of `before` and the kinks, times u^2: before + relu(kinks - before)."""
    if before is None:
        return kinks, lambda: _stage(N, 2)[1]
    u, size = net.values.unit, (N + 1) ** r - N**r
    group, rows = before
    carried = net.group("carried", group.size, coordinates=r)
    net.connect(group, carried, u)
    excess = net.group("excess", size, coordinates=r)
    largest = net.group("largest", size, coordinates=r)
    every = partial(np.arange, size)
    net.connect(kinks, excess, u, pairs=lambda: (_stage(N, r)[1], every()), count=size)
    net.connect(group, excess, -u, pairs=lambda: (rows()[_stage(N, r)[0]], every()), count=size)
    net.connect(carried, largest, u, pairs=lambda: (rows()[_stage(N, r)[0]], every()), count=size)
    net.connect(excess, largest, u)
    return largest, every
