"""Searching for the mesh of a bubbles network; planners and bounds hand in their own formulas.

Errors fall with the third power of the number N of cells an axis: for a choice of digits the
least steps are size / N^3, so that a first N is a cube root. Steps have to be dyadic, and those of
f and of its second derivatives have the same odd part, so the N of every such pair is found again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import inf

from qexpr.core.search import least_root

__all__ = ["Choice", "Mesh", "Rules", "meshes"]

_ODD = (1, 3, 5, 7)
_CHOICES, _KEPT = 8, 4


@dataclass(frozen=True, slots=True)
class Choice:
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


@dataclass(frozen=True, slots=True)
class Mesh:
    """A choice with all its numbers: N cells an axis, steps, folds of bubbles and products."""

    choice: Choice
    N: int
    q: Fraction
    q_w: Fraction
    s: int
    r: int


@dataclass(frozen=True, slots=True)
class Rules:
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
    digits : (choice, N, q, q_w) -> number of free digits, or None where the choice is of no use
    """

    d: int
    kappa: Callable[[int], Fraction]
    weight: Fraction
    slack: Fraction
    least: Callable[[Choice], tuple[Fraction, Fraction]]
    squares: Callable[[int, Fraction], tuple[Fraction, Fraction]]
    digits: Callable[[Choice, int, Fraction, Fraction], int | None]


def _multiple(N: int, M: int) -> int:
    return max(2, M) if max(2, M) >= N else -(-N // M) * M


def _main(rules: Rules, choice: Choice, N: int, q: Fraction, q_w: Fraction) -> int | None:
    """Edges but for what is much the same for all: digits, and two a node."""
    free = rules.digits(choice, N, q, q_w)
    return None if free is None else free + 2 * int(N**rules.d)


def _first(rules: Rules, choice: Choice, eps: Fraction) -> tuple[int, Choice] | None:
    """A choice's main cost if steps could be any numbers."""
    x, y = rules.least(choice)
    size = rules.kappa(choice.M) + rules.slack * (x + rules.weight * y)
    N = _multiple(least_root(3, size / eps), choice.M)
    cost = _main(rules, choice, N, x / N**3, y / N**3)
    return None if cost is None else (cost, choice)


def _below(x: Fraction) -> int:
    """The k with 2^-k <= x < 2^(1-k)."""
    k = x.denominator.bit_length() - x.numerator.bit_length()
    return k if Fraction(2) ** -k <= x else k + 1


def _steps(rules: Rules, choice: Choice, eps: Fraction) -> Iterator[tuple[Fraction, Fraction]]:
    """Pairs of dyadic steps of one odd part around those that digits ask for."""
    x, y = rules.least(choice)
    size = rules.kappa(choice.M) + rules.slack * (x + rules.weight * y)
    best, best_w = eps * x / size, eps * y / size
    for odd in _ODD:
        k, k_w = _below(best / odd), _below(best_w / odd)
        for i in (k - 1, k, k + 1):
            for j in (k_w - 1, k_w, k_w + 1):
                yield odd / Fraction(2) ** i, odd / Fraction(2) ** j


def _folds(left: Fraction, x: Fraction, y: Fraction) -> Iterator[tuple[int, int]]:
    """The least (s, r) with x / 4^(s+1) + y / 4^(r+1) <= left."""
    r = 0
    while y / 4 ** (r + 1) >= left:
        r += 1
    for more in range(3):
        rest, s = left - y / 4 ** (r + more + 1), 0
        while x / 4 ** (s + 1) > rest:
            s += 1
        yield s, r + more


def _exact(
    rules: Rules, choice: Choice, eps: Fraction, most: Callable[[], float]
) -> Iterator[tuple[int, Mesh]]:
    """Meshes with their main costs, but for those that cost more than `most` says meanwhile."""
    x, y = rules.least(choice)
    kappa, products = rules.kappa(choice.M), rules.d * (rules.d + 1) // 2
    for q, q_w in _steps(rules, choice, eps):
        room = eps - rules.slack * (q + rules.weight * q_w)
        if room <= 0:
            continue
        first = least_root(3, max(x / q, y / q_w, kappa / room))
        for N in {_multiple(first + more, choice.M) for more in (0, 1, first // 32)}:
            left = room - kappa / N**3
            cost = _main(rules, choice, N, q, q_w) if left > 0 else None
            if cost is not None and cost <= most():
                for s, r in _folds(left, *rules.squares(N, q_w)):
                    yield cost + products * (16 * r + 9 * s), Mesh(choice, N, q, q_w, s, r)


def meshes(rules: Rules, choices: Iterable[Choice], eps: Fraction) -> list[Mesh]:
    """The meshes of least main cost that keep the promise, the cheapest first."""
    first = [found for choice in choices if (found := _first(rules, choice, eps))]
    first.sort(key=lambda pair: pair[0])
    ranked: dict[Mesh, int] = {}
    best: list[int] = []  # costs of the best meshes so far

    def most() -> float:
        return best[-1] if len(best) == _KEPT else inf

    for _, choice in first[:_CHOICES]:
        for cost, mesh in _exact(rules, choice, eps, most):
            if mesh not in ranked:
                ranked[mesh] = cost
                best = sorted([*best, cost])[:_KEPT]

    def key(mesh: Mesh) -> tuple[int, int, Fraction, Fraction, int, int]:
        return ranked[mesh], mesh.N, mesh.q, mesh.q_w, mesh.s, mesh.r

    return sorted(ranked, key=key)[:_KEPT]
