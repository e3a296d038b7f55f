"""How many edges a bubbles network has in a given layout, and how deep it is at most.

Two edges a node (d = 1: three), one for each digit, and what all nodes share: kinks, lines, planes,
and for every product the folds of its bubble, those of the product, and what scales its factors.
All scales are powers of two, held by their exponents; u = 2^-b.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from qexpr.bounds.witness import cones_mesh
from qexpr.bounds.witness.bubbles_mesh import SLOPES, Layout, ratio_of
from qexpr.bounds.witness.coins import Rungs, coins, digits, least_log
from qexpr.bounds.witness.cones_count import Line, most_held, nodes_of, plane_sums, tops_of
from qexpr.bounds.witness.pieces import Constants, gain

__all__ = ["BubblesCount", "count"]


class BubblesCount(NamedTuple):
    """Edges of digits and of all the rest, and the depth."""

    digit_edges: int
    other_edges: int
    depth: int

    @property
    def weights(self) -> int:
        """All of them."""
        return self.digit_edges + self.other_edges


class _Sum:
    """What has been counted of the network: edges, and the constants they need."""

    __slots__ = ("b", "constants", "edges")

    def __init__(self, b: int) -> None:
        self.b = b
        self.constants = Constants(b)
        self.edges = 0

    def half(self) -> int:
        """Edges of the weight 1/2."""
        return coins(1 << self.b - 1, self.b)

    def constant(self, power: int) -> int:
        """The depth of the constant 2^power."""
        return self.constants.one(1, power)

    def shrinking(self, halvings: int) -> tuple[int, int, int]:
        """Units, the copies its source needs, and its edges: multiplication by 2^-halvings."""
        whole, rest = divmod(halvings, self.b)
        if not rest:
            return whole, 1, whole
        # the last step is 2^-rest, several edges, and the unit before it is copied for it
        cost = coins(1 << self.b - rest, self.b)
        edges = cost if not whole else whole - 1 + cost + cost
        return whole + 1, cost if not whole else 1, edges


def _folds(book: _Sum, first: int, wide: int, held: list[int], depth: int) -> int:
    """Edges of a first group with so many, and of folds behind it; the depth of the last.

    A group that is folded again has a copy for each edge of the weight 1/2.
    """
    c = book.half()
    for power in held:
        depth = max(depth, book.constant(power)) + 1
    if held:
        book.edges += first * c + wide * (2 * c + 1) * (c * (len(held) - 1) + 1)
    else:
        book.edges += first
    return depth


def _places(layout: Layout, axis: int) -> int:
    """The exponent of the middle of a bubble's line: half of the largest power of two on it."""
    return (layout.f.N - 1).bit_length() - (1 if axis < layout.f.d else 0)


def _bubble_scale(layout: Layout, axis: int, i: int) -> int:
    """The exponent of S for the line X^(i), behind one fold for each place of the middle."""
    f = layout.f
    return -f.b * (f.E - i + 1) - _places(layout, axis) - 2


def _fold_places(layout: Layout, S: int, places: int) -> list[int]:
    """The exponents of the constants of a bubble's folds: to a single cell, and s of its square."""
    b, at = layout.f.b, S + places + 2
    held = [at - 1 - k + places - 1 - k + b for k in range(places + 1)]
    return held + [S - 2 * stage + b for stage in range(1, layout.s + 1)]


class _Scales(NamedTuple):
    """Exponents, those of f's and the w_k's steps' odd part left out.

    `total` of what the sum of all is held times, `sigma` of the products' factors, `line` their
    lines X^(i).
    """

    total: int
    sigma: tuple[int, ...]
    tops: tuple[int, ...]  # of W_k over the last plane's gain
    lines: tuple[int, ...]


def _gain(layout: Layout, k: int) -> int:
    """The exponent of f~ (k < 0) or w_k over the last plane of its code."""
    code = layout.f if k < 0 else layout.second[k]
    coarser = 0 if k < 0 else layout.M.bit_length() - 1
    return code.b * (code.T + 3 + code.E) - code.power - coarser


def _ratios(layout: Layout) -> list[int]:
    codes, slopes = layout.second, SLOPES[layout.f.d]
    return [
        ratio_of(layout.f.N, code.step, 1 << code.power, L)
        for code, L in zip(codes, slopes, strict=True)
    ]


def _scales(layout: Layout, largest: int) -> _Scales:
    f, d = layout.f, layout.f.d
    b, slopes = f.b, SLOPES[d]
    ratios = _ratios(layout)
    tops = [ratio - code.power for ratio, code in zip(ratios, layout.second, strict=True)]

    def bubble(k: int, i: int) -> int:
        """sigma of the bubble from X^(i): u S / 2."""
        return _bubble_scale(layout, k, i) - b - 1

    most = [min(tops[k] - _gain(layout, k) - b, bubble(k, largest)) for k in range(len(slopes))]
    whole = -b - _gain(layout, -1)
    # sigma is the sum's scale times W_k / (32 u^2)
    over = max(whole + tops[k] + 2 * b - 5 - most[k] for k in range(len(slopes)))
    total = whole if over <= 0 else min(whole - over, whole - b)
    sigma = [total + top + 2 * b - 5 for top in tops]
    # the least lines whose bubbles are not below sigma: a step down is a factor of u
    lines = [largest - (bubble(k, largest) - place) // b for k, place in enumerate(sigma)]
    held = [top - _gain(layout, k) for k, top in enumerate(tops)]
    return _Scales(total, tuple(sigma), tuple(held), tuple(lines))


def _terms(rungs: Rungs, number: int, power: int) -> tuple[int, int]:
    """A constant's digits on the rungs below the highest, the rest on that one: edges, depth."""
    highest = rungs.lowest
    edges = deepest = rest = 0
    for k, digit in digits(number, power, rungs.b):
        if k > highest:
            used = rungs.use(k, digit)
            edges, deepest = edges + used.edges, max(deepest, used.depth)
        else:
            rest += digit << rungs.b * (highest - k)
    if rest:
        used = rungs.use(highest, rest)
        edges, deepest = edges + used.edges, max(deepest, used.depth)
    return edges, deepest


_tops = lru_cache(maxsize=256)(tops_of)


def count(layout: Layout, eps: Fraction) -> BubblesCount:
    """Count a layout; all of it is arithmetic on a few hundred integers."""
    f, b = layout.f, layout.f.b
    N, E = f.N, f.E
    book = _Sum(b)
    ones = book.constants.rungs
    tops = _tops(_bare(f), *map(_bare, layout.second))
    nodes = nodes_of(f, book.constants, tops)
    if tops["start"]:
        ones.reach(1 + E, 2 - tops["start"] + E)
    lines = nodes.lines
    largest = min(line.most for line in lines)
    lifts: dict[int, int] = {}
    depths: list[int] = []  # of each code's last plane

    def start_depth(k: int, level: int) -> int:
        if k < 0:
            return ones.at(2 - level + E)
        return book.constant(layout.M.bit_length() - 1 - b * (2 - level + E))

    def lift(k: int) -> int:
        """The depth of the unit of a code's bias."""
        planes, most = _worst(layout, k)
        power = planes + 2 + E - least_log(most, b)
        if power not in lifts:
            used = ones.use(power - 1) if power > 0 else ones.use(power, 1 << b)
            book.edges += 2 * used.edges  # in two copies: the first plane takes it in full
            lifts[power] = used.depth + 1
        return lifts[power]

    before = None
    for k, code in enumerate((f, *layout.second), start=-1):
        planes = code.T + 2
        book.edges += 2 * planes
        if code == before:  # two second derivatives may have the same code
            depths.append(depths[-1])
            continue
        before, deepest = code if k >= 0 else None, lift(k) + planes
        for name, level, behind in _sources(_bare(code)):
            depth = start_depth(k, level) if name == "start" else nodes.depth(name, level)
            if depth + behind > deepest:
                deepest = depth + behind
        depths.append(deepest)
    depth, left = nodes.depth("inner", 1), N - 1
    for level, number in enumerate(layout.numbers(), start=1):
        book.edges += left
        left, depth = number, depth + 1
        depths[0] = max(depths[0], depth + f.T + 2 - layout.mu - level)
    scales = _scales(layout, largest)
    # kept of f's bias: the largest u^k with u^k gain >= 1 + eps
    place = _gain(layout, -1)
    keep = _largest_power(1 + eps, f.step, place, b)
    deepest = 0
    sum_edges = 0
    for k, plane in enumerate(depths[1:]):
        p, q, sigma = _factors(book, layout, scales, k, plane, lines)
        depth = max(p, q, book.constant(sigma + 1)) + 1
        held = [1 + sigma - 2 * stage for stage in range(1, layout.r + 1)]
        deepest = max(deepest, _folds(book, 10, 4, held, depth))
        sum_edges += 4 * (layout.r + 1) + 1
        deepest = max(deepest, p + (1 if b > 1 else 0))
    extra: int | None = None
    if scales.total + place == -b:
        sum_edges += 2
        deepest = max(deepest, depths[0])
        extra = b * (keep + 1)
    else:
        halvings = -2 * b - scales.total - place
        units, copies, edges = book.shrinking(halvings)
        at = max(depths[0], ones.at(keep)) + 1
        book.edges += 3 * copies + edges
        sum_edges += 1
        deepest = max(deepest, at + units)
    # the constants: what is kept of the bias, and scale * W_k / 16 for every product
    parts = [
        scales.total + ratio - code.power - 4
        for ratio, code in zip(_ratios(layout), layout.second, strict=True)
    ]
    lowest = min([*parts, -extra] if extra is not None else parts)
    constant = sum(1 << part - lowest for part in parts)
    if extra is not None:
        constant += 1 << -extra - lowest
    edges, depth = _terms(ones, constant, lowest)
    total = max(deepest, depth) + 1
    book.edges += sum_edges + edges
    amplified = gain(f.step, -scales.total, b, 1)
    edges, depth = _terms(ones, f.step, place - b * keep)
    book.edges += amplified.edges + edges
    end = max(total + amplified.depth, depth) + 1
    other = nodes.node_edges + nodes.shared_edges + book.edges + book.constants.edges
    other += sum(line.total() for line in lines) + ones.edges()
    return BubblesCount(_digit_edges(layout), other, end)


def _largest_power(value: Fraction, odd: int, power: int, b: int) -> int:
    """The largest k (maybe negative) with 2^(-b k) >= value / (odd 2^power)."""
    wide = value.numerator << max(-power, 0)
    narrow = odd * value.denominator << max(power, 0)
    if wide > narrow:
        return -least_log(-(-wide // narrow), b)
    return ((narrow // wide).bit_length() - 1) // b


@lru_cache(maxsize=1024)
def _sources(code: cones_mesh.Layout) -> list[tuple[str, int, int]]:
    """What enters a code's planes: kinds and levels, and how many planes follow the first of them.

    Digit j of level l enters plane j - l; above a kind's lowest level that is the last plane, T.
    """
    found = []
    for name, P in (*code.long, ("inner", code.p)):
        low = code.level(name, 0)
        found.append((name, low, code.T + 1 + low))
        found += [(name, level, 1) for level in range(low + 1, code.level(name, P - 1) + 1)]
    return found


@lru_cache(maxsize=1024)
def _most_held(
    code: cones_mesh.Layout, blocks: tuple[int, ...], mu: int, times: int
) -> tuple[int, int]:
    """The number of planes and what the fullest can hold, times u^(planes + 2 + E), for E = 0."""
    deep, b, N = len(blocks), code.b, code.N
    sums = [value * times << b * deep for value in plane_sums(code, -1)]
    for level, P in enumerate(blocks, start=1):
        for j in range(P):
            sums[j + mu + level] += N * (N - 1) // 2 << b * (deep + 1 - level)
    return len(sums) + deep, most_held(sums, b)


def _worst(layout: Layout, k: int) -> tuple[int, int]:
    """`_most_held` of f's code (k < 0), or of a second derivative's: held M times as large."""
    code = layout.f if k < 0 else layout.second[k]
    if k < 0:
        return _most_held(_bare(code), layout.blocks, layout.mu, 1)
    return _most_held(_bare(code), (), 0, layout.M)


def _bare(code: cones_mesh.Layout) -> cones_mesh.Layout:
    """A code without its scale, which much does not depend on."""
    return cones_mesh.placed(code, 0, code.T)


def _digit_edges(layout: Layout) -> int:
    d, total = layout.f.d, 0
    for code in (layout.f, *layout.second):
        numbers = _numbers(d, code.N)
        total += sum(P * numbers[name] for name, P in (*code.long, ("inner", code.p)))
    return total + sum(P * n for P, n in zip(layout.blocks, layout.numbers(), strict=True))


def _numbers(d: int, cells: int) -> dict[str, int]:
    """How many coefficients of each kind a code has."""
    if d == 1:
        return {"start": 1, "slope": 1, "inner": cells - 1}
    few = {"start": 1, "slope": 1, "kink": 1, "corner": 1}
    return {**few, "axis": 2 * cells - 2, "edge": 2 * cells - 2, "inner": (cells - 1) ** 2}


def _factors(
    book: _Sum, layout: Layout, scales: _Scales, k: int, depth: int, lines: tuple[Line, ...]
) -> tuple[int, int, int]:
    """The depths of a product's factors, and the exponent of their scale."""
    b, sigma, d = book.b, scales.sigma[k], layout.f.d
    top = scales.tops[k]
    reader = max(depth, book.constant(top)) + 1
    units, copies, edges = book.shrinking(top - b - sigma)
    # for b > 1 what enters the sum by itself is shrunk by 2 u more
    linear = coins(2, b) if b > 1 else 1
    if b > 1:
        book.edges += linear + (linear - 1) * _last_cost(book, top - b - sigma)
        if not units:
            copies = max(copies, linear)
    book.edges += 3 * copies + edges
    p = reader + units
    i = scales.lines[k]
    axis = k  # of three bubbles the last is that of the difference, which is no axis
    places, S = _places(layout, axis), _bubble_scale(layout, axis, i)
    if axis < d:
        middle = places - layout.f.b * (layout.f.E - i)
        start = max(lines[axis].at(i), book.constant(middle)) + 1
    else:
        start = max(lines[0].at(i), lines[1].at(i)) + 1
    pair = _folds(book, 4, 2, _fold_places(layout, S, places), start)
    units, copies, edges = book.shrinking(S - b - 1 - sigma)
    made = 2 * (layout.s + 1)
    if layout.s:
        # u S (1 - 4^-s) / 3
        number = (4**layout.s - 1) // 3
        for place, digit in digits(number, S - b - 2 * layout.s, b):
            used = book.constants.rungs.use(place, digit)
            made += used.edges
            pair = max(pair, used.depth)
    book.edges += made * copies + edges
    return p, pair + 1 + units, sigma


def _last_cost(book: _Sum, halvings: int) -> int:
    """Edges into the last unit of a shrinking chain, which a copy of it has again."""
    whole, rest = divmod(halvings, book.b)
    if rest:
        return coins(1 << book.b - rest, book.b)
    return 1 if whole else 0
