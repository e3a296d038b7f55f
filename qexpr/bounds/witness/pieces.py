"""Parts that several witnesses have, in closed form: constants, kinks of a line, amplification."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from qexpr.bounds.witness.coins import Rungs, Used, coins, digits, least_log

__all__ = ["Constants", "closing", "gain", "kinks", "multiple", "small_places"]

_FEW = 7  # a gain with a larger odd part is spread over scaled copies


def multiple(rungs: Rungs, odd: int, power: int) -> Used:
    """A unit that holds odd * 2^power times the source: one weight for each digit to base 1/u."""
    edges = depth = 0
    for k, digit in digits(odd, power, rungs.b):
        used = rungs.use(k, digit)
        edges += used.edges
        depth = max(depth, used.depth)
    return Used(edges, depth + 1)


def _digit_edges(number: int, b: int) -> tuple[int, list[int]]:
    """The edges of 1..number written in digits, and how many edges a digit takes at each place.

    An even digit costs two edges, an odd one a single one.
    """
    total, each, base = 0, [], 1 << b
    unit = 1
    while unit <= number:
        whole, rest = divmod(number + 1, unit * base)
        last, part = divmod(rest, unit)
        total += number - whole * unit - min(rest, unit) + 1  # all but those of digit 0
        even = 0
        if b > 1:
            even = ((base >> 1) - 1) * whole * unit  # 2, 4, .., base - 2 in whole periods
            if last:
                even += (last - 1) // 2 * unit + (0 if last & 1 else part)
            total += even
        each.append(2 if even else 1)
        unit *= base
    return total, each


class Constants:
    """Constants out of the rungs of 1: single ones, and runs step, 2 step, .., number step."""

    __slots__ = ("_known", "_runs", "b", "edges", "rungs")

    def __init__(self, b: int) -> None:
        self.b = b
        self.rungs = Rungs(b)
        self.edges = 0
        self._known: dict[tuple[int, int], Used] = {}
        self._runs: dict[int, tuple[int, int]] = {}

    def one(self, odd: int, power: int) -> int:
        """The depth of a unit that holds odd * 2^power; a rung where that is a power of u."""
        if odd == 1 and power % self.b == 0:
            return self.rungs.at(-(power // self.b))
        key = odd, power
        if key not in self._known:
            self._known[key] = multiple(self.rungs, odd, power)
            self.edges += self._known[key].edges
        return self._known[key].depth

    def run(self, exponent: int, number: int) -> int:
        """The depth of the constants u^exponent times 1..number, made unless a run has them."""
        size, depth = self._runs.get(exponent, (0, 0))
        if size < number:
            edges, each = _digit_edges(number, self.b)
            self.edges += edges
            depth = 1 + max(
                self.rungs.use(exponent - place - 1, units).depth
                for place, units in enumerate(each)
            )
            self._runs[exponent] = number, depth
        return depth


def small_places(count: int, b: int) -> int:
    """About half of the digits of `count`: the least p >= 1 with 2^(2 b p) >= count."""
    return max(1, -(-least_log(count, b) // 2))


def kinks(
    constants: Constants, depth: int, exponent: int, count: int, places: int | None = None
) -> tuple[int, int]:
    """Edges that make `count` kinks of a line, beyond two a kink, and the kinks' depth.

    One residual for every 1/u^places kinks, which all but the first of them subtract from.
    """
    b = constants.b
    places = small_places(count, b) if places is None else places
    low = 1 << b * places
    residuals = -(-count // low)
    steps = min(low, count) - 1
    behind = depth
    if residuals > 1:
        behind = max(behind, constants.run(exponent - 1 - places, residuals - 1))
    small = constants.run(exponent, steps) if steps else 0
    # 2 residuals - 1 edges into them, and one less for each kink at which a residual starts
    return residuals - 1, max(behind + 1, small) + 1


class Gain(NamedTuple):
    """Amplification behind a unit that must not be copied: edges, and units on the way."""

    edges: int
    steps: int
    last: int  # edges of the last weight


def _pairs(costs: tuple[int, ...]) -> int:
    return sum(x * y for x, y in zip(costs, (*costs[1:], 1), strict=True))


def _chain(odd: int, power: int, b: int, inner: int) -> Gain:
    """The cheapest chain u, u, .., 2, 2, .., (2^i), rest: a unit has a copy for each edge it gives.

    With costs c_1, .., c_k behind the first u the edges are inner c_1 + sum c_i c_(i+1) + c_k.
    """
    rest = power + b
    halvings = max(0, -(-(-b - rest) // b))
    rest += b * halvings
    two = coins(2 << b, b)
    best: Gain | None = None
    # 16 edges a doubling: as long as 2^24 and more are left, doubling once more is cheaper
    doublings = max(0, rest - 24)
    rest -= doublings
    while True:
        for i in (-1, *(i for i in range(5) if rest - i >= -b)):
            end = coins(odd << rest - max(i, 0) + b, b)
            tail = (end,) if i < 0 else (coins(1 << i + b, b), end)
            first = two if doublings else tail[0]
            edges = inner + halvings - 1 + first if halvings else inner * first
            if doublings:
                edges += two * two * (doublings - 1) + two * tail[0]
            edges += _pairs(tail)
            if best is None or edges < best.edges:
                best = Gain(edges, halvings + doublings + len(tail), end)
        if (rest < 2 and odd << max(rest, 0) < 4 << max(-rest, 0)) or rest - 1 < -b:
            assert best is not None  # a chain without splits is always one
            return best
        rest -= 1
        doublings += 1


@lru_cache(maxsize=4096)
def gain(odd: int, power: int, b: int, inner: int) -> Used:
    """Edges that bring a sum of `inner` units to odd * 2^power times itself, and the depth added.

    A gain with many digits comes from scaled copies of the sum amplified by a power of u.
    """
    if odd <= _FEW:
        chain = _chain(odd, power, b, inner)
        return Used(chain.edges, chain.steps)
    lead = (power + odd.bit_length() - 1) // b  # 2^(b lead) <= gain < 2^(b lead + b)
    chain = _chain(1, b * (lead + 1), b, inner)
    copies = Rungs(b, is_input=False)
    edges = depth = 0
    for k, digit in digits(odd, power - b * (lead + 1), b):
        used = copies.use(k, digit)
        edges += used.edges
        depth = max(depth, used.depth)
    edges += chain.edges + copies.edges() + chain.last * (copies.copies.get(0, 1) - 1)
    return Used(edges, chain.steps + 1 + depth)


def closing(
    constants: Constants,
    depth: int,
    lift: tuple[int, int],
    amplified: tuple[int, int],
    reach: tuple[int, int],
) -> Used:
    """Edges from the last accumulator to the output, its lift taken off, and the output's depth.

    Parameters
    ----------
    depth : int
        Of the last accumulator.
    lift : tuple of int
        The power of u that was added, and the depth of its unit.
    amplified : tuple of int
        The gain as (odd, power of two).
    reach : tuple of int
        More than the output can be, as a quotient: what is kept of the lift outweighs it.
    """
    b, rungs = constants.b, constants.rungs
    (power, lifted), (odd, exponent) = lift, amplified
    top, bottom = reach
    # the largest k with u^k >= reach / gain
    wide, narrow = top << max(-exponent, 0), bottom * odd << max(exponent, 0)
    over = -(-wide // narrow)
    fits = -least_log(over, b) if over > 1 else ((narrow // wide).bit_length() - 1) // b
    keep = max(power, fits)
    inner = 1
    if keep > power:
        inner = 3
        depth = max(depth, lifted, rungs.at(keep))
    amplifying = gain(odd, exponent, b, inner)
    # the constant gain * u^keep: its digits on the rungs below the highest, the rest on that one
    highest = rungs.lowest
    edges = deepest = rest = 0
    for k, digit in digits(odd, exponent - b * keep, b):
        if k > highest:
            used = rungs.use(k, digit)
            edges += used.edges
            deepest = max(deepest, used.depth)
        else:
            rest += digit << b * (highest - k)
    if rest:
        used = rungs.use(highest, rest)
        edges += used.edges
        deepest = max(deepest, used.depth)
    return Used(amplifying.edges + edges, max(depth + amplifying.depth, deepest) + 1)
