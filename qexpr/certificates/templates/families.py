"""Families: runs whose i-th unit belongs to the i-th node of a mesh, recognised unit by unit.

A family holds scale * relu(side * P_m), |P_m| <= 1, of a *signal* P: of one axis (m = 0..N) or of
all nodes in raster order. With y = 3 (N x_k - m_k) the signals of an axis are

    psi = relu(1 - relu(y - 1) - relu(-y - 1)),   w = y/2 clamped to [-1, 1],

and what is signed has a family of each side. (Yarotsky 2017, Theorem 1.)
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from qexpr.certificates.merged import Run, dyadic
from qexpr.certificates.templates.rules import ABOVE, BELOW, OTHER, Rules
from qexpr.errors import CertificateError

__all__ = ["Families", "Family", "Signal"]


@dataclass(frozen=True, eq=False, slots=True)
class Signal:
    """A function of every node: psi's and w's of the axes, multiplied by so many products."""

    hats: tuple[int, ...]
    powers: tuple[int, ...]
    signed: bool
    products: int = 0


@dataclass(frozen=True, slots=True)
class Family:
    """scale * relu(side * signal) in every unit of a run; of all nodes where `axis` is None."""

    signal: Signal
    side: int
    scale: Fraction
    axis: int | None


class Families:
    """The families among a circuit's runs.

    Parameters
    ----------
    rules : Rules
        Gives lines, kinks, clamps and constants their forms.
    N : int
        Cells an axis.
    """

    def __init__(self, rules: Rules, N: int) -> None:
        net = rules.net
        self.rules, self.net, self.N = rules, net, N
        self.nodes = np.indices((N + 1,) * net.d).reshape(net.d, -1)
        self.run_of = np.full(net.units, -1, np.int64)
        for i, run in enumerate(net.runs):
            self.run_of[run.first : run.first + run.size] = i
        self.known: dict[int, Family] = {}  # by the run's first unit
        unit = np.eye(net.d, dtype=int).tolist()
        none = (0,) * net.d
        self._psi = [Signal(tuple(e), none, False) for e in unit]
        self._w = [Signal(none, tuple(e), True) for e in unit]

    def mark(self, run: Run) -> None:
        """No rule of affine rows is to read these units."""
        self.rules.kind[run.first : run.first + run.size] = OTHER

    # Reading -----------------------------------------------------------------------------------

    def bundles(self, run: Run) -> tuple[Fraction, dict[int, tuple[Fraction, np.ndarray]]]:
        """The constant that every unit of a run reads, and by source run: weight, positions."""
        net = self.net
        edges = slice(int(net.starts[run.first]), int(net.starts[run.first + run.size]))
        source, number, exponent = net.sources[edges], net.numbers[edges], net.exponents[edges]
        lengths = np.diff(net.starts[run.first : run.first + run.size + 1])
        target = np.repeat(np.arange(run.size), lengths)
        of = self.run_of[source]
        constant, found = Fraction(0), {}
        for index in np.unique(of).tolist():
            now = of == index
            one = number[now][0], exponent[now][0]
            if (
                not np.array_equal(target[now], np.arange(run.size))
                or ((number[now] != one[0]) | (exponent[now] != one[1])).any()
            ):
                raise CertificateError(
                    f"the units from node {run.node} on do not all read the same of one family"
                )
            weight = dyadic(*one)
            first = int(source[now][0])
            value = self.rules.constant_of(first)
            if value is not None and (source[now] == first).all():
                constant += weight * value
            elif index < 0:
                raise CertificateError(f"the units from node {run.node} on read a coordinate")
            else:
                start = net.runs[index].first
                found[start] = weight, source[now] - start
        return constant, found

    def family_at(self, first: int) -> Family | None:
        """The family that a run, named by its first unit, is; a clamp is recognised here."""
        run = self.net.runs[int(self.run_of[first])]
        bent = self.rules.kind[first] in (ABOVE, BELOW)
        if first not in self.known and bent and run.size == self.N + 1:
            self._clamp(run)
        return self.known.get(first)

    def is_aligned(self, run: Run, family: Family, positions: np.ndarray) -> bool:
        """Whether every unit of the run reads the family's unit of its own node."""
        number = self.nodes.shape[1]
        expected = np.arange(number) if family.axis is None else self.nodes[family.axis]
        return run.size == number and np.array_equal(positions, expected)

    # The axes ----------------------------------------------------------------------------------

    def _rows(self, unit: int, number: int) -> list[tuple[Fraction, ...]]:
        place = self.rules.exponent[unit]
        return [tuple(dyadic(v, place) for v in row) for row in self.rules.rows[unit, :number]]

    def _y(self, axis: int, m: int, slope: Fraction, shift: Fraction) -> tuple[Fraction, ...]:
        """slope * y + shift as a row."""
        row = [Fraction(0)] * self.net.d + [shift - 3 * slope * m]
        row[axis] = 3 * slope * self.N
        return tuple(row)

    def trapezoid(self, run: Run) -> None:
        """psi of one axis, m = 0..N.

        Raises
        ------
        CertificateError
            If a unit is not relu(c - c relu(y - 1) - c relu(-y - 1)).
        """
        if run.size != self.N + 1:
            raise CertificateError(f"there are {run.size} trapezoids, not {self.N + 1}")
        scale, axis = Fraction(0), -1
        for m, unit in enumerate(range(run.first, run.first + run.size)):
            rows, constant = [], Fraction(0)
            for source, weight in self.net.terms(unit).items():
                value = self.rules.constant_of(source)
                if value is not None:
                    constant += weight * value
                elif (
                    weight < 0
                    and self.rules.kind[source] == ABOVE
                    and self.rules.count[source] == 1
                ):
                    rows.append(tuple(-weight * v for v in self._rows(source, 1)[0]))
                else:
                    raise CertificateError("a trapezoid reads what is no kink")
            if not m:
                scale, axis = constant, _axis_of(rows)
            expected = [self._y(axis, m, side * scale, -scale) for side in (1, -1)]
            if constant != scale or scale <= 0 or sorted(rows) != sorted(expected):
                raise CertificateError(f"the units from node {run.node} on are no trapezoids")
        self.known[run.first] = Family(self._psi[axis], 1, scale, axis)
        self.mark(run)

    def _clamp(self, run: Run) -> None:
        """One side of w of one axis: relu(min(c, +-c y/2)), m = 0..N."""
        rows = self._rows(run.first, int(self.rules.count[run.first]))
        axis = _axis_of(rows[-1:])
        side = 1 if rows[-1][axis] > 0 else -1
        scale = abs(rows[-1][axis]) * Fraction(2, 3 * self.N)
        for m, unit in enumerate(range(run.first, run.first + run.size)):
            rows = self._rows(unit, int(self.rules.count[unit]))
            expected = [
                self._y(axis, m, Fraction(0), scale),
                self._y(axis, m, side * scale / 2, Fraction(0)),
            ]
            if self.rules.kind[unit] == ABOVE and 3 * (self.N - m if side > 0 else m) <= 2:
                del expected[0]  # y/2 reaches 1 nowhere
            elif self.rules.kind[unit] != BELOW:
                raise CertificateError(f"the units from node {run.node} on are no clamps")
            if rows != expected:
                raise CertificateError(f"the units from node {run.node} on are no clamps")
        self.known[run.first] = Family(self._w[axis], side, scale, axis)

    def scaled(self, run: Run) -> bool:
        """Whether the run is a positive multiple of a family, unit by unit; it is one then."""
        net = self.net
        source = int(net.sources[int(net.starts[run.first])])
        index = int(self.run_of[source])
        if index < 0 or self.family_at(net.runs[index].first) is None:
            return False
        constant, found = self.bundles(run)
        if constant or len(found) != 1:
            return False
        (first, (weight, positions)), *_ = found.items()
        family = self.family_at(first)
        if family is None or weight <= 0 or run.size != net.runs[index].size:
            return False
        if not np.array_equal(positions, np.arange(run.size)):
            return False
        self.known[run.first] = Family(
            family.signal, family.side, family.scale * weight, family.axis
        )
        self.mark(run)
        return True


def _axis_of(rows: list[tuple[Fraction, ...]]) -> int:
    """The coordinate that a row depends on."""
    axes = {k for row in rows for k, slope in enumerate(row[:-1]) if slope}
    if len(axes) != 1:
        raise CertificateError("a function of one coordinate depends on more, or on none")
    return axes.pop()
