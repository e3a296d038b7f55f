"""The construction of Ding et al. (2019) as their proof of Theorem 1 has it: the baseline.

eps is split in three: a Taylor grid, nested products, and coefficients of t digits, each realised
by a sub-network of its own out of the halvings of its g_{m,a} (their Prop. 3). Weights grow like
eps^(-d/n) log(1/eps)^2 at lam = 2. Where their text leaves a choice the cheaper one is taken
(homogeneous gadgets at small scale, one amplification), so that it is not made to look large.

Source: arXiv:1802.03646, Theorem 1, Props. 2 and 3, constants kept; see local_taylor for the form.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from qexpr.circuits.alphabet import values_of
from qexpr.circuits.builder import Builder, Digits
from qexpr.circuits.constructions.local_taylor import (
    coefficients,
    error,
    finish,
    parameters,
    products,
)
from qexpr.circuits.graph import Circuit
from qexpr.circuits.realisation import count, realise
from qexpr.circuits.registry import SLACK, Plan, class_norm
from qexpr.circuits.taylor import multi_indices, require_few
from qexpr.core.function import Function, MultiIndex
from qexpr.core.progress import Progress
from qexpr.core.query import Query
from qexpr.errors import InvalidInput, OutOfRegime

__all__ = ["build", "plan"]

HALF = Fraction(1, 2)


def plan(query: Query, norm: Fraction | None = None) -> Plan:
    """Their parameters, raised where the norm or the digits' slack would break eps."""
    require_few(query.d, query.n)
    N, r, t = parameters(query, 3)
    bits = query.alphabet.size if query.alphabet.kind == "linear" else 1
    planes = -(-t // bits)
    slack = SLACK if norm is not None else Fraction(0)

    def total() -> Fraction:
        over = class_norm(norm) - 1
        return error(query, norm, N, r, (1 + slack) * HALF ** (bits * planes) + over)

    for _ in range(8):
        if total() <= query.eps:
            break
        N, r, planes = N + 1, r + 1, planes + 1
    else:
        raise OutOfRegime(f"a norm of {norm} leaves no room for eps = {query.eps}")
    return Plan(
        "ding2018",
        query,
        norm,
        {"graph": "fixed", "N": N, "r": r, "t": bits * planes},
        total(),
        count(_write(query, N, r, planes, norm, None)),
    )


def build(made: Plan, f: Function | None, progress: Progress | None = None) -> Circuit:
    """The circuit of a plan."""
    query, p = made.query, made.parameters
    bits = query.alphabet.size if query.alphabet.kind == "linear" else 1
    net = _write(query, p["N"], p["r"], p["t"] // bits, made.norm, f)
    return realise(net, made.to_dict(), progress)


def _write(
    query: Query, N: int, r: int, planes: int, norm: Fraction | None, f: Function | None
) -> Builder:
    net = Builder(query.d, values_of(query.alphabet, planes))
    kit, g, scale = products(net, query.n, N, r)
    u, nodes = kit.u, (N + 1) ** query.d
    bits = query.alphabet.size if query.alphabet.kind == "linear" else 1
    total = net.group("total", scale=str(scale))
    for a in multi_indices(query.d, query.n):
        digits = _digits(f, query, N, planes, bits, norm, a)
        for group, side in g[a].sides:
            last = group
            for k in range(planes):  # digit k has weight u on u^k g
                if k:
                    power = net.group("power", nodes, a=list(a), k=k, side=side)
                    net.connect(last, power, u)
                    last = power
                net.connect_free(last, total, u * side, digits[k], _all(nodes), nodes)
    offset = Fraction(2) if class_norm(norm) + query.eps <= 2 else Fraction(4)
    finish(kit, total, scale, offset)
    return net


def _all(nodes: int) -> Any:
    return lambda: (np.arange(nodes), np.zeros(nodes, np.int64))


def _digits(
    f: Function | None,
    query: Query,
    N: int,
    planes: int,
    bits: int,
    norm: Fraction | None,
    a: MultiIndex,
) -> list[Digits | None]:
    if f is None:
        return [None] * planes
    known: list[Any] = []

    def plane(k: int) -> Any:
        if not known:
            known.append(_encode(f, query, N, planes * bits, norm, a))
        return 2 * (known[0] >> bits * (planes - 1 - k) & (2**bits - 1)) - (2**bits - 1)

    return [lambda k=k: plane(k) for k in range(planes)]


def _encode(
    f: Function, query: Query, N: int, places: int, norm: Fraction | None, a: MultiIndex
) -> Any:
    lower, upper, unit = coefficients(f, query.n, N, places + 24, a)
    low, high = lower << places, upper << places
    odd = np.clip(2 * ((low + high) // (4 * unit)) + 1, 1 - 2**places, 2**places - 1)
    allowed = (1 + SLACK + (class_norm(norm) - 1) * 2**places) * unit
    if max(int((high - odd * unit).max()), int((odd * unit - low).max())) > allowed:
        raise InvalidInput(f"the target's derivative of order {a} exceeds the class at a node")
    return (odd + (2**places - 1)) // 2
