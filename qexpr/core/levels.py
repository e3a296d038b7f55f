"""The search for a multiresolution network: grid, levels, digits and folds.

Each side hands in its own error terms and its own exact count; equal ones give equal parameters,
which a test requires. Floats propose grids and prices rank them: what a plan promises, and what
the best of them cost, is added up in integers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

from qexpr.core.planes import hat_price, variants_of
from qexpr.core.record import Record
from qexpr.errors import OutOfRegime

__all__ = ["Tree", "TreeErrors", "cheapest_tree"]

_STEPS = (1, 3, 5, 7)  # odd parts of a step: an offset of j/4, j/2 or 2 covers every function
_SHARES = (8, 40)  # what of eps is kept for products
_DIGITS = 128  # the digits' error is brought down to this part of eps
_RISEN = 1.25  # where the nodes' cost is so many times the least, more digits do not help
_GRIDS = 20  # choices of digits that are tried with every depth of the tree, by their nodes
_RANKED = 10  # trees that are worked out, by price, for each choice of planes
_COUNTED = 2  # trees that are counted, by price, for each choice of planes
_MOST_CELLS = 2.0**62


class Tree(NamedTuple):
    """Everything that determines the graph; lists by order run over |b| = 0 .. n-1.

    Parameters
    ----------
    first : int
        N_0, blocks an axis at level 0: the grid has N + 1 = N_0 2^L nodes an axis.
    levels : int
        L.
    j : int
        The odd part of all steps.
    k : tuple of int
        The step of order i at the last level is ``j * 2^-k[i]``.
    planes : tuple of int
        Planes of an increment, by order.
    top : tuple of int
        Planes at level 0.
    extra : tuple of int
        Further planes at the last level.
    folds : tuple of int
        r of the products, by level.
    """

    first: int
    levels: int
    j: int
    k: tuple[int, ...]
    planes: tuple[int, ...]
    top: tuple[int, ...]
    extra: tuple[int, ...]
    folds: tuple[int, ...]

    @property
    def N(self) -> int:
        """Cells an axis."""
        return (self.first << self.levels) - 1

    def at(self, level: int) -> tuple[int, ...]:
        """Planes at a level, by order."""
        held = self.planes if level else self.top
        if level < self.levels:
            return held
        return tuple(a + b for a, b in zip(held, self.extra, strict=True))


class TreeErrors(Record):
    """The terms of digits and errors, for steps q_i at the last level (h = 1/N).

    Planes suffice where, for every order i,

        remainder[i] h^n + sum_{m >= i} carried[i][m] q_m <= 2^(b P - 1) q_i,

    and at level 0, of blocks of 2^L cells, where ``size[i] (2^L h)^i <= 2^(b P - 1) 2^(L n) q_i``.
    There are `number` multi-indices of each order. The error is at most

        taylor h^n + sum_i digit[i] 2^(-b extra[i]) q_i
            + sum_levels 2^(n (L - l)) sum_i product[i] 2^(b P - 1) q_i 4^-(r+1).
    """

    d: int
    n: int
    bits: int
    number: tuple[int, ...]
    planes: tuple[int, ...]
    remainder: tuple[Fraction, ...]
    carried: tuple[tuple[Fraction, ...], ...]
    size: tuple[Fraction, ...]
    taylor: Fraction
    digit: tuple[Fraction, ...]
    product: tuple[int, ...]

    @cached_property
    def reach(self) -> tuple[Fraction, ...]:
        """What is left of the planes' 2^(b P - 1) steps beside an order's own weight; above 0."""
        return tuple(
            Fraction(2) ** (self.bits * P - 1) - row[i]
            for i, (P, row) in enumerate(zip(self.planes, self.carried, strict=True))
        )

    @cached_property
    def _floats(self) -> tuple[list[float], list[list[float]], list[float], float]:
        reach = [float(value) for value in self.reach]
        remainder = [float(a) / c for a, c in zip(self.remainder, reach, strict=True)]
        carried = [[float(b) / c for b in row] for row, c in zip(self.carried, reach, strict=True)]
        return remainder, carried, [float(value) for value in self.digit], float(self.taylor)

    def steps(self, N: int, j: int) -> tuple[int, ...]:
        """The largest k for which the steps j 2^-k suffice, from the highest order down."""
        k = [0] * self.n
        power = Fraction(1, N**self.n)
        for i in range(self.n - 1, -1, -1):
            least = self.remainder[i] * power
            for m in range(i + 1, self.n):
                least += self.carried[i][m] * j / Fraction(2) ** k[m]
            k[i] = _halvings(least / (self.reach[i] * j))
        return tuple(k)

    def top(self, N: int, levels: int, j: int, k: tuple[int, ...]) -> tuple[int, ...]:
        """The least planes of level 0, by order."""
        out = []
        for i in range(self.n):
            # size (2^L/N)^i <= 2^(b P - 1 + L n - k) j
            wide = self.size[i].numerator << levels * i
            narrow = self.size[i].denominator * N**i * j
            power = levels * self.n - k[i] - 1
            out.append(max(1, -((power - _doublings(wide, narrow)) // self.bits)))
        return tuple(out)

    def coded(self, N: int, j: int, k: tuple[int, ...], extra: tuple[int, ...]) -> Fraction:
        """The error without products."""
        most = max(a + self.bits * b for a, b in zip(k, extra, strict=True))
        most = max(most, 0)
        digits = sum(
            weight * (j << most - a - self.bits * b)
            for weight, a, b in zip(self.digit, k, extra, strict=True)
        )
        error: Fraction = self.taylor / N**self.n + Fraction(digits) / 2**most
        return error

    def product_weights(self, tree: Tree) -> list[int]:
        """By level: what its products' error is, times 2^k[-1] 4^(r+1)."""
        if self.n == 1:
            return [0] * (tree.levels + 1)
        least = max(*tree.k, 0)
        out = []
        for level in range(tree.levels + 1):
            held = tree.planes if level else tree.top
            total = sum(
                self.product[i] << least - tree.k[i] + self.bits * held[i] - 1
                for i in range(1, self.n)
            )
            out.append(tree.j * total << self.n * (tree.levels - level))
        return out

    def total(self, tree: Tree) -> Fraction:
        """The error of a plan, exactly."""
        error = self.coded(tree.N, tree.j, tree.k, tree.extra)
        scale = 2 ** max(*tree.k, 0)
        for weight, r in zip(self.product_weights(tree), tree.folds, strict=True):
            error += Fraction(weight, scale * 4 ** (r + 1))
        return error

    def _sizes(self, x: float, j: int) -> list[float]:
        """The steps at h^n = x, in floats."""
        remainder, carried, *_ = self._floats
        q = [0.0] * self.n
        for i in range(self.n - 1, -1, -1):
            least = remainder[i] * x
            for m in range(i + 1, self.n):
                least += carried[i][m] * q[m]
            step = float(j)
            while step < least:
                step *= 2
            while step * 0.5 >= least:
                step *= 0.5
            q[i] = step
        return q

    def pieces(self, j: int) -> list[tuple[float, float, list[float]]]:
        """The steps for h^n in [1/2, 1], in floats: (from, to, steps); they double with h^n."""
        remainder, carried, *_ = self._floats
        found, x = [], 1.0
        while x > 0.5:
            q = self._sizes(x, j)
            # the least x with these steps: some order's would be halved
            start = 0.5
            for i in range(self.n):
                rest = q[i] * 0.5 - sum(carried[i][m] * q[m] for m in range(i + 1, self.n))
                start = max(start, rest / remainder[i])
            start = min(start, x * (1 - 2.0**-30))
            found.append((start, x, q))
            x = start
        return found


def _doublings(wide: int, narrow: int) -> int:
    """The least k (maybe negative) with wide <= narrow 2^k."""
    k = wide.bit_length() - narrow.bit_length()
    return k + 1 if _exceeds(wide, narrow, k) else k


def _exceeds(wide: int, narrow: int, power: int) -> bool:
    return wide << max(-power, 0) > narrow << max(power, 0)


def _halvings(value: Fraction) -> int:
    """The largest k with 2^-k >= value > 0."""
    k = value.denominator.bit_length() - value.numerator.bit_length() + 1
    while _exceeds(value.numerator, value.denominator, -k):
        k -= 1
    return k


Pieces = list[tuple[float, float, list[float]]]


def _refinements(errors: TreeErrors, pieces: Pieces) -> Iterator[tuple[int, ...]]:
    """Further planes at the last level, each where the error is largest at its price."""
    extra, (_, x, q) = [0] * errors.n, pieces[-1]
    weights = [w * size for w, size in zip(errors._floats[2], q, strict=True)]
    gains = [weight / c for weight, c in zip(weights, errors.number, strict=True)]
    goal = x * float(errors.taylor)
    while True:
        yield tuple(extra)
        if sum(weights) * _DIGITS < goal:
            return
        i = gains.index(max(gains))
        extra[i] += 1
        weights[i] /= 2**errors.bits
        gains[i] = weights[i] / errors.number[i]


def _coded(errors: TreeErrors, pieces: Pieces, extra: tuple[int, ...]) -> list[float]:
    """The digits' error by piece."""
    _, _, digit, _ = errors._floats
    sizes = [w / 2 ** (errors.bits * e) for w, e in zip(digit, extra, strict=True)]
    return [sum(w * size for w, size in zip(sizes, q, strict=True)) for _, _, q in pieces]


def _least_cells(errors: TreeErrors, pieces: Pieces, coded: list[float], room: float) -> float:
    """About the least N whose error without products is at most `room`."""
    *_, taylor = errors._floats
    scale = 1.0
    while scale * taylor < room:
        scale *= 2
    while scale * taylor >= 4 * room:  # a piece starts at half of the scale or above
        scale *= 0.5
    while True:  # the error rises with x: the first piece whose start is within it
        for (start, end, _), size in zip(pieces, coded, strict=True):
            left = room - scale * size
            if scale * taylor * start < left:
                return float(min(end * scale, left / taylor) ** (-1 / errors.n))
        scale *= 0.5


def _folded(errors: TreeErrors, tree: Tree, eps: Fraction) -> Tree | None:
    """The tree with the fewest folds that keep its error at most eps: equal shares, then less."""
    weights = errors.product_weights(tree)
    scale = 2 ** max(*tree.k, 0)
    slack = eps - errors.coded(tree.N, tree.j, tree.k, tree.extra)
    if slack < 0 or (slack == 0 and any(weights)):
        return None
    top, bottom = slack.numerator * scale, slack.denominator
    folds = []
    for weight in weights:
        # weight 4^-(r+1) <= top / (bottom (L+1))
        r = 0
        need = -(-weight * bottom * len(weights) // max(top, 1))
        if need > 4:
            r = -(-(need - 1).bit_length() // 2) - 1
        folds.append(r)
    most = 2 * (max(folds) + 1)
    spent = sum(w << most - 2 * (r + 1) for w, r in zip(weights, folds, strict=True))
    limit = (top << most) // bottom
    for level, weight in enumerate(weights):
        while folds[level]:
            more = 3 * (weight << most - 2 * (folds[level] + 1))
            if spent + more > limit:
                break
            spent += more
            folds[level] -= 1
    return tree._replace(folds=tuple(folds))


def _price(errors: TreeErrors, tree: Tree) -> int:
    """About what a tree costs: hats, the sum tree, digits, products and waves."""
    d, number = errors.d, errors.number
    nodes = (tree.N + 1) ** d
    total: int = hat_price(d) * nodes
    for level in range(tree.levels + 1):
        side, r, planes = tree.first << level, tree.folds[level], tree.at(level)
        blocks, classes = side**d, 2**d
        total += blocks * (level > 0)
        for i, (times, P) in enumerate(zip(number, planes, strict=True)):
            total += times * blocks * P
            if i:
                total += times * classes * (16 + 16 * r + 2 * P + i)
            if i > 1:
                total += times * 2 ** min(i, d) * (17 + 16 * r)
        if errors.n > 1:
            total += 2 * d * (10 + 6 * side.bit_length())
    return total + 11 * ((errors.n + 1) * tree.levels + tree.N.bit_length())


def _guess(errors: TreeErrors, first: int, levels: int, j: int, extra: tuple[int, ...]) -> Tree:
    """A tree whose steps, top and folds are still to be worked out."""
    more = (errors.n * first.bit_length() - 1) // errors.bits
    top = tuple(P + more * (errors.n - i) // errors.n for i, P in enumerate(errors.planes))
    folds = tuple(4 + errors.n * (levels - level) // 2 for level in range(levels + 1))
    return Tree(first, levels, j, (), errors.planes, top, extra, folds)


def _grids(errors: TreeErrors, eps: Fraction) -> list[Tree]:
    """Trees whose error, digits and Taylor's term, leaves room for products."""
    goal, d = float(eps), errors.d
    found = []
    shares = _SHARES if errors.n > 1 else _SHARES[-1:]
    for j in _STEPS:
        pieces, least = errors.pieces(j), math.inf
        for extra in _refinements(errors, pieces):
            digits = sum(
                c * (P + e) for c, P, e in zip(errors.number, errors.planes, extra, strict=True)
            )
            coded = _coded(errors, pieces, extra)
            for share in shares:
                room = goal * (1 - 1 / share if errors.n > 1 else 1 - 2.0**-30)
                cells = _least_cells(errors, pieces, coded, room)
                if cells < _MOST_CELLS:
                    cost = (cells + 1) ** d * (digits + hat_price(d))
                    found.append((cost, j, extra, cells))
                    least = min(least, cost)
            if found and found[-1][0] > _RISEN * least:  # beyond the best number of digits
                break
    found.sort()
    trees = set()
    for _, j, extra, cells in found[:_GRIDS]:
        levels, first = 0, 3
        while first > 2:
            first = max(2, math.ceil((cells + 1) / 2**levels))
            if first << levels <= 2 * cells + 2:
                trees.add(_guess(errors, first, levels, j, extra))
            levels += 1
    return sorted(trees)


def _worked_out(errors: TreeErrors, tree: Tree, eps: Fraction) -> Tree | None:
    k = errors.steps(tree.N, tree.j)
    top = errors.top(tree.N, tree.levels, tree.j, k)
    return _folded(errors, tree._replace(k=k, top=top), eps)


def cheapest_tree(errors: TreeErrors, eps: Fraction, count: Callable[[Tree], int]) -> Tree:
    """The tree of least count among the few of least price; ties go to smaller parameters.

    Parameters
    ----------
    count : callable
        The exact number of weights of a tree.

    Raises
    ------
    OutOfRegime
        If no tree reaches eps.
    """
    made: list[tuple[int, Tree]] = []
    for held in variants_of(errors):
        ranked = sorted((_price(held, tree), tree) for tree in _grids(held, eps))
        found: list[tuple[int, Tree]] = []
        for _, guess in ranked:
            tree = _worked_out(held, guess, eps)
            if tree is not None:
                found.append((_price(held, tree), tree))
            if len(found) == _RANKED:
                break
        made += sorted(found)[:_COUNTED]
    if not made:
        raise OutOfRegime(f"no choice of grid and digits brings the error below {eps}")
    return min((count(tree), tree) for tree in {tree for _, tree in made})[1]
