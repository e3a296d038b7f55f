"""The l1 norm of the bubble interpolant's kernel, and a proof that it is nowhere above a bound.

d = 2. Let x have the coordinates u in its cell, u_1 >= u_2 (the other half is its mirror image),
lambda_j and V_j the weights and vertices of its simplex, U_j = V_j - u, C the covariance, and
lambda'_j, U'_j the same for the simplex of the mesh M times coarser, in units of its cells. Then
Taylor's remainders along the segments to the vertices give, with sym(T) the sum over the types
(3,0), (2,1), (1,2), (0,3) of the absolute value of the sum of T's entries of that type,

    M = 1:  sum_j lambda_j int_0^1 sym((s^2 U_j U_j - C) U_j / 2) ds,
    M > 1:  sum_j lambda_j |U_j|_1^3 / 6 + (M / 2) sum_j lambda'_j sym(C U'_j).

For M = 1 both remainders run along the same segments and are taken together.
"""

from __future__ import annotations

from fractions import Fraction

from qexpr.errors import QexprError
from qexpr.rigor.balls import arb, ball, interval, lower_end, upper_end

__all__ = ["is_below", "kernel_norm"]

_MOST_BOXES = 200_000

Point = tuple[arb, arb]


def _simplex(x: arb, y: arb) -> list[tuple[arb, arb, arb]]:
    """Weights and vertices less the point, for x >= y: (lambda, U_1, U_2)."""
    return [(1 - x, -x, -y), (x - y, 1 - x, -y), (y, 1 - x, 1 - y)]


def _types(a: arb, b: arb, c: arb, U: Point) -> list[arb]:
    """Sums of the entries by type of the symmetric matrix (a b; b c) times U."""
    return [a * U[0], a * U[1] + 2 * b * U[0], c * U[0] + 2 * b * U[1], c * U[1]]


def _mean_size(p: arb, r: arb) -> arb:
    """int_0^1 |p s^2 - r| ds: at the middles, which are exact, and |p|'s slope 1/3, r's 1."""
    P, R = p.mid(), r.mid()
    if P < 0:
        P, R = -P, -R
    if R <= 0:
        size = P / 3 - R
    elif P <= R:
        size = R - P / 3
    else:
        size = P / 3 - R + 4 * R * (R / P).sqrt() / 3
    more = p.rad() / 3 + r.rad()
    return size + arb(0, more)


def kernel_norm(M: int, cell: tuple[int, int], x: arb, y: arb) -> arb:
    """The l1 norm for u = (x, y), x >= y, in a cell (of M by M) of the coarse cell."""
    C = x * (1 - x), y * (1 - x), y * (1 - y)
    total = arb(0)
    if M == 1:
        for weight, *U in _simplex(x, y):
            square = _types(U[0] * U[0], U[0] * U[1], U[1] * U[1], (U[0], U[1]))
            cubes = zip(square, _types(*C, (U[0], U[1])), strict=True)
            total += weight * sum((_mean_size(p / 2, r / 2) for p, r in cubes), arb(0))
        return total
    for weight, *U in _simplex(x, y):
        size = abs(U[0]) + abs(U[1])
        total += weight * size * size * size / 6
    a, b = (cell[0] + x) / M, (cell[1] + y) / M
    swapped = cell[0] < cell[1]
    for weight, *U in _simplex(b, a) if swapped else _simplex(a, b):
        own = (U[1], U[0]) if swapped else (U[0], U[1])
        total += weight * M * sum((abs(part) for part in _types(*C, own)), arb(0)) / 2
    return total


def is_below(M: int, bound: Fraction) -> bool:
    """Whether the norm is proven to be at most a bound everywhere; False if it is above somewhere.

    Raises
    ------
    QexprError
        If subdivision does not settle it.
    """
    boxes = [
        (M, (i, j), Fraction(0), Fraction(1), Fraction(0), Fraction(1))
        for i in range(M)
        for j in range(M)
    ]
    for _ in range(_MOST_BOXES):
        if not boxes:
            return True
        _, cell, x0, x1, y0, y1 = boxes.pop()
        if y0 > x1:
            continue  # the other simplex
        value = kernel_norm(M, cell, interval(x0, x1), interval(y0, y1))
        if value.is_finite() and upper_end(value) <= bound:
            continue
        x, y = (x0 + x1) / 2, (y0 + y1) / 2
        if x >= y and lower_end(kernel_norm(M, cell, ball(x), ball(y))) > bound:
            return False
        if x1 - x0 >= y1 - y0:
            boxes += [(M, cell, x0, x, y0, y1), (M, cell, x, x1, y0, y1)]
        else:
            boxes += [(M, cell, x0, x1, y0, y), (M, cell, x0, x1, y, y1)]
    raise QexprError(f"{_MOST_BOXES} boxes do not settle whether the kernel is below {bound}")
