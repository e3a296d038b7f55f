"""Taylor coefficients at the nodes of a mesh, re-expanded at the centre: enclosed a second time.

sum_{|a|<n} c_{m,a} z^a, z = 2x - 1, is the Taylor polynomial of order n - 1 of f at m/N, with
    c_{m,a} = 2^-|a| sum_{|g| <= n-1-|a|} D^(a+g) f(m/N) / (a! g!) (1/2 - m/N)^g.
For f of norm M, |c_{m,a}| <= M b_a, b_a = 2^-|a|/a! sum_{j <= n-1-|a|} (d/2)^j/j!. (Theory, 4.)
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import factorial, prod
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from qexpr.core.function import Function

__all__ = ["Coefficients", "coefficient_bound", "orders", "power_above"]

Index = tuple[int, ...]


def orders(d: int, n: int) -> list[Index]:
    """All multi-indices with |a| < n: by size, then with the first coordinate falling."""

    def of_size(size: int, d: int) -> Iterator[Index]:
        if d == 1:
            yield (size,)
            return
        for first in range(size, -1, -1):
            yield from ((first, *rest) for rest in of_size(size - first, d - 1))

    return [a for size in range(n) for a in of_size(size, d)]


def coefficient_bound(n: int, a: Index) -> Fraction:
    """b_a."""
    d, size = len(a), sum(a)
    series = sum(Fraction(d, 2) ** j / factorial(j) for j in range(n - size))
    return Fraction(series) / (2**size * prod(map(factorial, a)))


def power_above(value: Fraction) -> Fraction:
    """The least power of two that is at least a positive value."""
    power = Fraction(1)
    while power < value:
        power *= 2
    while power / 2 >= value:
        power /= 2
    return power


class Coefficients:
    """Enclosures of every c_{m,a} on the mesh of N cells an axis, from those of derivatives."""

    def __init__(self, f: Function, n: int, N: int, bits: int) -> None:
        self.f, self.n, self.N, self.bits = f, n, N, bits
        self.nodes = np.indices((N + 1,) * f.d).reshape(f.d, -1).T
        self._known: dict[Index, tuple[Any, Any]] = {}

    def _derivative(self, a: Index) -> tuple[Any, Any]:
        """Ends of D^a f at the nodes, times 2^(bits + 2)."""
        if a not in self._known:
            ends = self.f.enclose(a, self.nodes.tolist(), self.N, self.bits)
            self._known[a] = np.array(ends[0], object), np.array(ends[1], object)
        return self._known[a]

    def distance(self, a: Index, values: np.ndarray, denominator: int) -> Fraction:
        """The largest |c_{m,a} - values[m] / denominator| that the enclosures allow."""
        size, rest = sum(a), self.n - 1 - sum(a)
        # c_{m,a} * scale is the sum of integers: D^(a+g) f times the weights below
        common = factorial(rest) ** self.f.d
        scale = 2 ** (size + self.bits + 2) * prod(map(factorial, a)) * common
        scale *= (2 * self.N) ** rest
        low: Any = 0
        high: Any = 0
        centre = self.N - 2 * self.nodes.astype(object)  # 2N (1/2 - m/N)
        for g in orders(self.f.d, rest + 1):
            weight: Any = common // prod(map(factorial, g)) * (2 * self.N) ** (rest - sum(g))
            for k, power in enumerate(g):
                weight = weight * centre[:, k] ** power
            ends = self._derivative(tuple(i + j for i, j in zip(a, g, strict=True)))
            first, second = ends[0] * weight, ends[1] * weight
            low, high = low + np.minimum(first, second), high + np.maximum(first, second)
        coded = values.ravel().astype(object) * scale
        most = (high * denominator - coded).max()
        least = (coded - low * denominator).max()
        return Fraction(int(max(most, least, 0)), scale * denominator)
