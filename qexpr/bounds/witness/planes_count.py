"""How many edges a shared bit-plane network has, part by part."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from qexpr.bounds.witness.amplify import amplify, take_off
from qexpr.bounds.witness.hats import hats
from qexpr.bounds.witness.ledger import Ledger, Unit, signed_places
from qexpr.bounds.witness.taylor import orders, ranges
from qexpr.core.query import Alphabet
from qexpr.core.search import Planes

__all__ = ["PlanesCount", "count", "halves", "hat_edges", "plane_units", "steps_of"]

Order = tuple[int, ...]


class PlanesCount(NamedTuple):
    """Edges of everything, free edges, and the depth."""

    weights: int
    free: int
    depth: int


@lru_cache(maxsize=512)
def steps_of(alphabet: Alphabet, t: int) -> tuple[int, ...]:
    """The k for which 2^-k is a value: b alone, or 1 and ceil(t^(j/(lam-1))), t large enough."""
    if alphabet.kind == "linear":
        return (alphabet.size,)
    lam = alphabet.lam
    while True:
        found = [1]
        for j in range(1, lam - 1):
            k = round(t ** (j / (lam - 1)))
            while k ** (lam - 1) >= t**j:
                k -= 1
            while k ** (lam - 1) < t**j:
                k += 1
            if k <= found[-1]:
                break
            found.append(k)
        else:
            return tuple(found)
        t += 1


@lru_cache(maxsize=1024)
def halves(a: Order) -> tuple[Order, Order]:
    """The factors of z^a: its square root, or about half of the degree each."""
    if not any(k & 1 for k in a):
        root = tuple(k // 2 for k in a)
        return root, root
    left, need = [], (sum(a) + 1) // 2
    for k in a:
        left.append(min(k, need))
        need -= left[-1]
    return tuple(left), tuple(k - j for k, j in zip(a, left, strict=True))


class _Monomials:
    """z^a, z = 2x - 1: a product or a square for each, at the largest scale that anyone needs."""

    def __init__(self, book: Ledger, r: int) -> None:
        self.book, self.r = book, r
        self.powers: dict[Order, int] = {}
        self.made: dict[Order, tuple[Unit, int]] = {}

    def fits(self, wanted: dict[Order, int]) -> bool:
        """Settle the scales' powers; false where one is above the variables' own."""
        b, powers = self.book.b, dict(wanted)
        for degree in range(max(map(sum, wanted), default=0), 1, -1):
            for a in [a for a in powers if sum(a) == degree]:
                left, right = halves(a)
                need = powers[a] + 2 * b - (left != right)
                for part in (left, right):
                    powers[part] = max(need, powers.get(part, need))
        self.powers = powers
        return all(power < 0 for power in powers.values())

    def at(self, a: Order, power: int) -> Unit:
        """2^power (z^a + 1)."""
        book, b, r = self.book, self.book.b, self.r
        if sum(a) == 1:
            return book.scaled(book.inputs[a.index(1)], -1 - power)
        if a not in self.made:
            left, right = halves(a)
            top = self.powers[a]
            if left == right:
                first, scale = self._square(self.at(left, top + 2 * b), top + 2 * b)
                made = book.unit()
                # 1 - sq_r(0) = (2 + 4^-r)/3
                offset, exponent = ((2 << 2 * r) + 1) // 3, -2 * r
            else:
                factor = top - 1 + 2 * b
                first, scale = self.product(self.at(left, factor), self.at(right, factor), factor)
                made, offset, exponent = book.unit(), 1, 0
            self.sum(first, scale, made)
            book.add(made, offset, exponent - b + scale)
            self.made[a] = made, scale - b
        unit, held = self.made[a]
        return book.scaled(unit, held - power)

    def product(self, p: Unit, q: Unit, power: int) -> tuple[Unit, int]:
        """The four units +-(p + q), +-(p - q), and the power of two of their scale."""
        book = self.book
        first = book.unit(4)
        for source in (p, q):
            book.join(source, first, 4)
        book.join(book.constant(power + 1), first, 2)
        return first, power + 1 - book.b

    def _square(self, p: Unit, power: int) -> tuple[Unit, int]:
        book = self.book
        first = book.unit(2)
        book.join(p, first, 2)
        book.join(book.constant(power), first, 2)
        return first, power - book.b

    def sum(self, first: Unit, power: int, target: Unit) -> None:
        """Fold r times, and add u times all that came up: |v_i| = ||v_(i-1)| - 2^-i|."""
        book, last = self.book, first
        book.join(first, target, first.size)
        for i in range(1, self.r + 1):
            made = book.unit(first.size)
            book.join(last, made, 2 * first.size, -1)
            book.join(book.constant(power + 1 - 2 * i), made, first.size, -1)
            book.join(made, target, first.size)
            last = made


@lru_cache(maxsize=1024)
def _chain(
    b: int, steps: tuple[int, ...], planes: int
) -> tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]:
    """What enters each plane: planes below it, and constants by their exponents over the hats'."""
    nonlinear = len(steps) > 1 or steps[0] == 1
    feeds: list[list[tuple[int, int]]] = [[] for _ in range(planes)]
    for k in range(1, planes):
        step = max(s for s in steps if k % s == 0) if nonlinear else b
        feeds[k - step if nonlinear else k - 1].append((k, step))
    found = []
    for entering in feeds:
        # what the shifts that come in lack of 1
        fine = max((step for _, step in entering), default=0)
        lack = (1 << fine) - sum(1 << fine - step for _, step in entering)
        zeros = lack.bit_length() - 1
        single = not nonlinear or (lack & (lack - 1) == 0 < lack and fine - zeros in steps)
        constants = [0] if entering and single else [b + k - fine for k in signed_places(lack)]
        found.append((tuple(feed for feed, _ in entering), tuple(constants)))
    return tuple(found)


def plane_units(
    book: Ledger, phi: Unit, power: int, planes: int, size: int = 1, edges: int | None = None
) -> Unit:
    """The first plane's unit: every plane has an edge from each hat, and from planes below it.

    `size` such chains alike have `edges` from hats in all, for each of their planes. All edges are
    single ones, so that no plane has copies.
    """
    number = phi.size if edges is None else edges
    depths, edges = [0] * planes, 0
    for k, (feeds, constants) in reversed(tuple(enumerate(_chain(book.b, book.steps, planes)))):
        deepest = phi.depth
        for feed in feeds:
            deepest = max(deepest, depths[feed])
        for above in constants:
            deepest = max(deepest, book.constant(power + above).depth)
        depths[k] = deepest + 1
        edges += number + size * (len(feeds) + len(constants))
    book.free += number * planes
    book.unit(size).edges = edges
    made = book.unit(size)
    made.depth = depths[0]
    return made


def _scale(book: Ledger, full: int, C: list[int], monomials: _Monomials, kept: list[Order]) -> int:
    """The power of the largest S with S C_0 <= full, S C_a <= 2 u full, steps down single edges."""
    b, power = book.b, full - C[0]
    while True:
        downs = [full - power - C[0], *(1 - b + full - power - c for c in C[1:])]
        wanted = {a: power + c - 1 + b for a, c in zip(kept, C[1:], strict=True)}
        if all(k == 0 or k >= book.steps[0] for k in downs) and monomials.fits(wanted):
            return power
        power -= 1


def offset_of(eps_top: int, eps_bottom: int) -> tuple[int, int]:
    """The least of 5/4, 3/2, 2 that is at least 1 + eps, in quarters."""
    for quarters in (5, 6, 8):
        if (quarters - 4) * eps_bottom >= 4 * eps_top:
            return quarters, -2
    raise ValueError("eps must be below 1")


def count(d: int, n: int, alphabet: Alphabet, offset: tuple[int, int], plan: Planes) -> PlanesCount:
    """Count a plan; `offset` keeps the sum of all terms from being clipped."""
    b = alphabet.size if alphabet.kind == "linear" else 1
    book = Ledger(b, steps_of(alphabet, max(plan.planes)), d)
    phi, full = hats(book, plan.N)
    indices, exponents = orders(d, n), ranges(d, n)
    kept = [i for i, p in enumerate(plan.planes) if p]
    held = {i: plane_units(book, phi, full, plan.planes[i]) for i in kept}
    monomials = _Monomials(book, plan.r)
    power = _scale(
        book,
        full,
        [exponents[i] for i in kept],
        monomials,
        [indices[i] for i in kept if i],
    )
    total = book.unit()
    for i in kept:
        if i == 0:
            book.join(book.scaled(held[0], full - power - exponents[0]), total, 1)
            continue
        s = power + exponents[i] - 1 + b
        p = book.scaled(held[i], full - s)
        first, scale = monomials.product(p, monomials.at(indices[i], s), s)
        monomials.sum(first, scale, total)
    # offset - C_0
    quarters, two = offset
    lowest = min(two, exponents[0])
    rest = (quarters << two - lowest) - (1 << exponents[0] - lowest)
    book.add(total, abs(rest), lowest + power - b)
    output = book.unit()
    amplify(book, total, output, b - power)
    take_off(book, output, offset[0])
    return PlanesCount(book.total(), book.free, output.depth)


@lru_cache(maxsize=1024)
def hat_edges(d: int, N: int, alphabet: Alphabet, t: int) -> int:
    """The edges that make the hats, which no plan with them has fewer of."""
    b = alphabet.size if alphabet.kind == "linear" else 1
    book = Ledger(b, steps_of(alphabet, t), d)
    hats(book, N)
    return book.total()
