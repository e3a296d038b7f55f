"""The meshes, digits and layouts of a bubbles network, each condition in closed form.

N cells an axis, steps q of f's code and q_w of its second derivatives'. A third difference of a
member of the class is at most R / N^3, R = 2 for d = 2; for d = 1 what a kink has beyond its block
is at most R / N^3 with R the mean distance from the block's centre, and digits p to the base 2^b
are enough if 2^(bp) >= R / (N^3 q) + (1 + 2^-20) (earlier errors).
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from qexpr.bounds.witness import cones_mesh
from qexpr.bounds.witness.coins import least_log
from qexpr.core.bubbles import Choice, Mesh, Rules
from qexpr.rigor.bubbles import COARSENINGS, bubble_kappa

__all__ = ["SLOPES", "Layout", "all_choices", "error", "first", "moves", "ratio_of", "rules"]

_ONE_SLACKED = (1 << 20) + 1
_SLACKED = Fraction(_ONE_SLACKED, 1 << 20)
SLOPES = {1: (1,), 2: (2, 2, 1)}
"""N^2 times a coded second derivative is at most this and changes at most so fast (by h^2 L)."""
_TIMES = {1: ((1, 1),), 2: ((2, 2), (1, 1))}
"""How often each of the SLOPES is there."""
_TWO = Fraction(2)
_BUBBLES = {1: Fraction(1, 8), 2: Fraction(1, 3)}


class Layout(NamedTuple):
    """The codes of f and of its second derivatives, blocks of kinks (d = 1), and folds."""

    M: int
    f: cones_mesh.Layout
    second: tuple[cones_mesh.Layout, ...]
    B: int
    mu: int
    blocks: tuple[int, ...]
    s: int
    r: int

    def numbers(self) -> list[int]:
        """How many blocks there are on each level."""
        out, left = [], self.f.N - 1
        for _ in self.blocks:
            left = (left + self.B - 1) // self.B
            out.append(left)
        return out


def _above(over: int, under: int, times: int) -> int:
    """The least integer >= over / under + (1 + 2^-20) times."""
    return -((-(over << 20) // under - _ONE_SLACKED * times) >> 20)


def _enough(over: int, under: int, predicted: int, b: int) -> int:
    """The least P >= 1 with 2^(bP) >= over / under + (1 + 2^-20) predicted."""
    number = -((-(over << 20) // under - _ONE_SLACKED * predicted) >> 20)  # 1 or more
    return -(-(number - 1).bit_length() // b) or 1


def _mean_distance(B: int) -> Fraction:
    """From a hat's mass to a point (B - 1) / 2 cells away, on average: for B <= 3 it reaches in."""
    a = Fraction(B - 1, 2)
    return a if a >= 1 else a + (1 - a) ** 3 / 3


def _reach(d: int, choice: Choice, b: int) -> tuple[Fraction, int]:
    """R, and how many earlier errors there may be."""
    if d == 2:
        return _TWO, 5
    return _mean_distance(choice.B), 3 + (1 << b * choice.mu)


def _f_inner(d: int, N: int, q: Fraction, b: int, choice: Choice) -> int:
    """Digits of f's code away from the boundary."""
    R, earlier = _reach(d, choice, b)
    over, under = R.numerator * q.denominator, R.denominator * N**3 * q.numerator
    return _enough(over, under, earlier, b)


def _f_border(N: int, q: Fraction, b: int) -> tuple[int, int]:
    """d = 2: digits of f's code along the boundary, on the axes and on the edges."""
    over, under = q.denominator, N**2 * q.numerator
    return _enough(over, under, 3, b), _enough(2 * over, under, 3, b)


def _f_single(d: int, N: int, q: Fraction, b: int) -> tuple[int, ...]:
    """Digits of f's single coefficients: start, slope, kink, corner."""
    over, under = q.denominator, N * q.numerator
    ends = _enough(N * over, under, 0, b), _enough(over, under, 1, b)
    if d == 1:
        return ends
    return (*ends, _enough(2 * over, under, 3, b), _enough(2 * over, under, 1, b))


def _second_inner(d: int, N: int, M: int, q_w: Fraction, b: int, L: int) -> int:
    """Of a function of size L / N^2 whose slope along each axis is that too, on N / M cells."""
    over, under = M * L * q_w.denominator, N**3 * q_w.numerator  # of the change over q_w
    return _enough(2 * over, under, 3, b) if d == 1 else _enough(4 * over, under, 5, b)


def _second_border(N: int, M: int, q_w: Fraction, b: int, L: int) -> int:
    """d = 2: its digits on an axis, on an edge, and of the kink."""
    return _enough(2 * M * L * q_w.denominator, N**3 * q_w.numerator, 3, b)


def _second_single(d: int, N: int, M: int, q_w: Fraction, b: int, L: int) -> tuple[int, ...]:
    """Digits of its other coefficients: start, slope, corner."""
    over, under = L * q_w.denominator, N**3 * q_w.numerator
    ends = _enough(N * over, under, 0, b), _enough(M * over, under, 1, b)
    return ends if d == 1 else (*ends, _enough(2 * M * over, under, 1, b))


def _block_code(N: int, q: Fraction, b: int, choice: Choice) -> tuple[int, ...]:
    """Increments are u^-mu times an odd number: by how far f'' may move between two centres."""
    unit, B = 1 << b * choice.mu, choice.B
    over, under = q.denominator, unit * q.numerator
    inner = [
        _enough((B - 1) * B**level * over, 2 * N**3 * under, 1, b)
        for level in range(1, choice.levels)
    ]
    return (*inner, _enough(over, N**2 * under, 0, b))


def all_choices(d: int, b: int) -> Iterator[Choice]:
    """In the order of the planner's."""

    def first_digits(earlier: int) -> int:
        """The least p with 2^(bp) > earlier + 1."""
        return least_log(earlier + 2, b)

    if d == 2:
        low = max(1, first_digits(5))
        for p in range(low, low + 4):
            for p_w in range(low, low + 4):
                for M in COARSENINGS[2]:
                    yield Choice(p, p_w, M)
        return
    for mu in range(2 if b < 4 else 1):
        low, low_w = max(1, first_digits(3 + (1 << b * mu))), max(1, first_digits(3))
        for p in range(low, low + 3):
            for p_w in range(low_w, low_w + 3):
                for B in (3, 4, 5, 6, 8):
                    for levels in range(1, 7):
                        yield Choice(p, p_w, 1, B, mu, levels)


def ratio_of(N: int, step: int, scale: int, L: int) -> int:
    """The j of the divisor q_w 2^j of a second derivative, q_w = step / scale: above its values."""
    return least_log(_above(L * scale, N**2 * step, 1), 1)


@lru_cache(maxsize=1024)
def _squares(d: int, N: int, q_w: Fraction) -> tuple[Fraction, Fraction]:
    """An eighth of the sum of all |w_k|, a sixteenth of that of their divisors."""
    nodes, step, scale = N**2, q_w.numerator, q_w.denominator
    sizes = (sum(SLOPES[d]) << 20) * scale + len(SLOPES[d]) * _ONE_SLACKED * nodes * step
    tops = sum(1 << ratio_of(N, step, scale, L) for L in SLOPES[d])
    return Fraction(sizes, (8 << 20) * nodes * scale), Fraction(tops * step, 16 * scale)


def error(d: int, N: int, M: int, q: Fraction, q_w: Fraction, s: int, r: int) -> Fraction:
    """What the network is off by at most, for a member of the class."""
    bubbles, products = _squares(d, N, q_w)
    coded = _SLACKED * (q + _BUBBLES[d] * q_w)
    folds: Fraction = bubbles / 4 ** (s + 1) + products / 4 ** (r + 1)
    return bubble_kappa(d, M) / N**3 + coded + folds


def _all_digits(
    d: int, b: int, choice: Choice, N: int, q: Fraction, q_w: Fraction, most: float
) -> int | None:
    """All free digits. What most of them are comes first: above `most` no more are added."""
    M, cells = choice.M, N // choice.M
    if cells < 2:
        return None
    total = _f_inner(d, N, q, b, choice) * int((N - 1) ** d) + (N if d == 1 else 0)
    if total > most:
        return None
    for L, times in _TIMES[d]:
        total += times * _second_inner(d, N, M, q_w, b, L) * int((cells - 1) ** d)
    if total > most:
        return None
    if d == 1:
        left = N - 1
        for level, P in enumerate(_block_code(N, q, b, choice)):
            if level and left == 1:
                return None  # a single block needs no block around it
            left = -(-left // choice.B)
            total += (P + 1) * left
    else:
        total += (2 * N - 2) * sum(_f_border(N, q, b))
        for L, times in _TIMES[d]:  # an axis, an edge, and the kink
            total += times * (4 * cells - 3) * _second_border(N, M, q_w, b, L)
    if total > most:
        return None
    for L, times in _TIMES[d]:
        total += times * sum(_second_single(d, N, M, q_w, b, L))
    return total + sum(_f_single(d, N, q, b))


def rules(d: int, b: int) -> Rules:
    """What the search is handed."""

    def least(choice: Choice) -> tuple[Fraction, Fraction]:
        R, earlier = _reach(d, choice, b)
        turn, earlier_w = (2, 3) if d == 1 else (8 * choice.M, 5)
        return (
            R / ((1 << b * choice.p) - _SLACKED * earlier),
            turn / ((1 << b * choice.p_w) - _SLACKED * earlier_w),
        )

    return Rules(
        d,
        lambda M: bubble_kappa(d, M),
        _BUBBLES[d],
        _SLACKED,
        least,
        lambda N, q_w: _squares(d, N, q_w),
        lambda choice, N, q, q_w, most: _all_digits(d, b, choice, N, q, q_w, most),
    )


def first(mesh: Mesh, d: int, b: int) -> Layout:
    """Two steps below full scale, and as few planes as can be."""
    N, M = mesh.N, mesh.choice.M
    choice = mesh.choice if d == 2 else mesh.choice._replace(B=min(mesh.choice.B, N - 1))

    def bare(cells: int, q: Fraction, p: int, ends: dict[str, int]) -> cones_mesh.Layout:
        power = q.denominator.bit_length() - 1
        return cones_mesh.Layout(d, b, cells, q.numerator, power, p, tuple(ends.items()), 0, 0)

    ends = dict(zip(("start", "slope", "kink", "corner"), _f_single(d, N, mesh.q, b), strict=False))
    if d == 2:
        ends |= zip(("axis", "edge"), _f_border(N, mesh.q, b), strict=True)
    f = bare(N, mesh.q, _f_inner(d, N, mesh.q, b, choice), ends)
    second = []
    for L in SLOPES[d]:
        of = N, M, mesh.q_w, b, L
        ends = dict(zip(("start", "slope", "corner"), _second_single(d, *of), strict=False))
        if d == 2:
            ends |= dict.fromkeys(("axis", "kink", "edge"), _second_border(*of))
        second.append(bare(N // M, mesh.q_w, _second_inner(d, *of), ends))
    blocks = _block_code(N, mesh.q, b, choice) if d == 1 else ()
    made = Layout(M, f, tuple(second), choice.B, choice.mu, blocks, mesh.s, mesh.r)
    return _placed(made, cones_mesh.least_scale(f) + 2, _least_plane(made), 0)


def _least_plane(layout: Layout) -> int:
    """The least last plane of f's code: many coefficients have all their digits below it."""
    tops = [P + layout.mu + level - 1 for level, P in enumerate(layout.blocks)]
    return max(cones_mesh.least_planes(layout.f), *tops, 0)


def _placed(layout: Layout, E: int, T: int, more: int) -> Layout:
    return layout._replace(
        f=cones_mesh.placed(layout.f, E, T),
        second=tuple(
            cones_mesh.placed(code, E, cones_mesh.least_planes(code) + more)
            for code in layout.second
        ),
    )


def moves(layout: Layout) -> list[Layout]:
    """Another scale, one plane more or less of f, both, or one plane of the others."""
    steps = ((1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (1, -1, 0), (-1, 1, 0), (0, 0, 1))
    code = layout.second[0]
    E, T, more = layout.f.E, layout.f.T, code.T - cones_mesh.least_planes(code)
    low_E, low_T = cones_mesh.least_scale(layout.f), _least_plane(layout)
    return [
        _placed(layout, E + e, T + t, more + m)
        for e, t, m in (*steps, (0, 0, -1))
        if E + e >= low_E and T + t >= low_T and more + m >= 0
    ]
