"""The network of Ding et al.'s Theorem 1, rebuilt by this project and counted."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import comb, factorial, log2
from typing import NamedTuple

from qexpr.bounds.bound import Bound, Condition, Parameters, Rate, Statement
from qexpr.bounds.references import reference
from qexpr.bounds.witness.amplify import amplify, take_off
from qexpr.bounds.witness.hats import kinks_of
from qexpr.bounds.witness.ledger import Ledger, Unit
from qexpr.bounds.witness.planes_count import steps_of
from qexpr.bounds.witness.source import BUILT, digit_bits, witness_source
from qexpr.bounds.witness.taylor import orders
from qexpr.core.claim import Kind, Quantifier, Side
from qexpr.core.query import Query
from qexpr.core.search import least_root
from qexpr.errors import OutOfRegime

__all__ = ["BOUNDS", "RECONSTRUCTION"]

_COEFFICIENTS = 40
_VALUES = 16
_BITS = 64


class _Signed(NamedTuple):
    """Values held as differences of two groups of units, the second of them none where >= 0."""

    plus: Unit
    minus: Unit | None

    @property
    def sides(self) -> list[Unit]:
        return [self.plus] if self.minus is None else [self.plus, self.minus]


class _Axis:
    """The trapezoid and the clamped half of one coordinate, and their halvings."""

    def __init__(self, book: Ledger, x: Unit, N: int, top: int) -> None:
        b, m = book.b, N + 1
        self.book = book
        there = book.combine([(x, 3 * N), (book.one, 2)], top)
        back = book.combine([(book.one, 3 * N + 2), (x, 3 * N)], top)
        rise, fall = (kinks_of(book, line, top, 0, N + 2, 3) for line in (there, back))
        power = top - 2 * b
        psi = book.unit(m)
        for source in (book.constant(power), rise, fall):
            book.join(source, psi, m)
        sides = []
        for source in (fall, rise):
            full = book.unit(m)
            book.join(book.constant(power + 1), full, m)
            book.join(source, full, m)
            sides.append(self._times(full, -1))
        self.top = power - b
        self.known = {"psi": [_Signed(psi, None)], "w": [_Signed(sides[0], sides[1])]}

    def _times(self, group: Unit, power: int | None = None) -> Unit:
        made = self.book.unit(group.size)
        self.book.join(group, made, group.size, power)
        return made

    def at(self, name: str, power: int) -> _Signed:
        """The trapezoid or the half at the scale 2^power."""
        known = self.known[name]
        while len(known) <= (self.top - power) // self.book.b:
            last = known[-1]
            minus = None if last.minus is None else self._times(last.minus)
            known.append(_Signed(self._times(last.plus), minus))
        return known[(self.top - power) // self.book.b]


def _product(
    book: Ledger, nodes: int, p: _Signed, q: _Signed, power: int, r: int, zero: Unit
) -> _Signed:
    """2 ((|p+q|/2)^2 - (|p|/2)^2 - (|q|/2)^2) at every node, each square of r folds."""
    start = power + 1 - book.b
    terms: list[Unit] = []
    twice = p.plus is q.plus
    for factors in ((p,) if twice else (p, q), (p,), (q,)):
        signed = any(f.minus is not None for f in factors)
        sides = []
        for _ in range(2 if signed else 1):
            made = book.unit(nodes)
            for factor in factors:
                for group in factor.sides:
                    doubled = twice and not terms
                    book.join(group, made, nodes, 1 - book.b if doubled else None)
            sides.append(made)
        terms_here = list(sides)
        for i in range(1, r + 1):
            following = []
            for _ in range(2):
                made = book.unit(nodes)
                for source in sides:
                    book.join(source, made, nodes, -1)
                book.join(book.constant(start + 1 - 2 * i), made, nodes, -1)
                following.append(made)
            sides = following
            terms_here += sides
        terms += terms_here
    out = []
    for _ in range(2):
        made = book.unit(nodes)
        for group in (*terms, zero):
            book.join(group, made, nodes)
        out.append(made)
    return _Signed(out[0], out[1])


class _Count(NamedTuple):
    weights: int
    free: int
    depth: int


def _count(query: Query, N: int, r: int, planes: int) -> _Count:
    """The network's edges; every node and coefficient has a product of its own."""
    d, n, b = query.d, query.n, digit_bits(query.alphabet)
    book = Ledger(b, steps_of(query.alphabet, planes), d)
    nodes = (N + 1) ** d
    top = -b - ((3 * N + 2).bit_length() - 1)
    axes = [_Axis(book, x, N, top) for x in book.inputs]
    last = axes[0].top - 2 * b * (d + n - 2)
    zeros: dict[int, Unit] = {}
    total = book.unit()
    for a in orders(d, n):
        power = last + 2 * b * (d + sum(a) - 1)
        factors = [(axes[k], "w") for k in range(d) for _ in range(a[k])]
        factors += [(axis, "psi") for axis in reversed(axes)]
        made = factors[0][0].at(factors[0][1], power)
        for axis, name in factors[1:]:
            if power not in zeros:
                zeros[power] = book.unit()
                # 2 u sq_r(0), sq_r(0) = (1 - 4^-r)/3
                book.add(zeros[power], ((1 << 2 * r) - 1) // 3, power + 1 - b - 2 * r)
            made = _product(book, nodes, axis.at(name, power), made, power, r, zeros[power])
            power -= 2 * b
        for side in made.sides:
            for k in range(planes):
                if k:
                    following = book.unit(nodes)
                    book.join(side, following, nodes)
                    side = following
                book.join(side, total, nodes)
                book.free += nodes
    book.add(total, 2, last)
    output = book.unit()
    amplify(book, total, output, -last)
    take_off(book, output, 8)
    return _Count(book.total(), book.free, output.depth)


def _power_above(value: Fraction) -> int:
    """The least k with 2^k >= value."""
    k = value.numerator.bit_length() - value.denominator.bit_length() - 1
    while value > Fraction(2) ** k:
        k += 1
    return k


@lru_cache(maxsize=64)
def _plan(query: Query) -> tuple[int, int, int, _Count]:
    d, n, part = query.d, query.n, query.eps / 3
    coefficients = comb(n + d - 1, d)
    if coefficients > _COEFFICIENTS:
        raise OutOfRegime(
            f"with d = {d} and n = {n} there are more than {_COEFFICIENTS} coefficients a node, "
            "too many to count: take fewer variables or a smaller n"
        )
    if query.alphabet.kind == "nonlinear" and query.alphabet.size > _VALUES:
        raise OutOfRegime(f"alphabets nonlinear are counted up to {_VALUES} values")
    terms = 2**d * max(d**n, coefficients)
    N = least_root(n, 2**d * d**n / (factorial(n) * part))
    if d * log2(N + 1) > _BITS:
        raise OutOfRegime(
            f"with d = {d}, n = {n} and this eps the grid has more than 2^{_BITS} nodes: take a "
            "larger eps, a larger n or fewer variables"
        )
    r = max(1, -(-_power_above(6 * terms * (d + n - 1) / part) // 2) - 1)
    t = _power_above(terms / part)
    planes = -(-t // digit_bits(query.alphabet))
    return N, r, planes, _count(query, N, r, planes)


def _parameters(query: Query) -> Parameters:
    N, r, planes, counted = _plan(query)
    return {
        "N": N,
        "r": r,
        "p": planes,
        "F": counted.free,
        "O": counted.weights - counted.free,
        "D": counted.depth,
        "B": query.alphabet.bits_per_weight,
    }


RECONSTRUCTION = Bound(
    id="ding2018.reconstruction",
    title="their Theorem 1 with constants, rebuilt",
    statement=r"The network of Ding et al.'s proof of Theorem 1, rebuilt by this project with its "
    r"constants kept, approximates every $f \in F_{d,n}$ within $\varepsilon$, a third of it for "
    r"each of the Taylor grid of $(N+1)^d$ nodes, products of $r$ folds, and coefficients of $p$ "
    r"digits: every node and coefficient has a product of its own, and every digit a unit of its "
    r"own. Where the text leaves a choice the cheaper one is taken.",
    kind=Kind.EXPLICIT,
    side=Side.UPPER,
    quantifier=Quantifier.CLASS_FIXED,
    statements=(
        Statement("depth", "D", Rate("0", "1")),
        Statement("weights", "F + O", Rate("d/n", "2")),
        Statement("bits", "B*(F + O)", Rate("d/n", "2")),
        Statement("free_bits", "B*F", Rate("d/n", "1")),
    ),
    source=witness_source(
        "Theorem 1 and Propositions 2 and 3, reconstructed",
        of=reference("ding2019universal"),
        note="a reconstruction by this project; the paper states orders only",
    ),
    regime=(
        BUILT,
        Condition("d <= 16", "networks are counted for up to 16 variables"),
        Condition("n <= 10", "networks are counted for up to 10 derivatives"),
        Condition("eps >= 1/10**16", "networks are counted down to 1e-16"),
    ),
    setting="lambda distinct values, exact",
    parameters={
        "N": "cells an axis",
        "r": "folds of a square",
        "p": "digits of a coefficient",
        "F": "free edges, one for each digit and sign",
        "O": "all other edges",
        "D": "depth",
        "B": "bits a weight, ceil(log2 lambda)",
    },
    search=_parameters,
)

BOUNDS = (RECONSTRUCTION,)
