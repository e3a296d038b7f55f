"""Circuits and networks lowered to one form: exact affine maps between activations.

The methods of this package know this form only. A node computes
``activation((sum_k M_k h_k + offset) / denominator)`` with integer matrices, so nothing is
rounded here. `PRODUCT` in the place of an activation multiplies the first half of these sums by
the second half.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from qexpr.circuits.graph import Circuit
from qexpr.errors import Unsupported
from qexpr.networks.activations import Activation, Relu, Steps
from qexpr.networks.layers import (
    Activate,
    Add,
    AvgPool2d,
    Conv2d,
    Dense,
    Flatten,
    Layer,
    MaxPool2d,
    Multiply,
    Shape,
)
from qexpr.networks.linear import weighted_sums, windows
from qexpr.networks.network import QuantizedNetwork

__all__ = ["INPUT", "PRODUCT", "Node", "Product", "Program", "lower_to_program"]

INPUT = -1


@dataclass(frozen=True)
class Product:
    """The first half of a vector times the second half, entry by entry."""


PRODUCT = Product()
_MOST_ENTRIES = 40_000_000  # matrices are dense here


@dataclass(frozen=True, eq=False)
class Node:
    """An affine map of earlier nodes (or the input, -1), and an activation."""

    sources: tuple[int, ...]
    matrices: tuple[np.ndarray, ...]
    offset: np.ndarray
    denominator: int
    activation: Activation | Product | None

    @property
    def sums(self) -> int:
        """The number of affine sums before the activation."""
        return len(self.offset)

    @property
    def size(self) -> int:
        """The number of values it computes."""
        return self.sums // 2 if self.activation is PRODUCT else self.sums


@dataclass(frozen=True, eq=False)
class Program:
    """Nodes in order; the last one is the output."""

    d: int
    nodes: tuple[Node, ...]

    @property
    def is_continuous(self) -> bool:
        """Whether no activation jumps."""
        return not any(isinstance(node.activation, Steps) for node in self.nodes)

    @property
    def is_piecewise_linear(self) -> bool:
        """Whether it is continuous and multiplies no computed values."""
        return self.is_continuous and not any(n.activation is PRODUCT for n in self.nodes)


def lower_to_program(w: Circuit | QuantizedNetwork) -> Program:
    """Lower a circuit, or a network with one output.

    Raises
    ------
    Unsupported
        For several outputs, or matrices too large to be dense.
    """
    if isinstance(w, Circuit):
        return _from_circuit(w)
    if isinstance(w, QuantizedNetwork):
        return _from_network(w)
    raise Unsupported(f"a Circuit or a QuantizedNetwork can be certified, got {type(w).__name__}")


def _node(
    sources: Sequence[int],
    matrices: Sequence[np.ndarray],
    offset: np.ndarray,
    denominator: int,
    activation: Activation | None = None,
) -> Node:
    """A node without common factors, and with int64 arrays where that is possible."""
    arrays = [*matrices, offset]
    divisor = denominator
    for array in arrays:
        if divisor == 1:
            break
        if array.dtype == object:
            divisor = math.gcd(divisor, *array.ravel().tolist())
        else:
            divisor = math.gcd(divisor, int(np.gcd.reduce(array, axis=None)))
    if divisor > 1:
        arrays = [array // divisor for array in arrays]
    arrays = [_narrow(array) for array in arrays]
    return Node(tuple(sources), tuple(arrays[:-1]), arrays[-1], denominator // divisor, activation)


def _narrow(array: np.ndarray) -> np.ndarray:
    if array.dtype == object and all(-(2**62) < v < 2**62 for v in array.ravel().tolist()):
        return array.astype(np.int64)
    return array


def _check_size(entries: int) -> None:
    if entries > _MOST_ENTRIES:
        raise Unsupported(
            f"the general certificates hold dense matrices of at most {_MOST_ENTRIES} entries, "
            f"this would take {entries}: at that size only constructions with a template "
            "(cones, sigma_delta, shared_bitplane) are certified"
        )


def _from_circuit(c: Circuit) -> Program:
    blocks = list(c.blocks)
    low, high = blocks[-1]
    if low < high - 1:  # the output is linear and has a node of its own
        blocks[-1:] = [(low, high - 1), (high - 1, high)]
    starts = [0, *(low for low, _ in blocks)]
    weights = [Fraction(value) for value in c.alphabet]
    _check_size(sum((high - low) * low for low, high in blocks))
    nodes = []
    for low, high in blocks:
        part = slice(int(c.starts[low]), int(c.starts[high]))
        sources, rows = c.sources[part].astype(np.int64), c.targets[part].astype(np.int64) - low
        codes = c.codes[part]
        used = np.unique(codes).tolist()
        common = math.lcm(*(weights[k].denominator for k in used)) if used else 1
        table = np.zeros(len(weights) + 1, dtype=object)
        for k in used:
            table[k] = int(weights[k] * common)
        values = table[codes]
        offset = np.zeros(high - low, dtype=object)
        constant = sources == c.d
        offset[rows[constant]] = values[constant]
        owners = np.searchsorted(starts, sources, side="right") - 2  # -1: inputs and constant
        reads, matrices = [], []
        for owner in np.unique(owners[~constant]).tolist():
            chosen = (owners == owner) & ~constant
            first = starts[owner + 1]
            width = c.d if owner == INPUT else blocks[owner][1] - first
            matrix = np.zeros((high - low, width), dtype=object)
            matrix[rows[chosen], sources[chosen] - first] = values[chosen]
            reads.append(owner)
            matrices.append(matrix)
        activation = Relu() if high <= c.output else None
        nodes.append(_node(reads, matrices, offset, common, activation))
    return Program(c.d, tuple(nodes))


def _from_network(network: QuantizedNetwork) -> Program:
    if network.outputs != 1:
        raise Unsupported(f"one output can be certified, this network has {network.outputs}")
    nodes: list[Node] = []
    place: dict[int, int] = {INPUT: INPUT}
    for k, (layer, sources) in enumerate(zip(network.layers, network.sources, strict=True)):
        reads = [place[s] for s in sources]
        shape = network.input_shape if sources[0] == INPUT else network.shapes[sources[0]]
        if isinstance(layer, Flatten | Activate):
            if layer.activation is None:
                place[k] = reads[0]
                continue
            nodes.append(_identity(reads, math.prod(shape), layer.activation))
        elif isinstance(layer, MaxPool2d):
            nodes += _tournament(layer, shape, reads[0], len(nodes))
        elif isinstance(layer, Multiply):
            factor = network.input_shape if sources[1] == INPUT else network.shapes[sources[1]]
            nodes.append(_product(reads, math.prod(shape), math.prod(factor)))
            if layer.activation is not None:
                nodes.append(_identity([len(nodes) - 1], math.prod(shape), layer.activation))
        elif isinstance(layer, Add):
            nodes.append(_identity(reads, math.prod(shape), layer.activation))
        else:
            nodes.append(_linear(layer, shape, reads[0]))
        place[k] = len(nodes) - 1
    last = place[len(network.layers) - 1]
    if last != len(nodes) - 1 or not nodes:
        nodes.append(_identity([last], 1, None))
    return Program(network.d, tuple(nodes))


def _identity(reads: Sequence[int], size: int, activation: Activation | None) -> Node:
    _check_size(size * size)
    eye = np.eye(size, dtype=np.int64)
    return Node(tuple(reads), (eye,) * len(reads), np.zeros(size, dtype=np.int64), 1, activation)


def _product(reads: Sequence[int], size: int, factors: int) -> Node:
    """The values times `factors` others, which repeat if they are fewer (a channel for all)."""
    _check_size(2 * size * (size + factors))
    first = np.vstack([np.eye(size, dtype=np.int64), np.zeros((size, size), np.int64)])
    repeated = np.tile(np.eye(factors, dtype=np.int64), (size // factors, 1))
    second = np.vstack([np.zeros_like(repeated), repeated])
    return Node(tuple(reads), (first, second), np.zeros(2 * size, np.int64), 1, PRODUCT)


def _exact_dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    # `a` holds zeros and ones here: sums of codes stay far below 2^62 unless codes are objects
    return a.astype(b.dtype) @ b


def _matrix(
    shape: Shape, apply: Callable[[np.ndarray], np.ndarray], entries: int
) -> tuple[np.ndarray, np.ndarray]:
    """Matrix and offset of an affine map, from its values at 0 and the unit vectors."""
    size = math.prod(shape)
    _check_size(size * entries)
    basis = np.vstack([np.zeros((1, size), np.int64), np.eye(size, dtype=np.int64)])
    values = apply(basis.reshape(size + 1, *shape)).reshape(size + 1, -1)
    return (values[1:] - values[0]).T, values[0]


def _linear(layer: Layer, shape: Shape, read: int) -> Node:
    entries = math.prod(layer.output_shape(shape))
    if isinstance(layer, AvgPool2d):
        matrix, offset = _matrix(
            shape, lambda x: windows(x, layer.kernel, layer.stride).sum(axis=(4, 5)), entries
        )
        return _node([read], [matrix], offset, math.prod(layer.kernel), layer.activation)
    if not isinstance(layer, Dense | Conv2d):
        raise Unsupported(f"a layer of type {type(layer).__name__} is not enclosed")
    if isinstance(layer, Dense):
        matrix, offset = layer.codes, np.zeros(layer.channels, dtype=np.int64)
    else:
        wide = layer.codes.dtype == object or int(np.abs(layer.codes).max()) > 2**40
        matrix, offset = _matrix(
            shape,
            lambda x: weighted_sums(layer, x.astype(object) if wide else x, _exact_dot, 1),
            entries,
        )
    repeat = entries // layer.channels
    scales, biases = layer.scales(), layer.biases()
    common = math.lcm(*(v.denominator for v in (*scales, *biases)))
    factors = np.repeat(np.array([int(s * common) for s in scales], dtype=object), repeat)
    bias = np.repeat(np.array([int(b * common) for b in biases], dtype=object), repeat)
    rows = matrix.astype(object) * factors[:, None]
    return _node([read], [rows], offset.astype(object) * factors + bias, common, layer.activation)


def _tournament(layer: MaxPool2d, shape: Shape, read: int, count: int) -> list[Node]:
    """max(a, b) = a + relu(b - a), in rounds."""
    size = math.prod(shape)
    index = np.arange(size).reshape(1, *shape)
    view = windows(index, layer.kernel, layer.stride)
    members = view.reshape(-1, math.prod(layer.kernel))
    _check_size(size * members.size)
    outputs, width = members.shape
    nodes: list[Node] = []
    current = np.zeros((outputs, width, size), dtype=np.int64)
    np.put_along_axis(current, members[:, :, None], 1, axis=2)
    flat = current.reshape(outputs * width, size)
    nodes.append(Node((read,), (flat,), np.zeros(len(flat), np.int64), 1, None))
    while width > 1:
        half = width // 2
        step, keep = (
            np.zeros((outputs, half, outputs, width), np.int64),
            np.zeros((outputs, width - half, outputs, width), np.int64),
        )
        for o in range(outputs):
            for j in range(half):
                step[o, j, o, 2 * j + 1], step[o, j, o, 2 * j] = 1, -1
            for j in range(width - half):
                keep[o, j, o, 2 * j] = 1
        rises = step.reshape(outputs * half, outputs * width)
        base = keep.reshape(outputs * (width - half), outputs * width)
        add = np.zeros((outputs, width - half, outputs, half), np.int64)
        for o in range(outputs):
            for j in range(half):
                add[o, j, o, j] = 1
        before = count + len(nodes) - 1
        nodes.append(Node((before,), (rises,), np.zeros(len(rises), np.int64), 1, Relu()))
        joined = add.reshape(outputs * (width - half), outputs * half)
        width -= half
        final = layer.activation if width == 1 else None
        offset = np.zeros(outputs * width, np.int64)
        nodes.append(Node((before, before + 1), (base, joined), offset, 1, final))
    if layer.kernel == (1, 1) and layer.activation is not None:
        nodes.append(_identity([count + len(nodes) - 1], outputs, layer.activation))
    return nodes
