"""A circuit at sample points: its values, what free weights do to them, and changes of one edge."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from qexpr.circuits import Circuit

__all__ = ["SampledCircuit"]


class SampledCircuit:
    """The values of all nodes at m points in float64, block by block as sparse products.

    Attributes
    ----------
    choices : one array for each coordinate (a free edge): the codes that it may have
    codes : the code of each coordinate
    """

    def __init__(self, circuit: Circuit, points: np.ndarray) -> None:
        self.circuit = circuit
        self.table = np.array([float(value) for value in circuit.alphabet])
        self.weights = self.table[circuit.codes]
        self.codes = circuit.codes[circuit.free].astype(np.int64)
        every = np.arange(len(circuit.alphabet))
        self.choices = [every] * len(self.codes)
        self.values = np.zeros((circuit.output + 1, len(points)))
        self.values[: circuit.d] = points.T
        self.values[circuit.d] = 1.0
        self._last = circuit.output
        self._block_of = np.empty(circuit.output + 1, np.int64)
        for number, (low, high) in enumerate(circuit.blocks):
            self._block_of[low:high] = number
        self.refresh()

    @property
    def outputs(self) -> np.ndarray:
        """The circuit's values, (m,)."""
        return self.values[self._last]

    def refresh(self) -> None:
        """Compute all nodes anew from the weights."""
        for low, high in self.circuit.blocks:
            self.values[low:high] = self._activated(low, high, self._matrix(low, high), self.values)

    def set_weights(self, free: np.ndarray) -> None:
        """Give the free edges weights, real ones too, and compute all nodes anew."""
        self.weights[self.circuit.free] = free
        self.refresh()

    def gradient(self, upstream: np.ndarray) -> np.ndarray:
        """The derivatives of sum(upstream * outputs) by the weights of the free edges."""
        c = self.circuit
        slopes = np.zeros_like(self.values)
        slopes[self._last] = upstream
        for low, high in reversed(c.blocks):
            part = slopes[low:high]
            active = self.values[low:high] > 0
            if high == self._last + 1:
                active[-1] = True  # the output is linear
            part *= active
            slopes[:low] += self._matrix(low, high).T @ part
        found = np.empty(len(c.free))
        for k, edge in enumerate(c.free):
            found[k] = slopes[c.targets[edge]] @ self.values[c.sources[edge]]
        return found

    def scores(self, upstream: np.ndarray) -> np.ndarray:
        """Derivatives by codes' values: what one unit of each coordinate's weight would change."""
        return self.gradient(upstream)

    def step(self, coordinate: int, code: int) -> float:
        """The change of weight from the present code to another."""
        return float(self.table[code] - self.table[self.codes[coordinate]])

    def tried(self, coordinate: int, code: int) -> tuple[np.ndarray, Any]:
        """The outputs with one code changed, and what `accept` needs."""
        c, edge = self.circuit, int(self.circuit.free[coordinate])
        target = int(c.targets[edge])
        before, self.weights[edge] = self.weights[edge], self.table[code]
        first = int(self._block_of[target])
        values = self.values
        changed = np.zeros(c.output + 1, bool)
        new: dict[int, np.ndarray] = {}
        row = slice(c.starts[target], c.starts[target + 1])
        value = self.weights[row] @ values[c.sources[row]]
        new[target] = value if target == self._last else np.maximum(value, 0.0)
        changed[target] = bool((new[target] != values[target]).any())
        if changed[target]:
            for low, high in c.blocks[first + 1 :]:
                self._propagate(low, high, changed, new)
        self.weights[edge] = before
        return new.get(self._last, self.outputs), (edge, new)

    def accept(self, coordinate: int, code: int, token: Any) -> None:
        """Make the change that was tried."""
        edge, new = token
        self.codes[coordinate] = code
        self.weights[edge] = self.table[code]
        for node, value in new.items():
            self.values[node] = value

    def network(self) -> Circuit:
        """The circuit with the present codes; graph and units are the same, it has no plan."""
        c = self.circuit
        codes = c.codes.copy()
        codes[c.free] = self.codes
        graph = c.inputs, c.sources, c.targets, codes, c.output, c.alphabet, c.free
        return Circuit(*graph, frame=c.box)

    def _matrix(self, low: int, high: int) -> Any:
        c = self.circuit
        begin, end = int(c.starts[low]), int(c.starts[high])
        parts = self.weights[begin:end], c.sources[begin:end], c.starts[low : high + 1] - begin
        return sparse.csr_matrix(parts, shape=(high - low, low))

    def _activated(self, low: int, high: int, matrix: Any, values: np.ndarray) -> np.ndarray:
        sums = matrix @ values[:low]
        body = sums[:-1] if high == self._last + 1 else sums
        np.maximum(body, 0.0, out=body)
        return np.asarray(sums)

    def _propagate(self, low: int, high: int, changed: np.ndarray, new: dict[int, Any]) -> None:
        """Add what changed sources do to the units of one block."""
        c = self.circuit
        begin, end = int(c.starts[low]), int(c.starts[high])
        moved = np.flatnonzero(changed[c.sources[begin:end]])
        for node in np.unique(c.targets[begin:end][moved]).tolist():
            row = slice(c.starts[node], c.starts[node + 1])
            sources = c.sources[row].tolist()
            terms = [new[s] if changed[s] else self.values[s] for s in sources]
            value = self.weights[row] @ np.stack(terms)
            value = value if node == self._last else np.maximum(value, 0.0)
            if (value != self.values[node]).any():
                new[node] = value
                changed[node] = True
