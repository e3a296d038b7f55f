"""Functions that are piecewise linear on the Kuhn mesh, held by their values at its nodes.

A function that is affine on every simplex of the Kuhn mesh of step 1/N (the simplices of the
hyperplanes N x_k = i and N (x_k - x_l) = i) is its interpolant: its range is that of its node
values, and relu leaves it alone where none of them is negative. A sum of such functions is one.

The sources of a sum are, by their rows (`rules`): affine functions; kinks relu(L (t - i)) in a
direction t = +-N x_k or N (x_k - x_l), i an integer; ramps, differences of two kinks; and cones
L C(N x - k + (1,..,1)), C(y) = relu(min_j y_j), whose sum at the nodes is the inverse of the
stencil nabla_{e1} .. nabla_{ed} nabla_{(1,..,1)}: cumulative sums.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from qexpr.certificates.merged import Merged, Run
from qexpr.certificates.templates.rules import (
    ABOVE,
    AFFINE,
    BELOW,
    HAT,
    LATTICE,
    OTHER,
    UNKNOWN,
    Rules,
)
from qexpr.errors import CertificateError

__all__ = ["Lattice", "NodeValues"]

_BITS = 62


@dataclass(frozen=True, eq=False)
class NodeValues:
    """The values at the nodes of {0..N}^d: ``numbers / (N * 2**exponent)``."""

    numbers: np.ndarray
    exponent: int


def _length(numbers: np.ndarray) -> int:
    if not numbers.size:
        return 0
    return max(int(numbers.max()), -int(numbers.min()), 1).bit_length()


class Lattice:
    """The mesh of N cells an axis, and the units whose node values are known."""

    def __init__(self, rules: Rules, N: int) -> None:
        self.rules = rules
        self.d = rules.net.d
        self.N = N
        self.known: dict[int, NodeValues] = {}

    @property
    def net(self) -> Merged:
        """The circuit."""
        return self.rules.net

    def accumulate(self, run: Run, linear: bool = False) -> None:
        """Every unit of a run as a sum of functions on the mesh, which relu leaves alone.

        Raises
        ------
        CertificateError
            If a source is no function on the mesh, or relu would bend the sum.
        """
        for unit in range(run.first, run.first + run.size):
            made = self.sum_into(unit)
            if not linear and int(made.numbers.min()) < 0:
                raise CertificateError(
                    f"the sum in a unit of role {run.role} is negative at a node, so that its "
                    "relu is none of the mesh's functions"
                )
            self.known[unit] = made
            self.rules.kind[unit] = LATTICE

    def sum_into(self, unit: int, only: Collection[int] | None = None) -> NodeValues:
        """The unit's incoming sum at the nodes, over all of its sources or `only` these.

        Raises
        ------
        CertificateError
            If one of them is no function on the mesh.
        """
        net, rules = self.net, self.rules
        edges = np.arange(int(net.starts[unit]), int(net.starts[unit + 1]))
        if only is not None:
            edges = edges[np.isin(net.sources[edges], np.array([*only], np.int64))]
        source, number, exponent = net.sources[edges], net.numbers[edges], net.exponents[edges]
        kinds = rules.kind[source]
        place = exponent + rules.exponent[source]
        lattice = np.flatnonzero(kinds == LATTICE)
        for i in lattice:
            place[i] = exponent[i] + self.known[int(source[i])].exponent
        if (
            int(np.abs(rules.rows[source]).max(initial=1)).bit_length()
            > _BITS - self.N.bit_length() - 1
        ):
            raise CertificateError("a unit's function is too fine for the mesh")
        top = int(place.max(initial=0))
        # every weight at one power of two; Python's integers where 62 bits might not do
        shift = top - place
        size = max(
            (int(abs(w)).bit_length() + int(s) for w, s in zip(number, shift, strict=True)),
            default=0,
        )
        wide = size + self._size_of(source, lattice) + len(source).bit_length() > _BITS
        factor = number.astype(object) if wide else number
        factor = factor * 2 ** shift.astype(object) if wide else factor << shift
        total: Any = np.zeros((self.N + 1,) * self.d, factor.dtype)
        for i in lattice:
            values = self.known[int(source[i])].numbers
            total = total + factor[i] * (values.astype(object) if wide else values)
        kinds_of = (
            (AFFINE, self._affine),
            (ABOVE, self._kinks),
            (BELOW, self._below),
            (HAT, self._hats),
        )
        for kind, add in kinds_of:
            chosen = kinds == kind
            if chosen.any():
                total = total + add(source[chosen], factor[chosen])
        if np.isin(kinds, (UNKNOWN, OTHER)).any():
            raise CertificateError("a unit reads one whose function no rule covers")
        if total.dtype == object and _length(total) <= _BITS - 1:
            total = total.astype(np.int64)
        return NodeValues(total, top)

    def _size_of(self, source: np.ndarray, lattice: np.ndarray) -> int:
        """Bits that sources' node values and intermediate sums take, their weights aside."""
        rows = self.rules.rows[source]
        largest = int(np.abs(rows).max(initial=1)).bit_length()
        own = largest + 2 * (self.N + 3).bit_length() + self.d.bit_length() + 1
        held = [_length(self.known[int(source[i])].numbers) for i in lattice]
        return max([own, *held])

    # The kinds of sources --------------------------------------------------------------------

    def _affine(self, source: np.ndarray, factor: np.ndarray) -> np.ndarray:
        row = (self.rules.rows[source, 0] * factor[:, None]).sum(axis=0)
        # of the factors' type, that of Python's integers too: numpy would take 64 bits for both
        nodes = np.arange(self.N + 1).astype(factor.dtype)
        total: Any = np.full((self.N + 1,) * self.d, row[-1] * self.N, factor.dtype)
        for k in range(self.d):
            total = total + self._along(k, nodes * row[k])
        return total

    def _along(self, k: int, values: np.ndarray) -> np.ndarray:
        shape = [1] * self.d
        shape[k] = self.N + 1
        return values.reshape(shape)

    def _kinks(self, source: np.ndarray, factor: np.ndarray) -> np.ndarray:
        if (self.rules.count[source] != 1).any():
            raise CertificateError("a maximum of several functions enters a sum on the mesh")
        return self._hinges(self.rules.rows[source, 0], factor)

    def _hinges(self, rows: np.ndarray, factor: np.ndarray) -> np.ndarray:
        """sum of factor * N * relu(row) at the nodes."""
        slope, constant = rows[:, :-1], rows[:, -1]
        size = np.abs(slope).max(axis=1)
        if (size == 0).any():
            raise CertificateError("a kink has no direction")
        direction = slope // size[:, None]
        plus, minus = (direction == 1).sum(axis=1), (direction == -1).sum(axis=1)
        legal = (direction * size[:, None] == slope).all(axis=1) & (plus <= 1) & (minus <= 1)
        start = -(constant * self.N) // size
        legal &= start * size == -constant * self.N
        if not legal.all():
            raise CertificateError(
                f"a kink does not lie on the hyperplanes of the mesh of {self.N} cells an axis"
            )
        total: Any = np.zeros((self.N + 1,) * self.d, factor.dtype)
        codes = ((direction + 1) * 3 ** np.arange(self.d)).sum(axis=1)
        for code in np.unique(codes):
            now = codes == code
            total = total + self._along_direction(
                direction[now][0], start[now], factor[now] * size[now]
            )
        return total

    def _along_direction(
        self, direction: np.ndarray, start: np.ndarray, factor: np.ndarray
    ) -> np.ndarray:
        """sum of factor * relu(t - start), t = direction . m, by prefix sums over t."""
        N = self.N
        least = -N if (direction == -1).any() else 0
        most = N if (direction == 1).any() else 0
        place = np.maximum(start, least) - least
        inside = place <= most - least
        slopes = np.zeros(most - least + 1, factor.dtype)
        offsets = np.zeros(most - least + 1, factor.dtype)
        np.add.at(slopes, place[inside], factor[inside])
        # a kink before the first node starts there: its constant differs
        before = np.minimum(start, most)[inside] * factor[inside]
        np.add.at(offsets, place[inside], before)
        t = np.arange(least, most + 1)
        values = t * np.cumsum(slopes) - np.cumsum(offsets)
        index = np.zeros((N + 1,) * self.d, np.int64)
        for k in np.flatnonzero(direction):
            index = index + int(direction[k]) * self._along(int(k), np.arange(N + 1))
        return values[index - least]

    def _hats(self, source: np.ndarray, factor: np.ndarray) -> np.ndarray:
        """sum of factor * N * hat: a hat's first row holds its node and, last, its height."""
        rows = self.rules.rows[source, 0]
        total = np.zeros((self.N + 1,) * self.d, factor.dtype)
        np.add.at(total, tuple(rows[:, :-1].T), factor * (rows[:, -1] * self.N))
        return total

    def _below(self, source: np.ndarray, factor: np.ndarray) -> np.ndarray:
        rows, count = self.rules.rows[source], self.rules.count[source]
        flat = (rows[:, 1, :-1] == 0).all(axis=1) & (count == 2) & (rows[:, 1, -1] >= 0)
        total: Any = 0
        if flat.any():  # relu(min(A, c)) = relu(A) - relu(A - c), c >= 0
            first, second = rows[flat, 0], rows[flat, 0].copy()
            second[:, -1] -= rows[flat, 1, -1]
            total = self._hinges(first, factor[flat]) - self._hinges(second, factor[flat])
        if not flat.all():
            if (count[~flat] != self.d).any():
                raise CertificateError("a minimum enters a sum that is not over all variables")
            total = total + self._cones(rows[~flat], factor[~flat])
        return np.asarray(total)

    def _cones(self, rows: np.ndarray, factor: np.ndarray) -> np.ndarray:
        """sum of factor * N * relu(min of rows): rows must be L (x_k - a_k / N), one for each k."""
        N, d = self.N, self.d
        slope, constant = rows[:, :d, :-1], rows[:, :d, -1]
        size = slope.max(axis=(1, 2))
        axis = np.argmax(slope, axis=2)
        legal = size > 0
        legal &= (np.sort(axis, axis=1) == np.arange(d)).all(axis=1)
        picked = np.take_along_axis(slope, axis[:, :, None], axis=2)[:, :, 0]
        legal &= (picked == size[:, None]).all(axis=1)
        legal &= (np.abs(slope).sum(axis=2) == size[:, None]).all(axis=1)
        safe = np.where(size > 0, size, 1)[:, None]
        apex = -(constant * N) // safe
        legal &= (apex * safe == -constant * N).all(axis=1)
        legal &= (apex >= -1).all(axis=1)
        if not legal.all():
            raise CertificateError(f"a cone has no apex on the mesh of {N} cells an axis")
        place = np.empty_like(apex)
        np.put_along_axis(place, axis, apex + 1, axis=1)
        weights = factor * size
        inside = (place <= N).all(axis=1)  # beyond: 0 on the cube
        total = np.zeros((N + 1,) * d, factor.dtype)
        np.add.at(total, tuple(place[inside].T), weights[inside])
        for k in range(d):
            total = np.cumsum(total, axis=k)
        for i in range(1, N + 1):
            total[i][(slice(1, None),) * (d - 1)] += total[i - 1][(slice(None, -1),) * (d - 1)]
        return total
