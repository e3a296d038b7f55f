"""Networks out of ONNX files: feed-forward graphs of a few operators, weights taken exactly.

The network that results computes in real arithmetic what the file describes; a framework that
runs the file rounds. Operators are those of the ONNX specification (Gemm, MatMul, Add, Conv,
Relu, Flatten, Clip, Constant, Identity); every other one is refused by name.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from qexpr.errors import InvalidInput, Unsupported, shorten
from qexpr.networks.activations import Activation, Clip, Relu
from qexpr.networks.arrays import read_weights
from qexpr.networks.layers import Activate, Add, Conv2d, Dense, Flatten, Layer
from qexpr.networks.network import INPUT, QuantizedNetwork
from qexpr.networks.values import exact

__all__ = ["from_onnx"]


def from_onnx(path: str | Path) -> QuantizedNetwork:
    """Read an ONNX file; the first dimension of its input is the batch.

    Raises
    ------
    InvalidInput
        If the file cannot be read, or its shapes do not fit.
    Unsupported
        If the package onnx is missing, or for an operator or option outside the list above.
    """
    try:
        import onnx
        from onnx import numpy_helper
    except ImportError:
        raise Unsupported(
            "reading ONNX files needs the package onnx: pip install 'qexpr[onnx]'"
        ) from None
    try:
        model = onnx.load(str(path))
    except OSError as error:
        raise InvalidInput(f"cannot read {shorten(path)}: {error.strerror or error}") from None
    except Exception as error:  # protobuf's own error classes differ between versions
        raise InvalidInput(
            f"{shorten(path)} is not an ONNX file ({type(error).__name__})"
        ) from None
    graph = model.graph
    constants = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    inputs = [item for item in graph.input if item.name not in constants]
    if len(inputs) != 1 or len(graph.output) != 1:
        raise Unsupported(
            f"the graph must have one input and one output, it has {len(inputs)} and "
            f"{len(graph.output)}"
        )
    dimensions = [d.dim_value for d in inputs[0].type.tensor_type.shape.dim]
    if len(dimensions) not in (2, 4) or min(dimensions[1:]) < 1:
        raise InvalidInput(
            "the input must have shape (batch, d) or (batch, channels, height, width), with only "
            f"the batch left open; got {dimensions}"
        )
    uses = Counter(name for node in graph.node for name in node.input)
    uses[graph.output[0].name] += 1
    builder = _Builder(constants, uses, {inputs[0].name: INPUT})
    for node in graph.node:
        if node.op_type not in _READERS:
            title = f" ({node.name})" if node.name else ""
            raise Unsupported(
                f"the ONNX operator {node.op_type}{title} is not supported; supported: "
                f"{', '.join(_READERS)}"
            )
        options = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        if node.op_type == "Constant" and "value" in options:
            options["value"] = numpy_helper.to_array(options["value"])
        _READERS[node.op_type](builder, list(node.input), node.output[0], options)
    last = builder.index(graph.output[0].name)
    if last != len(builder.layers) - 1 or not builder.layers:
        builder.append(Activate(source=builder.reference(last)), "")
    return QuantizedNetwork(tuple(dimensions[1:]), tuple(builder.layers))


@dataclass
class _Builder:
    constants: dict[str, np.ndarray]
    uses: Counter[str]
    tensors: dict[str, int]
    layers: list[Layer] = field(default_factory=list)

    def index(self, name: str) -> int:
        if name not in self.tensors:
            raise InvalidInput(f"the graph reads {shorten(name)}, which nothing before it computes")
        return self.tensors[name]

    def reference(self, index: int) -> str:
        """What `source` has to say to read a layer: nothing if it is the one before."""
        if index == INPUT:
            return "input" if self.layers else ""
        return "" if index == len(self.layers) - 1 else self.name(index)

    def name(self, index: int) -> str:
        if index == INPUT:
            return "input"
        layer = self.layers[index]
        if not layer.name:
            layer = self.layers[index] = replace(layer, name=f"layer{index}")
        return layer.name

    def append(self, layer: Layer, output: str) -> None:
        self.layers.append(layer)
        self.tensors[output] = len(self.layers) - 1

    def fusable(self, name: str) -> Layer | None:
        """The layer that computes a tensor, if nothing else reads it and it is linear so far."""
        index = self.index(name)
        if index == INPUT or self.uses[name] != 1:
            return None
        layer = self.layers[index]
        return layer if layer.activation is None else None

    def fuse(self, name: str, output: str, layer: Layer) -> None:
        index = self.tensors[name]
        self.layers[index] = layer
        self.tensors[output] = index

    def weights(self, name: str, operator: str) -> np.ndarray:
        if name not in self.constants:
            raise Unsupported(f"{operator} with a computed second operand is not supported")
        return self.constants[name]


def _channel_bias(array: np.ndarray, channels: int, factor: Fraction) -> list[Fraction]:
    flat = np.asarray(array, dtype=np.float64).ravel()
    if flat.size == 1:
        flat = np.repeat(flat, channels)
    if flat.size != channels:
        raise InvalidInput(f"a bias has {flat.size} values where the layer has {channels} channels")
    return [exact(value, "bias") * factor for value in flat]


def _gemm(b: _Builder, inputs: list[str], output: str, options: dict[str, Any]) -> None:
    if options.get("transA", 0):
        raise Unsupported("Gemm with transA is not supported")
    matrix = b.weights(inputs[1], "Gemm")
    scale, codes = read_weights(matrix if options.get("transB", 0) else matrix.T, inputs[1])
    bias: Any = None
    if len(inputs) > 2 and inputs[2]:
        beta = exact(options.get("beta", 1.0), "beta")
        bias = _channel_bias(b.weights(inputs[2], "Gemm"), codes.shape[0], beta)
    scale *= exact(options.get("alpha", 1.0), "alpha")
    b.append(Dense(codes, scale, bias, source=b.reference(b.index(inputs[0]))), output)


def _matmul(b: _Builder, inputs: list[str], output: str, options: dict[str, Any]) -> None:
    scale, codes = read_weights(b.weights(inputs[1], "MatMul").T, inputs[1])
    b.append(Dense(codes, scale, source=b.reference(b.index(inputs[0]))), output)


def _add(b: _Builder, inputs: list[str], output: str, options: dict[str, Any]) -> None:
    constants = [name for name in inputs if name in b.constants]
    if not constants:
        first, second = (b.index(name) for name in inputs)
        source = b.reference(first)
        b.append(Add(source=source, other=b.name(second)), output)
        return
    tensor = next((name for name in inputs if name not in b.constants), None)
    if tensor is None:
        raise Unsupported("Add of two constants is not supported")
    array = b.constants[constants[0]]
    layer = b.fusable(tensor)
    if not isinstance(layer, Dense | Conv2d) or not _is_bias(array, layer):
        raise Unsupported("Add of a constant is supported only as the bias of Gemm, MatMul or Conv")
    bias = _channel_bias(array, layer.channels, Fraction(1))
    total = [x + y for x, y in zip(bias, layer.biases(), strict=True)]
    b.fuse(tensor, output, replace(layer, bias=total))


def _is_bias(array: np.ndarray, layer: Dense | Conv2d) -> bool:
    """Whether broadcasting adds one number to each channel."""
    trailing = 2 if isinstance(layer, Conv2d) else 0
    shape = array.shape
    if trailing:
        if len(shape) < 3 and array.size > 1:
            return False
        shape = shape[:-2] if shape[-2:] == (1, 1) else shape
    return array.size == 1 or array.size == layer.channels == shape[-1]


def _conv(b: _Builder, inputs: list[str], output: str, options: dict[str, Any]) -> None:
    if any(d != 1 for d in options.get("dilations", [1, 1])):
        raise Unsupported("Conv with dilations is not supported")
    if options.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID"):
        raise Unsupported("Conv with auto_pad is not supported: give the pads")
    top, left, bottom, right = options.get("pads", [0, 0, 0, 0])
    if (top, left) != (bottom, right):
        raise Unsupported("Conv with unequal pads at opposite sides is not supported")
    scale, codes = read_weights(b.weights(inputs[1], "Conv"), inputs[1])
    bias: Any = None
    if len(inputs) > 2 and inputs[2]:
        bias = _channel_bias(b.weights(inputs[2], "Conv"), codes.shape[0], Fraction(1))
    layer = Conv2d(
        codes,
        scale,
        bias,
        stride=tuple(options.get("strides", (1, 1))),
        padding=(top, left),
        groups=options.get("group", 1),
        source=b.reference(b.index(inputs[0])),
    )
    b.append(layer, output)


def _activation(b: _Builder, tensor: str, output: str, activation: Activation) -> None:
    layer = b.fusable(tensor)
    if layer is not None:
        b.fuse(tensor, output, replace(layer, activation=activation))
    else:
        source = b.reference(b.index(tensor))
        b.append(Activate(activation=activation, source=source), output)


def _relu(b: _Builder, inputs: list[str], output: str, options: dict[str, Any]) -> None:
    _activation(b, inputs[0], output, Relu())


def _clip(b: _Builder, inputs: list[str], output: str, options: dict[str, Any]) -> None:
    ends = [options.get("min"), options.get("max")]
    for k, name in enumerate(inputs[1:3]):
        if name:
            ends[k] = float(b.weights(name, "Clip").reshape(()))
    lower, upper = ends
    if lower == 0 and (upper is None or upper == math.inf):
        _activation(b, inputs[0], output, Relu())
    elif lower is None or upper is None:
        raise Unsupported("Clip needs both ends, or 0 and none")
    else:
        _activation(b, inputs[0], output, Clip(exact(lower, "min"), exact(upper, "max")))


def _flatten(b: _Builder, inputs: list[str], output: str, options: dict[str, Any]) -> None:
    if options.get("axis", 1) != 1:
        raise Unsupported("Flatten is supported along axis 1 only")
    b.append(Flatten(source=b.reference(b.index(inputs[0]))), output)


def _constant(b: _Builder, inputs: list[str], output: str, options: dict[str, Any]) -> None:
    keys = ("value", "value_float", "value_floats")
    value = next((options[key] for key in keys if key in options), None)
    if value is None:
        raise Unsupported("Constant nodes are supported for numbers only")
    b.constants[output] = np.asarray(value)


def _identity(b: _Builder, inputs: list[str], output: str, options: dict[str, Any]) -> None:
    if inputs[0] in b.constants:
        b.constants[output] = b.constants[inputs[0]]
        return
    b.tensors[output] = b.index(inputs[0])
    b.uses[output] += b.uses[inputs[0]] - 1


_Reader = Callable[[_Builder, list[str], str, dict[str, Any]], None]
_READERS: dict[str, _Reader] = {
    "Gemm": _gemm,
    "MatMul": _matmul,
    "Add": _add,
    "Conv": _conv,
    "Relu": _relu,
    "Flatten": _flatten,
    "Clip": _clip,
    "Constant": _constant,
    "Identity": _identity,
}
