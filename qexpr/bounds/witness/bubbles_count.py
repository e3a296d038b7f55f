"""How many edges a bubbles network has in a given layout, and how deep it is at most.

Two edges a node (d = 1: three), one for each digit, and what all nodes share: kinks, lines, planes,
and for every product the folds of its bubble, those of the product, and what scales its factors.
All scales are powers of two, held by their exponents; u = 2^-b.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from qexpr.bounds.witness.bubbles_mesh import SLOPES, Layout, ratio_of
from qexpr.bounds.witness.coins import Rungs, coins, digits
from qexpr.bounds.witness.cones_count import Line, lift_power, nodes_of, plane_sums, tops_of
from qexpr.bounds.witness.pieces import Constants, gain

__all__ = ["BubblesCount", "count"]


@dataclass(frozen=True, slots=True)
class BubblesCount:
    """Edges of digits and of all the rest, and the depth."""

    digit_edges: int
    other_edges: int
    depth: int

    @property
    def weights(self) -> int:
        """All of them."""
        return self.digit_edges + self.other_edges


@dataclass(slots=True)
class _Sum:
    """What has been counted of the network: edges, and the constants they need."""

    b: int
    constants: Constants
    edges: int = 0

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
    book.edges += first * (c if held else 1)
    for i, power in enumerate(held):
        depth = max(depth, book.constant(power)) + 1
        book.edges += wide * (2 * c + 1) * (c if i + 1 < len(held) else 1)
    return depth


def _bubble_places(layout: Layout, axis: int, i: int) -> tuple[int, int, list[int]]:
    """For the line X^(i): the exponent of its middle's constant, of S, and of the folds'."""
    f, d = layout.f, layout.f.d
    scale, places = -f.b * (f.E - i), (f.N - 1).bit_length()
    if axis < d:
        places -= 1
    at, held, centre = scale - f.b, [], places
    while centre > -1:
        at, centre = at - 1, centre - 1
        held.append(at + centre + f.b)
    S = at - 1
    held += [S - 2 * stage + f.b for stage in range(1, layout.s + 1)]
    return places + scale, S, held


@dataclass(frozen=True, slots=True)
class _Scales:
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


def _scales(layout: Layout, largest: int) -> _Scales:
    f, d = layout.f, layout.f.d
    b, slopes = f.b, SLOPES[d]
    ratios = [ratio_of(f.N, code.q, L) for code, L in zip(layout.second, slopes, strict=True)]
    tops = [ratio - code.power for ratio, code in zip(ratios, layout.second, strict=True)]

    def bubble(k: int, i: int) -> int:
        """sigma of the bubble from X^(i): u S / 2."""
        return _bubble_places(layout, k, i)[1] - b - 1

    most = [min(tops[k] - _gain(layout, k) - b, bubble(k, largest)) for k in range(len(slopes))]
    whole = -b - _gain(layout, -1)
    # sigma is the sum's scale times W_k / (32 u^2)
    over = max(whole + tops[k] + 2 * b - 5 - most[k] for k in range(len(slopes)))
    total = whole if over <= 0 else min(whole - over, whole - b)
    sigma = [total + top + 2 * b - 5 for top in tops]
    lines = []
    for k, place in enumerate(sigma):
        i = largest
        while bubble(k, i - 1) >= place:
            i -= 1
        lines.append(i)
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


def count(layout: Layout, eps: Fraction) -> BubblesCount:
    """Count a layout; all of it is arithmetic on a few hundred integers."""
    f, b, d = layout.f, layout.f.b, layout.f.d
    N, E = f.N, f.E
    book = _Sum(b, Constants(b))
    ones = book.constants.rungs
    tops = tops_of(f, *layout.second)
    nodes = nodes_of(f, book.constants, tops)
    for level in range(1, tops["start"] + 1):
        ones.use(2 - level + E)
    lines = nodes.lines
    largest = min(line.most for line in lines)
    digit_edges = 0
    lifts: dict[int, tuple[int, int]] = {}

    def lift(k: int) -> tuple[int, int]:
        """The power of the bias of a code and the depth of its unit."""
        code = f if k < 0 else layout.second[k]
        deep = len(layout.blocks) if k < 0 else 0
        sums = [value << b * deep for value in plane_sums(code, -1)]
        for level, P in enumerate(layout.blocks if k < 0 else (), start=1):
            for j in range(P):
                plane = j - 1 + layout.mu + level
                sums[plane + 1] += N * (N - 1) // 2 << b * (deep + 1 - level)
        if k >= 0:
            sums = [value * layout.M for value in sums]
        power = lift_power(sums, 2 + E + deep, b)
        if power not in lifts:
            used = ones.use(power - 1) if power > 0 else ones.use(power, 1 << b)
            book.edges += 2 * used.edges  # in two copies: the first plane takes it in full
            lifts[power] = power, used.depth + 1
        return lifts[power]

    def planes(k: int, behind: list[int]) -> tuple[int, int]:
        """The depth of a code's last plane, and of its bias unit."""
        _, lifted = lift(k)
        depth = 0
        for source in behind:
            depth = max(depth, source, lifted) + 1
        book.edges += 2 * (len(behind) - 1) + 2
        return depth, lifted

    def enter(code: int) -> list[int]:
        """The depths of what enters the planes of a code."""
        nonlocal digit_edges
        own = f if code < 0 else layout.second[code]
        numbers = nodes.numbers if code < 0 else _coarse_numbers(d, own.N)
        behind = [0] * (own.T + 2)
        for name, P in (*own.long, ("inner", own.p)):
            digit_edges += P * numbers[name]
            for j in range(P):
                level = own.level(name, j)
                if name != "start":
                    depth = nodes.depth(name, level)
                elif code < 0:
                    depth = ones.use(2 - level + E).depth
                else:
                    depth = book.constant(layout.M.bit_length() - 1 - b * (2 - level + E))
                behind[j - level + 1] = max(behind[j - level + 1], depth)
        return behind

    behind = enter(-1)
    depth, left = nodes.depth("inner", 1), N - 1
    for level, (P, number) in enumerate(zip(layout.blocks, layout.numbers(), strict=True), start=1):
        book.edges += left
        left, depth = number, depth + 1
        digit_edges += P * number
        for j in range(P):
            place = j + layout.mu + level
            behind[place] = max(behind[place], depth)
    last, lifted = planes(-1, behind)
    coarse = [planes(k, enter(k)) for k in range(len(layout.second))]
    scales = _scales(layout, largest)
    # kept of f's bias: the largest u^k with u^k gain >= 1 + eps
    place = _gain(layout, -1)
    need = (1 + eps) / f.step / Fraction(2) ** place
    keep = _largest_power(need, b)
    deepest = 0
    sum_edges = 0
    for k, (plane, lift_depth) in enumerate(coarse):
        p, q, sigma = _factors(book, layout, scales, k, max(plane, lift_depth), lines)
        depth = max(p, q, book.constant(sigma + 1)) + 1
        held = [1 + sigma - 2 * stage for stage in range(1, layout.r + 1)]
        deepest = max(deepest, _folds(book, 10, 4, held, depth))
        sum_edges += 4 * (layout.r + 1) + 1
        deepest = max(deepest, p + (1 if b > 1 else 0))
    extra: int | None = None
    if scales.total + place == -b:
        sum_edges += 2
        deepest = max(deepest, last, lifted)
        extra = b * (keep + 1)
    else:
        halvings = -2 * b - scales.total - place
        units, copies, edges = book.shrinking(halvings)
        at = max(last, lifted, ones.use(keep).depth) + 1
        book.edges += 3 * copies + edges
        sum_edges += 1
        deepest = max(deepest, at + units)
    # the constants: what is kept of the bias, and scale * W_k / 16 for every product
    parts = [
        scales.total + ratio_of(N, c.q, L) - c.power - 4
        for c, L in zip(layout.second, SLOPES[d], strict=True)
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
    return BubblesCount(digit_edges, other, end)


def _largest_power(need: Fraction, b: int) -> int:
    """The largest k (maybe negative) with 2^(-b k) >= need."""
    k = 0
    while Fraction(2) ** (-b * k) < need:
        k -= 1
    while Fraction(2) ** (-b * (k + 1)) >= need:
        k += 1
    return k


def _coarse_numbers(d: int, cells: int) -> dict[str, int]:
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
    middle, S, held = _bubble_places(layout, axis, i)
    if axis < d:
        start = max(lines[axis].at(i), book.constant(middle)) + 1
    else:
        start = max(lines[0].at(i), lines[1].at(i)) + 1
    pair = _folds(book, 4, 2, held, start)
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
