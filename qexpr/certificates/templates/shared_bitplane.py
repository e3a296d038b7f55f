"""The shared bit-plane construction: Taylor polynomials glued by hats, their digits in planes.

    f~(x) = sum_a prod(A_a(x), z^a),  A_a = sum_m c~_{m,a} hat_m,  z = 2x - 1
    |f - f~| <= M K/(n! N^n) + sum_a max_m |c_{m,a} - c~_{m,a}| + sum_a |a| C_a 4^-(r+1)

(theory, section 4). Every A_a is read off its plane's node values; what multiplies it is found by
following squares and products back to the coordinates.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import comb, factorial
from typing import Any

import numpy as np

from qexpr.certificates.alphabets import digit_bits_of
from qexpr.certificates.derivation import Case, Derivation
from qexpr.certificates.merged import Merged, Run
from qexpr.certificates.plans import Reader, list_of_powers, power
from qexpr.certificates.templates.amplification import Amplification
from qexpr.certificates.templates.hats import recognise_hats
from qexpr.certificates.templates.lattice import Lattice, NodeValues
from qexpr.certificates.templates.products import Products
from qexpr.certificates.templates.rules import AFFINE, HAT, LATTICE, Rules, require_mesh
from qexpr.certificates.templates.taylor import (
    Coefficients,
    Index,
    coefficient_bound,
    orders,
    power_above,
)
from qexpr.errors import CertificateError
from qexpr.rigor.constants import k_constant

__all__ = ["PLAN", "derive", "digits_of"]

PLAN: Mapping[str, Reader] = {"r": power, "t": list_of_powers}

SLACK = Fraction(1, 2**20)  # a coefficient is within (1 + SLACK) of its last digit


def digits_of(plan: Mapping[str, Any]) -> int:
    """The parameter t that the alphabet of a circuit of this plan was made with."""
    return max([1, *(t // digit_bits_of(plan["alphabet"]) for t in plan["t"])])


class _Walk:
    """The circuit unit by unit, up to the sum of all terms and what stands behind it."""

    def __init__(self, net: Merged, N: int, r: int) -> None:
        require_mesh(net, N)
        self.net, self.stages = net, r + 1
        self.rules = Rules(net)
        self.lattice = Lattice(self.rules, N)
        self.products = Products(self.lattice)
        self.total = -1
        self.amplification = Amplification(self.rules)
        self.hats: Run | None = None
        for run in net.runs[:-1]:
            self._unit(run)
        if self.total < 0:
            raise CertificateError("there is no sum of all terms")
        self.gain, self.offset = self.amplification.output(net.runs[-1].first)

    def _unit(self, run: Run) -> None:
        if run.role == "hat":
            recognise_hats(self.rules, run, self.lattice.N)
            self.hats = run
        elif run.role == "fold":
            self.products.fold(run)
        elif run.role == "sum" and run.size == 1:
            self.products.monomial(run.first, self.stages)
        elif run.role == "total" and run.size == 1 and self.total < 0:
            self._sum(run.first)
        elif run.role != "complement" and not self._plain(run):
            raise CertificateError(
                f"the units from node {run.node} on follow no template of role {run.role}"
            )

    def _plain(self, run: Run) -> bool:
        if run.role != "plane" and self.rules.recognise(run):
            return True
        if run.size > 1:
            return False
        if self.products.scaled(run.first):
            return True
        if self.amplification.follows(run.first):
            return True
        terms = self.products.terms(run.first)
        if set(self.rules.kind[list(terms)]) <= {AFFINE, LATTICE, HAT}:
            self.lattice.accumulate(run)
            return True
        return False

    def _sum(self, unit: int) -> None:
        self.total = unit
        self.found, rest = self.products.collect(self.products.terms(unit), self.stages)
        self.base = self.lattice.sum_into(unit, rest)
        self.amplification.begin(unit)

    def coded(self) -> dict[Index, tuple[np.ndarray, int, int]]:
        """By a: the coded c~_{m,a} as integers and their denominator, and errors of z^a."""
        d = self.net.d
        out = {(0,) * d: (*self._whole(self.base, self.gain, self.offset), 0)}
        for product, scale in self.found:
            planes = [s for s in (product.p, product.q) if s.plane is not None]
            others = [s for s in (product.p, product.q) if s.plane is None]
            if len(planes) != 1 or len(others) != 1:
                raise CertificateError("a term is not a plane times a monomial")
            plane, power = planes[0], others[0]
            if power.powers in out:
                raise CertificateError(f"two terms are of order {power.powers}")
            assert plane.plane is not None
            size = self.gain * scale
            values = self.lattice.known[plane.plane]
            out[power.powers] = (
                *self._whole(values, size / plane.scale, -size),
                power.errors + 1,
            )
        return out

    def _whole(
        self, values: NodeValues, factor: Fraction, offset: Fraction
    ) -> tuple[np.ndarray, int]:
        """factor * values + offset as integers over one denominator."""
        unit = factor / (self.lattice.N * Fraction(2) ** values.exponent)
        denominator = unit.denominator * offset.denominator
        numbers = values.numbers.astype(object) * int(unit * denominator)
        return numbers + int(offset * denominator), denominator

    def planes_behind(self, unit: int) -> set[int]:
        """The accumulators that a mesh function is made of."""
        seen, stack = set(), [unit]
        while stack:
            unit = stack.pop()
            if unit in seen or self.rules.kind[unit] != LATTICE:
                continue
            seen.add(unit)
            stack += self.products.terms(unit)
        return seen


def derive(case: Case) -> Derivation:
    """Constants and error terms of the circuit, from its edges."""
    plan, net, free, f, norm = case
    d, n, N, r, t = plan["d"], plan["n"], plan["N"], plan["r"], plan["t"]
    bits = digit_bits_of(plan["alphabet"])
    if plan["graph"] != "fixed" or len(t) != comb(n - 1 + d, d) or any(k % bits for k in t):
        raise CertificateError("the plan must have a fixed graph, and digits for every order")
    indices = orders(d, n)
    seen = _Walk(net, N, r)
    coded = seen.coded()
    _require_planes(seen, dict(zip(indices, t, strict=True)), bits, free)
    scales = [power_above(coefficient_bound(n, a)) for a in indices]
    nodes = Coefficients(f, n, N, max(t) + 48)
    digits = Fraction(0)
    for a, scale, places in zip(indices, scales, t, strict=True):
        allowed = _digit_error(n, a, scale, places, norm)
        digits += allowed
        values, denominator, errors = coded.get(a, (np.zeros((N + 1,) * d, object), 1, 0))
        if errors > sum(a):
            raise CertificateError(f"the product of order {a} has more steps than its order")
        found = nodes.distance(a, values, denominator)
        if found > allowed:
            raise CertificateError(
                f"a coefficient of order {a} is off by {float(found):.6g}, more than its digits "
                f"allow, {float(allowed):.6g}"
            )
    products = Fraction(0)
    for a, scale in zip(indices, scales, strict=True):
        if a in coded and sum(a):
            products += _reach(seen, a, scale) * sum(a) / 4 ** (r + 1)
    K = k_constant(d, n)[1]
    terms = {
        "taylor": norm * K / (factorial(n) * N**n),
        "digits": digits,
        "products": products,
    }
    # relu leaves the sum of all terms alone, since f~ + its offset is not negative
    if -seen.offset < norm + sum(terms.values()):
        raise CertificateError("the sum of all terms is not lifted enough to stay positive")
    return Derivation({"K": K}, terms, _promised(plan, indices, scales))


def _reach(seen: _Walk, a: Index, scale: Fraction) -> Fraction:
    """C_a as the network has it: the weight of its product in the output."""
    for product, size in seen.found:
        power = product.p if product.p.plane is None else product.q
        if power.powers == a and seen.gain * size == scale:
            return scale
    raise CertificateError(f"the product of order {a} is not scaled by {scale}")


def _digit_error(n: int, a: Index, scale: Fraction, places: int, norm: Fraction) -> Fraction:
    """What a coefficient of that many digits may be off by, for a target of that norm."""
    bound = norm * coefficient_bound(n, a)
    if not places:
        return bound
    return (1 + SLACK) * scale / 2**places + max(Fraction(0), bound - scale)


def _promised(plan: Mapping[str, Any], indices: list[Index], scales: list[Fraction]) -> Fraction:
    """The plan's error: for its norm, at least 1, and dropped coefficients at C_a."""
    d, n, N, r = plan["d"], plan["n"], plan["N"], plan["r"]
    norm = max(plan["norm"], Fraction(1))
    total: Fraction = norm * k_constant(d, n)[1] / (factorial(n) * N**n)
    for a, scale, places in zip(indices, scales, plan["t"], strict=True):
        if not places:
            total += norm * scale
            continue
        total += _digit_error(n, a, scale, places, norm) + sum(a) * scale / 4 ** (r + 1)
    return total


def _require_planes(
    seen: _Walk, t: dict[Index, int], bits: int, free: tuple[np.ndarray, np.ndarray]
) -> None:
    """Every coefficient has its digits' planes, which read every hat by a free edge."""
    net, hats = seen.net, seen.hats
    planes = np.zeros(net.units, bool)
    for run in net.runs:
        if run.role == "plane":
            planes[run.first : run.first + run.size] = True
    heads = {(0,) * net.d: seen.products.terms(seen.total)}
    for product, _ in seen.found:
        plane, power = product.p, product.q
        if plane.plane is None:
            plane, power = power, plane
        heads[power.powers] = {plane.plane: Fraction(1)}  # type: ignore[dict-item]
    for a, places in t.items():
        behind = {p for head in heads.get(a, {}) for p in seen.planes_behind(head)}
        if bits * sum(bool(planes[p]) for p in behind) != places:
            raise CertificateError(f"the coefficients of order {a} have not {places} digits")
    if hats is None:
        raise CertificateError("there are no hats")
    number = int(planes.sum()) * hats.size
    source, target = free
    coded = np.unique(source * net.units + target)
    good = (source >= hats.first) & (source < hats.first + hats.size) & planes[target]
    into = np.repeat(np.arange(net.units), np.diff(net.starts))
    from_hats = (net.sources >= hats.first) & (net.sources < hats.first + hats.size)
    if not good.all() or len(coded) != number or int(from_hats.sum()) != number:
        raise CertificateError("the free edges are not those from every hat into every plane")
    if not planes[into[from_hats]].all():
        raise CertificateError("a hat is read by more than the planes")
