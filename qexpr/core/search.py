"""The planners' search: the cheapest parameters of a bit-plane network, given its count and error.

Circuits and bounds each hand over their own count and their own error; equal counts and errors
give equal parameters, which a test requires.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from qexpr.errors import OutOfRegime

__all__ = ["PlaneErrors", "Planes", "cheapest_planes", "least_root"]

_MOST_PRODUCT_DIGITS = 7
_FLOAT_BITS = 40  # of a root that floats come within a few units of
_SMALLEST_SHARE = 256  # digits are refined until they take this part of eps


def least_root(n: int, value: Fraction | int) -> int:
    """The least integer N >= 1 with N^n >= value."""
    if value <= 1:
        return 1
    target = -(-value.numerator // value.denominator)
    if target.bit_length() <= min(_FLOAT_BITS * n, 1000):  # next to it, and integers decide
        root = int(target ** (1 / n))
        while root**n < target:
            root += 1
        while (root - 1) ** n >= target:
            root -= 1
        return root
    low, high = 1, 1 << (target.bit_length() // n + 1)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if middle**n >= target else (middle + 1, high)
    return low


@dataclass(frozen=True, slots=True)
class Planes:
    """Grid N, product accuracy r, and the number of planes of each coefficient (0: dropped)."""

    N: int
    r: int
    planes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PlaneErrors:
    """The error, taken apart: taylor / N^n + sum over coefficients.

    A coefficient with p >= 1 planes costs ``fixed + digit * 2^(-bits p) + product * 4^-(r+1)``,
    one with none costs ``dropped``.
    """

    n: int
    taylor: Fraction
    fixed: tuple[Fraction, ...]
    digit: tuple[Fraction, ...]
    product: tuple[Fraction, ...]
    dropped: tuple[Fraction, ...]
    bits: int

    def total(self, plan: Planes) -> Fraction:
        """The error of a plan, exactly."""
        error: Fraction = self.taylor / plan.N**self.n
        for i, p in enumerate(plan.planes):
            if p:
                error += self.fixed[i] + self.digit[i] / 2 ** (self.bits * p)
                error += self.product[i] / 4 ** (plan.r + 1)
            else:
                error += self.dropped[i]
        return error


def _refinements(
    errors: PlaneErrors, kept: Sequence[int], least: Fraction
) -> Iterator[tuple[tuple[int, ...], Fraction]]:
    """Allocations of planes, each the cheapest for its digit error, until that is below `least`.

    The next plane goes where the error is largest: all cost the same, and gains only fall.
    """
    planes = [0] * len(errors.digit)
    heap: list[tuple[Fraction, int]] = []
    total = Fraction(0)
    for i in kept:
        planes[i] = 1
        error = errors.digit[i] / 2**errors.bits
        total += error
        heapq.heappush(heap, (-error, i))
    while True:
        yield tuple(planes), total
        if total < least:
            return
        error, i = heapq.heappop(heap)
        planes[i] += 1
        smaller = error / 2**errors.bits
        total += error - smaller
        heapq.heappush(heap, (smaller, i))


def _candidates(errors: PlaneErrors, eps: Fraction) -> Iterator[Planes]:
    order = sorted(range(len(errors.digit)), key=lambda i: (errors.dropped[i], -i))
    lost = Fraction(0)
    for number in range(len(order)):
        kept = sorted(order[number:])
        if number:
            lost += errors.dropped[order[number - 1]]
        fixed = lost + sum((errors.fixed[i] for i in kept), Fraction(0))
        if fixed >= eps:
            return
        products = sum((errors.product[i] for i in kept), Fraction(0))
        first = 1 if products else 0
        while products and products / 4 ** (first + 1) >= eps:
            first += 1
        digits = list(_refinements(errors, kept, eps / _SMALLEST_SHARE))
        for r in range(first, first + (_MOST_PRODUCT_DIGITS if products else 1)):
            rest = eps - fixed - products / 4 ** (r + 1)
            for planes, error in digits:
                if error < rest:
                    yield Planes(least_root(errors.n, errors.taylor / (rest - error)), r, planes)


def cheapest_planes(
    errors: PlaneErrors,
    eps: Fraction,
    count: Callable[[Planes], int],
    floor: Callable[[Planes], int],
) -> Planes:
    """The plan of least count whose error is at most eps.

    Parameters
    ----------
    errors : PlaneErrors
    eps : Fraction
    count : callable
        The exact number of weights of a plan.
    floor : callable
        A cheap number that is never above it; plans are counted in its order until it exceeds
        the best count.

    Ties are broken by N, r and the planes, so the result depends on count and errors alone.

    Raises
    ------
    OutOfRegime
        If no plan reaches eps.
    """
    best: tuple[int, int, int, tuple[int, ...]] | None = None
    ranked = sorted((floor(p), p.N, p.r, p.planes) for p in set(_candidates(errors, eps)))
    for bound, N, r, planes in ranked:
        if best is not None and bound > best[0]:
            break
        key = (count(Planes(N, r, planes)), N, r, planes)
        best = key if best is None else min(best, key)
    if best is None:
        raise OutOfRegime(f"no choice of grid and digits brings the error below {eps}")
    return Planes(*best[1:])
