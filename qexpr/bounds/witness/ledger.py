"""Counting by groups of alike units: the edges into a group, its depth, and how often it is copied.

A weight of k edges needs k copies of the unit that it comes from, and all copies have the same
edges into them, so a network has the sum over groups of (edges in) * (copies).
"""

from __future__ import annotations

from qexpr.bounds.witness.coins import Rungs, coins

__all__ = ["Ledger", "Unit", "signed_places"]


def signed_places(number: int) -> list[int]:
    """The places of a number's nonzero signed digits, no two of them next to each other."""
    found, place = [], 0
    while number:
        if number & 1:
            found.append(place)
            number -= 2 - number % 4
        number //= 2
        place += 1
    return found


class Unit:
    """A group of `size` units at one depth; sources are counted by their rungs."""

    __slots__ = ("copies", "depth", "edges", "rungs", "scaled", "size")

    def __init__(self, size: int = 1, rungs: Rungs | None = None) -> None:
        self.size = size
        self.depth = 0
        self.edges = 0
        self.copies = 1
        self.rungs = rungs  # of a source, for what replaces it
        self.scaled: dict[int, Unit] = {}


class Ledger:
    """A network as its groups.

    Parameters
    ----------
    b : int
        For u = 2^-b, the largest power of two among the values.
    steps : tuple of int
        The k for which 2^-k is a value, ascending.
    """

    def __init__(self, b: int, steps: tuple[int, ...], inputs: int) -> None:
        self.b = b
        self.steps = steps
        self.units: list[Unit] = []
        self.free = 0
        self.inputs = [self._source() for _ in range(inputs)]
        self.one = self._source()
        self._multiples: dict[tuple[int, int, int], Unit] = {}

    def _source(self) -> Unit:
        return Unit(rungs=Rungs(self.b))

    def unit(self, size: int = 1) -> Unit:
        """A group without edges."""
        made = Unit(size)
        self.units.append(made)
        return made

    def join(self, source: Unit, target: Unit, number: int, power: int | None = None) -> None:
        """So many edges of weight 2^power, u where it is not given."""
        if number <= 0:
            return
        cost, depth = 1, source.depth
        if power is not None and power > -self.b:  # others are steps of the alphabet
            cost = coins(1 << power + self.b, self.b)
            if source.rungs is None:
                source.copies = max(source.copies, cost)
            elif cost > 1:
                cost, depth = source.rungs.use(0, 1 << power + self.b)
        target.edges += number * cost
        if depth >= target.depth:
            target.depth = depth + 1

    def total(self) -> int:
        """All edges."""
        edges = sum(unit.edges * unit.copies for unit in self.units)
        for source in (*self.inputs, self.one):
            assert source.rungs is not None
            edges += source.rungs.edges()
        return edges

    def scaled(self, unit: Unit, k: int) -> Unit:
        """2^-k times a unit, by the longest steps of one edge."""
        if k == 0:
            return unit
        if k not in unit.scaled:
            if len(self.steps) == 1 and k % self.b:
                step = k % self.b  # last, so that the unit itself is read by one edge
            else:
                step = max(s for s in self.steps if s <= k)
            before = self.scaled(unit, k - step)
            made = self.unit(unit.size)
            self.join(before, made, unit.size, -step)
            unit.scaled[k] = made
        return unit.scaled[k]

    def constant(self, power: int) -> Unit:
        """2^power, at most 1."""
        return self.scaled(self.one, -power)

    def add(self, target: Unit, number: int, power: int, times: int = 1) -> None:
        """Add number * 2^power to `times` units: an edge of u for each nonzero signed digit."""
        for place in signed_places(number):
            at = power + self.b + place
            if at > 0:
                self.join(self.one, target, times, at - self.b)
            else:
                self.join(self.constant(at), target, times)

    def combine(self, parts: list[tuple[Unit, int]], power: int) -> Unit:
        """2^power times the sum of number * source: an edge of u for each binary digit."""
        places = [
            self.scaled(source, -self.b - i - power)
            for source, number in parts
            for i in range(number.bit_length())
            if number >> i & 1
        ]
        made = self.unit()
        for place in places:
            self.join(place, made, 1)
        return made

    def multiple(self, source: Unit, number: int, power: int) -> Unit:
        """number * 2^power * source; made once."""
        if number & (number - 1) == 0:
            return self.scaled(source, -(power + number.bit_length() - 1))
        key = id(source), number, power
        if key not in self._multiples:
            self._multiples[key] = self.combine([(source, number)], power)
        return self._multiples[key]
