"""A product network for every node and coefficient: Yarotsky's, and Ding et al.'s quantized one.

    f~ = sum_m sum_{|a|<n} b~_{m,a} g~_{m,a},   g = prod_k psi_{m_k} prod_k w_{m_k}^(a_k),
    b_{m,a} = D^a f(m/N)/a! (2/(3N))^|a|,   |b_{m,a}| <= M,

with the families of `families`. The psi of an axis add up to 1, at most two of them are not 0 at a
point, and w = y/2 where psi > 0; g~ is 0 where g is, |g~| <= 1, and |g~ - g| <= 6 (d + |a| - 1)
4^-(r+1). So the error is at most 2^d times

    M d^n/(n! N^n) + sum_a (max_m |b - b~| + 6 M (d + |a| - 1) 4^-(r+1)).

Source: Yarotsky (2017), Theorem 1; Ding et al. (2019), Theorem 1; their constants.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import factorial, prod
from typing import TYPE_CHECKING, Any

import numpy as np

from qexpr.certificates.derivation import Case, Derivation
from qexpr.certificates.merged import Merged, Run, dyadic
from qexpr.certificates.templates.amplification import Amplification
from qexpr.certificates.templates.families import Families, Signal
from qexpr.certificates.templates.rules import Rules, require_mesh
from qexpr.certificates.templates.squares import Squares
from qexpr.certificates.templates.taylor import Index, orders
from qexpr.errors import CertificateError

if TYPE_CHECKING:
    from qexpr.core.function import Function

__all__ = ["Coded", "Walk", "derivation", "promised"]


@dataclass(frozen=True, eq=False, slots=True)
class Coded:
    """b~_{m,a} = numbers / denominator, summed from so many families of each side."""

    numbers: np.ndarray
    denominator: int
    families: int
    products: int


class Walk:
    """The circuit run by run, up to the sum of all terms and what stands behind it."""

    def __init__(self, net: Merged, N: int, r: int) -> None:
        require_mesh(net, N)
        self.net = net
        self.rules = Rules(net)
        self.families = Families(self.rules, N)
        self.squares = Squares(self.families, r + 1)
        self.amplification = Amplification(self.rules)
        for run in net.runs[:-1]:
            self._run(run)
        if self.amplification.unit < 0:
            raise CertificateError("there is no sum of all terms")
        self.gain, self.offset = self.amplification.output(net.runs[-1].first)

    def _run(self, run: Run) -> None:
        single = run.size == 1
        if run.role == "trapezoid":
            self.families.trapezoid(run)
        elif run.role == "fold":
            self.squares.fold(run)
        elif run.role == "product":
            self.squares.product(run)
        elif run.role == "total" and single and self.amplification.unit < 0:
            self._sum(run.first)
        elif not (
            self.rules.recognise(run)
            or self.families.scaled(run)
            or (single and self.amplification.follows(run.first))
        ):
            raise CertificateError(
                f"the units from node {run.node} on follow no template of role {run.role}"
            )

    def _sum(self, unit: int) -> None:
        """The sum of all terms: a constant, and every node's unit of each family that it reads."""
        net, nodes = self.net, self.families.nodes.shape[1]
        edges = slice(int(net.starts[unit]), int(net.starts[unit + 1]))
        source, number, exponent = net.sources[edges], net.numbers[edges], net.exponents[edges]
        of = self.families.run_of[source]
        self.constant = Fraction(0)
        self.read: list[int] = []  # the runs of families, by their first units
        parts: list[tuple[Signal, int, np.ndarray, np.ndarray]] = []
        for index in np.unique(of).tolist():
            now = of == index
            first = int(source[now][0])
            value = self.rules.constant_of(first)
            if value is not None and now.sum() == 1:
                self.constant += dyadic(number[now][0], exponent[now][0]) * value
                continue
            family = self.families.family_at(first) if index >= 0 else None
            if family is None or not np.array_equal(source[now] - first, np.arange(nodes)):
                raise CertificateError("the sum of all terms reads what is no term of every node")
            scale = family.scale
            place = exponent[now] + scale.denominator.bit_length() - 1
            numbers = number[now].astype(object) * scale.numerator
            parts.append((family.signal, family.side, numbers, place))
            self.read.append(first)
        self._collect(parts)
        self.amplification.begin(unit)

    def _collect(self, parts: list[tuple[Signal, int, np.ndarray, np.ndarray]]) -> None:
        """Weights times scales of every signal, its two sides read alike."""
        self.place = max((int(place.max()) for *_, place in parts), default=0)
        sides: dict[Signal, dict[int, list[Any]]] = {}
        for signal, side, numbers, place in parts:
            of = sides.setdefault(signal, {1: [], -1: []})
            of[side].append(numbers * 2 ** (self.place - place).astype(object))
        self.sums: dict[Signal, tuple[np.ndarray, int]] = {}
        for signal, of in sides.items():
            total = sum(of[1])
            if signal.signed and (
                len(of[1]) != len(of[-1]) or not np.array_equal(total, -sum(of[-1]))
            ):
                raise CertificateError("the two sides of a term are not summed alike")
            self.sums[signal] = total, len(of[1])

    def coded(self) -> dict[Index, Coded]:
        """The coefficients of every order."""
        d, out = self.net.d, {}
        unit = self.gain / 2**self.place
        for signal, (numbers, families) in self.sums.items():
            if signal.hats != (1,) * d:
                raise CertificateError("a term is not one trapezoid of each axis times powers")
            if signal.powers in out:
                raise CertificateError(f"two terms are of order {signal.powers}")
            out[signal.powers] = Coded(
                numbers * unit.numerator, unit.denominator, families, signal.products
            )
        return out


def _error_terms(
    plan: Mapping[str, Any],
    seen: Walk,
    coded: Mapping[Index, Coded],
    f: Function,
    norm: Fraction,
    digit: Fraction,
) -> tuple[Fraction, Fraction, Fraction]:
    """The terms of Taylor, of coefficients and of products for a target of that norm.

    Parameters
    ----------
    digit : what a coefficient may be off by

    Raises
    ------
    CertificateError
        If one is off by more, or the sum of all terms might be cut off by relu.
    """
    d, N = plan["d"], plan["N"]
    indices = orders(d, plan["n"])
    if sorted(coded) != sorted(indices):
        raise CertificateError(f"there must be a term of each of {len(indices)} orders")
    bits = digit.denominator.bit_length() + 24
    nodes = seen.families.nodes.T.tolist()
    for a in indices:
        if coded[a].products != d + sum(a) - 1:
            raise CertificateError(f"a term of order {a} has not the products of its order")
        found = _distance(f, a, nodes, N, bits, coded[a])
        if found > digit:
            raise CertificateError(
                f"a coefficient of order {a} is off by {float(found):.6g}, more than the "
                f"{float(digit):.6g} that its digits allow"
            )
    terms = _terms(plan, norm, digit)
    # relu leaves the sum of all terms alone, since f~ + its offset is not negative
    lift = seen.gain * seen.constant
    if lift != -seen.offset:
        raise CertificateError(
            "the output does not take off what the sum of all terms is lifted by"
        )
    if lift < norm + sum(terms):
        raise CertificateError("the sum of all terms is not lifted enough to stay positive")
    return terms


def _terms(
    plan: Mapping[str, Any], norm: Fraction, digit: Fraction
) -> tuple[Fraction, Fraction, Fraction]:
    d, n, N, r = plan["d"], plan["n"], plan["N"], plan["r"]
    indices = orders(d, n)
    products = sum(d + sum(a) - 1 for a in indices)
    return (
        2**d * norm * Fraction(d**n, factorial(n) * N**n),
        2**d * len(indices) * digit,
        2**d * norm * products * Fraction(6, 4 ** (r + 1)),
    )


def promised(plan: Mapping[str, Any], digit: Fraction) -> Fraction:
    """The plan's error: for its norm, at least 1."""
    return sum(_terms(plan, max(plan["norm"], Fraction(1)), digit), Fraction(0))


def _distance(
    f: Function, a: Index, nodes: list[list[int]], N: int, bits: int, coded: Coded
) -> Fraction:
    """The largest |b_{m,a} - b~_{m,a}| that enclosures of the derivatives allow."""
    lower, upper = f.enclose(a, nodes, N, bits)
    degree = sum(a)
    scale = 2 ** (bits + 2) * prod(map(factorial, a)) * (3 * N) ** degree
    low, high = (np.array(end, object) * 2**degree * coded.denominator for end in (lower, upper))
    numbers = coded.numbers * scale
    worst = max(int((high - numbers).max()), int((numbers - low).max()), 0)
    return Fraction(worst, scale * coded.denominator)


def _require_free(seen: Walk, free: tuple[np.ndarray, np.ndarray]) -> None:
    """Free are the edges from the terms' families into their sum, and no others.

    Raises
    ------
    CertificateError
        If they are not.
    """
    source, target = free
    nodes = np.arange(seen.families.nodes.shape[1])
    expected = np.sort(np.concatenate([first + nodes for first in seen.read]))
    coded = np.unique(source)
    if (target != seen.amplification.unit).any() or not np.array_equal(coded, expected):
        raise CertificateError("the free edges are not those that carry the coefficients")


def derivation(
    case: Case,
    term: str,
    digit_of: Callable[[Mapping[str, Any], Fraction], Fraction],
    require_digits: Callable[[Index, Coded], None],
) -> Derivation:
    """Constants and error terms of the circuit, from its edges.

    Parameters
    ----------
    term : what the coefficients' error is called
    digit_of : what a coefficient of a plan may be off by, for a target of a norm
    require_digits : raises CertificateError where those of one order are not what the plan states
    """
    plan, net, free, f, norm = case
    if plan["graph"] != "fixed":
        raise CertificateError("the plan must have a fixed graph")
    seen = Walk(net, plan["N"], plan["r"])
    _require_free(seen, free)
    coded = seen.coded()
    for a, coefficient in coded.items():
        require_digits(a, coefficient)
    taylor, digits, products = _error_terms(plan, seen, coded, f, norm, digit_of(plan, norm))
    return Derivation(
        {},
        {"taylor": taylor, term: digits, "products": products},
        promised(plan, digit_of(plan, plan["norm"])),
    )
