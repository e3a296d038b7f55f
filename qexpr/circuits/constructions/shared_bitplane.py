"""The shared bit-plane construction: every (d, n), every eps, every alphabet; one fixed graph.

    f~(x) = sum_{|a|<n} C_a prod_r(A_a(x), z^a),   z = 2x - 1,   A_a = sum_m (c~_{m,a}/C_a) phi_m

with Taylor coefficients c_{m,a} at the nodes of a Kuhn mesh, whose digits are the free weights: a
plane of signs for each digit, shared hats, one product a coefficient, and one amplification of the
sum of all. C_a is the power of two above the class's bound of c_{m,a}.

    sup |f - f~| <= norm K(d,n)/(n! N^n) + sum_a C_a (2^-t_a + |a| 4^-(r+1))

Source: Theorem 22 of this project (docs, theory); Taylor grid and products after Yarotsky (2017)
and Ding et al. (2019), whose theorem 1 it improves by a factor of log(1/eps).
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from math import factorial
from typing import Any

from qexpr.circuits.alphabet import Values, values_of
from qexpr.circuits.builder import Builder, Digits
from qexpr.circuits.gadgets import Kit, Shifted, log2_of
from qexpr.circuits.graph import Circuit
from qexpr.circuits.monomials import Monomials, split
from qexpr.circuits.partition import hats
from qexpr.circuits.realisation import Counts, count, realise
from qexpr.circuits.registry import SLACK, Plan, class_norm
from qexpr.circuits.taylor import (
    Nodes,
    coefficient_bound,
    multi_indices,
    power_above,
    require_few,
    signed_digits,
)
from qexpr.core.function import Function
from qexpr.core.progress import Progress
from qexpr.core.query import Query
from qexpr.core.search import PlaneErrors, Planes, cheapest_planes
from qexpr.rigor.constants import k_constant

__all__ = ["build", "plan"]

_FINE = 256  # grids up to this one have their hats counted for the search's lower bound
_OFFSETS = (Fraction(5, 4), Fraction(3, 2), Fraction(2), Fraction(4))


def plan(query: Query, norm: Fraction | None = None) -> Plan:
    """The plan of fewest weights, counted exactly; see `qexpr.circuits.registry.plan`."""
    require_few(query.d, query.n)
    errors = _errors(query, norm)

    def counted(planes: Planes) -> Counts:
        return count(_write(query, norm, planes, None))

    best = cheapest_planes(
        errors, query.eps, lambda p: counted(p).weights, lambda p: _floor(query, p)
    )
    bits = errors.bits
    return Plan(
        construction="shared_bitplane",
        query=query,
        norm=norm,
        parameters={
            "graph": "fixed",
            "N": best.N,
            "r": best.r,
            "t": [bits * p for p in best.planes],
        },
        error=errors.total(best),
        counts=counted(best),
    )


def build(made: Plan, f: Function | None, progress: Progress | None = None) -> Circuit:
    """The circuit of a plan."""
    query, t = made.query, made.parameters["t"]
    bits = _digit_bits(query)
    planes = Planes(
        made.parameters["N"], made.parameters["r"], tuple(digits // bits for digits in t)
    )
    return realise(_write(query, made.norm, planes, f), made.to_dict(), progress)


def _digit_bits(query: Query) -> int:
    return query.alphabet.size if query.alphabet.kind == "linear" else 1


def _errors(query: Query, norm: Fraction | None) -> PlaneErrors:
    """The error's terms; an inexact target costs the digits' slack, and its norm everywhere."""
    d, n = query.d, query.n
    size, slack = class_norm(norm), Fraction(0) if norm is None else SLACK
    indices = multi_indices(d, n)
    bounds = [coefficient_bound(n, a) for a in indices]
    scales = [power_above(bound) for bound in bounds]
    return PlaneErrors(
        n=n,
        taylor=size * k_constant(d, n)[1] / factorial(n),
        fixed=tuple(max(Fraction(0), size * b - c) for b, c in zip(bounds, scales, strict=True)),
        digit=tuple(c * (1 + slack) for c in scales),
        product=tuple(sum(a) * c for a, c in zip(indices, scales, strict=True)),
        dropped=tuple(size * c for c in scales),
        bits=_digit_bits(query),
    )


@cache
def _hat_edges(query: Query, N: int, t: int) -> int:
    """The edges that make the hats, counted in a network of nothing else."""
    net = Builder(query.d, values_of(query.alphabet, t))
    phi, _ = hats(Kit(net), N)
    net.connect_free(phi, net.finish(), net.values.unit, None)
    return count(net).weights - phi.size


def _floor(query: Query, plan: Planes) -> int:
    """Never more than the count: the edges that hats, planes, products and doublings have."""
    nodes: int = (plan.N + 1) ** query.d
    kept = [
        a for a, p in zip(multi_indices(query.d, query.n), plan.planes, strict=True) if p and any(a)
    ]
    folds = sum(14 + 16 * plan.r for _ in kept)
    for a in kept:
        if sum(a) > 1:
            left, right = split(a)
            folds += 7 + 8 * plan.r if left == right else 15 + 16 * plan.r
    planes = sum(p * (nodes + 2) - 1 for p in plan.planes if p)
    if plan.N <= _FINE:
        digits = max(plan.planes) if query.alphabet.kind != "linear" else 1
        hat = _hat_edges(query, plan.N, digits)
    else:  # what the partition's docstring says of one node
        N, prefixes = plan.N, nodes // (plan.N + 1)
        hat = {1: 6 * N - 8, 2: 3 * nodes + 8 * N}.get(query.d, nodes + 6 * prefixes * N)
    return planes + hat + folds + 10 * plan.N.bit_length()


def _values(query: Query, plan: Planes) -> Values:
    return values_of(query.alphabet, max(plan.planes))


def _digits(
    query: Query, norm: Fraction | None, plan: Planes, i: int, nodes: Nodes | None
) -> list[Digits | None]:
    """The planes of coefficient i, computed when the first of them is asked for."""
    number = plan.planes[i]
    if nodes is None:
        return [None] * number
    a, bits = multi_indices(query.d, query.n)[i], _digit_bits(query)
    bound = coefficient_bound(query.n, a)
    scale = power_above(bound)
    over = max(Fraction(0), class_norm(norm) * bound / scale - 1) * 2 ** (bits * number)
    known: list[Any] = []

    def plane(k: int) -> Any:
        if not known:
            known.append(signed_digits(nodes, a, scale, number, bits, 1 + SLACK + over))
        return known[0][k]

    return [lambda k=k: plane(k) for k in range(number)]


def _write(query: Query, norm: Fraction | None, plan: Planes, f: Function | None) -> Builder:
    d, n = query.d, query.n
    net = Builder(d, _values(query, plan))
    kit = Kit(net)
    u = kit.u
    nodes = None
    if f is not None:
        nodes = Nodes.of(f, n, plan.N, max(plan.planes) * _digit_bits(query) + 24)
    phi, full = hats(kit, plan.N)
    indices = multi_indices(d, n)
    kept = [i for i, p in enumerate(plan.planes) if p]
    C = [power_above(coefficient_bound(n, a)) for a in indices]
    held: dict[int, Shifted] = {
        i: kit.planes(phi, full, _digits(query, norm, plan, i, nodes), a=list(indices[i]))
        for i in kept
    }
    # every term enters one sum, whose unit stands for f~ at the scale u S
    powers = Monomials(kit, plan.r, [indices[i] for i in kept if i])
    S = _scale(kit, full, [C[i] for i in kept], powers)
    total = net.group("total", scale=str(u * S))
    for i in kept:
        if i == 0:
            first = kit.scaled(held[0].unit, log2_of(full) - log2_of(S * C[0]))
            net.connect(first, total, u)
            continue
        s = S * C[i] / (2 * u)
        p = Shifted(kit.scaled(held[i].unit, log2_of(full) - log2_of(s)), s)
        terms, _ = kit.product(p, powers.at(indices[i], s), plan.r)
        kit.add_terms(terms, total)
    # |f~| <= norm + eps, so with this offset the sum is not negative
    offset = next(o for o in _OFFSETS if o >= class_norm(norm) + query.eps)
    kit.add_constant(total, u * S * (offset - C[0]))
    output = net.finish()
    kit.amplify(total, output, -log2_of(u * S))
    net.connect(net.one, output, -offset)
    return net


def _scale(kit: Kit, full: Fraction, C: list[Fraction], powers: Monomials) -> Fraction:
    """The largest S at which no term has to be brought up: S C_0 <= full, S C_a <= 2 u full.

    A plane's unit is read by single edges only, so the steps down must consist of such.
    """
    step = kit.steps[0]
    S = full / C[0]
    while True:
        downs = [log2_of(full / (S * C[0]))]
        downs += [log2_of(2 * kit.u * full / (S * c)) for c in C[1:]]
        if all(k == 0 or k >= step for k in downs) and powers.fits(
            {a: S * c / (2 * kit.u) for a, c in zip(powers.indices, C[1:], strict=True)}
        ):
            return S
        S /= 2
