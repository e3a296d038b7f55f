"""Triangle waves and their squares recognised fold by fold (theory, bubbles).

With y = N x_k on [0, N], or N (x_0 - x_1), and K the least power of two that is at least N, a chain
of pairs relu(a_i), relu(-a_i),

    a_0 = s (y - K/2)   (or s (x_0 - x_1) N, and then a_1 folds at K/2),
    a_i = |a_(i-1)| / 2 - 2^-i s c_i,   c_i half of c_(i-1),

brings y to a fold at 1/2: S v, v the triangle wave that is 1 at even and -1 at odd y. Then
sum_(i<=r) |a_i| = S (v^2 + e + (1 - 4^-r)/3), 0 <= e <= 4^-(r+1).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from qexpr.certificates.merged import Run
from qexpr.certificates.templates.products import Products, Signal
from qexpr.certificates.templates.rules import ABOVE, OTHER
from qexpr.errors import CertificateError

__all__ = ["Waves"]

HALF = Fraction(1, 2)


@dataclass(slots=True)
class _Chain:
    """Pairs so far; the last one is `scale` times (its argument - centre) folded at `centre`."""

    direction: tuple[int, ...]
    scale: Fraction
    centre: Fraction
    pairs: list[list[int]]
    S: Fraction = Fraction(0)
    first: int = -1  # the pair that holds S v


class Waves:
    """The chains of folds among a circuit's units, and the bubbles made of them."""

    def __init__(self, products: Products, N: int) -> None:
        self.products, self.rules, self.N = products, products.rules, N
        self.chain_of: dict[int, _Chain] = {}

    def fold(self, run: Run) -> None:
        """A run of one pair: the first of a chain, or the one behind another."""
        pair = [run.first, run.first + 1]
        terms = self.rules.net.terms(run.first)
        before = {id(c): c for c in map(self.chain_of.get, terms) if c is not None}
        if not before:
            chain = self._first(run, pair)
        elif len(before) == 1:
            chain = next(iter(before.values()))
            self._next(chain, pair)
        else:
            raise CertificateError("a fold reads two chains")
        chain.pairs.append(pair)
        if chain.centre == HALF:
            chain.S, chain.first = chain.scale / 2, len(chain.pairs) - 1
        for unit in pair:
            self.chain_of[unit] = chain
            self.rules.kind[unit] = OTHER

    def _first(self, run: Run, pair: list[int]) -> _Chain:
        rules, N, d = self.rules, self.N, self.products.lattice.d
        if not rules.recognise(run) or any(
            rules.kind[unit] != ABOVE or rules.count[unit] != 1 for unit in pair
        ):
            raise CertificateError("a chain of folds does not begin with a pair of a line")
        row, other = (rules.rows[unit, 0] for unit in pair)
        exponents = {int(rules.exponent[unit]) for unit in pair}
        if len(exponents) != 1 or (row != -other).any():
            raise CertificateError("a fold is no pair of opposite sums")
        slope = [int(value) for value in row[:-1]]
        size, constant = max(slope), Fraction(int(row[-1]))
        direction = tuple((value > 0) - (value < 0) for value in slope)
        power = Fraction(1 << (N - 1).bit_length())
        unit = Fraction(2) ** exponents.pop()
        if [size * sign for sign in direction] != slope or direction.count(1) != 1:
            raise CertificateError("a chain of folds is not along a direction of the mesh")
        scale = Fraction(size, N)
        if sum(map(abs, direction)) == 1 and constant == -scale * power / 2:
            return _Chain(direction, scale / unit, power / 2, [])
        if d == 2 and direction == (1, -1) and not constant:
            return _Chain(direction, scale / unit, power, [])
        raise CertificateError("a chain of folds does not begin at the middle of its line")

    def _next(self, chain: _Chain, pair: list[int]) -> None:
        products = self.products
        first, second = (self.rules.net.terms(unit) for unit in pair)
        if {u: -w for u, w in first.items()} != second:
            raise CertificateError("a fold is no pair of opposite sums")
        constant, sources = products.constant(first)
        chain.scale, chain.centre = chain.scale / 2, chain.centre / 2
        if sources != dict.fromkeys(chain.pairs[-1], HALF):
            raise CertificateError("a fold does not halve the pair before it")
        if constant != -chain.scale * chain.centre:
            raise CertificateError("a fold is not at the middle of what is left")

    def bubble(self, unit: int, folds: int) -> None:
        """A unit that holds sigma * 2 v^2, from the last folds + 1 pairs of a chain."""
        constant, sources = self.products.constant(self.rules.net.terms(unit))
        chains = {id(c): c for c in map(self.chain_of.get, sources) if c is not None}
        if len(chains) != 1:
            raise CertificateError("a bubble is not made of one chain of folds")
        chain = next(iter(chains.values()))
        weight = max(sources.values())
        pairs = chain.pairs[chain.first :] if chain.first >= 0 else []
        if len(pairs) != folds + 1 or weight <= 0:
            raise CertificateError(f"a bubble is not made of {folds} folds of its wave")
        if sources != dict.fromkeys([u for pair in pairs for u in pair], weight):
            raise CertificateError("a bubble does not take every fold of its wave alike")
        if constant != -weight * chain.S * (1 - Fraction(1, 4**folds)) / 3:
            raise CertificateError("a bubble's constant is not that of its folds")
        none = (0,) * len(chain.direction)
        self.products.signals[unit] = Signal(weight * chain.S / 2, none, wave=chain.direction)
        self.rules.kind[unit] = OTHER
