"""The planners' search: the cheapest parameters of a bit-plane network, given its count and error.

Circuits and bounds each hand over their own count and their own error; equal counts and errors
give equal parameters, which a test requires.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from math import ceil, lcm
from typing import NamedTuple

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


class Planes(NamedTuple):
    """Grid N, product accuracy r, and the number of planes of each coefficient (0: dropped)."""

    N: int
    r: int
    planes: tuple[int, ...]


class PlaneErrors(NamedTuple):
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
    digit: Sequence[int], bits: int, kept: Sequence[int], enough: Callable[[int], bool]
) -> list[tuple[tuple[int, ...], int]]:
    """Allocations of planes, each the cheapest for its digit error, until that is small enough.

    The next plane goes where the error is largest: all cost the same, and gains only fall.
    """
    planes = [0] * len(digit)
    heap: list[tuple[int, int]] = []
    total, found = 0, []
    for i in kept:
        planes[i] = 1
        error = digit[i] >> bits
        total += error
        heap.append((-error, i))
    heapq.heapify(heap)
    while True:
        found.append((tuple(planes), total))
        if enough(total):
            return found
        error, i = heap[0]
        planes[i] += 1
        smaller = -(-error >> bits)
        total += error - smaller
        heapq.heapreplace(heap, (smaller, i))


def _unit(errors: PlaneErrors, eps: Fraction) -> int:
    """A number of which all errors are integer parts, whatever planes and products are tried.

    A plane is added to an error of at least eps / (256 k) among k, and products are accurate to
    about eps / 4^8, so that few more halvings are needed than bring all of them below that.
    """
    terms = *errors.digit, *errors.product, *errors.fixed, *errors.dropped
    most = sum(errors.digit, Fraction(0)) + sum(errors.product, Fraction(0))
    halvings = ceil(most * _SMALLEST_SHARE * len(errors.digit) / eps + 1).bit_length()
    common = lcm(eps.denominator, *(term.denominator for term in terms))
    return common << halvings + errors.bits + 2 * (_MOST_PRODUCT_DIGITS + 1)


def _candidates(errors: PlaneErrors, eps: Fraction) -> Iterator[Planes]:
    unit = _unit(errors, eps)

    def whole(terms: Sequence[Fraction]) -> list[int]:
        return [term.numerator * (unit // term.denominator) for term in terms]

    fixed, digit, product, dropped = (
        whole(terms) for terms in (errors.fixed, errors.digit, errors.product, errors.dropped)
    )
    goal = whole([eps])[0]
    wide = errors.taylor.numerator * unit
    order = sorted(range(len(digit)), key=lambda i: (dropped[i], -i))
    lost = 0
    for number in range(len(order)):
        kept = sorted(order[number:])
        if number:
            lost += dropped[order[number - 1]]
        left = goal - lost - sum(fixed[i] for i in kept)
        if left <= 0:
            return
        products = sum(product[i] for i in kept)
        first = 1 if products else 0
        while products >> 2 * (first + 1) >= goal:
            first += 1
        digits = _refinements(
            digit, errors.bits, kept, lambda total: total * _SMALLEST_SHARE < goal
        )
        for r in range(first, first + (_MOST_PRODUCT_DIGITS if products else 1)):
            rest = left - (products >> 2 * (r + 1))
            for planes, error in digits:
                if error < rest:
                    narrow = errors.taylor.denominator * (rest - error)
                    yield Planes(least_root(errors.n, -(-wide // narrow)), r, planes)


def cheapest_planes(
    errors: PlaneErrors,
    eps: Fraction,
    count: Callable[[Planes], int],
    *floors: Callable[[Planes], int],
) -> Planes:
    """The plan of least count whose error is at most eps.

    Parameters
    ----------
    errors : PlaneErrors
    eps : Fraction
    count : callable
        The exact number of weights of a plan.
    *floors : callable
        Numbers that are never above the count, the cheapest first. The plan that may cost least
        has its next floor taken, or is counted, until no other may cost as little as the best.

    Ties are broken by N, r and the planes, so the result depends on count and errors alone.

    Raises
    ------
    OutOfRegime
        If no plan reaches eps.
    """
    best: tuple[int, Planes] | None = None
    queue = [(floors[0](plan), 0, plan) for plan in set(_candidates(errors, eps))]
    heapq.heapify(queue)
    while queue:
        bound, known, plan = queue[0]
        if best is not None and bound > best[0]:
            break
        if known + 1 < len(floors):
            bound = max(bound, floors[known + 1](plan))
            heapq.heapreplace(queue, (bound, known + 1, plan))
        else:
            heapq.heappop(queue)
            key = count(plan), plan
            best = key if best is None else min(best, key)
    if best is None:
        raise OutOfRegime(f"no choice of grid and digits brings the error below {eps}")
    return best[1]
