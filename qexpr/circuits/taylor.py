"""Taylor's polynomials at the nodes of a grid, re-expanded at the centre of the cube.

With z = 2x - 1 the polynomial of order n-1 at the node m/N is sum_{|a|<n} c_{m,a} z^a,
    c_{m,a} = 2^-|a| sum_{|g| <= n-1-|a|} D^{a+g} f(m/N) / (a! g!) * (1/2 - m/N)^g,
and |c_{m,a}| <= norm * coefficient_bound(a).

Source: Theorem 22 of this project (docs); the polynomials are Yarotsky's (2017), Theorem 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from math import comb, factorial, lcm, prod
from typing import Any

import numpy as np

from qexpr.core.function import Function, MultiIndex
from qexpr.errors import InvalidInput, OutOfRegime, shorten

__all__ = [
    "Nodes",
    "coefficient_bound",
    "multi_indices",
    "power_above",
    "raster",
    "require_few",
    "signed_digits",
]

_MOST = 128  # coefficients at a node: planning takes seconds there, and grows with their square


def require_few(d: int, n: int) -> None:
    """Refuse classes whose polynomials have too many coefficients to be planned in seconds.

    Raises
    ------
    OutOfRegime
    """
    number = comb(n - 1 + d, d)
    if number > _MOST:
        raise OutOfRegime(
            f"Taylor's polynomials of order {n} in {d} variables have {shorten(number)} "
            f"coefficients, and networks are planned for at most {_MOST}: take a smaller n or d"
        )


@cache
def multi_indices(d: int, n: int) -> tuple[MultiIndex, ...]:
    """All multi-indices with |a| < n, by degree, then lexicographically downwards."""

    def of_degree(k: int, d: int) -> Iterator[MultiIndex]:
        if d == 1:
            yield (k,)
            return
        for first in range(k, -1, -1):
            for rest in of_degree(k - first, d - 1):
                yield (first, *rest)

    return tuple(a for k in range(n) for a in of_degree(k, d))


@cache
def coefficient_bound(n: int, a: MultiIndex) -> Fraction:
    """2^-|a|/a! * sum_{|g| <= n-1-|a|} 2^-|g|/g!, and sum_{|g|=j} 1/g! = d^j/j!."""
    d, degree = len(a), sum(a)
    series = sum((Fraction(d**j, 2**j * factorial(j)) for j in range(n - degree)), Fraction(0))
    return series / (2**degree * prod(map(factorial, a)))


def power_above(value: Fraction) -> Fraction:
    """The least power of two that is at least `value`, by rational comparison."""
    power = Fraction(2) ** (value.numerator.bit_length() - value.denominator.bit_length())
    while power < value:
        power *= 2
    while power / 2 >= value:
        power /= 2
    return power


def raster(d: int, N: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The multi-indices {0..N}^d as rows, the last coordinate fastest."""
    grids = np.meshgrid(*[np.arange(N + 1)] * d, indexing="ij")
    return np.stack([g.ravel() for g in grids], axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class Nodes:
    """Enclosures of a target's derivatives at the nodes of a grid, each computed once.

    Parameters
    ----------
    f : Function
    n, N : int
    bits : int
        Accuracy of the enclosures.
    """

    f: Function
    n: int
    N: int
    bits: int
    _known: dict[MultiIndex, tuple[Any, Any]]

    @classmethod
    def of(cls, f: Function, n: int, N: int, bits: int) -> Nodes:
        """Nothing is computed yet."""
        return cls(f, n, N, bits, {})

    def derivative(self, a: MultiIndex) -> tuple[Any, Any]:
        """Lower and upper ends times 2^(bits+2), arrays of Python integers."""
        if a not in self._known:
            points = raster(self.f.d, self.N).tolist()
            lower, upper = self.f.enclose(a, points, self.N, self.bits)
            self._known[a] = np.array(lower, object), np.array(upper, object)
        return self._known[a]

    def coefficient(self, a: MultiIndex) -> tuple[Any, Any, int]:
        """Integers lower, upper and D with lower/D <= c_{m,a} <= upper/D."""
        d, rest = self.f.d, self.n - 1 - sum(a)
        indices = multi_indices(d, rest + 1)
        common = lcm(*(prod(map(factorial, g)) for g in indices))
        offset = self.N - 2 * raster(d, self.N).astype(object)  # (1/2 - m/N) * 2N
        lower: Any = 0
        upper: Any = 0
        for g in indices:
            weight = common // prod(map(factorial, g)) * (2 * self.N) ** (rest - sum(g))
            for k, power in enumerate(g):
                for _ in range(power):
                    weight = weight * offset[:, k]
            low, high = self.derivative(tuple(x + y for x, y in zip(a, g, strict=True)))
            ends = low * weight, high * weight
            lower = lower + np.minimum(*ends)
            upper = upper + np.maximum(*ends)
        scale = 2 ** (sum(a) + self.bits + 2) * prod(map(factorial, a)) * common
        return lower, upper, scale * (2 * self.N) ** rest


def signed_digits(
    nodes: Nodes, a: MultiIndex, scale: Fraction, planes: int, bits: int, allowed: Fraction
) -> Any:
    """The digits of c_{m,a}/scale in base 2^bits, digits odd: shape (planes, nodes).

    `allowed` is the error that the plan allows for, in units of the last digit, which the chosen
    odd integer is proven to respect.

    Raises
    ------
    InvalidInput
        If it does not: the target is not in the class.
    """
    lower, upper, denominator = nodes.coefficient(a)
    places = planes * bits
    top = 2**places
    shift = Fraction(top) / scale  # a power of two
    low, high = lower * shift.numerator, upper * shift.numerator
    unit = denominator * shift.denominator
    odd = 2 * ((low + high) // (4 * unit)) + 1
    odd = np.clip(odd, 1 - top, top - 1)
    worst = max(int((high - odd * unit).max()), int((odd * unit - low).max()))
    if worst > allowed * unit:
        raise InvalidInput(
            f"the target's Taylor coefficient of order {a} leaves the range of its class at a node "
            f"of the grid {nodes.N}: it is not in F(d, {nodes.n}) with the norm that it states"
        )
    code = (odd + (top - 1)) // 2
    if places <= 62:
        code = code.astype(np.int64)
    mask = 2**bits - 1
    shifts = [bits * (planes - 1 - k) for k in range(planes)]
    return np.stack([(2 * ((code >> s) & mask) - mask).astype(np.int64) for s in shifts])
