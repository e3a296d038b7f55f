"""The mesh and step of a cones network: every choice in closed form, and which are worth counting.

With N cells an axis and the step q the interpolant of the coded values is within
kappa / N^n + (1 + SLACK) q of f, kappa = d/2 (n = 1) or d^2/8 (n = 2), and p digits to the base 2^b
are enough away from the boundary where 2^(bp) >= R / (N^n q) + (1 + SLACK) nu, R the class's
largest stencil and nu how many coded values predict the next one.
"""

from __future__ import annotations

from fractions import Fraction
from math import isqrt
from typing import NamedTuple

from qexpr.bounds.witness.coins import least_log

__all__ = [
    "Layout",
    "edges_at_least",
    "first_layouts",
    "least_planes",
    "least_scale",
    "moves",
    "placed",
    "simplest",
]

# A value enters by an enclosure: it is coded to within (1 + 2^-20) q.
_ONE = 1 << 20
_SLACKED = _ONE + 1
_STEP_BITS = (1, 3, 6, 10, 16)
_KEPT = 4

# kinds of boundary coefficients whose number grows with N: the level that their sources are at
_MANY = {"axis": 1, "edge": 0, "face": 0}


class Layout(NamedTuple):
    """A mesh with its code, and where its units are held: N x as N x u^E, digits up to plane T.

    q is step / 2^power; p and `long` are digits of coefficients inside, and at the boundary.
    """

    d: int
    b: int
    N: int
    step: int
    power: int
    p: int
    long: tuple[tuple[str, int], ...]
    E: int
    T: int

    @property
    def q(self) -> Fraction:
        """The step."""
        return Fraction(self.step, 1 << self.power)

    def level(self, name: str, j: int) -> int:
        """How far digit j's source is above a cone, in powers of 1/u.

        Single coefficients have all digits beyond the last plane in that one.
        """
        if name == "inner":
            return 1 if self.d == 1 else 0
        if name in _MANY:
            return _MANY[name]
        return max(0 if name == "corner" else 1, j - self.T)


def predictors(d: int) -> int:
    """nu: 2^(d+1) - 3 for even d, - 1 for odd d, where the two ends of the stencil add up."""
    return (2 << d) - (1 if d & 1 else 3)


def _kappa(d: int, n: int) -> tuple[int, int]:
    return (d, 2) if n == 1 else (d * d, 8)


def _reach(d: int, n: int) -> int:
    return 1 << (d if n == 1 else d - 1)


def _root(x: int, n: int) -> int:
    """The least N >= 2 with N^n >= x, n = 1 or 2."""
    return max(2, x if n == 1 else isqrt(x - 1) + 1)


def _cells(d: int, n: int, eps: tuple[int, int], b: int, p: int, bits: int) -> int | None:
    """The least N for which a step of at most `bits` bits, p digits and eps go together.

    A step q asks for N^n >= R / (D q) and for N^n >= kappa / (eps - (1 + SLACK) q), D the digits'
    range less the predictions'. The two are equal at q* = eps R / (R (1 + SLACK) + kappa D), so
    the best step of few bits is one of the two next to q*.
    """
    room = (_ONE << b * p) - _SLACKED * predictors(d)  # D 2^20
    if room <= 0:
        return None
    (over, under), reach = _kappa(d, n), _reach(d, n)
    top = eps[0] * reach * _ONE * under
    bottom = eps[1] * (reach * _SLACKED * under + over * room)
    shift = bits + bottom.bit_length() - top.bit_length()
    below = (top << max(shift, 0)) // (bottom << max(-shift, 0))
    shift -= max(below.bit_length() - bits, 0)
    below = (top << max(shift, 0)) // (bottom << max(-shift, 0))
    best = None
    for j in (below, below + 1):
        # q = j / 2^shift; below + 1 may be a power of two, which has fewer bits
        j2, down = (j << -shift, 0) if shift < 0 else (j, shift)
        left = eps[0] * (_ONE << down) - _SLACKED * j2 * eps[1]
        if left <= 0:
            continue
        coded = -(-(reach * _ONE << down) // (room * j2))
        fine = -(-(over * eps[1] * (_ONE << down)) // (under * left))
        found = _root(max(coded, fine), n)
        best = found if best is None else min(best, found)
    return best


def simplest(least: int, most: int, bottom: int) -> tuple[int, int]:
    """The dyadic number of smallest denominator in [least, most] / bottom, as (odd, power below).

    Among the multiples of a fine power of two in the interval, the one with most zeros at its
    end keeps what the last multiple has in common with the one before the first.
    """
    power = (bottom // max(most - least, 1)).bit_length() + 1
    last = (most << power) // bottom
    before = -(-(least << power) // bottom) - 1
    zeros = (before ^ last).bit_length() - 1
    return last >> zeros, power - zeros


def _step(d: int, n: int, eps: tuple[int, int], b: int, p: int, N: int) -> tuple[int, int]:
    """The q of smallest denominator for N and p, as (odd, power of two below)."""
    room = (_ONE << b * p) - _SLACKED * predictors(d)
    (over, under), reach, cells = _kappa(d, n), _reach(d, n), N**n
    bottom = cells * under * eps[1] * _SLACKED * room
    least = reach * _ONE * under * eps[1] * _SLACKED
    most = (eps[0] * cells * under - over * eps[1]) * _ONE * room
    return simplest(least, most, bottom)


def _digits(
    d: int, n: int, N: int, step: tuple[int, int], b: int
) -> tuple[int, tuple[tuple[str, int], ...]]:
    """Digits inside and at the boundary: 2^(bP) >= size / (N^k q) + (1 + SLACK) predicted."""
    odd, power = step

    def enough(size: int, k: int, predicted: int) -> int:
        cells = N**k * odd * _ONE
        number = (size * _ONE << power) + predicted * _SLACKED * N**k * odd
        return max(1, least_log(-(-number // cells), b))

    nu = predictors(d)
    p = enough(_reach(d, n), n, nu)
    if d == 1:
        return p, (("start", enough(1, 0, 0)), ("slope", enough(1, 1, 1)))
    if d > 2:
        return p, (("face", enough(nu + 1, 0, nu)),)
    return p, (
        ("start", enough(1, 0, 0)),
        ("slope", enough(1, 1, 1)),
        ("axis", enough(3 - n, n, 3)),
        ("kink", enough(2, 1, 3)),
        ("corner", enough(2, 1, 1)),
        ("edge", enough(2, n, 3)),
    )


def least_scale(layout: Layout) -> int:
    """The least E at which every line is at most 1."""
    return -(-(layout.N - 1).bit_length() // layout.b) + (2 * layout.d - 2 if layout.d > 2 else 0)


def least_planes(layout: Layout) -> int:
    """The least T: coefficients that are many have their digits in planes of their own."""
    tops = [P - 1 - _MANY[name] for name, P in layout.long if name in _MANY]
    if layout.d == 1:
        return layout.p - 1
    return max(layout.p - 1, *tops, 0)


def placed(layout: Layout, E: int, T: int) -> Layout:
    """The same mesh and code at another scale, with the last plane T."""
    return Layout(*layout[:-2], E, T)


def _main(layout: Layout) -> int:
    N, d = layout.N, layout.d
    border = 2 * d * N ** (d - 1) if d > 2 else 1
    return (2 + layout.p) * int(N**d) + border * sum(P for _, P in layout.long)


def edges_at_least(layout: Layout) -> int:
    """Never more than the count: two edges a cone, and one a digit."""
    d, N = layout.d, layout.N
    nodes, inside = (N + 1) ** d if d > 2 else N**d, (N - 1) ** d
    many = {"axis": 2 * N - 2, "edge": 2 * N - 2, "face": nodes - inside}
    border = sum(P * many.get(name, 1) for name, P in layout.long)
    return int(2 * nodes + layout.p * inside + border)


def first_layouts(d: int, n: int, accuracy: Fraction, b: int) -> list[Layout]:
    """The cheapest meshes by their main terms, a first layout for each."""
    eps = accuracy.numerator, accuracy.denominator
    found: dict[tuple[int, int, int], Layout] = {}
    for p in range(1, 13 + d):
        for bits in _STEP_BITS:
            N = _cells(d, n, eps, b, p, bits)
            if N is None:
                break
            odd, power = _step(d, n, eps, b, p, N)
            if (N, odd, power) not in found:
                enough, long = _digits(d, n, N, (odd, power), b)
                bare = Layout(d, b, N, odd, power, enough, long, 0, 0)
                found[N, odd, power] = placed(bare, least_scale(bare) + 2, least_planes(bare))

    return sorted(found.values(), key=lambda at: (_main(at), at.N, at.q))[:_KEPT]


def moves(layout: Layout) -> list[Layout]:
    """Layouts with another scale, one plane more or less, or both."""
    steps = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, -1), (-1, 1))
    E, T = least_scale(layout), least_planes(layout)
    near = [(layout.E + e, layout.T + t) for e, t in steps]
    return [placed(layout, e, t) for e, t in near if e >= E and t >= T]
