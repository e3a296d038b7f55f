"""What a step function hands on: one byte for each of its values."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from qexpr_runtime.digits import gcd_of

__all__ = ["Emitted", "bytes_of", "codes_of"]

Grid = tuple[Fraction, Fraction]  # offset and step


@dataclass(frozen=True)
class Emitted:
    """The bytes of a step function: value i has codes[i].

    With a `grid`, a code q stands for offset + step * q; else codes are the places of the values in
    ascending order, from 0. Codes ascend with the values either way.
    """

    values: tuple[Fraction, ...]
    codes: tuple[int, ...]
    grid: Grid | None

    @property
    def emits(self) -> int:
        """1 for signed bytes, 2 for unsigned ones."""
        return 1 if min(self.codes) < 0 else 2

    @property
    def largest(self) -> int:
        """The largest magnitude of a code."""
        return max(map(abs, self.codes))

    def by_code(self) -> tuple[tuple[int, ...], tuple[Fraction, ...]]:
        """Each code once, and its value."""
        pairs = dict(zip(self.codes, self.values, strict=True))
        return tuple(pairs), tuple(pairs.values())


def codes_of(values: tuple[Fraction, ...]) -> Emitted | None:
    """The codes of some values, if they are few enough for bytes."""
    distinct = sorted(set(values))
    step = gcd_of(tuple(distinct)) or Fraction(1)
    grids = [(Fraction(0), step)]
    if len(distinct) == 2:
        low, high = distinct
        grids.append(((low + high) / 2, (high - low) / 2))
    if len(distinct) > 1:
        least = distinct[0]
        grids.append((least, gcd_of(tuple(v - least for v in distinct))))
    for offset, size in grids:
        codes = tuple(int((v - offset) / size) for v in values)
        lo, hi = (-128, 127) if min(codes) < 0 else (0, 255)
        if lo <= min(codes) and max(codes) <= hi:
            return Emitted(values, codes, (offset, size))
    if len(distinct) > 256:
        return None
    place = {v: k for k, v in enumerate(distinct)}
    return Emitted(values, tuple(place[v] for v in values), None)


def bytes_of(scale: Fraction, offset: Fraction) -> Emitted:
    """The bytes of an input rule."""
    codes = tuple(range(256))
    return Emitted(tuple(offset + scale * q for q in codes), codes, (offset, scale))
