"""Bubbles: n = 3, d = 1 and 2, no logarithm: cones, and d (d + 1) / 2 products in all.

For a quadratic the interpolant on the Kuhn mesh is off by (h^2 / 2) sum_kl f_kl Cov(V_k, V_l),
V the random vertex whose mean is x, and these covariances are bubbles: continuous and periodic in
N x_1, N x_2 and N (x_1 - x_2). So one product for each of them, with second derivatives that are
themselves interpolated on a mesh M times coarser, brings the order from 2 to 3:

    f~ = I_1 v - (1/2) sum_k I_M[w_k] G_k

(`bubbles_plan`). Every code takes O(1) digits a node. The construction is the project's own (docs,
theory).
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from qexpr.circuits.alphabet import Values, values_of
from qexpr.circuits.builder import Builder, Group
from qexpr.circuits.constructions.bubbles_code import BubblesCode, encode
from qexpr.circuits.constructions.bubbles_parts import Parts
from qexpr.circuits.constructions.bubbles_plan import (
    BubblesPlan,
    block_counts,
    choices,
    error_of,
    first_layout,
    gain_of,
    laid_out,
    lift_of,
    neighbours,
    rules,
    top_of,
)
from qexpr.circuits.constructions.cones_lattice import Feed, Rows, Sources, sources_of, top_level
from qexpr.circuits.constructions.cones_plan import place
from qexpr.circuits.constructions.ladder import amplify, least_power
from qexpr.circuits.constructions.output import bias_unit, constant_terms
from qexpr.circuits.constructions.planes import Planes
from qexpr.circuits.graph import Circuit
from qexpr.circuits.realisation import Counts, count, realise
from qexpr.circuits.registry import Plan, class_norm
from qexpr.core.bubbles import Choice, Mesh, meshes
from qexpr.core.descent import cheapest_layout
from qexpr.core.function import Function
from qexpr.core.progress import Progress
from qexpr.core.query import Query
from qexpr.errors import OutOfRegime

__all__ = ["build", "plan"]


def plan(query: Query, norm: Fraction | None = None) -> Plan:
    """The cheapest meshes, digits, folds and layout, by exact counts."""
    if query.n != 3 or query.d > 2:
        raise OutOfRegime("bubbles are for n = 3 and d = 1 or 2")
    size, d, b = class_norm(norm), query.d, _digit_bits(query)
    values = values_of(query.alphabet)
    found = meshes(rules(d, b, size), choices(d, b), query.eps)
    if not found:
        raise OutOfRegime(f"no mesh of bubbles brings the error below {query.eps}")
    starts = [first_layout(mesh, d, b, size) for mesh in found]
    known: dict[BubblesPlan, Counts] = {}

    def weights(layout: BubblesPlan) -> int:
        if layout not in known:
            known[layout] = count(_write(layout, values, size, query.eps, None))
        return known[layout].weights

    best = cheapest_layout(starts, neighbours, weights)
    q, q_w = best.v.q, best.q_w
    error = error_of(d, best.v.N, best.M, q, q_w, best.s, best.r, size)
    return Plan(
        construction="bubbles",
        query=query,
        norm=norm,
        parameters={
            "graph": "fixed",
            "N": best.v.N,
            "q": str(q),
            "q_w": str(q_w),
            "b": b,
            "M": best.M,
            "B": best.B,
            "mu": best.mu,
            "levels": len(best.blocks),
            "s": best.s,
            "r": best.r,
            "E": best.v.E,
            "T": best.v.T,
            "T_w": [w.T for w in best.w],
        },
        error=error,
        counts=known[best],
    )


def build(made: Plan, f: Function | None, progress: Progress | None = None) -> Circuit:
    """The circuit of a plan."""
    given, d, size = made.parameters, made.query.d, class_norm(made.norm)
    choice = Choice(0, 0, *(given[key] for key in ("M", "B", "mu", "levels")))
    steps = Fraction(given["q"]), Fraction(given["q_w"])
    mesh = Mesh(choice, given["N"], *steps, given["s"], given["r"])
    first = first_layout(mesh, d, given["b"], size)
    layout = laid_out(first, given["E"], given["T"], given["T_w"][0] - first.w[0].T)
    code = None if f is None else encode(layout, f)
    values = values_of(made.query.alphabet)
    net = _write(layout, values, size, made.query.eps, code)
    return realise(net, made.to_dict(), progress)


def _digit_bits(query: Query) -> int:
    return query.alphabet.size if query.alphabet.kind == "linear" else 1


# Scales ------------------------------------------------------------------------------------------


def _axis(plan: BubblesPlan, k: int) -> int:
    """The direction of the bubble of w_k: an axis, or d for the difference of the two."""
    return plan.d if k == 2 else k


def _sigma(plan: BubblesPlan, k: int, norm: Fraction, scale: Fraction) -> Fraction:
    """The scale of product k's factors, whose terms enter the sum by single edges u."""
    return scale * top_of(plan, k, norm) * 4**plan.v.b / 32


def _bubble_scale(plan: BubblesPlan, k: int, i: int) -> Fraction:
    """The sigma of the bubble of w_k that starts from the line X^(i)."""
    folds = (plan.v.N - 1).bit_length() + (_axis(plan, k) == plan.d)
    return Fraction(1, 2 ** (plan.v.b * (plan.v.E - i + 2) + folds + 2))


def _line(plan: BubblesPlan, k: int, sigma: Fraction) -> int:
    """The i of the smallest line X^(i) whose bubble is not below sigma."""
    i = min(_largest(plan))
    while _bubble_scale(plan, k, i - 1) >= sigma:
        i -= 1
    return i


def _scale(plan: BubblesPlan, norm: Fraction) -> Fraction:
    """The sum of all is held times this: u times f's last plane, or u^2 times it, or a power of two
    less, so that no factor of a product has to be brought up."""
    u, largest = Fraction(1, 2**plan.v.b), min(_largest(plan))
    scale = whole = u / gain_of(plan, -1)
    for k in range(len(plan.w)):
        factor = u * top_of(plan, k, norm) / gain_of(plan, k)
        most = min(factor, _bubble_scale(plan, k, largest))
        while _sigma(plan, k, norm, scale) > most:
            scale = scale / 2 if scale < whole else u * whole
    return scale


def _tops(plan: BubblesPlan) -> dict[str, int]:
    """The highest level by kind that f's code or another needs."""
    return {
        name: max(top_level(code, name) for code in (plan.v, *plan.w)) for name, _ in plan.v.long
    }


def _largest(plan: BubblesPlan) -> list[int]:
    """The i of the largest line X^(i) of each axis."""
    tops = _tops(plan)
    if plan.d == 1:
        return [max(1, tops["slope"] - 2)]
    slope, kink, corner = max(3, tops["slope"]), tops["kink"], tops["corner"]
    second = max(slope, kink, corner + 1 if corner else 0) - 1
    return [max(second, corner - 1), second]


# The network -------------------------------------------------------------------------------------


def _write(
    plan: BubblesPlan, values: Values, norm: Fraction, eps: Fraction, code: BubblesCode | None
) -> Builder:
    """The network of a layout; without a code the class's, every free digit +1."""
    net = Builder(plan.d, values)
    u = values.unit
    sources = sources_of(net, plan.v, _tops(plan))
    ones = sources.constants.ladder
    parts = Parts(net, sources.constants, sources.lines)
    lifts: dict[int, Group] = {}

    def planes(k: int, feeds: tuple[Feed, ...]) -> tuple[Group, Group]:
        """The last plane of a code, and its bias unit."""
        power = lift_of(plan, k)
        if power not in lifts:
            lifts[power] = bias_unit(net, ones, power)
        cones = plan.v if k < 0 else plan.w[k]
        own = None if code is None else code.v if k < 0 else code.w[k]
        made = Planes(net, cones, ones, (lifts[power], power), own, of=k)
        for feed in feeds:
            made.enter(feed)
        return made.last, lifts[power]

    last, lift = planes(-1, _fine_feeds(net, plan, sources))
    coarse = [planes(k, _coarse_feeds(plan, k, sources)) for k in range(len(plan.w))]
    # f~ times the scale, and a constant that outweighs it
    scale, gain = _scale(plan, norm), gain_of(plan, -1)
    keep = least_power(u, (norm + eps) / gain)
    factors = [_factors(plan, k, norm, scale, parts, part) for k, part in enumerate(coarse)]
    constant = Fraction(0)
    if scale * gain == u:
        total = net.group("total")
        net.connect(last, total, u)
        net.connect(lift, total, -u)
        constant += u ** (keep + 1)
    else:
        reader = net.group("reader")
        net.connect(last, reader, u)
        net.connect(lift, reader, -u)
        net.connect(ones[keep], reader, u)
        small = parts.shrunk(reader, scale * gain / u**2)
        total = net.group("total")
        net.connect(small, total, u)
    for k, (p, q, sigma) in enumerate(factors):
        terms = parts.product(p, q, sigma, plan.r)
        parts.combined(total, terms, u)
        net.connect(parts.shrunk(p, 2 * u), total, -u)
        constant += scale * top_of(plan, k, norm) / 16
    for source, weight in constant_terms(ones, constant):
        net.connect(source, total, weight)
    pieces = amplify(net, [(total, 1)], 1 / scale)
    offset = constant_terms(ones, u**keep * gain)
    out = net.finish()
    for source, weight in pieces:
        net.connect(source, out, weight)
    for source, weight in offset:
        net.connect(source, out, -weight)
    return net


def _factors(
    plan: BubblesPlan,
    k: int,
    norm: Fraction,
    scale: Fraction,
    parts: Parts,
    coarse: tuple[Group, Group],
) -> tuple[Group, Group, Fraction]:
    """sigma (p + 1) for p = w_k / W_k, sigma (q + 1) for q = 2 v^2 - 1, and sigma."""
    net, u = parts.net, parts.u
    last, lift = coarse
    top = top_of(plan, k, norm) / gain_of(plan, k)
    reader = net.group("factor", code=k)
    net.connect(last, reader, u)
    net.connect(lift, reader, -u)
    net.connect(parts.constants[top], reader, u)
    sigma = _sigma(plan, k, norm, scale)
    bubble, held = parts.bubble(_axis(plan, k), _line(plan, k, sigma), plan.s)
    return parts.shrunk(reader, sigma / (u * top)), parts.shrunk(bubble, sigma / held), sigma


def _fine_feeds(net: Builder, plan: BubblesPlan, sources: Sources) -> tuple[Feed, ...]:
    """What f's code has: for d = 1 also the blocks of kinks, each half the sum of its parts."""
    if plan.d == 2:
        return sources.feeds
    kinks, rows = sources.feeds[2].source(1)
    counts, feeds = block_counts(plan.v.N, plan.B, len(plan.blocks)), list(sources.feeds)
    parts: tuple[Group, Rows, int] = kinks, rows, plan.v.N - 1
    for level, (number, digits) in enumerate(zip(counts, plan.blocks, strict=True), start=1):
        made = net.group("block", number, level=level)
        group, rows, size = parts
        net.connect(
            group,
            made,
            net.values.unit,
            pairs=lambda rows=rows, size=size: (rows(), np.arange(size) // plan.B),
            count=size,
        )
        parts = made, lambda number=number: np.arange(number), number
        feeds.append(_block_feed(plan, level, digits, made))
    return tuple(feeds)


def _block_feed(plan: BubblesPlan, level: int, digits: int, made: Group) -> Feed:
    rows: Rows = lambda: np.arange(made.size)  # noqa: E731
    return Feed(f"block{level}", digits, made.size, lambda _: (made, rows), plan.mu + level)


def _coarse_feeds(plan: BubblesPlan, k: int, sources: Sources) -> tuple[Feed, ...]:
    """What the code of w_k has: every M-th unit along each axis, M times as large."""
    cones, M, N = plan.w[k], plan.M, plan.v.N
    feeds = []
    for feed in sources.feeds:
        name, digits = feed.name, cones.p if feed.name == "inner" else cones.digits(feed.name)
        if name == "start":
            u, E = sources.lines.u, cones.E
            units = {
                level: sources.constants[M * u ** (2 - level + E)]
                for level in {place(cones, name, j)[1] for j in range(digits)}
            }
            feeds.append(Feed(name, digits, 1, lambda level, units=units: (units[level], _zero)))
        elif feed.count == 1:
            feeds.append(replace(feed, digits=digits))
        else:
            rows, number = _coarse_rows(name, plan.d, N // M, M)
            group = feed.source(1)[0]
            feeds.append(
                Feed(name, digits, number, lambda _, group=group, rows=rows: (group, rows))
            )
    return tuple(feeds)


def _zero() -> np.ndarray:
    return np.zeros(1, np.int64)


def _coarse_rows(name: str, d: int, cells: int, M: int) -> tuple[Rows, int]:
    """Rows of the fine mesh's kinks or cones that are the coarse mesh's."""
    if d == 1:
        return lambda: M * np.arange(1, cells), cells - 1
    N = cells * M

    def flat() -> np.ndarray:
        at = M * np.arange(cells)
        return N * at[:, None] + at

    if name == "axis":
        return lambda: M * np.delete(np.arange(1, 2 * cells), cells - 1), 2 * cells - 2
    if name == "edge":
        return lambda: np.concatenate([flat()[1:, 0], flat()[0, 1:]]), 2 * cells - 2
    return lambda: flat()[1:, 1:].ravel(), (cells - 1) ** 2
