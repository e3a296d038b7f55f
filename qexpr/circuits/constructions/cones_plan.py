"""The parameters of a cones network: mesh, step, digits, and the layout that costs least.

For n = 1, 2 the interpolant on the Kuhn mesh of step h = 1/N is within kappa h^n of f; its
coefficients, coded to multiples of q, cost another q.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product

from qexpr.circuits.constructions.ladder import least_power
from qexpr.core.search import least_root

__all__ = [
    "SLACK",
    "ConesPlan",
    "amplification",
    "bias",
    "digits_for",
    "edges_at_least",
    "error_of",
    "kappa",
    "least_cells",
    "least_digits",
    "least_plane",
    "neighbours",
    "place",
    "plane_sums",
    "power_sum",
    "scale_of",
    "spread",
    "stencil",
    "step_between",
    "steps",
]

# f enters through enclosures: a coded value is proven within (1 + SLACK) q of it.
SLACK = Fraction(1, 2**20)
_STEP_BITS = (1, 3, 6, 10, 16)


@dataclass(frozen=True, slots=True)
class ConesPlan:
    """Everything that determines the graph.

    Parameters
    ----------
    d, n : int
    N : int
        Cells an axis.
    q : Fraction
        Step of the code, dyadic.
    b : int
        Digits are odd numbers of +-(2^b - 1), to the base 2^b.
    p : int
        Digits of a coefficient away from the boundary.
    long : tuple of (name, digits)
        Digits of the boundary's coefficients.
    E : int
        The scale: N x is carried as N x u^E.
    T : int
        The last plane.
    """

    d: int
    n: int
    N: int
    q: Fraction
    b: int
    p: int
    long: tuple[tuple[str, int], ...]
    E: int
    T: int

    def digits(self, name: str) -> int:
        """Digits of a boundary coefficient."""
        return dict(self.long)[name]


def kappa(d: int, n: int) -> Fraction:
    """The interpolation error is at most kappa h^n: d/2 (n = 1), d^2/8 (n = 2)."""
    return Fraction(d, 2) if n == 1 else Fraction(d * d, 8)


def stencil(d: int) -> dict[tuple[int, ...], int]:
    """Coefficients of nabla_{e_1} .. nabla_{e_d} nabla_{(1,..,1)}: v(m - z) has weight [z]."""
    out: dict[tuple[int, ...], int] = {}
    for z in product((0, 1), repeat=d):
        sign = (-1) ** sum(z)
        out[z] = out.get(z, 0) + sign
        shifted = tuple(k + 1 for k in z)
        out[shifted] = out.get(shifted, 0) - sign
    return {z: weight for z, weight in out.items() if weight}


def spread(d: int) -> int:
    """nu: the sum of |stencil|, less the 1 of the new value.

    2^d - 1 differences of either sign, and at (1,..,1), where two meet, 2 for odd d and 0 else.
    """
    return (2 << d) - 3 + 2 * (d % 2)


def error_of(d: int, n: int, N: int, q: Fraction, norm: Fraction) -> Fraction:
    """The guarantee: norm kappa h^n + (1 + SLACK) q."""
    return norm * kappa(d, n) / N**n + (1 + SLACK) * q


def least_digits(size: Fraction, b: int) -> int:
    """The least P >= 1 with 2^(bP) >= size."""
    whole, digits = -(-size.numerator // size.denominator), 1
    while 1 << b * digits < whole:
        digits += 1
    return digits


def _reach(d: int, n: int, h: Fraction) -> Fraction:
    """The largest stencil of a member: 2^d h (n = 1), 2^(d-1) h^2 (n = 2)."""
    return 2**d * h if n == 1 else 2 ** (d - 1) * h * h


def digits_for(
    d: int, n: int, N: int, q: Fraction, b: int, norm: Fraction
) -> tuple[int, tuple[tuple[str, int], ...]]:
    """Digits away from the boundary, and of every kind of boundary coefficient.

    A coefficient is coded as the odd integer nearest to f's stencil over q minus the prediction,
    so 2^(bP) must reach norm * (the stencil of a member over q) + (1 + SLACK) * (coded values
    in the prediction).
    """
    h = Fraction(1, N)

    def least(reach: Fraction | int, predicted: int) -> int:
        return least_digits(norm * reach / q + (1 + SLACK) * predicted, b)

    p = least(_reach(d, n, h), spread(d))
    if d == 1:
        return p, (("start", least(1, 0)), ("slope", least(h, 1)))
    if d == 2:
        second = 2 * h if n == 1 else h * h
        mixed = 2 * h if n == 1 else 2 * h * h
        return p, (
            ("start", least(1, 0)),
            ("slope", least(h, 1)),
            ("axis", least(second, 3)),
            ("kink", least(2 * h, 3)),
            ("corner", least(2 * h, 1)),
            ("edge", least(mixed, 3)),
        )
    return p, (("face", least(spread(d) + 1, spread(d))),)


def step_between(least: Fraction, most: Fraction) -> Fraction | None:
    """The dyadic number in [least, most] with the smallest denominator (the largest such)."""
    if not 0 < least <= most:
        return None

    def below(k: int) -> int | None:
        """The largest j with j 2^-k <= most, if that is at least `least`."""
        up, down = max(k, 0), max(-k, 0)
        j = (most.numerator << up) // (most.denominator << down)
        return j if (j * least.denominator) << down >= least.numerator << up else None

    # once there is one, there is one for every larger k
    low = high = -(most.numerator // most.denominator).bit_length() - 1
    width = 1
    while (j := below(high)) is None:
        low, high, width = high, high + width, 2 * width
    while high - low > 1:
        middle = (low + high) // 2
        found = below(middle)
        if found is None:
            low = middle
        else:
            high, j = middle, found
    return j / Fraction(2) ** high


def _step_for(
    d: int, n: int, eps: Fraction, b: int, norm: Fraction, N: int, p: int, bits: int
) -> Fraction | None:
    """A step q of at most `bits` bits with which N cells and p digits keep the promise."""
    digits = 2 ** (b * p) - (1 + SLACK) * spread(d)
    room = eps - error_of(d, n, N, Fraction(0), norm)
    if digits <= 0 or room <= 0:
        return None
    q = step_between(norm * _reach(d, n, Fraction(1, N)) / digits, room / (1 + SLACK))
    return q if q is not None and q.numerator < 2**bits else None


def least_cells(
    d: int, n: int, eps: Fraction, b: int, norm: Fraction, p: int, bits: int
) -> int | None:
    """The least N >= 2 with such a step; the interval that q may lie in grows with N."""
    if 2 ** (b * p) <= (1 + SLACK) * spread(d):
        return None
    # fewer cells than these are too few whatever the code
    low = max(1, least_root(n, norm * kappa(d, n) / eps) - 1)
    high = low + 1
    while _step_for(d, n, eps, b, norm, high, p, bits) is None:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        found = _step_for(d, n, eps, b, norm, middle, p, bits)
        low, high = (middle, high) if found is None else (low, middle)
    return high


def _main_cost(plan: ConesPlan) -> int:
    return (2 + plan.p) * plan.N**plan.d + sum(P for _, P in plan.long) * (
        2 * plan.d * plan.N ** (plan.d - 1) if plan.d > 2 else 1
    )


def edges_at_least(plan: ConesPlan) -> int:
    """The edges of cones and of digits alone."""
    N, d = plan.N, plan.d
    cones, inner = int((N + (d > 2)) ** d), int((N - 1) ** d)
    numbers = dict.fromkeys(dict(plan.long), 1)
    if d > 2:
        numbers["face"] = cones - inner
    elif d == 2:
        numbers["axis"] = numbers["edge"] = 2 * (N - 1)
    return 2 * cones + plan.p * inner + sum(P * numbers[name] for name, P in plan.long)


def steps(d: int, n: int, eps: Fraction, b: int, norm: Fraction, keep: int = 4) -> list[ConesPlan]:
    """The cheapest meshes by the main terms, each with its step, in a first layout.

    For every number of digits p the least N whose step has so many bits: a finer step allows a
    coarser mesh, and costs a few edges at the output.
    """
    found: list[ConesPlan] = []
    for p in range(1, 13 + d):
        for bits in _STEP_BITS:
            N = least_cells(d, n, eps, b, norm, p, bits)
            if N is not None:
                q = _step_for(d, n, eps, b, norm, N, p, bits)
                assert q is not None
                enough, long = digits_for(d, n, N, q, b, norm)
                plan = _layout(ConesPlan(d, n, N, q, b, enough, long, 0, 0), 2, 0)
                if plan not in found:
                    found.append(plan)
    found.sort(key=lambda plan: (_main_cost(plan), plan.N, plan.q))
    return found[:keep]


def scale_of(plan: ConesPlan) -> int:
    """The least E at which every line of the network is at most 1."""
    return -(-(plan.N - 1).bit_length() // plan.b) + (2 * plan.d - 2 if plan.d > 2 else 0)


def least_plane(plan: ConesPlan) -> int:
    """The least T: coefficients that are many have no larger sources, and need their planes."""
    many = {"axis": 2, "edge": 1, "face": 1}
    planes = [P - many[name] for name, P in plan.long if name in many]
    return max(plan.p - (2 if plan.d == 1 else 1), *planes, 0) if planes else plan.p - 1


def _layout(plan: ConesPlan, more_scale: int, more_planes: int) -> ConesPlan:
    return replace(plan, E=scale_of(plan) + more_scale, T=least_plane(plan) + more_planes)


def neighbours(plan: ConesPlan) -> list[ConesPlan]:
    """Layouts one step away: another scale, one plane more or less, or both."""
    moves = [(1, 0), (-1, 0), (0, 1), (0, -1), (1, -1), (-1, 1)]
    E, T = scale_of(plan), least_plane(plan)
    near = [replace(plan, E=plan.E + dE, T=plan.T + dT) for dE, dT in moves]
    return [other for other in near if other.E >= E and other.T >= T]


def amplification(plan: ConesPlan) -> Fraction:
    """The output over the last plane: q u^-(T+3) u^-E."""
    return plan.q * Fraction(2) ** (plan.b * (plan.T + 3 + plan.E))


def power_sum(number: int, d: int) -> int:
    """1^d + 2^d + .. + number^d, from i^d = sum of Stirling numbers times falling powers."""
    total, stirling = 0, [1] + [0] * d
    for _ in range(d):
        stirling = [k * stirling[k] + (stirling[k - 1] if k else 0) for k in range(d + 1)]
    falling = 1
    for k in range(d + 1):  # (number + 1) number .. (number + 1 - k)
        falling *= number + 1 - k
        total += stirling[k] * falling // (k + 1)
    return total


def plane_sums(plan: ConesPlan) -> dict[int, Fraction]:
    """For every plane the largest sum of the functions that may enter it, at digits of size 1.

    Each function is bounded by its value at (1,..,1), and every difference kink by its sum.
    """
    u = Fraction(1, 2**plan.b)
    N, d, T = plan.N, plan.d, plan.T
    sums = dict.fromkeys(range(0 if d > 2 else -1, T + 1), Fraction(0))

    def add(plane: int, value: Fraction) -> None:
        sums[plane] += value

    cone = u ** (2 + plan.E)
    if d == 1:
        kink_sum = Fraction(N * (N - 1), 2)
        for j in range(plan.p):
            add(j - 1, cone / u * kink_sum)
    elif d == 2:
        for j in range(max(plan.p, plan.digits("edge"))):
            add(j, cone * Fraction(N * (N + 1) * (2 * N + 1), 6))
        for j in range(plan.digits("axis")):
            add(j - 1, cone / u * N * (2 * N - 1))
    else:
        # apexes -1..N-1: min over the axes of i_k = 1..N+1, summed
        total = power_sum(N + 1, d)
        for j in range(plan.digits("face")):
            add(j, cone * total)
    reach = {"start": 1, "slope": N if d == 1 else 2 * N, "kink": N, "corner": N}
    for name, size in reach.items():
        if name in dict(plan.long):
            for j in range(plan.digits(name)):
                plane, level = place(plan, name, j)
                add(plane, u ** (2 - level + plan.E) * size)
    return sums


# Coefficients that are many have one source each, at the level of a cone or of a kink.
_LEVELS = {"axis": 1, "edge": 0, "face": 0}


def place(plan: ConesPlan, name: str, j: int) -> tuple[int, int]:
    """Plane and level of digit j: its source is held at the scale u^(2 - level + E).

    A single coefficient's digits beyond the last plane enter that one, from larger sources.
    """
    if name == "inner" or name.startswith("block"):
        level = 1 if plan.d == 1 else 0
    elif name in _LEVELS:
        level = _LEVELS[name]
    else:
        level = max(0 if name == "corner" else 1, j - plan.T)
    return j - level, level


def bias(plan: ConesPlan) -> int:
    """The largest k (maybe negative) such that u^k in every plane outweighs the worst digits."""
    u = Fraction(1, 2**plan.b)
    sums = plane_sums(plan)
    worst, need = Fraction(0), Fraction(0)
    for plane in sorted(sums):
        worst = (1 - u) * sums[plane] + u * worst
        need = max(need, worst)
    return least_power(u, need)
