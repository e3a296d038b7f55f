"""The l1 norm of the bubble interpolant's kernel, and a proof that it is nowhere above a bound.

d = 2. Let x lie in a fine cell with u_1 >= u_2 (the other half is its mirror image), v_k and
lambda_k the vertices and weights of its simplex, U_k = v_k - x in fine cells, C the covariance, and
V_k, lambda'_k the same for the simplex of the mesh M times coarser. Taylor's remainders of I_1 f
run along the segments from x to v_k; those of second derivatives at V_k run along the same segment
to the corner of the fine cell that is nearest to V_k, and straight on from there. With sym(T) the
sum over the types (3,0), (2,1), (1,2), (0,3) of the absolute value of the sum of T's entries of
that type, the norm is

    sum_k int_0^1 sym((lambda_k s^2 U_k U_k - lambda'_k C) U_k / 2) ds
        + sum_k lambda'_k sym(C (V_k - v_k)) / 2.

The nearest corner is v_k, but for V_1 where the coarse simplex is the other half: there it is no
vertex of the fine simplex, and the path to V_1 is straight.
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


def _coarse(M: int, cell: tuple[int, int], x: arb, y: arb) -> list[tuple[arb, tuple[int, int]]]:
    """Weights and vertices of the coarse simplex, vertices from the fine cell's lower corner."""
    i, j = cell
    a, b = (i + x) / M, (j + y) / M
    first, last = (-i, -j), (M - i, M - j)
    if i >= j:
        return [(1 - a, first), (a - b, (M - i, -j)), (b, last)]
    return [(1 - b, first), (b - a, (-i, M - j)), (a, last)]


def kernel_norm(M: int, cell: tuple[int, int], x: arb, y: arb) -> arb:
    """The l1 norm for u = (x, y), x >= y, in a cell (of M by M) of the coarse cell."""
    C = x * (1 - x), y * (1 - x), y * (1 - y)
    total = arb(0)
    corners = (0, 0), (1, 0), (1, 1)
    fine, coarse = _simplex(x, y), _coarse(M, cell, x, y)
    for k, ((weight, *U), (share, far), corner) in enumerate(
        zip(fine, coarse, corners, strict=True)
    ):
        straight = k == 1 and cell[0] < cell[1]
        square = _types(U[0] * U[0], U[0] * U[1], U[1] * U[1], (U[0], U[1]))
        along = [arb(0)] * 4 if straight else [share * part for part in _types(*C, (U[0], U[1]))]
        total += sum(
            (_mean_size(weight * p, r) for p, r in zip(square, along, strict=True)), arb(0)
        )
        start = (x, y) if straight else corner
        rest = far[0] - start[0], far[1] - start[1]
        total += share * sum((abs(part) for part in _types(*C, rest)), arb(0))
    return total / 2


def is_below(M: int, bound: Fraction) -> bool:
    """Whether the norm is proven to be at most a bound everywhere; False if it is above somewhere.

    Turned by half a circle and mirrored, cell (i, j) becomes (M-1-j, M-1-i) with equal norms: one
    of the two is enough.

    Raises
    ------
    QexprError
        If subdivision does not settle it.
    """
    boxes = [
        (M, (i, j), Fraction(0), Fraction(1), Fraction(0), Fraction(1))
        for i in range(M)
        for j in range(M - i)
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
