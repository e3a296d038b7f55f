"""QuantizedNetwork: layers that fit together, as frozen data with a digest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from qexpr.errors import InvalidInput, shorten
from qexpr.networks.layers import Add, Layer, Multiply, Shape
from qexpr.networks.values import read_shape

if TYPE_CHECKING:
    from qexpr.circuits.graph import Circuit
    from qexpr.networks.counts import Counts

__all__ = ["INPUT", "QuantizedNetwork"]

INPUT = -1  # the index that stands for the network's input


@dataclass(frozen=True, eq=False)
class QuantizedNetwork:
    """A layered network of integer codes, rational scales and simple activations.

    Parameters
    ----------
    input_shape : ``(d,)``, or ``(channels, height, width)``
    layers : frozen layers in order; each reads the one before it unless it names its `source`

    Attributes
    ----------
    shapes : the output shape of each layer
    sources : for each layer the indices of what it reads, `INPUT` (-1) for the network's input
    """

    input_shape: Shape
    layers: tuple[Layer, ...]
    shapes: tuple[Shape, ...] = field(init=False, repr=False)
    sources: tuple[tuple[int, ...], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        shape = read_shape(self.input_shape, "input_shape")
        if len(shape) not in (1, 3):
            raise InvalidInput(
                f"input_shape must be (d,) or (channels, height, width), got {shape}"
            )
        layers = tuple(self.layers)
        if not layers:
            raise InvalidInput("a network needs at least one layer")
        names = {"input": INPUT}
        shapes: list[Shape] = []
        sources: list[tuple[int, ...]] = []
        for k, layer in enumerate(layers):
            if not isinstance(layer, Layer):
                raise InvalidInput(f"layer {k} must be a layer, got {shorten(layer)}")
            try:
                reads = tuple(_references(layer, k, names))
                inputs = [shape if s == INPUT else shapes[s] for s in reads]
                sources.append(reads)
                shapes.append(_output_shape(layer, inputs))
            except InvalidInput as error:
                title = f" {layer.name!r}" if layer.name else ""
                raise InvalidInput(f"layer {k}{title}: {error}") from None
            if layer.name in names:
                raise InvalidInput(f"layer {k}: the name {layer.name!r} is taken")
            if layer.name:
                names[layer.name] = k
        for name, value in (("input_shape", shape), ("layers", layers)):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "shapes", tuple(shapes))
        object.__setattr__(self, "sources", tuple(sources))

    @property
    def d(self) -> int:
        """The number of inputs."""
        return int(np.prod(self.input_shape))

    @property
    def outputs(self) -> int:
        """The number of outputs."""
        return int(np.prod(self.shapes[-1]))

    def __call__(self, x: Any) -> np.ndarray:
        """Evaluate in float64: (m, d) to (m,), or to (m, outputs) if there are several."""
        from qexpr.networks.floating import evaluate

        return evaluate(self, x)

    def evaluate_exact(self, points: Any) -> list[Fraction] | list[list[Fraction]]:
        """Evaluate exactly at points given as rationals, integers or doubles.

        Returns a Fraction for each point, or a list of them if there are several outputs.
        """
        from qexpr.networks.exact import evaluate

        return evaluate(self, points)

    def digest(self) -> str:
        """SHA-256 of the canonical JSON of input shape and layers."""
        from qexpr.core.canonical import sha256

        value = self.to_dict()
        return sha256({"input_shape": value["input_shape"], "layers": value["layers"]})

    def counts(self) -> Counts:
        """Weights, distinct values, bits and operations."""
        from qexpr.networks.counts import count

        return count(self)

    def to_circuit(self) -> Circuit:
        """The same function as a circuit, where activations are ReLU; raises Unsupported else."""
        from qexpr.networks.convert import to_circuit

        return to_circuit(self)

    def to_dict(self) -> dict[str, Any]:
        """The JSON form, `{"kind": "network", "version": 1, ...}`."""
        from qexpr.networks.document import to_dict

        return to_dict(self)

    @staticmethod
    def from_dict(value: Any) -> QuantizedNetwork:
        """Read the JSON form; raises InvalidInput."""
        from qexpr.networks.document import from_dict

        return from_dict(value)


def _references(layer: Layer, k: int, names: dict[str, int]) -> Iterator[int]:
    if layer.source:
        yield _look_up(layer.source, names)
    else:
        yield k - 1
    if isinstance(layer, Add | Multiply):
        yield _look_up(layer.other, names)


def _look_up(name: str, names: dict[str, int]) -> int:
    if name not in names:
        raise InvalidInput(
            f"there is no earlier layer named {shorten(name)}; named so far: "
            f"{shorten(', '.join(names))}"
        )
    return names[name]


def _output_shape(layer: Layer, inputs: Sequence[Shape]) -> Shape:
    if isinstance(layer, Add | Multiply):
        first, second = inputs
        one_channel = isinstance(layer, Multiply) and (1, *first[1:]) == second
        if first != second and not one_channel:
            word = "sum" if isinstance(layer, Add) else "product"
            raise InvalidInput(f"a {word} needs equal shapes, got {first} and {second}")
    return layer.output_shape(inputs[0])
