"""The code of a cones network: values tracked on the mesh, coefficients as odd integers.

In an order in which every prediction is known, the coefficient of the next node is the odd
integer nearest to f/q minus the stencil's prediction from the values coded before, so that every
coded value v_m, an integer multiple of q, stays within (1 + SLACK) q of f(m h).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from qexpr.circuits.constructions.cones_lattice import inner_nodes
from qexpr.circuits.constructions.cones_plan import SLACK, ConesPlan, stencil
from qexpr.circuits.taylor import raster
from qexpr.core.function import Function
from qexpr.errors import InvalidInput

__all__ = [
    "Code",
    "Lattice",
    "array_of",
    "encode",
    "encode_lattice",
    "odd_digits",
    "odd_near_zero",
    "require_digits",
]

Integers = npt.NDArray[np.int64] | npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True, eq=False)
class Code:
    """Odd coefficients by name, and the coded values v (in units of q) on the mesh."""

    coefficients: dict[str, Integers]
    values: Integers


def odd_digits(numbers: Integers, digits: int, j: int, b: int) -> Integers:
    """Digit j of odd numbers in +-(2^(b digits) - 1).

    number = sum_j s_j 2^(bj) with every s_j odd, in +-(2^b - 1).
    """
    raised = (numbers + (2 ** (b * digits) - 1)) // 2
    return 2 * ((raised >> (b * j)) & (2**b - 1)) - (2**b - 1)


@dataclass(frozen=True, slots=True, eq=False)
class Lattice:
    """What is coded, by the middles of enclosures at mesh nodes, in units of q / q_units.

    An odd integer whose distance to a middle is at most q_units + play is within 1 + SLACK of what
    is enclosed.
    """

    middle: Integers
    q_units: int
    play: int

    @staticmethod
    def of(plan: ConesPlan, f: Function) -> Lattice:
        """The values of f at the plan's nodes."""
        bits = plan.q.denominator.bit_length() + 23
        # Python integers: a target may compute with them without end
        nodes = raster(plan.d, plan.N).tolist()
        ends = f.enclose((0,) * plan.d, nodes, plan.N, bits)
        # an enclosure's middle, in units of 2^-(bits + 3), over q in the same units
        found = Lattice.enclosed(*ends, int(plan.q * 2 ** (bits + 3)), bits + 8 > 62)
        return replace(found, middle=found.middle.reshape((plan.N + 1,) * plan.d))

    @staticmethod
    def enclosed(lower: object, upper: object, q_units: int, wide: bool) -> Lattice:
        """From ends in half units, which have to be close together.

        Raises
        ------
        InvalidInput
            If they are not.
        """
        kind = object if wide else np.int64
        low, high = np.asarray(lower, dtype=kind), np.asarray(upper, dtype=kind)
        play = int(SLACK * q_units) - int(max(high - low, default=0))
        if play < 0:
            raise InvalidInput(
                "the target is not enclosed as narrowly as this eps needs: take a larger eps"
            )
        return Lattice(low + high, q_units, play)

    def nearest_odd(self, middle: Integers, prediction: Integers) -> Integers:
        """The odd integer nearest to a middle over q less a prediction."""
        return 2 * ((middle - prediction * self.q_units) // (2 * self.q_units)) + 1

    def absolute_odd(self, middle: int, unit: int = 1) -> int:
        """The odd integer nearest to a middle over `unit` q; at a tie the one nearer to 0.

        Digits of what has no prediction reach just as far as a member: where it is largest, the
        odd integer beyond it is as near, and does not fit.
        """
        return odd_near_zero(middle, unit * self.q_units, self.play)


def odd_near_zero(middle: int, unit: int, play: int) -> int:
    """The odd integer nearest to middle / unit; the one nearer to 0 where that is in play too."""
    odd = 2 * (middle // (2 * unit)) + 1
    inner = odd - 2 if odd > 0 else odd + 2
    return inner if abs(inner) < abs(odd) and abs(middle - inner * unit) <= unit + play else odd


def require_digits(plan: ConesPlan, name: str, digits: int, numbers: Integers) -> None:
    most = int(max(abs(np.asarray(numbers).ravel()), default=0))
    if most > 2 ** (plan.b * digits) - 1:
        raise InvalidInput(
            f"a coefficient of kind {name} needs {most}, beyond the {digits} digits that are "
            f"enough for every member of F({plan.d},{plan.n}): the function is not in the class"
        )


def encode(plan: ConesPlan, f: Function) -> Code:
    """Code f on the plan's mesh.

    Raises
    ------
    InvalidInput
        If a coefficient does not fit, which a member of the class never does, or if f's
        enclosures are too wide.
    """
    return encode_lattice(plan, Lattice.of(plan, f))


def encode_lattice(plan: ConesPlan, lattice: Lattice) -> Code:
    """Code what a lattice holds; raises InvalidInput if a coefficient does not fit."""
    code = {1: _encode_line, 2: _encode_square}.get(plan.d, _encode_cube)(plan, lattice)
    for name, digits in (*plan.long, ("inner", plan.p)):
        require_digits(plan, name, digits, code.coefficients[name])
    return code


def _tracked(lattice: Lattice, middles: list[int]) -> tuple[list[int], list[int]]:
    """Start value, first difference, second differences along a line, and the values."""
    q = lattice.q_units
    v: list[int] = []
    rho: list[int] = []
    for i, middle in enumerate(middles):
        prediction = 0 if i == 0 else v[0] if i == 1 else 2 * v[-1] - v[-2]
        coefficient = 2 * ((middle - prediction * q) // (2 * q)) + 1
        if i == 0:
            coefficient = lattice.absolute_odd(middle)
        rho.append(coefficient)
        v.append(prediction + coefficient)
    return rho, v


def array_of(numbers: list[int]) -> Integers:
    small = max(map(abs, numbers), default=0) < 2**60
    return np.array(numbers, dtype=np.int64 if small else object)


def _encode_line(plan: ConesPlan, lattice: Lattice) -> Code:
    rho, v = _tracked(lattice, lattice.middle.tolist())
    return Code(
        {"start": array_of(rho[:1]), "slope": array_of(rho[1:2]), "inner": array_of(rho[2:])},
        array_of(v),
    )


def _encode_square(plan: ConesPlan, lattice: Lattice) -> Code:
    N, middle = plan.N, lattice.middle
    # from (0, N) down to the origin, and out to (N, 0)
    border = [*middle[0, ::-1].tolist(), *middle[1:, 0].tolist()]
    line, beta = _tracked(lattice, border)
    v = np.zeros((N + 1, N + 1), middle.dtype)
    v[0, ::-1], v[1:, 0] = beta[: N + 1], beta[N + 1 :]
    rho = np.zeros((N + 1, N + 1), middle.dtype)
    weights = {z: w for z, w in stencil(2).items() if z != (0, 0)}
    for total in range(2, 2 * N + 1):  # antidiagonals: all predictions are known
        m1 = np.arange(max(1, total - N), min(N, total - 1) + 1)
        m2 = total - m1
        prediction = np.zeros(len(m1), middle.dtype)
        inside = (m1 >= 2) & (m2 >= 2)
        for (z1, z2), weight in weights.items():
            prediction[inside] -= weight * v[m1[inside] - z1, m2[inside] - z2]
        row, column = (m2 == 1) & (m1 >= 2), (m1 == 1) & (m2 >= 2)
        for at, along in ((row, 0), (column, 1)):
            a, b = m1[at], m2[at]
            back = (a - 1, b) if along == 0 else (a, b - 1)
            two = (a - 2, b - 1) if along == 0 else (a - 1, b - 2)
            prediction[at] = v[a - 1, b - 1] + v[back] - v[two]
        if total == 2:
            prediction[:] = v[0, 0]
        rho[m1, m2] = lattice.nearest_odd(middle[m1, m2], prediction)
        v[m1, m2] = prediction + rho[m1, m2]
    kinks = line[2:]
    return Code(
        {
            "start": array_of(line[:1]),
            "slope": array_of(line[1:2]),
            "axis": array_of(kinks[: N - 1] + kinks[N:]),
            "kink": array_of(kinks[N - 1 : N]),
            "corner": rho[1:2, 1],
            "edge": np.concatenate([rho[2:, 1], rho[1, 2:]]),
            "inner": rho[2:, 2:].ravel(),
        },
        v,
    )


def _encode_cube(plan: ConesPlan, lattice: Lattice) -> Code:
    """d >= 3: values are 0 outside the cube, so boundary coefficients are long."""
    N, d, middle = plan.N, plan.d, lattice.middle
    v = np.zeros((N + 3,) * d, middle.dtype)  # two layers of zeros in front of every axis
    rho = np.zeros((N + 1,) * d, middle.dtype)
    weights = [(z, w) for z, w in stencil(d).items() if any(z)]
    index = np.indices((N + 1,) * d).reshape(d, -1)
    sums = index.sum(axis=0)
    order = np.argsort(sums, kind="stable")
    bounds = np.searchsorted(sums[order], np.arange(d * N + 2))
    for total in range(d * N + 1):
        m = tuple(index[:, order[bounds[total] : bounds[total + 1]]])
        prediction = np.zeros(len(m[0]), middle.dtype)
        for z, weight in weights:
            prediction -= weight * v[tuple(mk + 2 - zk for mk, zk in zip(m, z, strict=True))]
        rho[m] = lattice.nearest_odd(middle[m], prediction)
        v[tuple(mk + 2 for mk in m)] = prediction + rho[m]
    inner = inner_nodes(N, d)
    flat = rho.ravel()
    return Code({"face": flat[~inner], "inner": flat[inner]}, v[(slice(2, None),) * d])
