"""Multiresolution bit-planes: Taylor polynomials coded along a tree of blocks.

    f~(x) = sum_l sum_b sum_p G prod(A^{b,p}_l(x), W^b) + orders 0,

A^{b,p}_l read off its plane's values on blocks, W^b a monomial of the level's waves, which on the
blocks of class p is +-y^b. Down the tree these add up to one polynomial a node, whose coefficients
are compared with f's (theory, Theorem 32):

    |f - f~| <= M K/(n! N^n) + sum_b kappa_|b| q_b 2^-e (1 + slack)/2 + the products' errors,

and of the products of one b at most d + 1 are nonzero at a point, each exactly 0 off its class.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from fractions import Fraction
from math import comb, factorial
from typing import Any

import numpy as np

from qexpr.certificates.alphabets import digit_bits_of
from qexpr.certificates.derivation import Case, Derivation
from qexpr.certificates.plans import Reader, count, list_of_powers, power, rational
from qexpr.certificates.templates.levels import Walk
from qexpr.certificates.templates.polynomials import Coded
from qexpr.errors import CertificateError
from qexpr.rigor.constants import k_constant, kappa

__all__ = ["PLAN", "derive", "digits_of"]


def _steps(key: str, value: Any) -> list[Fraction]:
    """A list of positive rationals as text."""
    if not isinstance(value, list):
        raise CertificateError(f"the plan's {key} must be a list of rationals, as text")
    return [rational(key, number) for number in value]


PLAN: Mapping[str, Reader] = {
    "L": power,
    "j": count,
    "q": _steps,
    "p": list_of_powers,
    "top": list_of_powers,
    "extra": list_of_powers,
    "r": list_of_powers,
}

SLACK = Fraction(1, 2**20)  # a coefficient is within (1 + SLACK)/2 of its last step


def _planes_at(plan: Mapping[str, Any], level: int) -> list[int]:
    held = plan["p"] if level else plan["top"]
    if level < plan["L"]:
        return list(held)
    return [a + b for a, b in zip(held, plan["extra"], strict=True)]


def digits_of(plan: Mapping[str, Any]) -> int:
    """The parameter t that the alphabet of a circuit of this plan was made with."""
    if len({len(plan[key]) for key in ("q", "p", "top", "extra")} | {plan["n"]}) > 1:
        raise CertificateError("the plan's lists must have an entry for every order below n")
    return max(1, *(max(_planes_at(plan, level)) for level in range(plan["L"] + 1)))


def derive(case: Case) -> Derivation:
    """Constants and error terms of the circuit, from its edges."""
    plan, net, free, f, norm = case
    d, n, N = plan["d"], plan["n"], plan["N"]
    if plan["graph"] != "fixed" or any(q.numerator % plan["j"] for q in plan["q"]):
        raise CertificateError("the plan must have a fixed graph, and multiples of j as its steps")
    seen = Walk(net, plan)
    bits = digit_bits_of(plan["alphabet"])
    coded = Coded(seen, plan, bits)
    _require_planes(seen, coded, plan, free)
    digits = Fraction(0)
    for b in coded.indices:
        i = sum(b)
        step = plan["q"][i] / 2 ** (bits * plan["extra"][i])
        allowed = (1 + SLACK) * step / 2
        found = coded.distance(f, b, step.denominator.bit_length() + 40)
        if found > allowed:
            raise CertificateError(
                f"a coefficient of order {b} is off by {float(found):.6g}, more than its digits "
                f"allow, {float(allowed):.6g}"
            )
        digits += allowed * (kappa(i)[1] if i else 1)
    K = k_constant(d, n)[1]
    taylor = K / (factorial(n) * N**n)
    terms = {"taylor": norm * taylor, "digits": digits}
    if n > 1:
        terms["products"] = coded.products
    # relu leaves the sum of level 0 alone, since f~ + its offset is not negative
    if -seen.offset < norm + sum(terms.values()):
        raise CertificateError("the sum of all terms is not lifted enough to stay positive")
    promised = max(plan["norm"], Fraction(1)) * taylor + digits + coded.products
    return Derivation({"K": K}, terms, promised)


def _require_planes(
    seen: Walk, coded: Coded, plan: Mapping[str, Any], free: tuple[np.ndarray, np.ndarray]
) -> None:
    """Every order of every level has its planes, and the free edges are those from their blocks."""
    net, tree, L = seen.net, seen.tree, plan["L"]
    planes = np.zeros(net.units, bool)
    for run in net.runs:
        if run.role == "plane":
            planes[run.first : run.first + run.size] = True
    found: dict[tuple[int, int], int] = defaultdict(int)
    heads = {**coded.heads}
    for level in range(L + 1):
        for unit in seen.products.terms(seen.sums[level].unit):
            if unit in tree.known:
                heads[unit] = level, (0,) * net.d
    for unit, (level, b) in heads.items():
        stack, behind = [unit], set()
        while stack:
            one = stack.pop()
            if one in tree.known and one not in behind:
                behind.add(one)
                stack += seen.products.terms(one)
        found[level, sum(b)] += sum(bool(planes[p]) for p in behind)
    number = 0
    for level in range(L + 1):
        for i, P in enumerate(_planes_at(plan, level)):
            parts = min(tree.side(level), 2) ** net.d if i else 1
            orders_ = comb(i + net.d - 1, i)
            if found[level, i] != P * parts * orders_:
                raise CertificateError(f"level {level} has not {P} planes of order {i}")
            number += P * orders_ * tree.side(level) ** net.d
    source, target = free
    edges = np.unique(source * net.units + target)
    into = np.repeat(np.arange(net.units), np.diff(net.starts))
    coding = (tree.level_of[net.sources] >= 0) & planes[into]
    expected = net.sources[coding] * net.units + into[coding]
    if len(edges) != number or not np.array_equal(edges, np.unique(expected)):
        raise CertificateError("the free edges are not one from every block for each of its digits")
