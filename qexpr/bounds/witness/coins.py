"""What weights cost over an alphabet whose largest power of two is u = 2^-b, in closed form.

A weight is an integer number of units u. Over values +-1/2 a weight of k units takes k edges;
over the odd multiples of 2^-b up to 2^b - 1 it takes the least k' = k mod 2 with k' (2^b - 1) >= k.
The sources x_k and 1 cannot be copied, so that their weights of several edges go through
first-layer copies.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Rungs", "Used", "coins", "digits", "least_log"]


def coins(units: int, b: int) -> int:
    """The least number of edges whose values add up to a weight of so many units, >= 1."""
    if b == 1:
        return units
    most = (1 << b) - 1
    edges = -(-units // most)
    return edges + ((edges - units) & 1)


def least_log(number: int, b: int) -> int:
    """The least k >= 0 with 2^(b k) >= number."""
    return -(-(number - 1).bit_length() // b) if number > 1 else 0


def digits(odd: int, power: int, b: int) -> list[tuple[int, int]]:
    """odd * 2^power as a sum of a * u^(k+1), 0 < a < 1/u, given as pairs (k, a)."""
    if power >= 0:
        number, places = odd << power, 0
    else:
        places = -(power // b)
        number = odd << (power + b * places)
    found, k, mask = [], places - 1, (1 << b) - 1
    while number:
        low = (number & -number).bit_length() - 1
        skip = low // b
        number >>= b * skip
        k -= skip
        found.append((k, number & mask))
        number >>= b
        k -= 1
    return found


class Used(NamedTuple):
    """What joining a unit to others costs: their edges, and the depth of what they come from."""

    edges: int
    depth: int


class Rungs:
    """The units u^k * source of one source: one edge each down from it, 1/u each upwards.

    Parameters
    ----------
    b : int
    depth : int
        Of the source.
    is_input : bool
        Whether the source is a variable or the constant 1, which have no copies of their own.
    """

    __slots__ = ("b", "copies", "depth", "highest", "is_input", "lowest", "split")

    def __init__(self, b: int, depth: int = 0, is_input: bool = True) -> None:
        self.b = b
        self.depth = depth
        self.is_input = is_input
        self.lowest = self.highest = 0
        self.copies: dict[int, int] = {}
        self.split = 0  # copies of what replaces an input where it has a weight of several edges

    def at(self, k: int) -> int:
        """Join u^k * source to a unit by a single edge: the depth of what it comes from."""
        if k > self.highest:
            self.highest = k
        elif k < self.lowest:
            self.lowest = k
        if k >= 0:
            return self.depth + k
        behind = 0 if not self.is_input else 1 if self.b == 1 else 2
        return self.depth + behind - k

    def reach(self, first: int, last: int) -> None:
        """Join all from u^first * source to u^last * source, by single edges."""
        self.at(first)
        self.at(last)

    def use(self, k: int, units: int = 1, number: int = 1) -> Used:
        """Join u^k * source to `number` units by a weight of `units` u each."""
        depth = self.at(k)
        if units == 1:
            return Used(number, depth)
        if k == 0 and self.is_input:
            edges, depth = self._from_input(units)
            return Used(edges * number, depth)
        cost = coins(units, self.b)
        if cost > 1 and cost > self.copies.get(k, 1):
            self.copies[k] = cost
        return Used(cost * number, depth)

    def _from_input(self, units: int) -> tuple[int, int]:
        """One direct edge, and the rest through copies: of source/2 where u = 1/2, else in full."""
        b = self.b
        count = coins(units, b)
        if count == 1:
            return 1, 0
        if b == 1:
            rest = 2 * (units - 1)
        else:
            # the largest coin that leaves at least -1 for each of the others
            rest = coins(abs(units - min((1 << b) - 1, units + count - 1)), b)
        self.split = max(self.split, rest)
        return 1 + rest, 1 if b == 1 else 2

    def edges(self) -> int:
        """All edges between these units, those into copies included."""
        total = self.highest
        up = 0
        for k, copies in self.copies.items():
            total += copies - 1 if k > 0 else 0
        for k in range(self.lowest, 0):
            # a unit that is doubled further is copied for it
            copies = max(self.copies.get(k, 1), up)
            up = self.use(k + 1, 1 << 2 * self.b).edges
            total += copies * up
        if self.split:
            total += self.split if self.b == 1 else 3 * self.split + 2
        return total
