"""How many planes of digits each order of a tree takes: the fewest possible, or more.

One more plane at every level halves the step of an order, and with it what the orders below it
have to make up for. Beyond the fewest planes this saves more digits of the last level than it adds.
The choice is made in floats for small accuracies, where steps may be any numbers; exact counts
decide between it and the fewest.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qexpr.core.levels import TreeErrors

__all__ = ["ENOUGH", "hat_price", "variants_of"]

ENOUGH = 128  # the digits' error is brought down to this part of Taylor's


def hat_price(d: int) -> int:
    """The edges of a hat, but for those at the boundary."""
    return {1: 6, 2: 3}.get(d, 7)


def variants_of(errors: TreeErrors) -> tuple[TreeErrors, ...]:
    """The errors as they are, and with the planes that are best for small accuracies."""
    best = _best(errors)
    return (errors,) if best == errors.planes else (errors, errors.replace(planes=best))


def _best(errors: TreeErrors) -> tuple[int, ...]:
    """Add or drop a plane of one order, or add one of all of them, as long as it pays."""
    carried = [[float(x) for x in row] for row in errors.carried]
    remainder, digit = ([float(x) for x in row] for row in (errors.remainder, errors.digit))
    taylor, share = float(errors.taylor), 1 + 1 / ((1 << errors.d) - 1)

    def cost(planes: tuple[int, ...]) -> float:
        """Edges a node times nodes, at h = 1 and with the best further planes."""
        weights = [0.0] * errors.n
        steps = [0.0] * errors.n
        for i in range(errors.n - 1, -1, -1):
            least = remainder[i] + sum(carried[i][m] * steps[m] for m in range(i + 1, errors.n))
            steps[i] = least / (2.0 ** (errors.bits * planes[i] - 1) - carried[i][i])
            weights[i] = digit[i] * steps[i]
        edges = hat_price(errors.d) + share * (
            1 + sum(c * P for c, P in zip(errors.number, planes, strict=True))
        )
        # an order's next plane costs as many digits as it has coefficients
        gains = [weight / c for weight, c in zip(weights, errors.number, strict=True)]
        cheapest = math.inf
        while True:
            left = sum(weights)
            cheapest = min(cheapest, edges * math.pow(taylor + left, errors.d / errors.n))
            if left * ENOUGH < taylor:
                return cheapest
            i = gains.index(max(gains))
            edges += errors.number[i]
            weights[i] /= 2**errors.bits
            gains[i] = weights[i] / errors.number[i]

    best = cost(errors.planes), errors.planes
    while True:
        planes = best[1]
        tried = [tuple(P + 1 for P in planes)]
        for i, P in enumerate(planes):
            tried.append((*planes[:i], P + 1, *planes[i + 1 :]))
            if errors.planes[i] < P:
                tried.append((*planes[:i], P - 1, *planes[i + 1 :]))
        found = min((cost(held), held) for held in tried)
        if found[0] >= best[0]:
            return planes
        best = found
