"""A quantized network at sample points: its values, derivatives by codes, changes of one code."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from qexpr.errors import Unsupported
from qexpr.networks import Clip, Dense, QuantizedNetwork, Relu, Steps

__all__ = ["SampledNetwork"]


class SampledNetwork:
    """The values of all layers at m points in float64; layers are dense, one after the other.

    Attributes
    ----------
    choices : one array for each coordinate (a code): the codes that its layer holds already
    codes : the code of each coordinate

    Raises
    ------
    Unsupported
        For other layers, or several outputs.
    """

    def __init__(self, network: QuantizedNetwork, points: np.ndarray) -> None:
        chain = all(source == (k - 1,) for k, source in enumerate(network.sources))
        if not chain or not all(isinstance(layer, Dense) for layer in network.layers):
            raise Unsupported(
                "codes are polished in networks of dense layers one after the other; this one has "
                "others"
            )
        if network.outputs != 1:
            raise Unsupported(f"the network must have one output, it has {network.outputs}")
        self.base = network
        self.layers: list[Any] = list(network.layers)
        self.scales = [_doubles(layer.scales()) for layer in self.layers]
        self.biases = [_doubles(layer.biases()) for layer in self.layers]
        self.matrices = [
            torch.from_numpy(layer.codes.astype(np.float64)) * scale[:, None]
            for layer, scale in zip(self.layers, self.scales, strict=True)
        ]
        self.places = [
            (k, o, i)
            for k, layer in enumerate(self.layers)
            for o, i in np.ndindex(layer.codes.shape)
        ]
        self.codes = np.concatenate([layer.codes.ravel() for layer in self.layers]).astype(np.int64)
        allowed = [np.unique(layer.codes).astype(np.int64) for layer in self.layers]
        self.choices = [allowed[k] for k, _, _ in self.places]
        self.points = torch.from_numpy(np.array(points, dtype=np.float64))
        self.refresh()

    @property
    def outputs(self) -> np.ndarray:
        """The network's values, (m,)."""
        return self.values[-1][:, 0].numpy()

    def refresh(self) -> None:
        """Compute all layers anew."""
        self.sums: list[torch.Tensor] = []
        self.values = [self.points]
        for k, layer in enumerate(self.layers):
            self.sums.append(functional.linear(self.values[-1], self.matrices[k], self.biases[k]))
            self.values.append(_activated(layer.activation, self.sums[-1]))

    def scores(self, upstream: np.ndarray) -> np.ndarray:
        """Derivatives of sum(upstream * outputs) by codes, straight through steps."""
        grad = torch.from_numpy(upstream)[:, None]
        found: list[np.ndarray] = []
        for k in reversed(range(len(self.layers))):
            grad = grad * _slope(self.layers[k].activation, self.sums[k])
            by_weight = grad.T @ self.values[k]
            found.append((by_weight * self.scales[k][:, None]).numpy().ravel())
            grad = grad @ self.matrices[k]
        return np.concatenate(found[::-1])

    def step(self, coordinate: int, code: int) -> float:
        """The change of the code."""
        return float(code - self.codes[coordinate])

    def tried(self, coordinate: int, code: int) -> tuple[np.ndarray, Any]:
        """The outputs with one code changed, and what `accept` needs."""
        k, o, i = self.places[coordinate]
        weight = self.scales[k][o] * float(code)
        change = weight - self.matrices[k][o, i]
        column = _activated(
            self.layers[k].activation, self.sums[k][:, o] + change * self.values[k][:, i]
        )
        moved = column - self.values[k + 1][:, o]
        if k + 1 == len(self.layers):
            return column.numpy(), weight
        # one column changed, so the next sums change by an outer product
        following = torch.addr(self.sums[k + 1], moved, self.matrices[k + 1][:, o])
        x = _activated(self.layers[k + 1].activation, following)
        for later in range(k + 2, len(self.layers)):
            products = functional.linear(x, self.matrices[later], self.biases[later])
            x = _activated(self.layers[later].activation, products)
        return x[:, 0].numpy(), weight

    def accept(self, coordinate: int, code: int, token: Any) -> None:
        """Make the change that was tried."""
        k, o, i = self.places[coordinate]
        self.codes[coordinate] = code
        self.matrices[k][o, i] = token
        self.refresh()  # so that no rounding adds up

    def network(self) -> QuantizedNetwork:
        """The network with the present codes, scales and biases as they were."""
        layers, start = [], 0
        for layer in self.layers:
            part = self.codes[start : start + layer.codes.size].reshape(layer.codes.shape)
            start += layer.codes.size
            layers.append(replace(layer, codes=part.astype(layer.codes.dtype)))
        return QuantizedNetwork(self.base.input_shape, tuple(layers))


def _doubles(values: Any) -> torch.Tensor:
    return torch.tensor([float(value) for value in values], dtype=torch.float64)


def _activated(activation: Any, x: torch.Tensor) -> torch.Tensor:
    match activation:
        case None:
            return x
        case Relu():
            return x.clamp(min=0)
        case Clip(lower, upper):
            return x.clamp(float(lower), float(upper))
    index = torch.zeros(x.shape, dtype=torch.int64)
    for threshold, holds in zip(activation.thresholds, activation.closed, strict=True):
        index += (x >= float(threshold)) if holds else (x > float(threshold))
    return _doubles(activation.values)[index]


def _slope(activation: Any, x: torch.Tensor) -> torch.Tensor:
    """The derivative; of steps that of the line through their ends, inside their range."""
    match activation:
        case None:
            return torch.ones_like(x)
        case Relu():
            return (x > 0).double()
        case Clip(lower, upper):
            return ((x > float(lower)) & (x < float(upper))).double()
    assert isinstance(activation, Steps)
    rise = float(activation.values[-1] - activation.values[0])
    low, high = float(activation.thresholds[0]), float(activation.thresholds[-1])
    run = max(high - low, abs(rise), 1e-300)
    middle = (low + high) / 2
    return ((x - middle).abs() <= run).double() * (rise / run)
