"""Searching for the mesh of a bubbles network; planners and bounds hand in their own formulas.

Errors fall with the third power of the number N of cells an axis: for a choice of digits the
least steps are size / N^3, so that a first N is a cube root. Steps have to be dyadic, and those of
f and of its second derivatives have the same odd part, so the N of every such pair is found again.

A cold command waits for this, so the inequalities are compared in integers, and digits are added up
only as long as they can matter: each has a limit beyond which what it belongs to is not kept.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from math import inf
from typing import NamedTuple

from qexpr.core.record import Record
from qexpr.core.search import least_root

__all__ = ["Choice", "Mesh", "Rules", "meshes"]

_ODD = (1, 3, 5, 7)
_CHOICES, _KEPT = 8, 4


class Choice(NamedTuple):
    """What is chosen before N is.

    Parameters
    ----------
    p, p_w : int
        Digits, away from the boundary, of f's code and of its second derivatives'.
    M : int
        The second derivatives' mesh is so many times coarser.
    B, mu, levels : int
        d = 1: blocks of B kinks, recursively on so many levels, of increments u^-mu.
    """

    p: int
    p_w: int
    M: int = 1
    B: int = 0
    mu: int = 0
    levels: int = 0


class Mesh(NamedTuple):
    """A choice with all its numbers: N cells an axis, steps, folds of bubbles and products."""

    choice: Choice
    N: int
    q: Fraction
    q_w: Fraction
    s: int
    r: int


class Rules(Record):
    """One side's formulas.

    Parameters
    ----------
    d : int
    kappa, weight : by choice and of q_w
        The error is kappa(M) / N^3 + slack * (q + weight * q_w) and what squares add.
    slack : Fraction
    least : choice -> (x, y)
        q >= x / N^3 and q_w >= y / N^3 are enough for the digits.
    squares : (N, q_w) -> (x, y)
        Bubbles add x / 4^(s + 1), products y / 4^(r + 1).
    digits : (choice, N, q, q_w, most) -> number of free digits
        None where the choice is of no use; where the number is above `most` it may be None too.
    """

    d: int
    kappa: Callable[[int], Fraction]
    weight: Fraction
    slack: Fraction
    least: Callable[[Choice], tuple[Fraction, Fraction]]
    squares: Callable[[int, Fraction], tuple[Fraction, Fraction]]
    digits: Callable[[Choice, int, Fraction, Fraction, float], int | None]


class _Best:
    """The least costs seen, so many of them; what costs more than the last is not wanted."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._costs: list[int] = []
        self.most = inf

    def add(self, cost: int) -> None:
        insort(self._costs, cost)
        if len(self._costs) >= self._number:
            del self._costs[self._number :]
            self.most = self._costs[-1]


class _Size(NamedTuple):
    """The x and y of a choice, and N^3 eps if steps could be any numbers."""

    x: Fraction
    y: Fraction
    kappa: Fraction
    total: Fraction

    @classmethod
    def of(cls, rules: Rules, choice: Choice) -> _Size:
        (x, y), kappa = rules.least(choice), rules.kappa(choice.M)
        return cls(x, y, kappa, kappa + rules.slack * (x + rules.weight * y))


def _multiple(N: int, M: int) -> int:
    return max(2, M) if max(2, M) >= N else -(-N // M) * M


def _main(
    rules: Rules, choice: Choice, N: int, q: Fraction, q_w: Fraction, most: float
) -> int | None:
    """Edges but for what is much the same for all, digits and two a node, if at most `most`."""
    nodes = 2 * int(N**rules.d)
    free = rules.digits(choice, N, q, q_w, most - nodes)
    return None if free is None or free + nodes > most else free + nodes


def _first(
    rules: Rules, choices: Iterable[Choice], eps: Fraction
) -> list[tuple[int, Choice, _Size]]:
    """The choices of least main cost if steps could be any numbers."""
    found, best = [], _Best(_CHOICES)
    sizes: dict[tuple[int, ...], tuple[_Size, int, Fraction, Fraction]] = {}
    for choice in choices:
        key = choice.p, choice.p_w, choice.M, choice.B, choice.mu  # not of the levels
        if key not in sizes:
            size = _Size.of(rules, choice)
            N = _multiple(least_root(3, size.total / eps), choice.M)
            sizes[key] = size, N, size.x / N**3, size.y / N**3
        size, N, q, q_w = sizes[key]
        cost = _main(rules, choice, N, q, q_w, best.most)
        if cost is not None:
            best.add(cost)
            found.append((cost, choice, size))
    return sorted(found, key=lambda one: one[0])[:_CHOICES]


def _below(x: Fraction) -> int:
    """The k with 2^-k <= x < 2^(1-k)."""
    top, bottom = x.numerator, x.denominator
    k = bottom.bit_length() - top.bit_length()
    return k if bottom << max(-k, 0) <= top << max(k, 0) else k + 1


def _dyadic(odd: int, power: int) -> Fraction:
    """odd / 2^power."""
    return Fraction(odd, 1 << power) if power >= 0 else Fraction(odd << -power)


def _around(size: Fraction, odd: int) -> list[tuple[int, Fraction]]:
    """Steps odd / 2^k around a size: the one below first."""
    k = _below(size / odd)
    return [(i, _dyadic(odd, i)) for i in (k, k + 1, k - 1)]


def _cubes(x: Fraction, step: Fraction) -> int:
    """The least integer N^3 >= x / step."""
    return -(-x.numerator * step.denominator // (x.denominator * step.numerator))


def _folds(left: Fraction, x: Fraction, y: Fraction) -> list[tuple[int, int]]:
    """The least (s, r) with x / 4^(s+1) + y / 4^(r+1) <= left, for the least r and two more."""
    r, wide, narrow = 0, y.numerator * left.denominator, left.numerator * y.denominator
    while wide >= narrow << 2 * (r + 1):
        r += 1
    over, found = x.numerator * left.denominator * y.denominator, []
    for more in range(r, r + 3):
        # what y leaves, times the denominators of left, y and 4^(more+1)
        rest, s = (narrow << 2 * (more + 1)) - wide, 0
        while over << 2 * (more + 1) > x.denominator * rest << 2 * (s + 1):
            s += 1
        found.append((s, more))
    return found


class _Search:
    """Dyadic steps around those of a choice, and the meshes that they allow.

    Meshes that cost more than the best ones so far are left out, so that the same pair of steps,
    as another choice of the same blocks comes to it, is not looked at again.
    """

    def __init__(self, rules: Rules, eps: Fraction) -> None:
        self.rules, self.eps = rules, eps
        self.best = _Best(_KEPT)
        self.seen: dict[tuple[int, ...], list[tuple[int, int, int, int]]] = {}

    def near(self, choice: Choice, size: _Size) -> Iterator[tuple[int, Mesh]]:
        """Meshes with their costs."""
        best, best_w = self.eps * size.x / size.total, self.eps * size.y / size.total
        blocks = choice[2:]
        for odd in _ODD:
            steps_w = [(*step, _cubes(size.y, step[1])) for step in _around(best_w, odd)]
            for i, q in _around(best, odd):
                least = _cubes(size.x, q)
                for j, q_w, least_w in steps_w:
                    cubes = max(least, least_w)
                    key = (*blocks, odd, i, j, cubes)
                    if key not in self.seen:
                        self.seen[key] = self._exact(choice, size.kappa, cubes, q, q_w)
                    for cost, N, s, r in self.seen[key]:
                        yield cost, Mesh(choice, N, q, q_w, s, r)

    def _room(self, q: Fraction, q_w: Fraction) -> tuple[int, int]:
        """What the steps leave of eps, eps - slack (q + weight q_w), as a quotient."""
        eps, slack, weight = self.eps, self.rules.slack, self.rules.weight
        coded = q.numerator * q_w.denominator * weight.denominator
        coded += q_w.numerator * q.denominator * weight.numerator
        bottom = slack.denominator * weight.denominator * q.denominator * q_w.denominator
        top = eps.numerator * bottom - eps.denominator * slack.numerator * coded
        return top, eps.denominator * bottom

    def _exact(
        self, choice: Choice, kappa: Fraction, cubes: int, q: Fraction, q_w: Fraction
    ) -> list[tuple[int, int, int, int]]:
        """(cost, N, s, r) of the meshes with these steps and N^3 at least `cubes`."""
        rules, found = self.rules, list[tuple[int, int, int, int]]()
        top, bottom = self._room(q, q_w)
        if top <= 0:
            return found
        wide, narrow = kappa.numerator * bottom, kappa.denominator * top
        first = least_root(3, max(cubes, -(-wide // narrow)))
        for N in {_multiple(first + more, choice.M) for more in (0, 1, first // 32)}:
            if narrow * N**3 <= wide:
                continue
            cost = _main(rules, choice, N, q, q_w, self.best.most)
            if cost is None:
                continue
            left = Fraction(narrow * N**3 - wide, kappa.denominator * bottom * N**3)
            for s, r in _folds(left, *rules.squares(N, q_w)):
                whole = cost + rules.d * (rules.d + 1) // 2 * (16 * r + 9 * s)
                if whole <= self.best.most:
                    found.append((whole, N, s, r))
        return found


def meshes(rules: Rules, choices: Iterable[Choice], eps: Fraction) -> list[Mesh]:
    """The meshes of least main cost that keep the promise, the cheapest first."""
    ranked: dict[Mesh, int] = {}
    search = _Search(rules, eps)
    for _, choice, size in _first(rules, choices, eps):
        for cost, mesh in search.near(choice, size):
            if mesh not in ranked:
                ranked[mesh] = cost
                search.best.add(cost)

    def key(mesh: Mesh) -> tuple[int, int, Fraction, Fraction, int, int]:
        return ranked[mesh], mesh.N, mesh.q, mesh.q_w, mesh.s, mesh.r

    return sorted(ranked, key=key)[:_KEPT]
