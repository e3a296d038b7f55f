"""The exact values of an alphabet, and the coin problem: a weight as a shortest sum of them.

Source: Ding et al. (2019), arXiv:1802.03646, section 3 (the nonlinear values) and section 4.2
(linear quantization). Zero is never a member: an absent edge is not a weight.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from qexpr.core.numbers import read_integer
from qexpr.core.query import Alphabet, read_alphabet
from qexpr.errors import InvalidInput, shorten

__all__ = ["REAL", "Values", "is_dyadic", "least_t", "values_of"]

HALF = Fraction(1, 2)
MAX_VALUES = 2**16
MAX_COINS = 10**6
_MOST_NONLINEAR = 21  # whose least value is 2^-1052, 319 characters in a file


def is_dyadic(value: Fraction) -> bool:
    """Whether the denominator is a power of two."""
    return value.denominator & (value.denominator - 1) == 0


def _exponents(lam: int, t: int) -> tuple[int, ...]:
    """1 and ceil(t^(j/(lam-1))), j = 1..lam-2: the least k with k^(lam-1) >= t^j, in integers."""
    out = [1]
    for j in range(1, lam - 1):
        k = out[-1]
        while k ** (lam - 1) < t**j:
            k += 1
        out.append(k)
    return tuple(out)


@lru_cache(maxsize=256)
def least_t(lam: int, t: int = 1) -> int:
    """The least t' >= t for which the nonlinear alphabet has `lam` distinct values.

    The exponents ceil(t^(j/(lam-1))) are distinct exactly where each is above j: powers of t are
    convex in j, so once above their index they stay a whole step apart. And t^j > j^(lam-1) is
    hardest for j = 3, or the largest j below it.
    """
    j = min(3, lam - 2)
    if j < 1:
        return t
    if lam > _MOST_NONLINEAR:
        raise InvalidInput(
            f"{lam} distinct powers of two reach down to values that no circuit can hold: "
            f"nonlinear alphabets have at most {_MOST_NONLINEAR} values, linear ones up to 16 bits"
        )
    while t**j <= j ** (lam - 1):
        t += 1
    return t


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """The values that edges may take; made once each by `values_of`, so compared by identity.

    Parameters
    ----------
    name : str
        ``nonlinear:4``, ``linear:2`` or ``real``.
    t : int or None
        The parameter of a nonlinear alphabet.
    members : tuple of Fraction
        Ascending; empty for ``real``, where every dyadic rational is a member.
    """

    name: str
    t: int | None
    members: tuple[Fraction, ...]

    @property
    def is_real(self) -> bool:
        """Whether every dyadic rational is a member (the unquantized comparison)."""
        return not self.members

    @property
    def unit(self) -> Fraction:
        """The largest power of two among the values: what a halving step multiplies with."""
        return Fraction(1, self.members[-1].denominator) if self.members else HALF

    @property
    def smallest(self) -> Fraction:
        """The smallest positive value; every multiple of it is a sum of values."""
        return self.members[bisect_right(self.members, 0)] if self.members else HALF

    @property
    def bits_per_weight(self) -> int:
        """ceil(log2 lam), 0 for ``real``, which has no finite alphabet."""
        return (len(self.members) - 1).bit_length() if self.members else 0

    def coins(self, weight: Fraction) -> tuple[Fraction, ...]:
        """A shortest sum of values that equals `weight`, largest coin first.

        Nonlinear: -1/2 as often as needed, then greedily, which is shortest since each value
        divides the next larger one. Linear, b bits: k odd multiples of 2^-b reach exactly the
        multiples J 2^-b with J = k mod 2 and |J| <= k (2^b - 1).
        """
        if weight == 0:
            raise InvalidInput("a weight must not be 0: leave the edge out")
        if self.is_real:
            return (weight,)
        return _coins(self, weight)

    def exactly(self, weight: Fraction, edges: int) -> tuple[Fraction, ...]:
        """`weight` as a sum of exactly `edges` values: what a free weight always occupies."""
        if self.is_real and edges == 1:
            return (weight,)
        coins = self.coins(weight) if weight else ()
        spare = edges - len(coins)
        if spare < 0 or spare % 2:
            raise InvalidInput(
                f"{weight} is no sum of exactly {edges} values of {self.name}; "
                f"the shortest takes {len(coins)}, and more come in pairs"
            )
        top = HALF if HALF in self.members else self.members[-1]
        return (*coins, *((top, -top) * (spare // 2)))


@lru_cache(maxsize=2**16)
def _coins(values: Values, weight: Fraction) -> tuple[Fraction, ...]:
    total = weight / values.smallest
    if total.denominator != 1:
        raise InvalidInput(
            f"the weight {shorten(weight)} is no multiple of {values.smallest}, the smallest value "
            f"of {values.name}: use halving units"
        )
    if values.name.startswith("linear"):
        odd, most = int(total), values.members[-1].denominator - 1
        count = -(-abs(odd) // most)
        count += (count - odd) % 2
        out, rest, sign = [], abs(odd), values.smallest if odd > 0 else -values.smallest
        for left in range(count - 1, -1, -1):
            coin = min(most, rest + left)  # odd, and leaves at least -1 for each other coin
            out.append(sign * coin)
            rest -= coin
        return tuple(out)
    negative = max(0, -((weight / HALF).numerator // (weight / HALF).denominator))
    coins, left_over = [-HALF] * negative, weight + negative * HALF
    if left_over / values.smallest > MAX_COINS and not _is_cheap(values, left_over):
        raise InvalidInput(f"the weight {shorten(weight)} takes too many values of {values.name}")
    for value in reversed(values.members):
        if value > 0 and left_over:
            number = left_over // value
            coins += [value] * number
            left_over -= number * value
    return tuple(coins)


def _is_cheap(values: Values, rest: Fraction) -> bool:
    number = 0
    for value in reversed(values.members):
        if value > 0:
            number += rest // value
            rest %= value
    return number <= MAX_COINS


REAL = Values("real", None, ())


@lru_cache(maxsize=256)
def _build(alphabet: Alphabet, t: int) -> Values:
    lam = alphabet.lam
    if lam > MAX_VALUES:
        raise InvalidInput(
            f"a circuit's alphabet has at most 2^16 values, got {alphabet}: "
            f"use nonlinear up to {_MOST_NONLINEAR} or linear up to 16 bits"
        )
    if alphabet.kind == "linear":
        members = tuple(Fraction(j, lam) for j in range(1 - lam, lam, 2))
        return Values(str(alphabet), None, members)
    t = least_t(lam, t)
    positive = sorted(Fraction(1, 2**k) for k in _exponents(lam, t))
    return Values(str(alphabet), t, (-HALF, *positive))


def values_of(alphabet: object, t: int = 1) -> Values:
    """The values of an alphabet, t raised to the least legal one.

    Parameters
    ----------
    alphabet : Alphabet, str or int
        As `qexpr.core.query.read_alphabet` takes it.
    t : int
        The largest number of digits that the circuit uses (nonlinear alphabets only).
    """
    return _build(read_alphabet(alphabet), read_integer(t, "t", 1, 10**6))
