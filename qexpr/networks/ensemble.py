"""The mean of several networks as one network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from qexpr.errors import InvalidInput, Unsupported
from qexpr.networks.layers import Add, Conv2d, Dense, Layer
from qexpr.networks.network import QuantizedNetwork

__all__ = ["mean_of"]


def mean_of(networks: Sequence[QuantizedNetwork]) -> QuantizedNetwork:
    """The exact mean of networks of one input and output shape; 1/n goes into their last scales.

    Raises
    ------
    InvalidInput
        If there is none, or the shapes differ.
    Unsupported
        If a network does not end in a linear layer without activation.
    """
    networks = list(networks)
    if not networks:
        raise InvalidInput("a mean needs at least one network")
    first = networks[0]
    for net in networks[1:]:
        if (net.input_shape, net.shapes[-1]) != (first.input_shape, first.shapes[-1]):
            raise InvalidInput(
                f"a mean needs equal shapes, got {first.input_shape} to {first.shapes[-1]} and "
                f"{net.input_shape} to {net.shapes[-1]}"
            )
    layers: list[Layer] = []
    for k, net in enumerate(networks):
        layers += _member(net, f"member{k}", Fraction(1, len(networks)))
        if k:
            layers.append(Add(other=f"sum{k - 1}" if k > 1 else "member0", name=f"sum{k}"))
    return QuantizedNetwork(first.input_shape, tuple(layers))


def _member(net: QuantizedNetwork, title: str, share: Fraction) -> list[Layer]:
    """The layers of one network under names of its own, the last one's called `title`."""
    last = net.layers[-1]
    if not isinstance(last, Dense | Conv2d) or last.activation is not None:
        raise Unsupported("a mean needs networks that end in a linear layer without activation")
    named = {k: f"{title}.{layer.name}" for k, layer in enumerate(net.layers) if layer.name}
    named |= {-1: "input", len(net.layers) - 1: title}
    layers: list[Layer] = []
    for k, (layer, reads) in enumerate(zip(net.layers, net.sources, strict=True)):
        changes: dict[str, Any] = {"name": named.get(k, "")}
        if layer.source or k == 0:
            changes["source"] = named[reads[0]]
        if len(reads) > 1:
            changes["other"] = named[reads[1]]
        layers.append(replace(layer, **changes))
    scales = tuple(share * s for s in last.scales())
    bias = None if last.bias is None else tuple(share * b for b in last.bias)
    one = scales[0] if len(set(scales)) == 1 else scales
    layers[-1] = replace(layers[-1], scale=one, bias=bias)  # type: ignore[call-arg]
    return layers
