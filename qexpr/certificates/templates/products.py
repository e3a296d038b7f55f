"""Squares and products recognised stage by stage (theory, G1 and G2).

A signal p, |p| <= 1, is held as s (p + 1). A square is a chain of pairs relu(a_i), relu(-a_i),

    a_0 = S v_0,   a_i = (|a_(i-1)|)/2 - S 4^-i = S 2^-i v_i,   v_i = |v_(i-1)| - 2^-i,

|v_0| <= 1, and sum_(i<=r) |a_i| = S (v_0^2 + (1 - 4^-(r+1))/3 - t) with 0 <= t <= 4^-(r+1). The
product of p and q is the difference of the chains of (p + q)/2 and (p - q)/2, so that it is off
by at most 4^-(r+1), and |product| <= min(|p|, |q|).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from qexpr.certificates.merged import Run, dyadic
from qexpr.certificates.templates.lattice import Lattice
from qexpr.certificates.templates.rules import AFFINE, LATTICE, OTHER
from qexpr.errors import CertificateError

__all__ = ["Product", "Products", "Signal"]

HALF = Fraction(1, 2)
Terms = dict[int, Fraction]


@dataclass(frozen=True, slots=True)
class Signal:
    """scale * (p + 1) with |p| <= 1 and |p - z^powers| <= errors * 4^-(r+1), z = 2x - 1.

    With a `plane` (a unit of the mesh) p is that plane's function instead; with a `wave`, the
    direction of its triangle wave V, p is 2 V^2 - 1 (`qexpr.certificates.templates.waves`).
    """

    scale: Fraction
    powers: tuple[int, ...]
    errors: int = 0
    plane: int | None = None
    wave: tuple[int, ...] | None = None


@dataclass(slots=True)
class Product:
    """A chain of squares (one: p = q) under way: its scale S, and every stage's units."""

    p: Signal
    q: Signal
    scale: Fraction
    stages: list[list[int]]

    @property
    def is_square(self) -> bool:
        """Whether there is a single chain."""
        return len(self.stages[0]) == 2

    @property
    def is_monomial(self) -> bool:
        """Whether both factors are powers of the coordinates."""
        return all(side.plane is None and side.wave is None for side in (self.p, self.q))


class Products:
    """The signals and products among a circuit's units."""

    def __init__(self, lattice: Lattice) -> None:
        self.lattice = lattice
        self.rules = lattice.rules
        self.signals: dict[int, Signal] = {}
        self.product_of: dict[int, Product] = {}

    def terms(self, unit: int) -> Terms:
        """The unit's sources with their weights."""
        return self.lattice.net.terms(unit)

    def signal(self, unit: int, scale: Fraction) -> Signal:
        """The unit as a signal of that scale.

        Raises
        ------
        CertificateError
            If it is none.
        """
        known = self.signals.get(unit)
        if known is not None and known.scale == scale:
            return known
        kind, d = self.rules.kind[unit], self.lattice.d
        if kind == LATTICE:
            values = self.lattice.known[unit]
            most = 2 * scale * self.lattice.N * Fraction(2) ** values.exponent
            if int(values.numbers.min()) >= 0 and int(values.numbers.max()) <= most:
                return Signal(scale, (0,) * d, 0, unit)
        if kind == AFFINE:
            row = self.rules.rows[unit, 0]
            size = dyadic(row.max(), self.rules.exponent[unit])
            powers = tuple(int(k > 0) for k in row[:-1])
            if sum(powers) == 1 and not row[-1] and size == 2 * scale:
                return Signal(scale, powers)
        raise CertificateError("a factor of a product is no function between -1 and 1 of its scale")

    # Chains ----------------------------------------------------------------------------------

    def fold(self, run: Run) -> None:
        """A run of a square's or a product's stage."""
        units = [self.terms(unit) for unit in range(run.first, run.first + run.size)]
        before = {id(p): p for p in (self.product_of.get(s) for s in units[0]) if p is not None}
        if run.size not in (2, 4) or len(before) > 1:
            raise CertificateError("a stage of a square or a product has two or four units")
        if before:
            product = next(iter(before.values()))
            self._next(product, units)
        else:
            product = self._first(units)
        product.stages.append(list(range(run.first, run.first + run.size)))
        for unit in product.stages[-1]:
            self.product_of[unit] = product
            self.rules.kind[unit] = OTHER

    def constant(self, terms: Terms) -> tuple[Fraction, Terms]:
        """The constant part of a sum, and the rest of it."""
        total, rest = Fraction(0), {}
        for unit, weight in terms.items():
            value = self.rules.constant_of(unit)
            if value is None:
                rest[unit] = weight
            else:
                total += weight * value
        return total, rest

    def _first(self, units: list[Terms]) -> Product:
        _require_pairs(units)
        constant, sources = self.constant(units[0])
        weights = set(sources.values())
        if len(weights) != 1 or len(sources) != len(units) // 2 or min(weights) <= 0:
            raise CertificateError("a product does not begin with the sum of its factors")
        w = weights.pop()
        scale = -constant / (w * len(sources))
        if scale <= 0:
            raise CertificateError("a product does not begin with the sum of its factors")
        factors = [self.signal(unit, scale) for unit in sources]
        if len(factors) == 1:
            return Product(factors[0], factors[0], w * scale, [])
        offset, difference = self.constant(units[2])
        if offset or set(difference) != set(sources) or sorted(difference.values()) != [-w, w]:
            raise CertificateError("a product's second square is not that of the difference")
        return Product(factors[0], factors[1], 2 * w * scale, [])

    def _next(self, product: Product, units: list[Terms]) -> None:
        last, stage = product.stages[-1], len(product.stages)
        if len(units) != len(last):
            raise CertificateError("the stages of a product differ in size")
        _require_pairs(units)
        for square in range(len(units) // 2):
            constant, sources = self.constant(units[2 * square])
            pair = last[2 * square : 2 * square + 2]
            if sources != dict.fromkeys(pair, HALF) or constant != -product.scale / 4**stage:
                raise CertificateError("a stage of a square does not fold the one before it")

    # Sums of chains --------------------------------------------------------------------------

    def collect(self, terms: Terms, stages: int) -> tuple[list[tuple[Product, Fraction]], Terms]:
        """Products in full among a sum's terms, each with its weight times S; and the rest."""
        found = {id(p): p for p in (self.product_of.get(s) for s in terms) if p is not None}
        out, rest = [], {s: w for s, w in terms.items() if s not in self.product_of}
        for product in found.values():
            weight = terms.get(product.stages[0][0])
            signs = (1, 1, -1, -1)[: len(product.stages[0])]
            whole = weight is not None and len(product.stages) == stages and weight > 0
            for units in product.stages:
                whole = whole and all(
                    terms.get(u) == s * weight  # type: ignore[operator]
                    for u, s in zip(units, signs, strict=True)
                )
            if not whole or weight is None:
                raise CertificateError("a sum does not take every stage of a product alike")
            out.append((product, weight * product.scale))
        return out, rest

    def monomial(self, unit: int, stages: int) -> None:
        """A unit scale * (p q + 1), from one product or square of monomials."""
        found, rest = self.collect(self.terms(unit), stages)
        constant, rest = self.constant(rest)
        if len(found) != 1 or rest or not found[0][0].is_monomial:
            raise CertificateError("a monomial is not one product and a constant")
        product, scale = found[0]
        # a square's sum at 0 is S (1 - 4^-r)/3
        at_zero = (1 - Fraction(1, 4 ** (stages - 1))) / 3 if product.is_square else Fraction(0)
        if constant != scale * (1 - at_zero):
            raise CertificateError("a monomial's constant is not the one that shifts it")
        powers = tuple(a + b for a, b in zip(product.p.powers, product.q.powers, strict=True))
        errors = 1 + product.p.errors + product.q.errors
        self.signals[unit] = Signal(scale, powers, errors)
        self.rules.kind[unit] = OTHER

    def scaled(self, unit: int) -> bool:
        """Whether the unit is a positive multiple of a signal; it is one then."""
        terms = self.terms(unit)
        if len(terms) != 1:
            return False
        (source, weight), *_ = terms.items()
        known = self.signals.get(source)
        if known is None or weight <= 0:
            return False
        self.signals[unit] = replace(known, scale=known.scale * weight)
        self.rules.kind[unit] = OTHER
        return True


def _require_pairs(units: list[Terms]) -> None:
    """Every second unit is the negative of the one before it."""
    for first, second in zip(units[::2], units[1::2], strict=True):
        if {u: -w for u, w in first.items()} != second:
            raise CertificateError("a stage of a square is no pair of opposite sums")
