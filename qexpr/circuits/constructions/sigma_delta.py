"""Sigma-delta tracking for F(1,1): one free sign a cell, optimal up to O(log 1/eps) bits.

N cells and a step h with N h >= norm. v_0 is an odd multiple of h within h of f(0); s_m = +1 if
f((m+1)/N) >= v_m, else -1; v_{m+1} = v_m + s_m h. The polygon f~ through (m/N, v_m) stays within
h of f: where s_m = +1 the slope h N is at least f's, so f - f~ cannot rise on the cell; it starts
at most h, and ends at f((m+1)/N) - v_m - h >= -h. The other case mirrors it.

    f~ = v_0 + h sum_m s_m r_m,   r_m = clamp(N x - m, 0, 1) = relu(t_m - t_{m+1})

The project's own construction, with thresholds shared by all cells; the code is Kolmogorov and
Tikhomirov's, the recursion that of first-order sigma-delta quantization.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache, partial

import numpy as np

from qexpr.circuits.alphabet import Values, values_of
from qexpr.circuits.builder import Builder, Indices
from qexpr.circuits.constructions.cones_code import odd_digits, odd_near_zero
from qexpr.circuits.constructions.cones_plan import step_between
from qexpr.circuits.constructions.ladder import Constants, Ladder, least_power, thresholds
from qexpr.circuits.constructions.output import bias_unit, close
from qexpr.circuits.graph import Circuit
from qexpr.circuits.realisation import Counts, count, realise
from qexpr.circuits.registry import SLACK, Plan, class_norm
from qexpr.core.descent import cheapest_at_most
from qexpr.core.function import Function
from qexpr.core.progress import Progress
from qexpr.core.query import Query
from qexpr.errors import InvalidInput, OutOfRegime

__all__ = ["build", "plan"]

Layout = tuple[int, Fraction, int, int]
"""N, h, the digits of v_0, and E: N x is carried as N x u^E."""


def plan(query: Query, norm: Fraction | None = None) -> Plan:
    """The cheapest layout of the least N, or of that for a finer accuracy, by exact counts."""
    if query.d != 1 or query.n != 1:
        raise OutOfRegime("sigma-delta tracking is for d = 1 and n = 1")
    size, slack = class_norm(norm), Fraction(0) if norm is None else SLACK
    values, b = values_of(query.alphabet), _digit_bits(query)

    def start(eps: Fraction) -> Layout:
        N, h = _mesh(eps / (1 + slack), size)
        digits = 1
        while 2 ** (b * digits) * h < size:
            digits += 1
        return N, h, digits, max(_least_scale(N, b), 1)

    def counted(layout: Layout) -> Counts:
        return _counted(layout, values, size)

    def near(layout: Layout) -> list[Layout]:
        most = _least_scale(layout[0], b) + 6
        return [(*layout[:3], E) for E in (layout[3] + 1, layout[3] - 1) if 1 <= E <= most]

    best = cheapest_at_most(
        query.eps,
        lambda eps: [start(eps)],
        near,
        lambda layout: counted(layout).weights,
        lambda layout: 5 * layout[0] + layout[2],
    )
    return Plan(
        construction="sigma_delta",
        query=query,
        norm=norm,
        parameters={
            "graph": "fixed",
            "N": best[0],
            "h": str(best[1]),
            "b": b,
            "P": best[2],
            "E": best[3],
        },
        error=best[1] * (1 + slack),
        counts=counted(best),
    )


def build(made: Plan, f: Function | None, progress: Progress | None = None) -> Circuit:
    """The circuit of a plan."""
    given = made.parameters
    layout = (given["N"], Fraction(given["h"]), given["P"], given["E"])
    size = class_norm(made.norm)
    signs = None if f is None else _track(layout, given["b"], f)
    return realise(
        _write(layout, values_of(made.query.alphabet), size, signs), made.to_dict(), progress
    )


@lru_cache(maxsize=4096)  # plans share the finer accuracies at which they search
def _counted(layout: Layout, values: Values, norm: Fraction) -> Counts:
    return count(_write(layout, values, norm, None))


def _digit_bits(query: Query) -> int:
    return query.alphabet.size if query.alphabet.kind == "linear" else 1


def _least_scale(N: int, b: int) -> int:
    """The least E for which N x u^E is at most 1, but 0 at N = 1."""
    return -(-(N - 1).bit_length() // b)


def _mesh(eps: Fraction, norm: Fraction) -> tuple[int, Fraction]:
    """The least N with norm/N <= eps, and the simplest dyadic step in between."""
    ratio = norm / eps
    N = -(-ratio.numerator // ratio.denominator)
    if ratio.denominator == 1 and N & (N - 1):
        N += 1  # h = eps would have to be dyadic
    h = step_between(norm / N, eps)
    assert h is not None  # norm / N <= eps
    return max(N, 2), h


def _track(layout: Layout, b: int, f: Function) -> tuple[int, Indices]:
    """v_0 as an odd multiple of h, and the signs."""
    N, h, digits, _ = layout
    bits = h.denominator.bit_length() + 24
    unit = int(h * 2 ** (bits + 3))  # h in units of 2^-(bits+3), as the middles below
    lower, upper = f.enclose((0,), [[m] for m in range(N + 1)], N, bits)
    width = max(int(b) - int(a) for a, b in zip(lower, upper, strict=True))
    if width > SLACK * unit:
        raise InvalidInput("the target is not enclosed narrowly enough: take a larger eps")
    middles = [int(a) + int(b) for a, b in zip(lower, upper, strict=True)]
    start = odd_near_zero(middles[0], unit, int(SLACK * unit) - width)
    if abs(start) >= 2 ** (b * digits):
        raise InvalidInput("the target's first value is beyond what its norm allows")
    v, signs = start * unit, []
    for middle in middles[1:]:
        sign = 1 if middle >= v else -1
        v += sign * unit
        signs.append(sign)
    return start, np.array(signs, np.int64)


def _write(
    layout: Layout, values: Values, norm: Fraction, code: tuple[int, Indices] | None
) -> Builder:
    """The network of a layout; without a code the class's, every free sign +1."""
    N, h, digits, E = layout
    net = Builder(1, values)
    u = values.unit
    b = u.denominator.bit_length() - 1
    axis = Ladder(net, net.inputs[0], "x0")
    line = axis.multiple(N * u ** (E - 1), "line", axis=0)
    constants = Constants(Ladder(net, net.one, "one"))
    ones = constants.ladder
    kinks = thresholds(net, line, constants, E, N, "kink")
    ramps = net.group("ramp", N)
    net.connect(kinks, ramps, u)
    net.connect(
        kinks,
        ramps,
        -u,
        pairs=lambda: (np.arange(1, N), np.arange(N - 1)),
        count=N - 1,
    )
    starts = [ones[E + 2 - j] for j in range(digits)]
    worst = u ** (E + 3) * N + sum((1 - u) * u ** (E + 2 - j) for j in range(digits))
    power = least_power(u, worst)
    lift = bias_unit(net, ones, power)
    total = net.group("plane", digit=0)
    net.connect(lift, total, 1)
    net.connect_free(ramps, total, u, digits=None if code is None else lambda: code[1])
    for j, source in enumerate(starts):
        first = None if code is None else partial(odd_digits, np.array([code[0]]), digits, j, b)
        net.connect_free(source, total, u, digits=first)
    close(net, ones, total, (lift, power), h / u ** (E + 3), 2 * norm + 1)
    return net
