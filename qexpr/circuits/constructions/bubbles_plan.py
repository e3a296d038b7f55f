"""The parameters of a bubbles network: meshes, steps, digits, blocks, folds, and its layout.

For n = 3 and d = 1, 2, with h = 1/N, w_k within (1 + SLACK) q_w of a second derivative times h^2 on
the mesh of step M h, and G_k the bubble s (1 - s) of the fractional part s of N x_1 (N x_2,
N (x_1 - x_2)),

    f~ = I_1 v - (1/2) sum_k I_M[w_k] G_k.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

from qexpr.circuits.constructions.cones_plan import (
    SLACK,
    ConesPlan,
    amplification,
    digits_for,
    least_digits,
    least_plane,
    place,
    plane_sums,
    scale_of,
)
from qexpr.circuits.constructions.ladder import least_power
from qexpr.core.bubbles import Choice, Mesh, Rules
from qexpr.rigor.bubbles import COARSENINGS, bubble_kappa

__all__ = [
    "LIPSCHITZ",
    "BubblesPlan",
    "choices",
    "error_of",
    "first_layout",
    "lift_of",
    "neighbours",
    "rules",
    "top_of",
]

HALF = Fraction(1, 2)

LIPSCHITZ = {1: (1,), 2: (2, 2, 1)}
"""Size and slope along axes of w_k / h^2: f''; D_1(D_1 + D_2) f, D_2(D_1 + D_2) f, -D_1 D_2 f."""

_WEIGHT = {1: Fraction(1, 8), 2: Fraction(1, 3)}  # the largest (1/2) sum_k G_k


@dataclass(frozen=True, slots=True)
class BubblesPlan:
    """Everything that determines the graph.

    Parameters
    ----------
    M : int
        The w_k live on the mesh of N / M cells an axis.
    v : ConesPlan
        The code of f; its E is the scale of all.
    w : tuple of ConesPlan
        The codes of the w_k.
    B, mu : int
        d = 1: kinks 1..N-1 in blocks of B, blocks in blocks of B; increments are u^-mu times odd.
    blocks : tuple of int
        Digits of a block's increment by level, from 1 on.
    s, r : int
        Folds of a bubble and of a product.
    """

    M: int
    v: ConesPlan
    w: tuple[ConesPlan, ...]
    B: int
    mu: int
    blocks: tuple[int, ...]
    s: int
    r: int

    @property
    def d(self) -> int:
        """The number of variables."""
        return self.v.d

    @property
    def q_w(self) -> Fraction:
        """The step of the w_k."""
        return self.w[0].q


def block_counts(N: int, B: int, levels: int) -> list[int]:
    """How many blocks of the N - 1 kinks there are on each level."""
    counts, number = [], N - 1
    for _ in range(levels):
        number = -(-number // B)
        counts.append(number)
    return counts


def _hat_distance(a: Fraction) -> Fraction:
    """E|X - a|, X with the density of the hat on [-1, 1]."""
    return a + max(Fraction(0), 1 - a) ** 3 / 3


def _third_differences(choice: Choice, d: int, b: int, norm: Fraction) -> Fraction:
    """x such that q >= x / N^3 is enough for the digits of f's code away from the boundary."""
    if d == 1:
        known = (1 + SLACK) * (2 ** (b * choice.mu) + 3)
        reach = norm * _hat_distance(Fraction(choice.B - 1, 2))
    else:
        known, reach = (1 + SLACK) * 5, 2 * norm
    return reach / (2 ** (b * choice.p) - known)


def _second_derivatives(choice: Choice, d: int, b: int, norm: Fraction) -> Fraction:
    """y such that q_w >= y / N^3 is enough for the digits of the w_k of Lipschitz constant most."""
    known = (1 + SLACK) * (3 if d == 1 else 5)
    reach = norm * (2 if d == 1 else 8 * choice.M)
    return reach / (2 ** (b * choice.p_w) - known)


def choices(d: int, b: int) -> Iterable[Choice]:
    """The digits, coarsenings and blocks that are tried."""

    def digits(known: int, more: int) -> range:
        least = 1
        while 2 ** (b * least) <= known + 1:
            least += 1
        return range(least, least + more)

    if d == 2:
        for p in digits(5, 4):
            for p_w in digits(5, 4):
                for M in COARSENINGS[2]:
                    yield Choice(p, p_w, M)
        return
    for mu in (0, 1) if b < 4 else (0,):
        for p in digits(2 ** (b * mu) + 3, 3):
            for p_w in digits(3, 3):
                for B in (3, 4, 5, 6, 8):
                    for levels in (1, 2, 3, 4, 5, 6):
                        yield Choice(p, p_w, 1, B, mu, levels)


def _f_digits(
    d: int, N: int, q: Fraction, b: int, norm: Fraction, choice: Choice
) -> tuple[int, tuple[tuple[str, int], ...]]:
    """Digits of f's code: inside (d = 1: of a leaf), and by kind at the boundary."""
    h = Fraction(1, N)

    def least(reach: Fraction, predicted: int) -> int:
        return least_digits(norm * reach / q + (1 + SLACK) * predicted, b)

    if d == 1:
        inner = least(h**3 * _hat_distance(Fraction(choice.B - 1, 2)), 2 ** (b * choice.mu) + 3)
        return inner, (("start", least(Fraction(1), 0)), ("slope", least(h, 1)))
    return least(2 * h**3, 5), (
        ("start", least(Fraction(1), 0)),
        ("slope", least(h, 1)),
        ("axis", least(h**2, 3)),
        ("kink", least(2 * h, 3)),
        ("corner", least(2 * h, 1)),
        ("edge", least(2 * h**2, 3)),
    )


def _block_digits(N: int, q: Fraction, b: int, norm: Fraction, choice: Choice) -> tuple[int, ...]:
    """Digits of a block's increment by level: from its parent's centre to its own; absolute on top.

    The centres of a block on level l and of its parent are at most (B - 1) B^l / 2 cells apart.
    """
    unit, B, L = 2 ** (b * choice.mu), choice.B, choice.levels
    out = []
    for level in range(1, L):
        reach = norm * Fraction((B - 1) * B**level, 2 * N**3) / q
        out.append(least_digits(reach / unit + 1 + SLACK, b))
    return (*out, least_digits(norm / (N * N * q * unit), b))


@lru_cache(maxsize=4096)
def _w_digits(
    d: int, N: int, M: int, q_w: Fraction, b: int, norm: Fraction, L: int
) -> tuple[int, tuple[tuple[str, int], ...]]:
    """w_k is L h^2 times a member of F(d, 1)."""
    return digits_for(d, 1, N // M, q_w, b, norm * L / Fraction(N) ** 2)


def _numbers(d: int, N: int) -> dict[str, int]:
    """How many coefficients of each kind the code on N cells has."""
    if d == 1:
        return {"start": 1, "slope": 1, "inner": N - 1}
    single = dict.fromkeys(("start", "slope", "kink", "corner"), 1)
    return {**single, "axis": 2 * N - 2, "edge": 2 * N - 2, "inner": (N - 1) ** 2}


def _free_digits(
    d: int, b: int, norm: Fraction, choice: Choice, N: int, q: Fraction, q_w: Fraction
) -> int | None:
    if N // choice.M < 2:
        return None
    total, counts = 0, block_counts(N, choice.B, choice.levels) if d == 1 else []
    if len(counts) > 1 and counts[-2] == 1:
        return None  # one block less deep is as good
    codes = [(N, _f_digits(d, N, q, b, norm, choice))]
    codes += [(N // choice.M, _w_digits(d, N, choice.M, q_w, b, norm, L)) for L in LIPSCHITZ[d]]
    for cells, (p, long) in codes:
        number = _numbers(d, cells)
        total += p * number["inner"] + sum(P * number[name] for name, P in long)
    if d == 1:
        digits = _block_digits(N, q, b, norm, choice)
        # beside its digits a block has one edge from each part, and one more to its parent
        total += sum((P + 1) * count for P, count in zip(digits, counts, strict=True)) + N
    return total


def rules(d: int, b: int, norm: Fraction) -> Rules:
    """The formulas that the search is handed."""

    def squares(N: int, q_w: Fraction) -> tuple[Fraction, Fraction]:
        sizes = [_size(L, N, q_w, norm) for L in LIPSCHITZ[d]]
        return sum(sizes, Fraction(0)) / 8, sum(_above(x, q_w) for x in sizes) / 16

    return Rules(
        d,
        lambda M: norm * bubble_kappa(d, M),
        _WEIGHT[d],
        1 + SLACK,
        lambda choice: (
            _third_differences(choice, d, b, norm),
            _second_derivatives(choice, d, b, norm),
        ),
        squares,
        lambda choice, N, q, q_w, most: _free_digits(d, b, norm, choice, N, q, q_w),
    )


def _size(L: int, N: int, q_w: Fraction, norm: Fraction) -> Fraction:
    """The largest |w_k|."""
    return norm * L / Fraction(N) ** 2 + (1 + SLACK) * q_w


def _above(size: Fraction, q_w: Fraction) -> Fraction:
    """The least q_w 2^j that is at least a size: what w_k is divided by in its product."""
    top = q_w
    while top < size:
        top *= 2
    while top / 2 >= size:
        top /= 2
    return top


def top_of(plan: BubblesPlan, k: int, norm: Fraction) -> Fraction:
    """W_k: |w_k| <= W_k, a power of two times q_w."""
    return _above(_size(LIPSCHITZ[plan.d][k], plan.v.N, plan.q_w, norm), plan.q_w)


def error_of(
    d: int, N: int, M: int, q: Fraction, q_w: Fraction, s: int, r: int, norm: Fraction
) -> Fraction:
    """The guarantee: interpolation, the two codes, bubbles, products."""
    bubbles, products = rules(d, 1, norm).squares(N, q_w)
    return (
        norm * bubble_kappa(d, M) / N**3
        + (1 + SLACK) * (q + _WEIGHT[d] * q_w)
        + bubbles / 4 ** (s + 1)
        + products / 4 ** (r + 1)
    )


def first_layout(mesh: Mesh, d: int, b: int, norm: Fraction) -> BubblesPlan:
    """The plan of a mesh, units two steps below full scale, and as few planes as can be."""
    N, M = mesh.N, mesh.choice.M
    # one block of all kinks is no larger than that
    choice = mesh.choice._replace(B=min(mesh.choice.B, N - 1)) if d == 1 else mesh.choice
    p, long = _f_digits(d, N, mesh.q, b, norm, choice)
    v = ConesPlan(d, 3, N, mesh.q, b, p, long, 0, 0)
    w = []
    for L in LIPSCHITZ[d]:
        p_w, long_w = _w_digits(d, N, M, mesh.q_w, b, norm, L)
        w.append(ConesPlan(d, 3, N // M, mesh.q_w, b, p_w, long_w, 0, 0))
    blocks = _block_digits(N, mesh.q, b, norm, choice) if d == 1 else ()
    plan = BubblesPlan(M, v, tuple(w), choice.B, choice.mu, blocks, mesh.s, mesh.r)
    return laid_out(plan, scale_of(v) + 2, least_last(plan), 0)


def least_last(plan: BubblesPlan) -> int:
    """The least last plane of f's code: coefficients that are many need planes of their own."""
    tops = [P - 2 + plan.mu + level for level, P in enumerate(plan.blocks, start=1)]
    return max([least_plane(plan.v), *tops])


def laid_out(plan: BubblesPlan, E: int, T: int, more: int) -> BubblesPlan:
    """The plan with N x held as N x u^E, f's digits in planes up to T, and more planes for w."""
    return replace(
        plan,
        v=replace(plan.v, E=E, T=T),
        w=tuple(replace(w, E=E, T=least_plane(w) + more) for w in plan.w),
    )


def neighbours(plan: BubblesPlan) -> list[BubblesPlan]:
    """Layouts one step away: another scale, a plane more or less for either code."""
    moves = [(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (1, -1, 0), (-1, 1, 0)]
    moves += [(0, 0, 1), (0, 0, -1)]
    E, T, more = plan.v.E, plan.v.T, plan.w[0].T - least_plane(plan.w[0])
    least = scale_of(plan.v), least_last(plan), 0
    near = [(E + x, T + y, more + z) for x, y, z in moves]
    return [
        laid_out(plan, *place)
        for place in near
        if all(a >= b for a, b in zip(place, least, strict=True))
    ]


def lift_of(plan: BubblesPlan, k: int) -> int:
    """The power of u that outweighs the worst digits in every plane: of w_k, or of f (k < 0)."""
    cones = plan.v if k < 0 else plan.w[k]
    u = Fraction(1, 2**cones.b)
    sums = plane_sums(cones)
    for level, P in enumerate(plan.blocks if k < 0 else (), start=1):
        for j in range(P):
            plane, _ = place(cones, "inner", j)
            kinks = Fraction(cones.N * (cones.N - 1), 2)
            sums[plane + plan.mu + level] += u ** (1 + cones.E + level) * kinks
    worst, need = Fraction(0), Fraction(0)
    for plane in sorted(sums):
        worst = (1 - u) * sums[plane] + u * worst
        need = max(need, worst)
    # the coarse mesh's functions are held M times as large
    return least_power(u, need if k < 0 else need * plan.M)


def gain_of(plan: BubblesPlan, k: int) -> Fraction:
    """w_k, or f~ without bubbles (k < 0), over the last plane of its code."""
    return amplification(plan.v) if k < 0 else amplification(plan.w[k]) / plan.M
