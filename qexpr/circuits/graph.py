"""A circuit: ReLU units joined by edges out of a finite alphabet, held in arrays.

Nodes are numbered: inputs 0..d-1, the constant 1 is d, then the units in topological order, and
the output, which is linear, last. Edges are sorted by target and source. (The model of Yarotsky
2017, section 2, with the weights of Ding et al. 2019, section 3; a bias is an edge from the
constant.)
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from qexpr.core.units import Units
from qexpr.errors import InvalidInput

__all__ = ["Circuit", "Role"]

Array = npt.NDArray[Any]
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Role:
    """A run of nodes: `size` merged units of one gadget, each in `copies` consecutive copies.

    Copy j of merged unit i is node ``first + i * copies + j``.
    """

    first: int
    size: int
    copies: int
    name: str
    params: tuple[tuple[str, Any], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "first": self.first,
            "size": self.size,
            "copies": self.copies,
            "name": self.name,
            "params": dict(self.params),
        }


@dataclass(frozen=True, eq=False)
class Circuit:
    """A ReLU circuit over a finite alphabet; immutable.

    Parameters
    ----------
    inputs : int
        d, the number of variables.
    sources, targets : integer arrays
        The edges, sorted by target and source.
    codes : unsigned integer array
        Each edge's weight is ``alphabet[code]``.
    output : int
        The last node.
    alphabet : tuple of Fraction
        Ascending dyadic rationals, without 0.
    free : integer array
        Indices, ascending, of the edges whose weights depend on the target.
    plan, roles
        What the construction says of itself; certificates read them, evaluation does not.
    frame : Units or None
        The user's box and norm that the unit cube and the unit ball stand for; evaluation here is
        on the unit cube. None for the cube and ball themselves.

    Raises
    ------
    InvalidInput
        If the edges are unsorted, repeated, go backwards, or leave a unit without input.
    """

    inputs: int
    sources: Array
    targets: Array
    codes: Array
    output: int
    alphabet: tuple[Fraction, ...]
    free: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    plan: Mapping[str, Any] = field(default_factory=dict)
    roles: tuple[Role, ...] = ()
    frame: Units | None = None

    def __post_init__(self) -> None:
        _check(self)
        for array in (self.sources, self.targets, self.codes, self.free):
            array.flags.writeable = False

    @property
    def d(self) -> int:
        """The number of variables."""
        return self.inputs

    @property
    def box(self) -> Units | None:
        """What its cube and ball stand for, where it was built for one; None: not known."""
        return Units.built_for(self.frame, self.plan, self.d)

    @property
    def weights(self) -> int:
        """The number of edges."""
        return len(self.sources)

    @property
    def units(self) -> int:
        """The number of units, the output included."""
        return self.output - self.inputs

    @property
    def bits_per_weight(self) -> int:
        """ceil(log2 lam)."""
        return (len(self.alphabet) - 1).bit_length()

    @property
    def bits(self) -> int:
        """weights * ceil(log2 lam)."""
        return self.weights * self.bits_per_weight

    @property
    def free_bits(self) -> int:
        """The bits of the weights that depend on the target."""
        return len(self.free) * self.bits_per_weight

    @property
    def structure_bits(self) -> int:
        """The bits of all other weights."""
        return self.bits - self.free_bits

    @property
    def nbytes(self) -> int:
        """The memory that the edges take."""
        arrays = (self.sources, self.targets, self.codes, self.free, self.starts, self.layers)
        return sum(array.nbytes for array in arrays)

    @cached_property
    def starts(self) -> Array:
        """``starts[v] : starts[v + 1]`` are the edges into node v."""
        return np.searchsorted(self.targets, np.arange(self.output + 2)).astype(np.int64)

    @cached_property
    def blocks(self) -> tuple[tuple[int, int], ...]:
        """Ranges of units that depend on earlier nodes only: a schedule for evaluation."""
        first, ends = self.inputs + 1, self.starts[1:]
        # a row's last edge has its largest source; an output without edges has none
        last = np.full(self.output + 1 - first, -1, np.int64)
        filled = ends[first:] > self.starts[first:-1]
        last[filled] = self.sources[ends[first:][filled] - 1]
        largest = np.maximum.accumulate(last)
        out, low = [], first
        while low <= self.output:
            high = first + int(np.searchsorted(largest, low))
            out.append((low, high))
            low = high
        return tuple(out)

    @cached_property
    def layers(self) -> Array:
        """The depth of every node: units on the longest path to it, itself included."""
        layers = np.zeros(self.output + 1, np.int32)
        for low, high in self.blocks:
            begin, end = self.starts[low], self.starts[high]
            if begin == end:
                layers[low:high] = 1
                continue
            rows = (self.starts[low:high] - begin).clip(max=end - begin - 1)
            layers[low:high] = 1 + np.maximum.reduceat(layers[self.sources[begin:end]], rows)
            if self.starts[high - 1] == end:  # an output without edges
                layers[high - 1] = 1
        return layers

    @property
    def depth(self) -> int:
        """Units on the longest path from a source to the output, output included."""
        return int(self.layers[self.output])

    @property
    def width(self) -> int:
        """The most units at one depth."""
        return int(np.bincount(self.layers[self.inputs + 1 :]).max())

    def edges(self) -> Iterator[tuple[int, int, Fraction]]:
        """The edges (source, target, weight) in order."""
        for low in range(0, self.weights, _CHUNK):
            part = slice(low, low + _CHUNK)
            for s, t, c in zip(
                self.sources[part].tolist(),
                self.targets[part].tolist(),
                self.codes[part].tolist(),
                strict=True,
            ):
                yield s, t, self.alphabet[c]

    def digest(self) -> str:
        """The SHA-256 of the canonical JSON of edges, inputs and output.

        Canonical: sorted keys, no spaces, weights as ``"p/q"``. Streamed in pieces.
        """
        return self._digest

    @cached_property
    def _digest(self) -> str:
        sha = hashlib.sha256(b'{"edges":[')
        texts = [str(value) for value in self.alphabet]
        for low in range(0, self.weights, _CHUNK):
            part = slice(low, low + _CHUNK)
            triples = zip(
                self.sources[part].tolist(),
                self.targets[part].tolist(),
                self.codes[part].tolist(),
                strict=True,
            )
            piece = ",".join([f'[{s},{t},"{texts[c]}"]' for s, t, c in triples])
            sha.update(("," if low else "").encode() + piece.encode())
        sha.update(f'],"inputs":{self.inputs},"output":{self.output}}}'.encode())
        return sha.hexdigest()

    def __call__(self, points: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Evaluate in float64: shape (m, d) -> (m,). Never a guarantee."""
        from qexpr.circuits.evaluation import evaluate_float

        return evaluate_float(self, points)

    def evaluate_exact(self, points: Any) -> list[Fraction]:
        """Evaluate exactly at rational points, shape (m, d) -> m Fractions."""
        from qexpr.circuits.evaluation import evaluate_exact

        return evaluate_exact(self, points)

    def to_dict(self) -> dict[str, Any]:
        """The JSON form (version 1)."""
        from qexpr.circuits.document import to_dict

        return to_dict(self)

    @classmethod
    def from_dict(cls, document: object) -> Circuit:
        """Read the JSON form; edges may come in any order.

        Raises
        ------
        InvalidInput
            With the first thing that is wrong.
        """
        from qexpr.circuits.document import from_dict

        return from_dict(document)

    def to_dot(self) -> str:
        """A Graphviz drawing of a small circuit."""
        from qexpr.circuits.document import to_dot

        return to_dot(self)

    def __repr__(self) -> str:
        return (
            f"<Circuit d={self.d}: {self.weights} weights, depth {self.depth}, "
            f"{self.free_bits} free bits, {len(self.alphabet)} values>"
        )


def _check(c: Circuit) -> None:
    if not (len(c.sources) == len(c.targets) == len(c.codes)):
        raise InvalidInput("sources, targets and codes must have equal lengths")
    if c.inputs < 1 or c.output <= c.inputs:
        raise InvalidInput("a circuit has at least one input, and its output follows the constant")
    if c.output - c.inputs - 1 > len(c.sources):  # before any array of that length is made
        raise InvalidInput(
            f"a unit has no incoming edge: {c.output - c.inputs - 1} units, {len(c.sources)} edges"
        )
    if not len(c.sources):
        return
    if int(c.codes.max()) >= len(c.alphabet):
        raise InvalidInput("an edge's code lies outside the alphabet")
    if int(c.sources.min()) < 0 or int(c.targets.min()) <= c.inputs:
        raise InvalidInput("an edge must lead from a node to a unit or the output")
    if int(c.targets.max()) > c.output:
        raise InvalidInput(f"an edge leads to a node after the output, {c.output}")
    back = np.flatnonzero(c.sources >= c.targets)
    if len(back):
        s, t = int(c.sources[back[0]]), int(c.targets[back[0]])
        raise InvalidInput(
            f"the edge {s} -> {t} goes backwards: a cycle, or nodes that are not numbered in "
            "topological order"
        )
    step = np.diff(c.targets.astype(np.int64, copy=False))
    same = step == 0
    turn = np.diff(c.sources)
    if bool((step < 0).any()) or bool((same & (turn < 0)).any()):
        raise InvalidInput("edges must be sorted by target and source")
    twice = np.flatnonzero(same & (turn == 0))
    if len(twice):
        s, t = int(c.sources[twice[0]]), int(c.targets[twice[0]])
        raise InvalidInput(f"two edges join {s} -> {t}: only one is allowed")
    present = np.zeros(c.output + 1, bool)
    present[c.targets] = True
    missing = np.flatnonzero(~present[c.inputs + 1 : c.output])
    if len(missing):
        raise InvalidInput(f"unit {int(missing[0]) + c.inputs + 1} has no incoming edge")
    if c.frame is not None and len(c.frame.domain) != c.inputs:
        raise InvalidInput(
            f"the domain has {len(c.frame.domain)} intervals, the circuit {c.inputs} inputs"
        )
    free = c.free
    if len(free) and (
        int(free[0]) < 0 or int(free[-1]) >= c.weights or bool((np.diff(free) <= 0).any())
    ):
        raise InvalidInput("free must list edge indices, ascending and without repetition")
