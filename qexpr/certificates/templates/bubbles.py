"""Bubbles: f~ = I_1 v - (1/2) sum_k I_M[w_k] G_k, read off a circuit's edges (theory, bubbles).

Every product is A (p q), p a function on the mesh, q = 2 V^2 - 1 = 1 - 8 G for a triangle wave V,
so that with L what enters the output without a product

    f~ = (L + sum_k A_k p_k) - (1/2) sum_k (16 A_k p_k) G_k.

The first sum has to be the interpolant of values close to f, and 16 A_k p_k that, on the coarse
mesh, of values close to w_k = h^2 (f_11 + f_12), h^2 (f_12 + f_22), -h^2 f_12 (d = 1: h^2 f'').
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from qexpr.certificates.alphabets import digit_bits_of
from qexpr.certificates.derivation import Case, Derivation
from qexpr.certificates.merged import Merged, Run, dyadic
from qexpr.certificates.plans import Reader, count, list_of_powers, power, rational, whole
from qexpr.certificates.templates.amplification import Amplification
from qexpr.certificates.templates.lattice import Lattice, NodeValues
from qexpr.certificates.templates.planes import SLACK, require_free
from qexpr.certificates.templates.products import Product, Products
from qexpr.certificates.templates.rules import ABOVE, AFFINE, BELOW, LATTICE, Rules, require_mesh
from qexpr.certificates.templates.waves import Waves
from qexpr.errors import CertificateError
from qexpr.rigor.bubbles import bubble_kappa

if TYPE_CHECKING:
    from qexpr.core.function import Function

__all__ = ["PLAN", "derive", "digits_of"]

PLAN: Mapping[str, Reader] = {
    "M": count,
    "q": rational,
    "q_w": rational,
    "b": count,
    "B": whole,
    "mu": power,
    "levels": power,
    "s": power,
    "r": power,
    "E": power,
    "T": power,
    "T_w": list_of_powers,
}

# By direction of the wave: sign and orders of h^-2 w_k, and its size for a member of the class.
_SECOND = {
    (1,): (1, ((2,),), 1),
    (1, 0): (1, ((2, 0), (1, 1)), 2),
    (0, 1): (1, ((1, 1), (0, 2)), 2),
    (1, -1): (-1, ((1, 1),), 1),
}
_MOST = 2**27  # node values of blocks


def digits_of(plan: Mapping[str, Any]) -> int:
    """The parameter t that the alphabet of a circuit of this plan was made with."""
    return 1


class _Walk:
    """The circuit unit by unit, up to the sum of all and what stands behind it."""

    def __init__(self, net: Merged, N: int, plan: Mapping[str, Any]) -> None:
        require_mesh(net, N)
        self.net, self.plan, self.stages = net, plan, plan["r"] + 1
        self.rules = Rules(net)
        self.lattice = Lattice(self.rules, N)
        self.products = Products(self.lattice)
        self.waves = Waves(self.products, N)
        self.amplification = Amplification(self.rules)
        self.total = -1
        self.blocks: list[Run] = []
        for run in net.runs[:-1]:
            if not self._known(run):
                raise CertificateError(
                    f"the units from node {run.node} on follow no template of role {run.role}"
                )
        if self.total < 0:
            raise CertificateError("there is no sum of all terms")
        self.gain, self.offset = self.amplification.output(net.runs[-1].first)

    def _known(self, run: Run) -> bool:
        if run.role == "fold":
            (self.waves.fold if run.size == 2 else self.products.fold)(run)
        elif run.role == "bubble" and run.size == 1:
            self.waves.bubble(run.first, self.plan["s"])
        elif run.role == "total" and run.size == 1 and self.total < 0:
            self._sum(run.first)
        elif run.role == "block":
            self.blocks.append(run)
            if sum(r.size for r in self.blocks) * self.lattice.N > _MOST:
                raise CertificateError("blocks of so many kinks are beyond this checker")
            self.lattice.accumulate(run)
        else:
            return self._plain(run)
        return True

    def _plain(self, run: Run) -> bool:
        if run.role != "plane" and self.rules.recognise(run):
            return True
        if run.size > 1:
            return False
        if self.products.scaled(run.first):
            return True
        if self.amplification.follows(run.first):
            return True
        if set(self.rules.kind[list(self.net.terms(run.first))].tolist()) <= {
            AFFINE,
            ABOVE,
            BELOW,
            LATTICE,
        }:
            self.lattice.accumulate(run)
            return True
        return False

    def _sum(self, unit: int) -> None:
        self.total = unit
        self.found, rest = self.products.collect(self.net.terms(unit), self.stages)
        self.base = self.lattice.sum_into(unit, rest)
        self.amplification.begin(unit)

    def factors(self) -> dict[tuple[int, ...], tuple[Fraction, int, Fraction]]:
        """By direction of the wave: A, the unit that holds scale (p + 1), and that scale."""
        out: dict[tuple[int, ...], tuple[Fraction, int, Fraction]] = {}
        for product, size in self.found:
            plane, scale, wave = _sides(product)
            if wave in out or wave not in _SECOND:
                raise CertificateError("two products have a bubble in common")
            out[wave] = self.gain * size, plane, scale
        if set(out) != {key for key in _SECOND if len(key) == self.net.d}:
            raise CertificateError("there is not one product for each bubble")
        return out

    def planes_behind(self, unit: int) -> set[int]:
        """The mesh functions that one is made of."""
        seen: set[int] = set()
        stack = [unit]
        while stack:
            unit = stack.pop()
            if unit not in seen and self.rules.kind[unit] == LATTICE:
                seen.add(unit)
                stack += self.net.terms(unit)
        return seen


def _sides(product: Product) -> tuple[int, Fraction, tuple[int, ...]]:
    """The factor on the mesh, its unit and its scale; and the direction of the other's wave."""
    for side, other in ((product.p, product.q), (product.q, product.p)):
        if side.plane is not None and other.wave is not None:
            return side.plane, side.scale, other.wave
    raise CertificateError("a product is not that of a function on the mesh and a bubble")


class _Values:
    """Node values as integers over one denominator."""

    def __init__(self, numbers: np.ndarray, denominator: int) -> None:
        self.numbers, self.denominator = numbers, denominator

    @staticmethod
    def of(values: NodeValues, N: int, factor: Fraction, offset: Fraction) -> _Values:
        """factor * values + offset."""
        unit = factor / (N * Fraction(2) ** values.exponent)
        denominator = unit.denominator * offset.denominator
        numbers = values.numbers.astype(object) * int(unit * denominator)
        return _Values(numbers + int(offset * denominator), denominator)

    def plus(self, other: _Values) -> _Values:
        """The sum."""
        return _Values(
            self.numbers * other.denominator + other.numbers * self.denominator,
            self.denominator * other.denominator,
        )

    def steps(self, q: Fraction, name: str) -> np.ndarray:
        """The values over a step, which have to be integers."""
        scaled, unit = self.numbers * q.denominator, self.denominator * q.numerator
        if (scaled % unit).any():
            raise CertificateError(f"the values of {name} are no multiples of the plan's step")
        return np.asarray(scaled // unit)

    def distance(self, lower: Any, upper: Any, scale: int) -> Fraction:
        """The largest distance from values between lower / scale and upper / scale."""
        value = self.numbers.ravel() * scale
        most = (np.asarray(upper, object) * self.denominator - value).max()
        least = (value - np.asarray(lower, object) * self.denominator).max()
        return Fraction(int(max(most, least, 0)), scale * self.denominator)


def derive(case: Case) -> Derivation:
    """Constants and error terms of the circuit, from its edges."""
    plan, net, free, f, norm = case
    d, N, M = plan["d"], plan["N"], plan["M"]
    _require_class(plan)
    seen = _Walk(net, N, plan)
    require_free(net, *free)
    factors = seen.factors()
    v = _Values.of(seen.base, N, seen.gain, seen.offset)
    reach = Fraction(0)
    for direction, (A, unit, scale) in factors.items():
        p = _Values.of(seen.lattice.known[unit], N, A / scale, -A)
        v = v.plus(p)
        w = _Values(16 * p.numbers, p.denominator)
        _require_second_derivative(plan, direction, _coarse(w, N, M), f)
        if _top(plan, direction) != 16 * A:
            raise CertificateError("a product is not scaled as the plan's steps say")
        reach += A
    _require_values(plan, v, f)
    _require_layout(plan, seen, factors, free[0])
    # relu leaves the sum of all alone, since f~ and its offset are not negative
    terms = _terms(plan, norm, reach)
    if -seen.offset < norm + sum(terms.values()):
        raise CertificateError("the sum of all terms is not lifted enough to stay positive")
    most = max(plan["norm"], Fraction(1))
    promised = sum(_terms(plan, most, reach).values(), Fraction(0))
    return Derivation({"kappa": bubble_kappa(d, M)}, terms, promised)


def _terms(plan: Mapping[str, Any], norm: Fraction, reach: Fraction) -> dict[str, Fraction]:
    """What the error consists of, for a norm; `reach` is the sum of the A_k."""
    d, N, q_w = plan["d"], plan["N"], plan["q_w"]
    sizes = [norm * L / Fraction(N) ** 2 + (1 + SLACK) * q_w for L in _sizes(d)]
    return {
        "interpolation": norm * bubble_kappa(d, plan["M"]) / N**3,
        "coding": (1 + SLACK) * plan["q"],
        # half of the sum of the bubbles is at most 1/8, for d = 2 1/3
        "second derivatives": (1 + SLACK) * q_w * (Fraction(1, 8) if d == 1 else Fraction(1, 3)),
        "bubbles": sum(sizes, Fraction(0)) / 8 / 4 ** (plan["s"] + 1),
        "products": reach / 4 ** (plan["r"] + 1),
    }


def _sizes(d: int) -> list[int]:
    return [size for key, (_, _, size) in _SECOND.items() if len(key) == d]


def _top(plan: Mapping[str, Any], direction: tuple[int, ...]) -> Fraction:
    """W_k: the least power of two times q_w that is at least |w_k|."""
    q_w, size = plan["q_w"], _SECOND[direction][2]
    most = max(plan["norm"], Fraction(1)) * size / Fraction(plan["N"]) ** 2 + (1 + SLACK) * q_w
    ratio = most / q_w
    above = -(-ratio.numerator // ratio.denominator)
    top: Fraction = q_w * (1 << (above - 1).bit_length())
    return top


def _coarse(w: _Values, N: int, M: int) -> _Values:
    """The values at the coarse nodes, whose interpolant has to have those at all nodes."""
    if N % M or N // M < 2:
        raise CertificateError(f"the mesh of {N} cells has none {M} times coarser")
    at = (slice(None, None, M),) * w.numbers.ndim
    node = np.indices(w.numbers.shape)
    cell = np.minimum(node // M, N // M - 1)
    local = node - M * cell
    kept = w.numbers[at]
    if w.numbers.ndim == 1:
        (c,), (u,) = cell, local
        made = (M - u) * kept[c] + u * kept[c + 1]
    else:
        (a, b), (x, y) = cell, local
        first = np.maximum(x, y)
        middle = np.where(x >= y, kept[a + 1, b], kept[a, b + 1])
        least = np.minimum(x, y)
        made = (M - first) * kept[a, b] + (first - least) * middle + least * kept[a + 1, b + 1]
    if (made != M * w.numbers).any():
        raise CertificateError("a factor is not piecewise linear on the coarse mesh")
    return _Values(kept, w.denominator)


def _require_second_derivative(
    plan: Mapping[str, Any], direction: tuple[int, ...], w: _Values, f: Function
) -> None:
    sign, orders, _ = _SECOND[direction]
    q_w, cells, d = plan["q_w"], plan["N"] // plan["M"], plan["d"]
    if not _is_odd(w.steps(q_w, "second derivatives")):
        raise CertificateError("the plan's step q_w is not the one of the code")
    bits = q_w.denominator.bit_length() + 40
    nodes = np.indices((cells + 1,) * d).reshape(d, -1).T.tolist()
    low: Any = 0
    high: Any = 0
    for order in orders:
        ends = f.enclose(order, nodes, cells, bits)
        low, high = low + np.array(ends[0], object), high + np.array(ends[1], object)
    if sign < 0:
        low, high = -high, -low
    found = w.distance(low, high, plan["N"] ** 2 * 2 ** (bits + 2))
    if found > (1 + SLACK) * q_w:
        raise CertificateError(
            f"a second derivative is {float(found):.6g} away from f's, more than the coding's "
            f"error {float((1 + SLACK) * q_w):.6g}"
        )


def _is_odd(steps: np.ndarray) -> bool:
    """The start value is an odd multiple of the step: no coarser one will do."""
    first = (0, -1) if steps.ndim == 2 else (0,)
    return bool(int(steps[first]) % 2)


def _require_values(plan: Mapping[str, Any], v: _Values, f: Function) -> None:
    q, N, d = plan["q"], plan["N"], plan["d"]
    if not _is_odd(v.steps(q, "f")):
        raise CertificateError("the plan's step is not the one of the code")
    bits = q.denominator.bit_length() + 40
    nodes = np.indices((N + 1,) * d).reshape(d, -1).T.tolist()
    found = v.distance(*f.enclose((0,) * d, nodes, N, bits), 2 ** (bits + 2))
    if found > (1 + SLACK) * q:
        raise CertificateError(
            f"at a node the network is {float(found):.6g} away from f, more than the coding's "
            f"error {float((1 + SLACK) * q):.6g}"
        )


def _require_class(plan: Mapping[str, Any]) -> None:
    if plan["n"] != 3 or plan["d"] > 2:
        raise CertificateError("bubbles prove nothing but for n = 3 and d = 1 or 2")
    if plan["graph"] != "fixed" or len(plan["T_w"]) != len(_sizes(plan["d"])):
        raise CertificateError("the plan must have a fixed graph, and planes for every product")
    if plan["b"] != digit_bits_of(plan["alphabet"]):
        raise CertificateError("the plan's digits have not the bits of its alphabet")
    if plan["d"] == 2 and (plan["B"] or plan["mu"] or plan["levels"]):
        raise CertificateError("blocks of kinks are for d = 1")


def _require_layout(
    plan: Mapping[str, Any],
    seen: _Walk,
    factors: Mapping[tuple[int, ...], tuple[Fraction, int, Fraction]],
    free: np.ndarray,
) -> None:
    """Planes, blocks and the scale of kinks or cones are those that the plan states."""
    roles = [
        (run, unit) for run in seen.net.runs for unit in range(run.first, run.first + run.size)
    ]
    planes = {unit for run, unit in roles if run.role == "plane"}
    number, T_w = len(planes), []
    for key in _SECOND:
        if len(key) == plan["d"]:
            own = planes & seen.planes_behind(factors[key][1])
            number -= len(own)
            T_w.append(len(own) - 2)
    if T_w != plan["T_w"] or number - 2 != plan["T"]:
        raise CertificateError("the planes are not as many as the plan states")
    kind = BELOW if plan["d"] == 2 else ABOVE
    inner = free[seen.rules.kind[free] == kind]
    sizes = [
        dyadic(seen.rules.rows[u, 0, :-1].max(), seen.rules.exponent[u]) for u in np.unique(inner)
    ]
    place = plan["b"] * (plan["E"] + (2 if plan["d"] == 2 else 1))
    if not sizes or min(sizes) * 2**place != plan["N"]:
        raise CertificateError("the functions of the basis are not at the scale of the plan")
    if plan["d"] == 1:
        _require_blocks(plan, seen)


def _require_blocks(plan: Mapping[str, Any], seen: _Walk) -> None:
    """Levels of blocks by B; the first digit of level l enters plane mu + l - 1."""
    B, size = plan["B"], plan["N"] - 1
    if len(seen.blocks) != plan["levels"] or not B:
        raise CertificateError("the blocks of kinks have not the plan's levels")
    order = {}
    for run in seen.net.runs:
        if run.role == "plane":
            chain = [p for p in seen.planes_behind(run.first) if p != run.first]
            order[run.first] = sum(1 for p in chain if p in order)
    reads = [(p, set(seen.net.terms(p))) for p in order]
    for level, run in enumerate(seen.blocks, start=1):
        size = -(-size // B)
        members = set(range(run.first, run.first + run.size))
        first = min((order[p] for p, sources in reads if sources & members), default=-1)
        if run.size != size or first != plan["mu"] + level:
            raise CertificateError("the blocks of kinks are not those of the plan")
        widths = [len(seen.net.terms(unit)) for unit in sorted(members)]
        # the first block is full, and so are all but the last
        full = widths[: max(size - 1, level == 1)]
        if max(widths) > B or set(full) - {B}:
            raise CertificateError(f"a block has not {B} parts")
