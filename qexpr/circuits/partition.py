"""G3: the partition of unity on the Kuhn mesh, without a multiplication.

With y = N x - m, phi_m(x) = kuhn(y) = relu(1 - max(0, y_1, .., y_d) - max(0, -y_1, .., -y_d)).
Everything that depends on fewer coordinates is shared:

* d = 1: phi = relu(relu(y + 1) - 2 relu(y)) on [-1, ..): two kinks of the same line.
* d = 2: the two maxima add up to the range of (0, y_1, y_2), which is what one walks upwards on
  the cycle 0 -> y_2 -> y_1 -> 0: phi = relu((1 - y_1^-) - y_2^+ - (y_1 - y_2)^+), three edges a
  node. (Of three numbers, going round, one step is the range or two steps add up to it.)
* d >= 3: prefix maxima, M_k = M_{k-1} + relu(y_k - M_{k-1}), for prefixes of the node:
  seven edges a node.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np

from qexpr.circuits.builder import Group, Indices
from qexpr.circuits.gadgets import Kit, log2_of

__all__ = ["hats", "kinks"]

_FEW = 32  # constants that are made one by one


def kinks(kit: Kit, line: Group, scale: Fraction, first: int, count: int, of: str) -> Group:
    """The units u^2 * scale * relu(y - i), i = first .. first+count-1, of a line scale * y >= 0.

    i = a L + b: a residual relu(y - a L) for each a, and behind it one edge a kink and one more
    for b: two edges a kink and about 2 sqrt(count) shared units.
    """
    net, u = kit.net, kit.u
    length = 2 ** ((count.bit_length() + 1) // 2)
    low, high = first // length, (first + count - 1) // length
    residual = net.group("residual", high - low + 1, of=of, first=low, step=length)
    net.connect(line, residual, u)
    made = net.group("kink", count, of=of, first=first)
    net.connect(
        residual,
        made,
        u,
        pairs=lambda: (
            np.arange(first, first + count) // length - low,
            np.arange(count),
        ),
        count=count,
    )
    start = max(low, 1)
    _subtract(kit, residual, length * scale, start, high + 1 - start, lambda: _rows(low, high + 1))
    _subtract(kit, made, u * scale, 1, length - 1, lambda: _rows(first, first + count) % length)
    return made


def _rows(first: int, end: int) -> Indices:
    return np.arange(first, end)


def _subtract(
    kit: Kit, target: Group, step: Fraction, first: int, number: int, of: Callable[[], Indices]
) -> None:
    """Subtract u * step * i from each unit, i = of() in [first, first + number), 0 for none.

    Constants that are powers of two are those of the kit; the others are made here, or, where
    there are many, all of them in one group, so that the description stays short.
    """
    net, u = kit.net, kit.u
    if number <= 0:
        return
    if number <= _FEW:
        numbers = of()
        for i in range(first, first + number):
            units = np.flatnonzero(numbers == i)
            if len(units):
                source = kit.multiple(net.one, *_as_multiple(i * step))
                pairs = _one_to(units)
                net.connect(source, target, -u, pairs, len(units))
        return
    group = net.group("constants", number, first=first, step=str(step))
    end = first + number
    odd = step.numerator >> (step.numerator & -step.numerator).bit_length() - 1
    for place in range((odd * (end - 1)).bit_length()):
        if count := _with_bit(end, place, odd) - _with_bit(first, place, odd):
            net.connect(
                kit.constant(2**place * step / odd / u),
                group,
                u,
                pairs=_bit_pairs(first, end, place, odd),
                count=count,
            )

    def pairs() -> tuple[Indices, Indices]:
        numbers = of()
        units = np.flatnonzero(numbers > 0)
        return numbers[units] - first, units

    net.connect(group, target, -u, pairs, _positive(target, number))


def _positive(target: Group, number: int) -> int:
    """How many units get a constant: all of the residuals but the 0th, or of the kinks."""
    params = dict(target.params)
    first, end = params["first"], params["first"] + target.size
    if target.role == "residual":
        return end - max(first, 1)
    return target.size - (-(-end // (number + 1)) - -(-first // (number + 1)))


def _as_multiple(value: Fraction) -> tuple[int, Fraction]:
    return value.numerator, Fraction(1, value.denominator)


def _one_to(units: Indices) -> Callable[[], tuple[Indices, Indices]]:
    return lambda: (np.zeros(len(units), np.int64), units)


def _with_bit(end: int, place: int, odd: int) -> int:
    """How many of 0, odd, .., (end - 1) odd have a bit set."""
    return _floor_sum(end, odd, 2**place) - 2 * _floor_sum(end, odd, 2 ** (place + 1))


def _floor_sum(number: int, a: int, m: int) -> int:
    """The sum of floor(a i / m) over i < number, as in Euclid's algorithm."""
    total = carry = 0
    while number > 0:
        total += number * (number - 1) // 2 * (a // m) + number * (carry // m)
        a, carry = a % m, carry % m
        top = a * number + carry
        number, carry, m, a = top // m, top % m, a, m
    return total


def _bit_pairs(first: int, end: int, place: int, odd: int) -> Callable[[], tuple[Indices, Indices]]:
    def pairs() -> tuple[Indices, Indices]:
        units = np.flatnonzero(odd * np.arange(first, end) >> place & 1)
        return np.zeros(len(units), np.int64), units

    return pairs


def hats(kit: Kit, N: int) -> tuple[Group, Fraction]:
    """The (N+1)^d units scale * phi_m, m in raster order, and their scale."""
    d = kit.net.d
    # the largest scale at which every line N x_k, and every threshold, is a sum of single edges
    top = kit.u / 2 ** (N.bit_length() - 1)
    if d == 1:
        return _hats_1(kit, N, top if N & (N - 1) else 2 * top)
    if d == 2:
        return _hats_2(kit, N, top)
    return _hats_many(kit, N, top)


def _hats_1(kit: Kit, N: int, top: Fraction) -> tuple[Group, Fraction]:
    net, u = kit.net, kit.u
    scale = top / 2
    double = kit.multiple(net.inputs[0], N, top)
    line = kit.scaled(double, 1)
    rising = kinks(kit, line, scale, 0, N, "line 0")
    made_scale = u**3 * scale
    falling = kinks(kit, double, top, 1, N - 1, "double line 0") if N > 1 else None
    made = net.group("hat", N + 1, N=N, scale=str(made_scale))
    # phi_0 = relu(1 - y), phi_m = relu(relu(y + 1) - 2 relu(y)), phi_N = relu(y + 1), y <= 0
    one = kit.constant(made_scale / u)
    net.connect(one, made, u, pairs=lambda: (np.zeros(1, int), np.zeros(1, int)), count=1)
    net.connect(rising, made, -u, pairs=lambda: (np.zeros(1, int), np.zeros(1, int)), count=1)
    net.connect(rising, made, u, pairs=lambda: (np.arange(N), np.arange(1, N + 1)), count=N)
    if falling is not None:
        net.connect(
            falling, made, -u, pairs=lambda: (np.arange(N - 1), np.arange(1, N)), count=N - 1
        )
    return made, made_scale


def _hats_2(kit: Kit, N: int, top: Fraction) -> tuple[Group, Fraction]:
    net, u = kit.net, kit.u
    first, second = net.inputs
    # left: (m - N x_1)^+ at u^2 top; its complement, the second and the diagonal one at u^3 top
    back = kit.combination([(net.one, N), (first, -N)], top, "line")
    left = kinks(kit, back, top, 0, N, "1 - x0")
    near = net.group("complement", N + 1, scale=str(u**3 * top))
    net.connect(kit.constant(u**2 * top), near, u)
    net.connect(left, near, -u, pairs=lambda: (np.arange(N), N - np.arange(N)), count=N)
    line = kit.multiple(second, N, top)
    right = kinks(kit, kit.scaled(line, -log2_of(u)), u * top, 0, N, "x1")
    diagonal = net.group("line", scale=str(u * top))
    for source, sign in ((kit.multiple(first, N, top), 1), (line, -1)):
        net.connect(source, diagonal, sign * u)
    net.connect(kit.multiple(net.one, N, top), diagonal, u)
    slanted = kinks(kit, diagonal, u * top, 0, 2 * N, "1 + x0 - x1")
    scale = u**4 * top
    made = net.group("hat", (N + 1) ** 2, N=N, scale=str(scale))

    def nodes() -> tuple[Indices, Indices, Indices]:
        index = np.arange((N + 1) ** 2)
        return index, index // (N + 1), index % (N + 1)

    def slanted_pairs() -> tuple[Indices, Indices]:
        index, m1, m2 = nodes()
        keep = m1 - m2 < N
        return (m1 - m2 + N)[keep], index[keep]

    def right_pairs() -> tuple[Indices, Indices]:
        index, _, m2 = nodes()
        return m2[m2 < N], index[m2 < N]

    net.connect(near, made, u, pairs=lambda: nodes()[1::-1], count=(N + 1) ** 2)
    net.connect(right, made, -u, pairs=right_pairs, count=(N + 1) * N)
    net.connect(slanted, made, -u, pairs=slanted_pairs, count=(N + 1) ** 2 - 1)
    return made, scale


def _hats_many(kit: Kit, N: int, top: Fraction) -> tuple[Group, Fraction]:
    net, u = kit.net, kit.u
    above, over, scale = _prefix_maxima(kit, N, top, 1)
    # the same for the negative parts, its nodes mirrored: m' = N - m
    below, under, _ = _prefix_maxima(kit, N, top, -1)
    prefixes, total = above.size, above.size * (N + 1)
    near = net.group("complement", prefixes, scale=str(u * scale))
    net.connect(kit.constant(scale), near, u)
    net.connect(above, near, -u)
    net.connect(below, near, -u, pairs=_mirrored(prefixes), count=prefixes)
    made = net.group("hat", total, N=N, scale=str(u**2 * scale))
    net.connect(near, made, u, pairs=_from_prefix(prefixes, N + 1), count=total)
    net.connect(over, made, -u, pairs=_to_places(prefixes, N), count=prefixes * N)

    def mirrored() -> tuple[Indices, Indices]:
        source, target = _to_places(prefixes, N)()
        return source, total - 1 - target

    net.connect(under, made, -u, pairs=mirrored, count=prefixes * N)
    return made, u**2 * scale


def _prefix_maxima(kit: Kit, N: int, top: Fraction, sign: int) -> tuple[Group, Group, Fraction]:
    """max(0, y_1, .., y_{d-1}), relu(y_d - it) for m_d < N, both in raster order, and their scale.

    The excess is at u times the scale. sign -1: for N - N x and N - m in place of N x and m.
    """
    net, u = kit.net, kit.u
    largest, scale = None, u**2 * top
    for k, x in enumerate(net.inputs, start=1):
        parts = [(x, N)] if sign > 0 else [(net.one, N), (x, -N)]
        lower = 2 * max(k - 2, 0)  # y_k at the scale of what it is compared with
        line = kit.scaled(kit.combination(parts, top, "line"), -lower * log2_of(u))
        of = f"x{k - 1}" if sign > 0 else f"1 - x{k - 1}"
        if largest is None:
            largest = kinks(kit, line, top, 0, N + 1, of)
            continue
        prefixes = largest.size
        side = kinks(kit, line, top * u**lower, 0, N, of)
        excess = net.group("excess", prefixes * N, k=k, sign=sign)
        net.connect(side, excess, u, pairs=_tiled(prefixes, N), count=prefixes * N)
        net.connect(largest, excess, -u, pairs=_from_prefix(prefixes, N), count=prefixes * N)
        if k == net.d:
            return largest, excess, scale
        halved = net.group("halved maximum", prefixes, k=k, sign=sign)
        net.connect(largest, halved, u)
        largest = net.group("prefix maximum", prefixes * (N + 1), k=k, sign=sign)
        size = largest.size
        net.connect(halved, largest, u, pairs=_from_prefix(prefixes, N + 1), count=size)
        net.connect(excess, largest, u, pairs=_to_places(prefixes, N), count=prefixes * N)
        scale *= u**2
    raise ValueError("prefix maxima need two variables")


def _from_prefix(prefixes: int, places: int) -> Callable[[], tuple[Indices, Indices]]:
    """From a prefix to each of its continuations."""
    return lambda: (np.repeat(np.arange(prefixes), places), np.arange(prefixes * places))


def _tiled(prefixes: int, places: int) -> Callable[[], tuple[Indices, Indices]]:
    """From a last coordinate to each node that ends with it."""
    return lambda: (np.tile(np.arange(places), prefixes), np.arange(prefixes * places))


def _to_places(prefixes: int, N: int) -> Callable[[], tuple[Indices, Indices]]:
    """From the nodes with last coordinate below N to themselves among all nodes."""

    def pairs() -> tuple[Indices, Indices]:
        index = np.arange(prefixes * N)
        return index, index + index // N

    return pairs


def _mirrored(size: int) -> Callable[[], tuple[Indices, Indices]]:
    return lambda: (np.arange(size), size - 1 - np.arange(size))
