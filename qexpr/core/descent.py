"""Searching for a layout: walks to the cheapest neighbour, shared by planners and bounds.

Each side hands in its own count, so that a bound's parameters and a construction's agree only
where their counts do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

__all__ = ["cheapest_layout"]

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
