"""Scaled copies of a source, shared constants, and amplification, out of the unit u alone.

u is the alphabet's largest power of two (1/2, or 2^-b): one edge multiplies by it.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache, partial
from typing import Any

import numpy as np

from qexpr.circuits.builder import Builder, Group, Indices

__all__ = [
    "Constants",
    "Ladder",
    "amplify",
    "coin_count",
    "edge",
    "least_power",
    "low_places",
    "thresholds",
]

_FEW = 7  # a gain whose odd part is larger is cheaper digit by digit


class Ladder:
    """The units u^k * source of one source, made when they are first asked for.

    Steps down (k > 0) are one edge each; steps up from the source (k < 0) multiply by 1/u.
    """

    def __init__(self, net: Builder, source: Group, name: str) -> None:
        self.net = net
        self.name = name
        self.steps = {0: source}
        self.u = net.values.unit

    def __getitem__(self, k: int) -> Group:
        side, weight = (1, self.u) if k > 0 else (-1, 1 / self.u)
        for power in range(side, k + side, side):  # from the source outward
            if power not in self.steps:
                made = self.net.group("scale", source=self.name, power=power)
                self.net.connect(self.steps[power - side], made, weight)
                self.steps[power] = made
        return self.steps[k]

    def digits(self, value: Fraction) -> list[tuple[int, int]]:
        """value = sum of a * u^(k+1) over the (k, a), 0 < a < 1/u, the largest k first."""
        base = int(1 / self.u)
        scale, rest = 0, value
        while rest.denominator != 1:
            rest *= base
            scale += 1
        number, parts, k = int(rest), [], scale - 1
        while number:
            number, digit = divmod(number, base)
            if digit:
                parts.append((k, digit))
            k -= 1
        return parts

    def multiple(self, value: Fraction, role: str, **params: Any) -> Group:
        """A unit that holds value * source, for a positive dyadic value."""
        parts = self.digits(value)
        steps = [(self[k], digit * self.u) for k, digit in parts]
        made = self.net.group(role, **params)
        for step, weight in steps:
            self.net.connect(step, made, weight)
        return made

    def constant(self, value: Fraction) -> Group:
        """The same, but a power of u is the ladder's own unit."""
        parts = self.digits(value)
        if len(parts) == 1 and parts[0][1] == 1:
            return self[parts[0][0] + 1]
        return self.multiple(value, "constant", holds=str(value))


class Constants:
    """Constants out of one ladder: single ones, and runs of multiples, each made once."""

    def __init__(self, ladder: Ladder) -> None:
        self.ladder = ladder
        self.known: dict[Fraction, Group] = {}
        self.runs: dict[Fraction, Group] = {}

    def __getitem__(self, value: Fraction) -> Group:
        if value not in self.known:
            self.known[value] = self.ladder.constant(value)
        return self.known[value]

    def run(self, step: Fraction, number: int) -> Group:
        """step, 2 step, .., number step as one group; `step` is a power of u.

        A run that was made is used again, so ask for the longest one first.
        """
        if step in self.runs and self.runs[step].size >= number:
            return self.runs[step]
        ladder, u = self.ladder, self.ladder.u
        base, exponent = int(1 / u), least_power(u, step)
        places = 1
        while base**places <= number:
            places += 1
        rungs = [ladder[exponent - place - 1] for place in range(places)]
        made = ladder.net.group("constants", number, step=exponent)
        for place, rung in enumerate(rungs):
            for digit in range(1, base):
                ladder.net.connect(
                    rung,
                    made,
                    digit * u,
                    pairs=partial(_with_digit, number, base, place, digit),
                    count=_having_digit(number, base, place, digit),
                )
        self.runs[step] = made
        return made


def _having_digit(number: int, base: int, place: int, digit: int) -> int:
    """How many of 1..number have that digit at that place."""
    period, unit = base ** (place + 1), base**place
    whole, rest = divmod(number + 1, period)
    having: int = whole * unit + min(max(rest - digit * unit, 0), unit)
    return having


def _with_digit(number: int, base: int, place: int, digit: int) -> tuple[Indices, Indices]:
    j = np.arange(1, number + 1)
    rows = np.flatnonzero(j // base**place % base == digit)
    return np.zeros(len(rows), np.int64), rows


def thresholds(
    net: Builder,
    line: Group,
    constants: Constants,
    exponent: int,
    count: int,
    role: str,
    places: int | None = None,
) -> Group:
    """The kinks u^(E+1) relu(y - i), i = 0..count-1, of a line that holds u^(E-1) y >= 0.

    i = a low + b: one residual relu(y - a low) for each a, and from it one edge a kink, and one
    more from the constant b: two edges a kink and about 2 sqrt(count) shared units.

    Parameters
    ----------
    exponent : int
        E.
    places : int, optional
        low = (1/u)^places; chosen from the count where it is not given, and to be given where
        two families of kinks share their constants.
    """
    u = net.values.unit
    base = int(1 / u)
    low = base ** (low_places(count, u) if places is None else places)
    coarse = -(-count // low)
    steps = min(low, count) - 1
    small = constants.run(u**exponent, steps) if steps else None
    large = constants.run(low * u ** (exponent - 1), coarse - 1) if coarse > 1 else None
    residual = net.group("residual", coarse, of=role, step=low)
    net.connect(line, residual, u)
    if large is not None:
        following = partial(np.arange, coarse - 1)
        net.connect(
            large, residual, -u, pairs=lambda: (following(), following() + 1), count=coarse - 1
        )
    kinks = net.group(role, count)
    index = partial(np.arange, count)
    net.connect(residual, kinks, u, pairs=lambda: (index() // low, index()), count=count)
    if small is not None:

        def between() -> tuple[Indices, Indices]:
            rows = np.flatnonzero(index() % low)
            return rows % low - 1, rows

        net.connect(small, kinks, -u, pairs=between, count=count - coarse)
    return kinks


def low_places(count: int, u: Fraction) -> int:
    """Digits to the base 1/u that the small constants of `count` kinks take: about half."""
    base, places = int(1 / u), 1
    while base ** (2 * places) < count:
        places += 1
    return places


def edge(source: int, target: int) -> Callable[[], tuple[Indices, Indices]]:
    """The pairs of a single edge between units of two groups."""
    return lambda: (np.full(1, source, np.int64), np.full(1, target, np.int64))


@lru_cache(maxsize=4096)
def _factors(gain: Fraction, u: Fraction, inner: int) -> tuple[Fraction, ...]:
    """Weights of a chain behind a unit that may not be copied: u first, product `gain`.

    The cheapest among chains with equal doublings in the middle and the odd part at the end;
    `inner` is the number of edges into the chain's first unit. Weights are counted in units of u.
    """
    per_one = u.denominator

    def cost(weights: list[int]) -> int:
        copies = [_coins_of(weight, per_one) for weight in weights[1:]]
        into = [*copies[1:], 1]
        return inner * copies[0] + sum(a * b for a, b in zip(copies, into, strict=True))

    rest, before = gain / u, [1]
    while (rest / u).denominator != 1:
        rest, before = rest / u, [*before, 1]
    # as long as 2^24 and more are left, doubling once more is cheaper than any end
    doublings = max(0, (rest.numerator & -rest.numerator).bit_length() - 25)
    units = int(rest / u) >> doublings
    before += [2 * per_one] * doublings
    chains = []
    while True:
        splits = [1 << i for i in range(5) if units % (1 << i) == 0]
        chains += [
            [*before, units],
            *([*before, split * per_one, units // split] for split in splits),
        ]
        if units < 4 * per_one or units % 2:
            return tuple(weight * u for weight in min(chains, key=cost))
        units, before = units // 2, [*before, 2 * per_one]


def _coins_of(units: int, per_one: int) -> int:
    most = 1 if per_one == 2 else per_one - 1
    count = -(-units // most)
    return count + (count - units) % 2 if most > 1 else count


def coin_count(weight: Fraction, u: Fraction) -> int:
    """How many edges a weight costs, for a positive multiple of u."""
    return _coins_of(int(weight / u), u.denominator)


def amplify(
    net: Builder, terms: list[tuple[Group, int]], gain: Fraction
) -> list[tuple[Group, Fraction]]:
    """Units and weights whose sum is ``gain * sum(sign * source)`` for terms (source, sign).

    The first source has many edges and must not be copied, so one unit reads it, and only that
    one and those behind it are copied. A gain of many digits is spread over scaled copies, two
    edges a digit. The sum must not be negative.
    """
    if gain.numerator // (gain.numerator & -gain.numerator) <= _FEW:
        return [_chain(net, terms, gain)]
    u = net.values.unit
    lead = Fraction(1)  # the power of u with lead <= gain < lead / u
    while lead > gain:
        lead *= u
    while lead / u <= gain:
        lead /= u
    before, weight = _chain(net, terms, lead / u)
    top = net.group("amplify", step=-1)
    net.connect(before, top, weight)
    copies, pieces = Ladder(net, top, "amplified"), []
    rest, k = gain / lead, 0
    while rest:
        digit = rest.numerator // rest.denominator
        if digit:
            pieces.append((copies[k], digit * u))
        rest, k = (rest - digit) / u, k + 1
    return pieces


def _chain(net: Builder, terms: list[tuple[Group, int]], gain: Fraction) -> tuple[Group, Fraction]:
    u = net.values.unit
    weights = _factors(gain, u, len(terms))
    unit = net.group("amplify", step=0)
    for source, sign in terms:
        net.connect(source, unit, sign * u)
    for step, weight in enumerate(weights[1:-1], start=1):
        following = net.group("amplify", step=step)
        net.connect(unit, following, weight)
        unit = following
    return unit, weights[-1]


def least_power(u: Fraction, value: Fraction) -> int:
    """The largest k (maybe negative) with u^k >= value."""
    k = 0
    while u**k < value:
        k -= 1
    while u ** (k + 1) >= value:
        k += 1
    return k
