"""A network as a circuit: affine expressions are carried along until a ReLU makes a unit.

A linear layer without activation costs no unit: it is substituted into what reads it.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from qexpr.circuits.graph import Circuit
from qexpr.errors import Unsupported, shorten
from qexpr.networks.activations import Relu
from qexpr.networks.layers import Add, AvgPool2d, Conv2d, Dense, Flatten, Layer, MaxPool2d, Multiply
from qexpr.networks.linear import per_channel, weighted_sums, windows
from qexpr.networks.network import INPUT, QuantizedNetwork

__all__ = ["to_circuit"]


class _Affine:
    """A sum of rational multiples of nodes; never changed once made."""

    __slots__ = ("terms",)

    def __init__(self, terms: dict[int, Fraction]) -> None:
        self.terms = terms

    def __add__(self, other: _Affine | int) -> _Affine:
        if isinstance(other, int):  # the 0 that sums start from
            return self
        terms = dict(self.terms)
        for node, weight in other.terms.items():
            total = terms.get(node, 0) + weight
            if total:
                terms[node] = Fraction(total)
            else:
                del terms[node]
        return _Affine(terms)

    __radd__ = __add__

    def __mul__(self, factor: Any) -> _Affine:
        if not factor:
            return _Affine({})
        return _Affine({node: weight * factor for node, weight in self.terms.items()})

    __rmul__ = __mul__


def to_circuit(network: QuantizedNetwork) -> Circuit:
    """The same function, unit by unit; weights that are 0 become no edge.

    Raises
    ------
    Unsupported
        If an activation is not ReLU, a layer is not linear, a weight is not dyadic, or there are
        several outputs.
    """
    if network.outputs != 1:
        raise Unsupported(f"a circuit has one output, this network has {network.outputs}")
    d = network.d
    edges: list[tuple[int, int, Fraction]] = []
    next_node = d + 1
    inputs = np.empty(d, dtype=object)
    inputs[:] = [_Affine({k: Fraction(1)}) for k in range(d)]
    values = {INPUT: inputs.reshape(1, *network.input_shape)}
    for k, (layer, sources) in enumerate(zip(network.layers, network.sources, strict=True)):
        y = _linear(layer, k, d, *(values[s] for s in sources))
        if layer.activation is not None:
            if not isinstance(layer.activation, Relu):
                raise Unsupported(
                    f"layer {k} has the activation {type(layer.activation).__name__}: "
                    "a circuit has ReLU units only"
                )
            flat = y.ravel()
            units = np.empty(flat.size, dtype=object)
            for i, expression in enumerate(flat):
                if expression.terms:
                    edges += [(s, next_node, w) for s, w in sorted(expression.terms.items())]
                    units[i] = _Affine({next_node: Fraction(1)})
                    next_node += 1
                else:
                    units[i] = expression  # relu(0) = 0
            y = units.reshape(y.shape)
        values[k] = y
    result = values[len(network.layers) - 1].ravel()[0]
    edges += [(s, next_node, w) for s, w in sorted(result.terms.items())]
    return _build(d, edges, next_node)


def _build(d: int, edges: list[tuple[int, int, Fraction]], output: int) -> Circuit:
    alphabet = tuple(sorted({weight for _, _, weight in edges}))
    for weight in alphabet:
        if weight.denominator & (weight.denominator - 1):
            raise Unsupported(
                f"a circuit's weights are dyadic, this network has {shorten(weight)}: its exact "
                "evaluator and the certificates take the network as it is"
            )
    codes = {weight: k for k, weight in enumerate(alphabet)}
    dtype = np.min_scalar_type(max(len(alphabet) - 1, 0))
    return Circuit(
        inputs=d,
        sources=np.array([s for s, _, _ in edges], dtype=np.int64),
        targets=np.array([t for _, t, _ in edges], dtype=np.int64),
        codes=np.array([codes[w] for _, _, w in edges], dtype=dtype),
        output=output,
        alphabet=alphabet,
    )


def _linear(layer: Layer, k: int, d: int, *x: np.ndarray) -> np.ndarray:
    match layer:
        case Dense() | Conv2d():
            one = _Affine({d: Fraction(1)})
            sums = weighted_sums(layer, x[0], _dot, one)
            shape = sums.shape[1:]
            biases = np.empty(layer.channels, dtype=object)
            biases[:] = [one * bias for bias in layer.biases()]
            scales = np.array(layer.scales(), dtype=object)
            return sums * per_channel(scales, shape) + per_channel(biases, shape)
        case AvgPool2d():
            view = windows(x[0], layer.kernel, layer.stride)
            return view.sum(axis=(4, 5)) * Fraction(1, layer.kernel[0] * layer.kernel[1])
        case Add():
            return x[0] + x[1]
        case MaxPool2d() | Multiply():
            raise Unsupported(f"layer {k} ({type(layer).__name__}) is not linear")
        case Flatten():
            return x[0].reshape(1, -1)
        case _:  # Activate
            return x[0]


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    out = np.empty((a.shape[0], b.shape[1]), dtype=object)
    for j, column in enumerate(b.T.tolist()):
        used = [(i, code) for i, code in enumerate(column) if code]
        for i in range(len(a)):
            terms: dict[int, Fraction] = {}
            for index, code in used:
                for node, weight in a[i, index].terms.items():
                    terms[node] = terms.get(node, Fraction(0)) + weight * code
            out[i, j] = _Affine({node: weight for node, weight in terms.items() if weight})
    return out
