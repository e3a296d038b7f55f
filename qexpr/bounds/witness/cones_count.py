"""How many edges a cones network has in a given layout, and how deep it is.

Two edges a node, one for each digit of each coefficient, and what all nodes share: kinks, scales
of lines and of 1, planes, the output.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from qexpr.bounds.witness.coins import Rungs, least_log
from qexpr.bounds.witness.cones_mesh import Layout, placed
from qexpr.bounds.witness.pieces import Constants, closing, kinks, multiple, small_places
from qexpr.core.record import Record

__all__ = [
    "ConesCount",
    "Line",
    "Nodes",
    "count",
    "most_held",
    "nodes_of",
    "plane_sums",
    "tops_of",
]


class ConesCount(NamedTuple):
    """Edges by what they are for, the depth of the last plane, and of the output behind it."""

    node_edges: int
    digit_edges: int
    shared_edges: int
    output_edges: int
    plane_depth: int
    output_depth: int

    @property
    def weights(self) -> int:
        """All of them."""
        return self.node_edges + self.digit_edges + self.shared_edges + self.output_edges

    @property
    def depth(self) -> int:
        """Of the output."""
        return self.plane_depth + self.output_depth


class Nodes(Record):
    """What comes before the planes: edges, and the depth of a coefficient's source by level.

    Edges of the lines stand apart: they are known once all uses of their rungs are.
    """

    node_edges: int
    shared_edges: int
    numbers: dict[str, int]  # coefficients of each kind
    depth: Callable[[str, int], int]
    lines: tuple[Line, ...]


def tops_of(*layouts: Layout) -> dict[str, int]:
    """By kind the level of the last digit, the highest among several codes."""
    tops = dict.fromkeys((name for name, _ in layouts[0].long), 0)
    for code in layouts:
        for name, P in code.long:
            tops[name] = max(tops[name], code.level(name, P - 1))
    return tops


class Line:
    """N x_k u^(E - most) and its rungs; X^(i) = N x_k u^(E - i) is rung most - i."""

    __slots__ = ("below", "edges", "most", "rungs")

    def __init__(self, layout: Layout, most: int) -> None:
        odd, power, b = layout.N, -layout.b * (layout.E - most), layout.b
        zeros = (odd & -odd).bit_length() - 1
        self.most = most
        self.below = Rungs(b)  # of x_k
        made = multiple(self.below, odd >> zeros, power + zeros)
        self.rungs = Rungs(b, made.depth, False)  # of the line
        self.edges = made.edges

    def at(self, i: int) -> int:
        """The depth of X^(i)."""
        return self.rungs.at(self.most - i)

    def total(self) -> int:
        """Edges of the line and of all rungs, once all uses are known."""
        inner = self.rungs.edges()
        return self.edges * self.rungs.copies.get(0, 1) + inner + self.below.edges()


def _shift(constants: Constants, N: int, power: int) -> int:
    """The depth of the constant N * 2^power."""
    zeros = (N & -N).bit_length() - 1
    return constants.one(N >> zeros, power + zeros)


def _line(layout: Layout, constants: Constants, tops: dict[str, int]) -> Nodes:
    N, E = layout.N, layout.E
    top = tops["slope"]
    line = Line(layout, max(1, top - 2))
    shared, depth = kinks(constants, line.at(1), E, N)
    slopes = {level: line.at(level - 2) for level in range(2, top + 1)}
    slopes[1] = depth
    return Nodes(
        2 * N,
        shared,
        {"start": 1, "slope": 1, "inner": N - 1},
        lambda name, level: slopes[level] if name == "slope" else depth,
        (line,),
    )


def _square(layout: Layout, constants: Constants, tops: dict[str, int]) -> Nodes:
    N, E, b = layout.N, layout.E, layout.b
    slope, kink, corner = (tops[name] for name in ("slope", "kink", "corner"))
    slope_most, kink_most = max(3, slope), max(kink, corner + 1 if corner else 1)
    second = max(slope_most, kink_most) - 1
    first_line = Line(layout, max(second, corner - 1))
    second_line = Line(layout, second)

    def difference(i: int) -> int:
        return max(first_line.at(i), second_line.at(i)) + 1

    # relu(N (x_0 - x_1) + N), all its kinks, and relu(min(..)) at every scale that is needed
    i = slope_most - 1
    shift = _shift(constants, N, -b * (E - i))
    slopes = Rungs(b, max(difference(i), shift + 1), False)
    shared = 3
    more, across = kinks(constants, slopes.at(slope_most - 3), E, 2 * N)
    shared += more
    levels: dict[str, Callable[[int], int]] = {"axis": lambda _: across}
    levels["slope"] = lambda level: across if level == 1 else slopes.at(slope_most - level)
    falls = corners = None
    if kink_most > 1:
        falls = Rungs(b, difference(kink_most - 1), False)
        shared += 2
    if corner:
        assert falls is not None
        excess = falls.at(kink_most - corner - 1)
        corners = Rungs(b, max(first_line.at(corner - 1), excess) + 1, False)
        shared += 2
    more, ramps = kinks(constants, first_line.at(1), E, N, small_places(2 * N, b))
    shared += more
    cone = max(ramps, across) + 1
    above = {"slope": (slopes, slope_most)}  # sources of the higher levels: rung most - level
    if slope > 1:
        slopes.reach(slope_most - 2, slope_most - slope)
    if falls is not None:
        above["kink"] = falls, kink_most
        if kink > 1:
            falls.reach(kink_most - 2, kink_most - kink)
    if corners is not None:
        above["corner"] = corners, corner
        corners.reach(corner - 1, 0)
    shared += sum(rungs.edges() for rungs in (slopes, falls, corners) if rungs is not None)

    def depth(name: str, level: int) -> int:
        if level <= (0 if name == "corner" else 1):
            return across if name in ("slope", "kink", "axis") else cone
        rungs, most = above[name]
        return rungs.depth + most - level

    return Nodes(
        2 * N * N,
        shared + 6 * N,
        {
            "start": 1,
            "slope": 1,
            "kink": 1,
            "corner": 1,
            "axis": 2 * N - 2,
            "edge": 2 * N - 2,
            "inner": (N - 1) ** 2,
        },
        depth,
        (first_line, second_line),
    )


def _cube(layout: Layout, constants: Constants, tops: dict[str, int]) -> Nodes:
    N, E, b, d = layout.N, layout.E, layout.b, layout.d
    low = small_places(2 * N + 1, b)

    def index(r: int) -> int:
        return 2 * (d - max(r, 3)) + 4

    axes = [Line(layout, index(max(r, 2))) for r in range(1, d + 1)]
    start = max(axes[0].at(2), _shift(constants, 1, -b * (E - 2))) + 1
    shared, ramps = kinks(constants, start, E, N + 1, low)
    shared += 2 + 2 * (N + 1)
    deepest = size = 0
    for r in range(2, d + 1):
        i = index(r)
        shift = _shift(constants, N, -b * (E - i))
        line = max(axes[0].at(i), axes[r - 1].at(i), shift) + 1
        more, depth = kinks(constants, line, E - 2 * (d - max(r, 3) + 1), 2 * N + 1, low)
        shared += 3 + more + 2 * (2 * N + 1)
        if r == 2:
            deepest, size = depth, 2 * N + 1
            continue
        # the larger of two: before + relu(kink - before), for the distinct tuples of differences
        following = (N + 1) ** r - N**r
        shared += size + 4 * following
        deepest, size = max(depth, deepest) + 2, following
    cone = max(ramps, deepest) + 1
    nodes, inside = (N + 1) ** d, (N - 1) ** d
    return Nodes(
        2 * nodes,
        shared,
        {"face": nodes - inside, "inner": inside},
        lambda name, level: cone,
        tuple(axes),
    )


def nodes_of(layout: Layout, constants: Constants, tops: dict[str, int]) -> Nodes:
    """What comes before the planes, functions held up to the levels `tops`."""
    return {1: _line, 2: _square}.get(layout.d, _cube)(layout, constants, tops)


def _power_sum(most: int, d: int) -> int:
    """1^d + 2^d + .. + most^d, by the numbers of partitions of a set where that is shorter."""
    if most <= 4 * d * d:
        return sum(i**d for i in range(1, most + 1))
    row = [1] + [0] * d  # k! S(j, k)
    for j in range(1, d + 1):
        for k in range(j, 0, -1):
            row[k] = k * (row[k] + row[k - 1])
        row[0] = 0
    total, choose = 0, most + 1
    for k in range(1, d + 1):
        choose = choose * (most + 1 - k) // (k + 1)
        total += row[k] * choose
    return total


def plane_sums(layout: Layout, first: int) -> list[int]:
    """What may enter each plane, all digits at their worst, in units of a cone's u^(2 + E).

    Every function is at most its value at (1, .., 1).
    """
    N, b, d = layout.N, layout.b, layout.d
    sums = [0] * (layout.T + 1 - first)
    if d == 1:
        size = {"inner": N * (N - 1) // 2, "start": 1, "slope": N}
    elif d == 2:
        size = {"start": 1, "slope": 2 * N, "kink": N, "corner": N}
        pyramid = N * (N + 1) * (2 * N + 1) // 6
        for j in range(max(layout.p, dict(layout.long)["edge"])):
            sums[j - first] += pyramid
        size["axis"] = N * (2 * N - 1)
    else:
        size = {}
        total = _power_sum(N + 1, d)
        for j in range(dict(layout.long)["face"]):
            sums[j - first] += total
    for name, digits in (*layout.long, ("inner", layout.p)):
        if name in size:
            for j in range(digits):
                level = layout.level(name, j)
                sums[j - level - first] += size[name] << b * level
    return sums


def most_held(sums: list[int], b: int) -> int:
    """What any plane can hold at most, times u^-planes; sums are what may enter each of them."""
    # worst_j = (1 - u) sum_j + u worst_(j-1), the largest of them as held * u^(planes)
    planes, held, largest = len(sums), 0, 0
    for j, value in enumerate(sums):
        held += (value << b * (j + 1)) - (value << b * j)
        largest = max(largest, held << b * (planes - j - 1))
    return largest


@lru_cache(maxsize=1024)
def _worst(layout: Layout, first: int) -> int:
    return most_held(plane_sums(layout, first), layout.b)


def count(layout: Layout) -> ConesCount:
    """Count a layout; all of it is arithmetic on a handful of integers."""
    b, E, T, d = layout.b, layout.E, layout.T, layout.d
    constants = Constants(b)
    ones = constants.rungs
    tops = tops_of(layout)
    nodes = nodes_of(layout, constants, tops)
    first = -1 if d < 3 else 0
    behind = [0] * (T + 1 - first)  # the depth of what enters each plane
    digit_edges = 0
    if d < 3 and tops["start"]:
        ones.reach(1 + E, 2 - tops["start"] + E)
    for name, digits in (*layout.long, ("inner", layout.p)):
        digit_edges += digits * nodes.numbers[name]
        for j in range(digits):
            level = layout.level(name, j)
            depth = ones.at(2 - level + E) if name == "start" else nodes.depth(name, level)
            behind[j - level - first] = max(behind[j - level - first], depth)
    # the largest k with u^k above what any plane can hold, in units of u^(2 + E)
    power = len(behind) + 2 + E - least_log(_worst(placed(layout, 0, T), first), b)
    used = ones.use(power - 1) if power > 0 else ones.use(power, 1 << b)
    lifted = used.depth + 1
    plane = 0
    for depth in behind:
        plane = max(plane, depth, lifted) + 1
    planes = len(behind)
    q = layout.step, b * (T + 3 + E) - layout.power
    end = closing(constants, plane, (power, lifted), q, (3, 1))
    shared = nodes.shared_edges + sum(line.total() for line in nodes.lines) + constants.edges
    # one edge from the plane before, one for the bias: its weight 1 at the first takes two,
    # so that its unit has a copy
    output = (planes - 1) + (planes - 1) + 2 + 2 * used.edges + end.edges + ones.edges()
    return ConesCount(nodes.node_edges, digit_edges, shared, output, plane, end.depth - plane)
