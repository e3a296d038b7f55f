"""Searching for a layout: walks to the cheapest neighbour, shared by planners and bounds.

Each side hands in its own count, so that a bound's parameters and a construction's agree only
where their counts do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from typing import TypeVar

__all__ = ["cheapest_at_most", "cheapest_layout", "finer"]

P = TypeVar("P")


def _descend(
    start: P, neighbours: Callable[[P], Iterable[P]], count: Callable[[P], int]
) -> tuple[int, P]:
    """Walk to the best neighbour for as long as the count falls, the first among equal ones."""
    best, place = count(start), start
    while True:
        options = [(count(near), i, near) for i, near in enumerate(neighbours(place))]
        if not options:
            return best, place
        cost, _, near = min(options, key=lambda option: option[:2])
        if cost >= best:
            return best, place
        best, place = cost, near


def cheapest_layout(
    starts: Iterable[P], neighbours: Callable[[P], Iterable[P]], count: Callable[[P], int]
) -> P:
    """The cheapest place reached from any of the starts by steps that lower the count.

    Places must be hashable. Ties go to the earlier start, so the result depends on the count and
    the order of starts and neighbours alone.
    """
    seen: dict[P, int] = {}

    def counted(place: P) -> int:
        if place not in seen:
            seen[place] = count(place)
        return seen[place]

    ends = [_descend(start, neighbours, counted) for start in starts]
    return min(enumerate(ends), key=lambda end: (end[1][0], end[0]))[1][1]


def finer(eps: Fraction) -> Iterator[Fraction]:
    """The accuracies 2^-k and 3/4 2^-k below eps, the largest first, without end."""
    k = (eps.denominator // eps.numerator).bit_length() - 1  # 2^-k >= eps > 2^-(k+1)
    while True:
        for accuracy in (Fraction(1, 2**k), Fraction(3, 2 ** (k + 2))):
            if accuracy < eps:
                yield accuracy
        k += 1


def cheapest_at_most(
    eps: Fraction,
    starts: Callable[[Fraction], Sequence[P]],
    neighbours: Callable[[P], Iterable[P]],
    count: Callable[[P], int],
    floor: Callable[[P], int],
) -> P:
    """The cheapest layout for eps or for one of the finer accuracies, searched at each.

    A coarse mesh may need constants that cost more than some cells, so that a layout for a
    smaller eps is cheaper. All eps share the finer accuracies: none costs more than one of these
    below it.

    Parameters
    ----------
    eps : Fraction
    starts : callable
        Where the search for an accuracy begins.
    neighbours, count : callable
        As for `cheapest_layout`.
    floor : callable
        What a start and all that is reached from it cost at least. It must rise as the accuracy
        falls: at the first one that may not be cheaper the search ends.
    """
    best = cheapest_layout(starts(eps), neighbours, count)
    least = count(best)
    for accuracy in finer(eps):
        worth = [start for start in starts(accuracy) if floor(start) < least]
        if not worth:
            break
        found = cheapest_layout(worth, neighbours, count)
        if count(found) < least:
            best, least = found, count(found)
    return best
