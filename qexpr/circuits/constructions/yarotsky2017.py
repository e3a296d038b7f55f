"""Yarotsky's network with real weights: the unquantized comparison.

The grid and the products of the proof, and each coefficient one real weight on its g_{m,a}, kept as
a dyadic rational of so many bits that its error is below 2^-20 of its share of eps. Every dyadic
rational is a weight here, so bits per weight say nothing and are reported as those of a table.

Source: Yarotsky (2017), Theorem 1 (arXiv:1610.01145); see local_taylor for the form.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from qexpr.circuits.alphabet import REAL
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
from qexpr.circuits.registry import Plan, class_norm
from qexpr.circuits.taylor import multi_indices, require_few
from qexpr.core.function import Function, MultiIndex
from qexpr.core.progress import Progress
from qexpr.core.query import Query
from qexpr.errors import OutOfRegime

__all__ = ["build", "plan"]


def plan(query: Query, norm: Fraction | None = None) -> Plan:
    """eps split in two, grid and products; raised where norm and rounding would break eps."""
    require_few(query.d, query.n)
    N, r, t = parameters(query, 2)
    bits = t + 20
    for _ in range(8):
        total = error(query, norm, N, r, Fraction(1, 2 ** (bits - 1)))
        if total <= query.eps:
            break
        N, r = N + 1, r + 1
    else:
        raise OutOfRegime(f"a norm of {norm} leaves no room for eps = {query.eps}")
    return Plan(
        "yarotsky2017",
        query,
        norm,
        {"graph": "fixed", "N": N, "r": r, "bits": bits, "weights are": "real, kept as dyadics"},
        total,
        count(_write(query, N, r, bits, norm, None)),
    )


def build(made: Plan, f: Function | None, progress: Progress | None = None) -> Circuit:
    """The circuit of a plan."""
    p = made.parameters
    net = _write(made.query, p["N"], p["r"], p["bits"], made.norm, f)
    return realise(net, made.to_dict(), progress)


def _write(
    query: Query, N: int, r: int, bits: int, norm: Fraction | None, f: Function | None
) -> Builder:
    net = Builder(query.d, REAL)
    kit, g, scale = products(net, query.n, N, r)
    nodes = (N + 1) ** query.d
    total = net.group("total", scale=str(scale))
    for a in multi_indices(query.d, query.n):
        digits = _digits(f, query.n, N, bits, a)
        for group, side in g[a].sides:
            net.connect_free(
                group,
                total,
                side * Fraction(1, 2**bits),
                digits,
                lambda: (np.arange(nodes), np.zeros(nodes, np.int64)),
                nodes,
            )
    offset = Fraction(2) if class_norm(norm) + query.eps <= 2 else Fraction(4)
    finish(kit, total, scale, offset)
    return net


def _digits(f: Function | None, n: int, N: int, bits: int, a: MultiIndex) -> Digits | None:
    """Odd multiples of 2^-bits (a weight is never 0), within 2^-bits of the coefficient."""
    if f is None:
        return None

    def numbers() -> Any:
        lower, upper, unit = coefficients(f, n, N, bits + 4, a)
        return 2 * (((lower + upper) << bits) // (4 * unit)) + 1

    return numbers
