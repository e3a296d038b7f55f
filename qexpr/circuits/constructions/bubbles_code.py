"""The code of a bubbles network: f tracked on the fine mesh, second derivatives on the coarse one.

For d = 2 both are coded as cones code functions, from fewer predictions than n = 3 would allow:
the stencil of f is a third difference. For d = 1 second differences of f are not O(1) digits, but
they are near h^2 f'': each block of kinks carries what f'' is at its centre, on top of what the
block around it carries, and a kink what is then left.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from qexpr.circuits.constructions.bubbles_plan import BubblesPlan, block_counts
from qexpr.circuits.constructions.cones_code import (
    Code,
    Lattice,
    array_of,
    encode_lattice,
    require_digits,
)
from qexpr.circuits.constructions.cones_plan import ConesPlan
from qexpr.circuits.taylor import raster
from qexpr.core.function import Function

__all__ = ["BubblesCode", "encode"]

# w_k = h^2 times the sum of these derivatives, with a sign
_DERIVATIVES = {
    1: ((1, [(2,)]),),
    2: ((1, [(2, 0), (1, 1)]), (1, [(1, 1), (0, 2)]), (-1, [(1, 1)])),
}


@dataclass(frozen=True, slots=True, eq=False)
class BubblesCode:
    """The codes of f and of the w_k; increments of blocks are coefficients block1, block2, .."""

    v: Code
    w: tuple[Code, ...]


def _second_derivatives(plan: BubblesPlan, k: int, f: Function) -> Lattice:
    """w_k / q_w at the coarse nodes."""
    cones = plan.w[k]
    bits = cones.q.denominator.bit_length() + 23
    sign, orders = _DERIVATIVES[plan.d][k]
    nodes = raster(plan.d, cones.N).tolist()
    lower = upper = np.zeros(len(nodes), object)
    for order in orders:
        low, high = f.enclose(order, nodes, cones.N, bits)
        lower = lower + np.array(low, object)
        upper = upper + np.array(high, object)
    if sign < 0:
        lower, upper = -upper, -lower
    q_units = int(cones.q * plan.v.N**2 * 2 ** (bits + 3))
    found = Lattice.enclosed(lower, upper, q_units, bits + 9 > 62)
    return replace(found, middle=found.middle.reshape((cones.N + 1,) * plan.d))


def encode(plan: BubblesPlan, f: Function) -> BubblesCode:
    """Code f on the plan's meshes.

    Raises
    ------
    InvalidInput
        If a coefficient does not fit, which a member of the class never does, or if f's
        enclosures are too wide.
    """
    w = tuple(
        encode_lattice(cones, _second_derivatives(plan, k, f)) for k, cones in enumerate(plan.w)
    )
    lattice = Lattice.of(plan.v, f)
    v = encode_lattice(plan.v, lattice) if plan.d == 2 else _encode_line(plan, lattice, f)
    return BubblesCode(v, w)


def _blocks(plan: BubblesPlan, f: Function) -> tuple[list[list[int]], list[int]]:
    """The increments by level, and what every kink's blocks add up to, in units of q."""
    N, B = plan.v.N, plan.B
    unit = 2 ** (plan.v.b * plan.mu)
    counts = block_counts(N, B, len(plan.blocks))
    increments: list[list[int]] = [[] for _ in counts]
    above: list[int] = []
    for level in range(len(counts), 0, -1):
        size = B**level
        # kinks first + 1 .. last of the block; its centre is at (first + 1 + last) / 2N
        doubled = [[1 + k * size + min((k + 1) * size, N - 1)] for k in range(counts[level - 1])]
        lattice = _scaled_second(plan.v, f, doubled)
        values = []
        for k, middle in enumerate(lattice.middle.tolist()):
            parent = above[k // B] if above else 0
            # the odd multiple of the unit nearest to the target less the parent's
            left = middle - parent * lattice.q_units
            odd = 2 * (left // (2 * unit * lattice.q_units)) + 1
            if not above:
                odd = lattice.absolute_odd(middle, unit)
            increments[level - 1].append(odd * unit)
            values.append(parent + odd * unit)
        above = values
    return increments, [above[i // B] for i in range(N - 1)]


def _scaled_second(cones: ConesPlan, f: Function, doubled: list[list[int]]) -> Lattice:
    """h^2 f'' / q at the points doubled / 2N."""
    bits = cones.q.denominator.bit_length() + 23
    lower, upper = f.enclose((2,), doubled, 2 * cones.N, bits)
    q_units = int(cones.q * cones.N**2 * 2 ** (bits + 3))
    return Lattice.enclosed(lower, upper, q_units, True)


def _encode_line(plan: BubblesPlan, lattice: Lattice, f: Function) -> Code:
    cones, q = plan.v, lattice.q_units
    increments, known = _blocks(plan, f)
    v: list[int] = []
    rho: list[int] = []
    for i, middle in enumerate(lattice.middle.tolist()):
        prediction = 0 if i == 0 else v[0] if i == 1 else 2 * v[-1] - v[-2] + known[i - 2]
        nearest = 2 * ((middle - prediction * q) // (2 * q)) + 1
        rho.append(nearest if i else lattice.absolute_odd(middle))
        v.append(prediction + rho[-1])
    code = {"start": array_of(rho[:1]), "slope": array_of(rho[1:2]), "inner": array_of(rho[2:])}
    for name, digits in (*cones.long, ("inner", cones.p)):
        require_digits(cones, name, digits, code[name])
    unit = 2 ** (cones.b * plan.mu)
    for level, digits in enumerate(plan.blocks, start=1):
        name = f"block{level}"
        code[name] = array_of([number // unit for number in increments[level - 1]])
        require_digits(cones, name, digits, code[name])
    return Code(code, array_of(v))
