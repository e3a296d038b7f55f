"""Fully connected networks by their widths: what the calculators count."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

from qexpr.bounds.calculators.calculator import Parameter
from qexpr.errors import InvalidInput

__all__ = ["WIDTHS", "cumulative_weights", "one_output", "weights_by_layer"]

WIDTHS = Parameter(
    "widths",
    "integers",
    1,
    10**6,
    "inputs, units of each hidden layer, outputs: 2,64,64,1",
    length=2,
)


def one_output(widths: Sequence[int]) -> None:
    """Refuse networks with more than one output."""
    if widths[-1] != 1:
        raise InvalidInput(f"the last of widths must be 1, the one output, got {widths[-1]}")


def weights_by_layer(widths: Sequence[int]) -> list[int]:
    """Weights and biases of each layer of the fully connected network."""
    return [(before + 1) * units for before, units in pairwise(widths)]


def cumulative_weights(widths: Sequence[int]) -> list[int]:
    """W_i: the weights and biases of the layers up to i."""
    return list(accumulate(weights_by_layer(widths)))
