"""The polynomials that a multiresolution network codes, summed down the tree and held against f."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from fractions import Fraction
from math import comb, factorial, prod
from typing import TYPE_CHECKING, Any

import numpy as np

from qexpr.certificates.templates.class_waves import wave_signs
from qexpr.certificates.templates.levels import Walk, plane_signal
from qexpr.certificates.templates.products import Product, Signal
from qexpr.certificates.templates.taylor import Index, orders
from qexpr.errors import CertificateError

if TYPE_CHECKING:
    from qexpr.core.function import Function

__all__ = ["Coded"]


class Coded:
    """The coded polynomials: integers over 2^place, in cells from a block's centre."""

    def __init__(self, seen: Walk, plan: Mapping[str, Any], bits: int) -> None:
        self.seen, self.plan = seen, plan
        self.d, self.n, self.bits = plan["d"], plan["n"], bits
        self.indices = orders(self.d, self.n)
        self.products = Fraction(0)
        self.heads: dict[int, tuple[int, Index]] = {}  # plane units by level and order
        parts = [self._level(level) for level in range(plan["L"] + 1)]
        self.place = max(place for part in parts for _, place in part.values()) + self.n
        values: dict[Index, Any] = {}
        for level, part in enumerate(parts):
            values = self._shifted(values, level) if level else {}
            for b in self.indices:
                numbers, place = part[b]
                values[b] = values.get(b, 0) + (numbers << self.place - place)
        self.values = values

    def _level(self, level: int) -> dict[Index, tuple[np.ndarray, int]]:
        """A level's own coefficients: integers (object) and their power of two."""
        seen, plan, d = self.seen, self.plan, self.d
        made, gain = seen.sums[level], seen.gain[level]
        side, s = seen.tree.side(level), plan["L"] - level
        zero = (0,) * d
        base = made.base
        assert base is not None
        out: dict[Index, tuple[np.ndarray, int]] = {
            zero: _dyadic(base.numbers, gain / 2**base.exponent)
        }
        if not level:
            numbers, place = out[zero]
            more = max(place, seen.offset.denominator.bit_length() - 1)
            numbers = (numbers << more - place) + int(seen.offset * 2**more)
            out[zero] = numbers, more
        found: dict[Index, list[tuple[Product, Fraction]]] = defaultdict(list)
        for product, scale in made.products:
            other = product.q if product.p.plane is not None else product.p
            classes = seen.products.classes_of(other.powers)
            if seen.products.level_of(other.powers) != level:
                raise CertificateError("a product of a level has the waves of another")
            found[tuple(k for k, _ in classes)].append((product, scale))
        if set(found) != set(self.indices) - {zero}:
            raise CertificateError(f"level {level} has not the products of all orders")
        for b, members in found.items():
            total = np.zeros(side**d, object)
            busy = np.zeros(side**d, np.int64)
            place = 0
            q, P = plan["q"][sum(b)], (plan["p"] if level else plan["top"])[sum(b)]
            size = q * Fraction(2) ** (self.n * s + self.bits * P - 1)
            for product, scale in members:
                if gain * scale != size:
                    raise CertificateError(f"a product of order {b} is not scaled by {size}")
                plane = plane_signal(product)
                other = product.q if product.p.plane is not None else product.p
                if other.errors > sum(b) - 1:
                    raise CertificateError(f"a monomial of order {b} has more steps than that")
                numbers, own = self._values(product, plane, other, level)
                busy += numbers != 0
                numbers, own = _dyadic(numbers, size / 2**own / 2 ** (s * sum(b)))
                top = max(place, own)
                total = (total << top - place) + (numbers << top - own)
                place = top
                self.heads[seen.plane_of(product)] = level, b
            if int(busy.max()) > 1:
                raise CertificateError(f"two products of order {b} share a block")
            r = plan["r"][level]
            self.products += size * (min(2**d, d + 1) + sum(b) - 1) / 4 ** (r + 1)
            out[b] = total, place
        return out

    def _values(
        self, product: Product, plane: Signal, other: Signal, level: int
    ) -> tuple[np.ndarray, int]:
        """The plane's numbers times the signs of the waves' monomial; 0 off its class."""
        seen, d = self.seen, self.d
        side = seen.tree.side(level)
        numbers, place = seen.tree.known[seen.plane_of(product)].over(plane.scale)
        blocks = np.indices((side,) * d).reshape(d, -1)
        signs = np.ones(side**d, np.int64)
        for axis, (power_, p) in enumerate(seen.products.classes_of(other.powers)):
            if p is None:
                continue
            k = np.arange(side)
            line = np.zeros(side, np.int64)
            line[p::2] = wave_signs(*seen.products.used[level, axis, p], k[p::2]) ** power_
            signs *= line[blocks[axis]]
        if (numbers[signs == 0] != 0).any():
            raise CertificateError("a plane is not 0 outside of its waves' class")
        return numbers * signs, place

    def _shifted(self, values: dict[Index, Any], level: int) -> dict[Index, Any]:
        """The polynomials around the centres of the next level's blocks, 2^(s-1) cells off."""
        side, s = self.seen.tree.side(level), self.plan["L"] - level
        blocks = np.indices((side,) * self.d).reshape(self.d, -1)
        parent = np.ravel_multi_index(tuple(blocks // 2), (side // 2,) * self.d)
        out = {}
        for b in self.indices:
            total: Any = 0
            for a in self.indices:
                if any(x < y for x, y in zip(a, b, strict=True)):
                    continue
                rest = sum(a) - sum(b)
                sign = np.ones(side**self.d, np.int64)
                for k, (x, y) in enumerate(zip(a, b, strict=True)):
                    if (x - y) % 2:
                        sign *= 2 * (blocks[k] % 2) - 1
                term = values[a][parent] * prod(map(comb, a, b)) * sign
                # 2^((s-1) rest); `place` leaves room for the halves at s = 0
                total = total + ((term << s * rest) >> rest)
            out[b] = total
        return out

    def distance(self, f: Function, b: Index, bits: int) -> Fraction:
        """The largest |coded - D^b f/(N^|b| b!)| over the nodes that the enclosures allow."""
        N = self.plan["N"]
        nodes = np.indices((N + 1,) * self.d).reshape(self.d, -1).T
        lower, upper = f.enclose(b, nodes.tolist(), N, bits)
        divisor = N ** sum(b) * prod(map(factorial, b))
        coded = self.values[b] * (divisor << bits + 2)
        high = np.array(upper, object) << self.place
        low = np.array(lower, object) << self.place
        worst = max(int((high - coded).max()), int((coded - low).max()), 0)
        return Fraction(worst, divisor << bits + 2 + self.place)


def _dyadic(numbers: np.ndarray, factor: Fraction) -> tuple[np.ndarray, int]:
    """numbers * factor as Python's integers over a power of two."""
    place = factor.denominator.bit_length() - 1
    if factor.denominator != 1 << place:
        raise CertificateError("a coefficient is not dyadic")
    return numbers.astype(object) * factor.numerator, place
