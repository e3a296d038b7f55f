"""Copies collapsed: the circuit as its builder thought of it, proven from the edges.

A run of nodes stands for merged units, each in consecutive copies. Copies that receive equal sums
from every merged unit have equal values, so one of them stands for all, and the weights out of
the copies of one unit add up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from qexpr.circuits.graph import Circuit
from qexpr.errors import CertificateError

__all__ = ["Merged", "Run", "dyadic", "merge", "normalised"]

_NARROW = 62  # bits of the sums that are taken in int64


@dataclass(frozen=True, slots=True)
class Run:
    """Merged units ``first .. first + size - 1`` that came from a run of nodes."""

    first: int
    size: int
    node: int
    copies: int
    role: str


@dataclass(frozen=True, eq=False)
class Merged:
    """The merged circuit: nodes are sources, then the runs' units; edges sorted by target.

    The edge i has the weight ``numbers[i] * 2**-exponents[i]``, numbers odd or 0.
    """

    d: int
    runs: tuple[Run, ...]
    sources: np.ndarray
    starts: np.ndarray
    numbers: np.ndarray
    exponents: np.ndarray
    of_node: np.ndarray  # the merged unit of every node

    @property
    def units(self) -> int:
        """Merged nodes in all, sources included."""
        return len(self.starts) - 1

    def terms(self, unit: int) -> dict[int, Fraction]:
        """The unit's sources with their weights."""
        return {
            int(self.sources[i]): dyadic(self.numbers[i], self.exponents[i])
            for i in range(int(self.starts[unit]), int(self.starts[unit + 1]))
        }


def dyadic(number: Any, exponent: Any) -> Fraction:
    """``number * 2**-exponent`` of two integers."""
    power = int(exponent)
    return Fraction(int(number), 1 << power) if power >= 0 else Fraction(int(number) << -power)


def normalised(numbers: np.ndarray, exponents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``numbers * 2**-exponents`` with odd int64 numbers (0 keeps its exponent)."""
    if numbers.dtype == object:
        low = np.array([(int(v) & -int(v)).bit_length() - 1 if v else 0 for v in numbers], np.int64)
        shifted = [int(v) >> int(k) for v, k in zip(numbers, low, strict=True)]
        if any(abs(v) >> 62 for v in shifted):
            raise CertificateError("a merged weight takes more than 62 bits")
        return np.array(shifted, np.int64), exponents - low
    lowest = numbers & -numbers
    # a power of two is exact as a double
    low = np.where(numbers == 0, 0, np.frexp(lowest.astype(np.float64))[1].astype(np.int64) - 1)
    return numbers >> low, exponents - low


def _values(circuit: Circuit, most: int) -> tuple[np.ndarray, int]:
    """The alphabet as integers over 2^k, of which `most` are added, and k."""
    k = max((v.denominator.bit_length() - 1 for v in circuit.alphabet), default=0)
    whole = [int(v * 2**k) for v in circuit.alphabet]
    longest = max((abs(v).bit_length() for v in whole), default=0)
    wide = longest + most.bit_length() > _NARROW
    return np.array(whole, object if wide else np.int64), k


def merge(circuit: Circuit, runs: Sequence[tuple[int, int, int, str]]) -> Merged:
    """Collapse the copies of (first node, size, copies, role) runs.

    Raises
    ------
    CertificateError
        If the runs do not tile the units in order, or copies differ in what they receive.
    """
    found, node, unit = [], circuit.d + 1, circuit.d + 1
    for first, size, copies, role in runs:
        if first != node or size < 1 or copies < 1:
            raise CertificateError(f"the units' runs do not follow each other at node {node}")
        found.append(Run(unit, size, first, copies, role))
        node, unit = node + size * copies, unit + size
    if node != circuit.output + 1 or not found or found[-1].size * found[-1].copies != 1:
        raise CertificateError("the units' runs must cover every unit, the output last and alone")
    return _collapse(circuit, tuple(found), unit)


def _collapse(circuit: Circuit, runs: tuple[Run, ...], units: int) -> Merged:
    of_node = np.concatenate(
        [np.arange(circuit.d + 1)]
        + [np.repeat(np.arange(r.first, r.first + r.size), r.copies) for r in runs]
    )
    targets = circuit.targets.astype(np.int64)
    keys = targets * units + of_node[circuit.sources]  # ascending, as the edges are sorted
    heads = np.flatnonzero(np.concatenate([[True], np.diff(keys) > 0]))
    added = np.diff(np.append(heads, len(keys)))
    table, exponent = _values(circuit, int(added.max(initial=1)))
    numbers: Any = np.add.reduceat(table[circuit.codes], heads)
    keys = keys[heads]
    node, source = keys // units, keys % units
    bounds = np.searchsorted(node, np.arange(circuit.output + 2))
    lengths = np.diff(bounds)
    representative = np.concatenate(
        [np.arange(circuit.d + 1)]
        + [np.repeat(r.node + np.arange(r.size) * r.copies, r.copies) for r in runs]
    )
    if (lengths != lengths[representative]).any():
        raise CertificateError(_differ(int(np.argmax(lengths != lengths[representative]))))
    others = np.flatnonzero(representative != np.arange(circuit.output + 1))
    mine = _rows(bounds, others)
    theirs = _rows(bounds, representative[others])
    wrong = (source[mine] != source[theirs]) | (numbers[mine] != numbers[theirs])
    if wrong.any():
        raise CertificateError(_differ(int(node[mine][np.argmax(wrong)])))
    first = np.unique(representative)
    kept = _rows(bounds, first)
    starts = np.concatenate([[0], np.cumsum(lengths[first])])
    odd, exponents = normalised(numbers[kept], np.full(len(kept), exponent, np.int64))
    return Merged(circuit.d, runs, source[kept], starts, odd, exponents, of_node)


def _rows(bounds: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    """The indices of all edges into these nodes, node after node."""
    lengths = bounds[nodes + 1] - bounds[nodes]
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    return np.arange(total) - np.repeat(ends - lengths - bounds[nodes], lengths)


def _differ(node: int) -> str:
    return f"node {node} is listed as a copy, but does not receive what its unit receives"
