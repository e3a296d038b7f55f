"""The meshes, digits and layouts of a bubbles network, each condition in closed form.

N cells an axis, steps q of f's code and q_w of its second derivatives'. A third difference of a
member of the class is at most R / N^3, R = 2 for d = 2; for d = 1 what a kink has beyond its block
is at most R / N^3 with R the mean distance from the block's centre, and digits p to the base 2^b
are enough if 2^(bp) >= R / (N^3 q) + (1 + 2^-20) (earlier errors).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from qexpr.bounds.witness import cones_mesh
from qexpr.bounds.witness.coins import least_log
from qexpr.core.bubbles import Choice, Mesh, Rules
from qexpr.rigor.bubbles import COARSENINGS, bubble_kappa

__all__ = ["SLOPES", "Layout", "all_choices", "error", "first", "moves", "ratio_of", "rules"]

_SLACKED = 1 + Fraction(1, 1 << 20)
SLOPES = {1: (1,), 2: (2, 2, 1)}
"""N^2 times a coded second derivative is at most this and changes at most so fast (by h^2 L)."""
_BUBBLES = {1: Fraction(1, 8), 2: Fraction(1, 3)}


@dataclass(frozen=True, slots=True)
class Layout:
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


def _enough(over: int, under: int, predicted: int, b: int) -> int:
    """The least P >= 1 with 2^(bP) >= over / under + (1 + 2^-20) predicted, in integers."""
    total = (over << 20) + ((1 << 20) + 1) * predicted * under
    return max(1, least_log(-(-total // (under << 20)), b))


def _mean_distance(B: int) -> Fraction:
    """From a hat's mass to a point (B - 1) / 2 cells away, on average: for B <= 3 it reaches in."""
    a = Fraction(B - 1, 2)
    return a if a >= 1 else a + (1 - a) ** 3 / 3


def _reach(d: int, choice: Choice, b: int) -> tuple[Fraction, int]:
    """R, and how many earlier errors there may be."""
    if d == 2:
        return Fraction(2), 5
    return _mean_distance(choice.B), 3 + (1 << b * choice.mu)


def _f_code(
    d: int, N: int, q: Fraction, b: int, choice: Choice
) -> tuple[int, tuple[tuple[str, int], ...]]:
    R, earlier = _reach(d, choice, b)
    over, under = q.denominator, q.numerator  # of 1 / q
    p = _enough(R.numerator * over, R.denominator * N**3 * under, earlier, b)
    ends = (("start", _enough(over, under, 0, b)), ("slope", _enough(over, N * under, 1, b)))
    if d == 1:
        return p, ends
    return p, (
        *ends,
        ("axis", _enough(over, N**2 * under, 3, b)),
        ("kink", _enough(2 * over, N * under, 3, b)),
        ("corner", _enough(2 * over, N * under, 1, b)),
        ("edge", _enough(2 * over, N**2 * under, 3, b)),
    )


def _second_code(
    d: int, N: int, M: int, q_w: Fraction, b: int, L: int
) -> tuple[int, tuple[tuple[str, int], ...]]:
    """A function of size L / N^2 whose slope along each axis is that too, on N / M cells."""
    over, under = L * q_w.denominator, N**2 * q_w.numerator  # of the size over q_w
    step, cells = M * over, N * under  # of the change along an axis over q_w
    ends = (("start", _enough(over, under, 0, b)), ("slope", _enough(step, cells, 1, b)))
    if d == 1:
        return _enough(2 * step, cells, 3, b), ends
    three = _enough(2 * step, cells, 3, b)
    return _enough(4 * step, cells, 5, b), (
        *ends,
        ("axis", three),
        ("kink", three),
        ("corner", _enough(2 * step, cells, 1, b)),
        ("edge", three),
    )


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


def ratio_of(N: int, q_w: Fraction, L: int) -> int:
    """The j of the divisor q_w 2^j of a second derivative: the least above all its values."""
    most = Fraction(L) / (N**2 * q_w) + _SLACKED
    return least_log(-(-most.numerator // most.denominator), 1)


def _squares(d: int, N: int, q_w: Fraction) -> tuple[Fraction, Fraction]:
    sizes = [Fraction(L, N**2) + _SLACKED * q_w for L in SLOPES[d]]
    tops = [q_w * (1 << ratio_of(N, q_w, L)) for L in SLOPES[d]]
    return sum(sizes, Fraction(0)) / 8, sum(tops, Fraction(0)) / 16


def error(d: int, N: int, M: int, q: Fraction, q_w: Fraction, s: int, r: int) -> Fraction:
    """What the network is off by at most, for a member of the class."""
    bubbles, products = _squares(d, N, q_w)
    coded = _SLACKED * (q + _BUBBLES[d] * q_w)
    folds: Fraction = bubbles / 4 ** (s + 1) + products / 4 ** (r + 1)
    return bubble_kappa(d, M) / N**3 + coded + folds


def _coefficients(d: int, N: int) -> dict[str, int]:
    if d == 1:
        return {"start": 1, "slope": 1, "inner": N - 1}
    few = {"start": 1, "slope": 1, "kink": 1, "corner": 1}
    return {**few, "axis": 2 * (N - 1), "edge": 2 * (N - 1), "inner": (N - 1) ** 2}


def _all_digits(d: int, b: int, choice: Choice, N: int, q: Fraction, q_w: Fraction) -> int | None:
    M = choice.M
    if N < 2 * M:
        return None
    codes = [(N, _f_code(d, N, q, b, choice))]
    codes_w = {L: (N // M, _second_code(d, N, M, q_w, b, L)) for L in set(SLOPES[d])}
    codes += [codes_w[L] for L in SLOPES[d]]
    total = 0
    for cells, (p, long) in codes:
        many = _coefficients(d, cells)
        total += p * many["inner"] + sum(many[name] * P for name, P in long)
    if d == 2:
        return total
    left, total = N - 1, total + N
    for level, P in enumerate(_block_code(N, q, b, choice)):
        if level and left == 1:
            return None  # a single block needs no block around it
        left = -(-left // choice.B)
        total += (P + 1) * left
    return total


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
        lambda choice, N, q, q_w: _all_digits(d, b, choice, N, q, q_w),
    )


def first(mesh: Mesh, d: int, b: int) -> Layout:
    """Two steps below full scale, and as few planes as can be."""
    N, M = mesh.N, mesh.choice.M
    choice = mesh.choice if d == 2 else replace(mesh.choice, B=min(mesh.choice.B, N - 1))

    def bare(
        cells: int, q: Fraction, code: tuple[int, tuple[tuple[str, int], ...]]
    ) -> cones_mesh.Layout:
        power = q.denominator.bit_length() - 1
        return cones_mesh.Layout(d, b, cells, q.numerator, power, *code, 0, 0)

    f = bare(N, mesh.q, _f_code(d, N, mesh.q, b, choice))
    second = tuple(bare(N // M, mesh.q_w, _second_code(d, N, M, mesh.q_w, b, L)) for L in SLOPES[d])
    blocks = _block_code(N, mesh.q, b, choice) if d == 1 else ()
    made = Layout(M, f, second, choice.B, choice.mu, blocks, mesh.s, mesh.r)
    return _placed(made, cones_mesh.least_scale(f) + 2, _least_plane(made), 0)


def _least_plane(layout: Layout) -> int:
    """The least last plane of f's code: many coefficients have all their digits below it."""
    tops = [P + layout.mu + level - 1 for level, P in enumerate(layout.blocks)]
    return max(cones_mesh.least_planes(layout.f), *tops, 0)


def _placed(layout: Layout, E: int, T: int, more: int) -> Layout:
    return replace(
        layout,
        f=replace(layout.f, E=E, T=T),
        second=tuple(
            replace(code, E=E, T=cones_mesh.least_planes(code) + more) for code in layout.second
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
