"""How many edges a multiresolution network has, level by level, alike units counted together."""

from __future__ import annotations

from fractions import Fraction

from qexpr.bounds.witness.amplify import amplify, take_off
from qexpr.bounds.witness.hats import hats
from qexpr.bounds.witness.ledger import Ledger, Unit
from qexpr.bounds.witness.planes_count import PlanesCount, halves, plane_units, steps_of
from qexpr.bounds.witness.taylor import orders
from qexpr.core.levels import Tree
from qexpr.core.query import Alphabet

__all__ = ["count", "wave_folds"]

Order = tuple[int, ...]


def wave_folds(side: int, s: int, p: int) -> tuple[int, int]:
    """The folds M and the first one's place, in half blocks: 2^k -+ 1 within reach of all blocks.

    The blocks of 2^s nodes lie between 1/2 and side 2^s - 1/2, at most 2^M blocks from the fold.
    """
    wide = (side << s + 1) - 1  # in half cells
    M = 1
    while True:
        # 3, 7, 15, .. for p = 0 and 5, 9, 17, .. for p = 1
        m, k = (3, 4) if p == 0 else (5, 4)
        while (m << s) - 1 <= 1 << M + s + 1:
            if wide - (m << s) <= 1 << M + s + 1:
                return M, m
            m, k = m + k, 2 * k
        M += 1


class _Waves:
    """Waves and their monomials on one level: units for every class of an axis."""

    def __init__(self, book: Ledger, lines: dict[int, Unit], N: int, side: int, s: int, r: int):
        self.book, self.lines, self.r = book, lines, r
        self.N, self.side, self.s = N, side, s
        self.parts = min(side, 2)
        self.top = -book.b - (N.bit_length() - 1)
        self.folds = [wave_folds(side, s, p) for p in range(self.parts)]
        self.powers: dict[Order, int] = {}
        self.made: dict[tuple[Order, int], tuple[Unit, int]] = {}

    def power(self, p: int) -> int:
        """Of the scale that a wave is made at."""
        return self.top - self.book.b * (self.folds[p][0] + 2) + self.s

    def fits(self, wanted: dict[Order, int]) -> bool:
        """Settle the scales' powers; false where one is above the waves' own."""
        b, powers = self.book.b, dict(wanted)
        for degree in range(max(map(sum, wanted), default=0), 1, -1):
            for order in [a for a in powers if sum(a) == degree]:
                left, right = halves(order)
                need = powers[order] + 2 * b - (left != right)
                for part in (left, right):
                    powers[part] = max(need, powers.get(part, need))
        self.powers = powers
        own = min(map(self.power, range(self.parts)))
        return all(power <= own for order, power in powers.items() if sum(order) == 1)

    def _line(self, axis: int) -> Unit:
        book = self.book
        if axis not in self.lines:
            made = book.unit()
            book.join(book.multiple(book.inputs[axis], self.N, self.top), made, 1)
            book.join(book.constant(self.top - 1), made, 1)
            self.lines[axis] = made
        return self.lines[axis]

    def _wave(self, axis: int, p: int) -> Unit:
        book, b, s = self.book, self.book.b, self.s
        M, m = self.folds[p]
        power = self.top - b  # of one cell
        pair = book.unit(2)
        book.join(self._line(axis), pair, 2)
        far = m - 1 if p else m + 1
        for number in (far, 1):
            book.join(book.constant(power + number.bit_length() - 2 + s), pair, 2)
        power -= b
        for i in range(1, M):
            made = book.unit(2)
            book.join(pair, made, 4)
            book.join(book.constant(power + s + M - i), made, 2)
            pair, power = made, power - b
        last = book.unit()
        book.join(pair, last, 2)
        return last

    def at(self, order: Order, power: int) -> list[Unit]:
        """Monomials of all classes at a power: units that have equal parts of them."""
        book = self.book
        if sum(order) == 1:
            units = []
            for p in range(self.parts):
                key = order, p
                if key not in self.made:
                    self.made[key] = self._wave(order.index(1), p), self.power(p)
                unit, held = self.made[key]
                units.append(book.scaled(unit, held - power))
            return units
        if (order, 0) not in self.made:
            self.made[order, 0] = self._product(order)
        unit, held = self.made[order, 0]
        return [book.scaled(unit, held - power)]

    def _product(self, order: Order) -> tuple[Unit, int]:
        book, b, r = self.book, self.book.b, self.r
        size = self.parts ** sum(k > 0 for k in order)
        left, right = halves(order)
        top = self.powers[order]
        made = book.unit(size)
        if left == right:
            power = top + 2 * b
            first = book.unit(2 * size)
            _share(book, self.at(left, power), first, 2 * size)
            book.join(book.constant(power), first, 2 * size)
            # 1 - sq_r(0) = (2 + 4^-r)/3
            offset, exponent = ((2 << 2 * r) + 1) // 3, -2 * r
            scale = power - b
        else:
            power = top - 1 + 2 * b
            first = book.unit(4 * size)
            for part in (left, right):
                _share(book, self.at(part, power), first, 4 * size)
            book.join(book.constant(power + 1), first, 2 * size)
            offset, exponent, scale = 1, 0, power + 1 - b
        fold(book, first, scale, r, made)
        book.add(made, offset, exponent - b + scale, size)
        return made, scale - b


def _share(book: Ledger, sources: list[Unit], target: Unit, number: int) -> None:
    for source in sources:
        book.join(source, target, number // len(sources))


def fold(book: Ledger, first: Unit, power: int, r: int, target: Unit) -> None:
    """Fold r times, and add u times all that came up."""
    last = first
    book.join(first, target, first.size)
    for i in range(1, r + 1):
        made = book.unit(first.size)
        book.join(last, made, 2 * first.size, -1)
        book.join(book.constant(power + 1 - 2 * i), made, first.size, -1)
        book.join(made, target, first.size)
        last = made


class _Levels:
    """The sums of the levels, finest first."""

    def __init__(self, book: Ledger, d: int, n: int, tree: Tree) -> None:
        self.book, self.d, self.n, self.tree = book, d, n, tree
        self.orders = orders(d, n)
        self.number = [sum(sum(b) == i for b in self.orders) for i in range(n)]
        self.lines: dict[int, Unit] = {}
        hat, self.full = hats(book, tree.N)
        self.psi = [hat]
        for level in range(tree.levels - 1, -1, -1):
            made = book.unit((tree.first << level) ** d)
            book.join(self.psi[-1], made, self.psi[-1].size)
            self.psi.append(made)
        # the least power of two above the sum of all increments of a level, and of all finer ones
        total = sum(self.number[i] * Fraction(2) ** self._reach(1, i) for i in range(n)) / (
            1 - Fraction(1, 2**n)
        )
        self.inner = _least_power(total)

    def _reach(self, level: int, i: int) -> int:
        held = self.tree.planes if level else self.tree.top
        return self.book.b * held[i] - 1 - self.tree.k[i]

    def _scale(self, level: int, full: int, finer: int | None, waves: _Waves) -> int:
        b, n, step = self.book.b, self.n, self.book.steps[0]
        D = [self._reach(level, i) for i in range(n)]
        power = full - b - D[0]
        while True:
            downs = [full - b - power - D[0]]
            downs += [1 - 2 * b + full - power - D[i] for i in range(1, n)]
            if finer is not None:
                downs.append(finer - b + n - power)
            wanted = {a: power + D[sum(a)] - 1 + 2 * b for a in self.orders if any(a)}
            if all(k == 0 or k >= step for k in downs) and (not wanted or waves.fits(wanted)):
                return power
            power -= 1

    def level(self, level: int, finer: tuple[Unit, int] | None, limit: int) -> tuple[Unit, int]:
        """The sum of a level and its power; `limit` is the power of its offset."""
        book, b, n, d, tree = self.book, self.book.b, self.n, self.d, self.tree
        s = tree.levels - level
        side, r = tree.first << level, tree.folds[level]
        parts = min(side, 2)
        waves = _Waves(book, self.lines, tree.N, side, s, r)
        psi, full = self.psi[s], self.full - b * s
        power = self._scale(level, full, finer[1] if finer else None, waves)
        planes = tree.at(level)
        total = book.unit()
        base = plane_units(book, psi, full, planes[0])
        D = self._reach(level, 0)
        book.join(book.scaled(base, full - b - power - D), total, 1)
        for i in range(1, n):
            size = self.number[i] * parts**d
            factor = power + self._reach(level, i) - 1 + 2 * b
            held = plane_units(book, psi, full, planes[i], size, self.number[i] * psi.size)
            first = book.unit(4 * size)
            book.join(book.scaled(held, full - factor), first, 4 * size)
            for order in [a for a in self.orders if sum(a) == i]:
                _share(book, waves.at(order, factor), first, 4 * parts**d)
            book.join(book.constant(factor + 1), first, 2 * size)
            fold(book, first, factor + 1 - b, r, total)
        # the offset, less those of order 0 and of the finer levels
        rest = Fraction(2) ** limit - Fraction(2) ** D
        if finer is not None:
            book.join(book.scaled(finer[0], finer[1] - b + n - power), total, 1)
            rest -= Fraction(2) ** (self.inner - n)
        place = rest.denominator.bit_length() - 1
        book.add(total, abs(rest.numerator), power - place)
        return total, power


def _least_power(value: Fraction) -> int:
    """The exponent of the least power of two that is at least a value."""
    power = value.numerator.bit_length() - value.denominator.bit_length() - 1
    while value.numerator << max(-power, 0) > value.denominator << max(power, 0):
        power += 1
    return power


def count(d: int, n: int, alphabet: Alphabet, eps: Fraction, tree: Tree) -> PlanesCount:
    """Count a tree."""
    b = alphabet.size if alphabet.kind == "linear" else 1
    digits = max(max(tree.at(level)) for level in range(tree.levels + 1))
    book = Ledger(b, steps_of(alphabet, digits), d)
    levels = _Levels(book, d, n, tree)
    limit = _least_power((1 + eps) / tree.j)
    held: tuple[Unit, int] | None = None
    for level in range(tree.levels, -1, -1):
        held = levels.level(level, held, levels.inner if level else limit - n * tree.levels)
    assert held is not None
    unit, power = held
    gain = n * tree.levels - power
    if tree.j > 1:
        longest = tree.j.bit_length() - 1
        unit = book.combine([(book.scaled(unit, b), tree.j)], -longest - b)
        gain += 2 * b + longest
    output = book.unit()
    amplify(book, unit, output, gain)
    take_off(book, output, tree.j << limit + 2)
    return PlanesCount(book.total(), book.free, output.depth)
