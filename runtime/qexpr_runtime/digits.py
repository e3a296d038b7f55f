"""Numbers as sums of small digits, so that integer kernels multiply what no byte can hold.

A step function may take values that lie on no grid of bytes (residual levels, powers of two, half
waves), and so may weights. Then values are written as offset + unit * sum of m_e d_e, with whole
multipliers m_e and digits d_e that are signs or bytes. A product with such values is one integer
product for each digit, and the sums are put together in 64 or 128 bits, exactly.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

__all__ = ["Digits", "book_digits", "gcd_of", "value_digits"]

_MOST = 2**62  # of a multiplier
_MOST_DIGITS = 8
_SIGN_COST, _BYTE_COST = 1, 4  # how much faster a product of signs is than one of bytes


@dataclass(frozen=True)
class Digits:
    """Value i is ``offset + unit * sum_e multipliers[e] * tables[e][i]``.

    A digit is -1 or 1, or in -128..127, or in 0..255. `pads` are the digits of what a padded tap
    counts, offset left out.
    """

    offset: Fraction
    unit: Fraction
    multipliers: tuple[int, ...]
    tables: tuple[tuple[int, ...], ...]
    pads: tuple[int, ...]

    @property
    def cost(self) -> int:
        """About how long a product with all digits takes."""
        return sum(_SIGN_COST if set(t) <= {-1, 1} else _BYTE_COST for t in self.tables)


def gcd_of(values: tuple[Fraction, ...]) -> Fraction:
    """The largest number that all values are whole multiples of; 0 if all are 0."""
    bottom = math.lcm(*(v.denominator for v in values))
    return Fraction(math.gcd(*(int(v * bottom) for v in values)), bottom)


def _radix(values: list[int], signed: bool) -> list[tuple[int, ...]]:
    """The digits to base 256 of numbers, least significant first; signed bytes or unsigned ones."""
    tables = []
    while any(values):
        digits = [(v + 128) % 256 - 128 if signed else v % 256 for v in values]
        tables.append(tuple(digits))
        values = [(v - d) // 256 for v, d in zip(values, digits, strict=True)]
    return tables


def _by_bytes(values: tuple[int, ...], signed: bool) -> tuple[list[int], list[tuple[int, ...]]]:
    tables = _radix(list(values), signed)
    return [256**e for e in range(len(tables))], tables


def _by_mantissas(values: tuple[int, ...], signed: bool) -> tuple[list[int], list[tuple[int, ...]]]:
    """Bytes of the power of two in each value, apart for each odd part (powers of sqrt 2: two)."""
    odd = [abs(v) // (v & -v) if v else 0 for v in values]
    multipliers: list[int] = []
    tables: list[tuple[int, ...]] = []
    for part in sorted(set(odd) - {0}):
        powers = [v // part if o == part else 0 for v, o in zip(values, odd, strict=True)]
        own = _radix(powers, signed)
        least = next(e for e, table in enumerate(own) if any(table))
        multipliers += [part * 256**e for e in range(least, len(own))]
        tables += own[least:]
        if len(tables) > _MOST_DIGITS:
            break
    return multipliers, tables


def _by_signs(values: tuple[int, ...]) -> tuple[list[int], list[tuple[int, ...]], int]:
    """Signs: the values less the least are sums of some of a few numbers; residual levels are."""
    low = min(values)
    wanted = {v - low for v in values}
    parts: list[int] = []
    sums = {0: 0}  # a sum, and which parts are in it
    for v in sorted(wanted):
        if v not in sums:
            sums |= {s + v: chosen | 1 << len(parts) for s, chosen in sums.items()}
            parts.append(v)
        if len(parts) > _MOST_DIGITS:
            return [], [], 0
    # twice the value: 2 low + all parts + sum of sign times part
    tables = [tuple(1 if sums[v - low] >> e & 1 else -1 for v in values) for e in range(len(parts))]
    return parts, tables, 2 * low + sum(parts)


def _ways(whole: tuple[int, ...], unit: Fraction) -> Iterator[Digits]:
    for start in dict.fromkeys((0, min(whole))):
        rest = tuple(v - start for v in whole)
        common = math.gcd(*rest) or 1
        rest = tuple(v // common for v in rest)
        for make in (_by_bytes, _by_mantissas):
            multipliers, tables = make(rest, min(rest) < 0)
            none = (0,) * len(tables)
            yield Digits(unit * start, unit * common, tuple(multipliers), tuple(tables), none)
    parts, signs, centre = _by_signs(whole)
    if parts:
        half = unit / 2
        common = math.gcd(*parts)
        yield Digits(
            half * centre,
            half * common,
            tuple(p // common for p in parts),
            tuple(signs),
            (0,) * len(parts),
        )


def _fits(d: Digits) -> bool:
    return len(d.multipliers) <= _MOST_DIGITS and max(map(abs, d.multipliers), default=0) <= _MOST


def _padded(d: Digits, values: tuple[Fraction, ...], pad: Fraction) -> Digits:
    """With digits for what a padded tap counts: those of an equal value, or one digit more."""
    if pad in values:
        at = values.index(pad)
        return replace(d, pads=tuple(t[at] for t in d.tables))
    rest = pad - d.offset
    if not rest:
        return d
    unit = gcd_of((d.unit, rest))
    grown = int(d.unit / unit)
    multipliers = (*(grown * m for m in d.multipliers), int(rest / unit))
    none = (0,) * len(values)
    return Digits(d.offset, unit, multipliers, (*d.tables, none), (*d.pads, 1))


def value_digits(values: tuple[Fraction, ...], pad: Fraction | None) -> Digits | None:
    """The cheapest digits of some values, None if they need too many.

    `pad` is what padded taps count, if there are any.
    """
    unit = gcd_of(values) or Fraction(1)
    whole = tuple(int(v / unit) for v in values)
    found = []
    for way in _ways(whole, unit):
        padded = way if pad is None else _padded(way, values, pad)
        if padded.tables and _fits(padded):
            found.append(padded)
    return min(found, key=lambda d: d.cost, default=None)


def book_digits(codes: tuple[int, ...]) -> Digits | None:
    """Bytes for some whole codes, None if they need too many; offset 0 and unit 1."""
    found = []
    for make in (_by_bytes, _by_mantissas):
        multipliers, tables = make(codes, True)
        none = (0,) * len(tables)
        d = Digits(Fraction(0), Fraction(1), tuple(multipliers), tuple(tables), none)
        if d.tables and _fits(d):
            found.append(d)
    return min(found, key=lambda d: d.cost, default=None)
