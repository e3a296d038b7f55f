"""The code of a multiresolution network: Taylor polynomials along a tree, increments only.

A block's polynomial predicts those of its children; what is stored is the residual, in odd halves
of a step. Everything is integers in units of 2^-F, polynomials in cells from a block's centre:
    |g^b - D^b f(centre)/(N^|b| b!)| <= q_b/2 2^(s (n - |b|)),
so that a child's prediction sum_{a >= b} C(a,b) v^(a-b) g^a, v = +-2^(s-1) its centre's distance
from the parent's, is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import comb, factorial, prod

import numpy as np
import numpy.typing as npt

from qexpr.circuits.registry import SLACK
from qexpr.circuits.taylor import multi_indices
from qexpr.core.function import Function, MultiIndex
from qexpr.core.levels import Tree
from qexpr.errors import InvalidInput

__all__ = ["Code", "encode"]

Integers = npt.NDArray[np.int64] | npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True, eq=False)
class Code:
    """Odd numbers by level and order, on all blocks in raster order.

    The increment is ``odd / 2`` times the step ``j 2^(n s - k) 2^(-b extra)``.
    """

    odd: tuple[dict[MultiIndex, Integers], ...]


class _Encoder:
    def __init__(self, tree: Tree, d: int, n: int, bits: int, f: Function) -> None:
        self.tree, self.d, self.n, self.b, self.f = tree, d, n, bits, f
        finest = max(k + bits * e for k, e in zip(tree.k, tree.extra, strict=True))
        # units: fine enough for half a step, for predictions at s = 0, and for the slack
        self.F = max(finest, max(tree.k) + n) + 26
        self.indices = multi_indices(d, n)
        wide = self.F + 6 + n > 62
        self.kind: type = object if wide else np.int64

    def step(self, level: int, i: int) -> int:
        """The step of order i in units, polynomials in cells."""
        tree, s = self.tree, self.tree.levels - level
        power = self.F - tree.k[i] + s * (self.n - i)
        if level == tree.levels:
            power -= self.b * tree.extra[i]
        return tree.j << power

    def targets(self, b: MultiIndex, points: Integers) -> tuple[Integers, Integers]:
        """Ends of D^b f/(N^|b| b!) at centres, given over 2N, in units and rounded outward."""
        N, bits = self.tree.N, self.F + 2
        lower, upper = self.f.enclose(b, points.tolist(), 2 * N, bits)
        divisor = N ** sum(b) * prod(map(factorial, b))
        kind = object if self.kind is object or bits + 4 > 62 else np.int64
        low, high = np.asarray(lower, dtype=kind), np.asarray(upper, dtype=kind)
        # over 2^(bits + 2) = 16 units
        low, high = low // (16 * divisor), -(-high // (16 * divisor))
        return low.astype(self.kind), high.astype(self.kind)

    def predict(self, level: int, parent: dict[MultiIndex, Integers]) -> dict[MultiIndex, Integers]:
        """The parents' polynomials around the children's centres."""
        d, side = self.d, self.tree.first << level
        s = self.tree.levels - level
        blocks = np.indices((side,) * d).reshape(d, -1)
        above = np.ravel_multi_index(tuple(blocks // 2), (side // 2,) * d)
        sign = 2 * (blocks % 2) - 1
        known = {a: parent[a][above] for a in self.indices}
        out = {}
        for b in self.indices:
            total: Integers = np.zeros(side**d, self.kind)
            for a in self.indices:
                rest = [x - y for x, y in zip(a, b, strict=True)]
                if min(rest) < 0:
                    continue
                # v = sign 2^(s-1); where that is 1/2, g^a is a multiple of enough powers of two
                term = known[a] * prod(map(comb, a, b))
                power = (s - 1) * sum(rest)
                term = term << power if power >= 0 else term >> -power
                for k, r in enumerate(rest):
                    if r % 2:
                        term = term * sign[k]
                total = total + term
            out[b] = total
        return out

    def level(
        self, level: int, predicted: dict[MultiIndex, Integers] | None
    ) -> tuple[dict[MultiIndex, Integers], dict[MultiIndex, Integers]]:
        """The odd numbers of a level, and the polynomials that they make."""
        d, side = self.d, self.tree.first << level
        s = self.tree.levels - level
        blocks = np.indices((side,) * d).reshape(d, -1)
        points = ((blocks << s + 1) + (2**s - 1)).T  # centres over 2N
        planes = self.tree.at(level)
        odds, made = {}, {}
        for b in self.indices:
            i = sum(b)
            low, high = self.targets(b, points)
            before = 0 if predicted is None else predicted[b]
            step = self.step(level, i)
            most = 2 ** (self.b * planes[i]) - 1
            residual = (low + high) // 2 - before
            odd = np.clip(2 * (residual // step) + 1, -most, most)
            made[b] = before + odd * (step // 2)
            room = step * (Fraction(1, 2) + SLACK / 2)
            worst = np.maximum(high - made[b], made[b] - low)
            place = int(np.argmax(worst))
            if int(worst[place]) > room:
                block = tuple(int(k) for k in blocks[:, place])
                raise InvalidInput(
                    f"the residual of order {b} at level {level}, block {block} does not fit "
                    f"{planes[i]} digits, which are enough for every member of "
                    f"F({d},{self.n}): the function is not in the class"
                )
            odds[b] = odd
        return odds, made


def encode(tree: Tree, d: int, n: int, bits: int, f: Function) -> Code:
    """Code f on the plan's tree.

    Raises
    ------
    InvalidInput
        If a residual does not fit, which a member's never does, with level, block and order.
    """
    encoder = _Encoder(tree, d, n, bits, f)
    made, out = None, []
    for level in range(tree.levels + 1):
        predicted = None if made is None else encoder.predict(level, made)
        odds, made = encoder.level(level, predicted)
        out.append(odds)
    return Code(tuple(out))
