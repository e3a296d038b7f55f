"""What a network costs: weights, bits and operations, counted from its codes.

Operations are those of one evaluation at one point. A product of a weight and an input counts as
two bit operations (XNOR or AND, and its place in a population count) for each pair of a weight
bit and an activation bit where both sides are step values or codes of at most 8 bits; as an
addition where the code is +-1; as a shift and an addition where it is a power of two; else as a
multiplication and an addition. Products with code 0 are not counted, except as bit operations,
which a packed word does not skip.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from qexpr.networks.activations import Steps
from qexpr.networks.layers import (
    Activate,
    Add,
    AvgPool2d,
    Conv2d,
    Dense,
    Flatten,
    MaxPool2d,
    Multiply,
)
from qexpr.networks.network import INPUT, QuantizedNetwork

__all__ = ["Counts", "Operations", "count"]

_MOST_BITS = 8


@dataclass(frozen=True, slots=True)
class Operations:
    """How often each kind of operation is done for one point."""

    additions: int = 0
    multiplications: int = 0
    bit_operations: int = 0
    shifts: int = 0
    comparisons: int = 0

    def __add__(self, other: Operations) -> Operations:
        return Operations(
            self.additions + other.additions,
            self.multiplications + other.multiplications,
            self.bit_operations + other.bit_operations,
            self.shifts + other.shifts,
            self.comparisons + other.comparisons,
        )


@dataclass(frozen=True, slots=True)
class Counts:
    """The counts of a network.

    Attributes
    ----------
    weights : codes that are not 0
    parameters : all codes
    distinct : different weight values (code times scale, 0 included where it occurs)
    bits_packed : the codes of each layer, at one width for all of them: as places in an arithmetic
        progression, or as places in a table of its distinct codes, whose bits count too
    bits_entropy : the empirical entropy of each layer's codes, rounded up: what a perfect
        entropy coder needs, its table aside
    bits_scales : scales and biases as rationals, numerators with a sign bit
    operations : for one point
    """

    weights: int
    parameters: int
    distinct: int
    bits_packed: int
    bits_entropy: int
    bits_scales: int
    operations: Operations


def count(network: QuantizedNetwork) -> Counts:
    """Count a network."""
    weights = parameters = packed = entropy = scale_bits = 0
    values: set[Fraction] = set()
    operations = Operations()
    for k, layer in enumerate(network.layers):
        operations += _operations(network, k)
        if not isinstance(layer, Dense | Conv2d):
            continue
        codes, frequencies = np.unique(layer.codes, return_counts=True)
        size = layer.codes.size
        parameters += size
        weights += int(np.count_nonzero(layer.codes))
        packed += _code_bits(codes, size)
        shares = frequencies / size
        entropy += math.ceil(size * float(-(shares * np.log2(shares)).sum()) - 1e-9)
        scales = layer.scale if isinstance(layer.scale, tuple) else (layer.scale,)
        scale_bits += sum(map(_rational_bits, (*scales, *(layer.bias or ()))))
        if isinstance(layer.scale, tuple):
            for scale, row in zip(layer.scale, layer.codes, strict=True):
                values.update(scale * code for code in np.unique(row).tolist())
        else:
            values.update(layer.scale * code for code in codes.tolist())
    return Counts(weights, parameters, len(values), packed, entropy, scale_bits, operations)


def _code_bits(codes: np.ndarray, size: int) -> int:
    """Bits of `size` codes, of which `codes` are the distinct ones in order.

    Few codes far apart (powers of two, real numbers that occur often) are cheaper by a table.
    """
    values = codes.tolist()
    step = math.gcd(*(value - values[0] for value in values))
    progression = ((values[-1] - values[0]) // step).bit_length() if step else 0
    widest = max(abs(values[0]), abs(values[-1])).bit_length() + 1
    table = len(values) * widest
    return min(size * progression, size * (len(values) - 1).bit_length() + table)


def _rational_bits(value: Fraction) -> int:
    return value.numerator.bit_length() + 1 + (value.denominator - 1).bit_length()


def _input_bits(network: QuantizedNetwork, k: int) -> int | None:
    """The bits of what a layer reads, if it is step values."""
    source = network.sources[k][0]
    while source != INPUT:
        layer = network.layers[source]
        if isinstance(layer.activation, Steps):
            return (len(layer.activation.values) - 1).bit_length()
        if layer.activation is not None or not isinstance(layer, Flatten | MaxPool2d):
            return None
        source = network.sources[source][0]
    return None


def _operations(network: QuantizedNetwork, k: int) -> Operations:
    layer, shape = network.layers[k], network.shapes[k]
    size = math.prod(shape)
    done = Operations()
    match layer:
        case Dense() | Conv2d():
            done = _products(layer, size // layer.channels, _input_bits(network, k))
            for scale, bias in zip(layer.scales(), layer.biases(), strict=True):
                done += _scaling(scale, bias, size // layer.channels)
        case AvgPool2d():
            window = math.prod(layer.kernel)
            done = Operations(additions=size * (window - 1))
            done += _scaling(Fraction(1, window), Fraction(0), size)
        case MaxPool2d():
            done = Operations(comparisons=size * (math.prod(layer.kernel) - 1))
        case Add():
            done = Operations(additions=size)
        case Multiply():
            done = Operations(multiplications=size)
        case Flatten() | Activate():
            pass
    if layer.activation is not None:
        steps = layer.activation
        per_value = len(steps.thresholds).bit_length() if isinstance(steps, Steps) else 1
        done += Operations(comparisons=size * per_value)  # thresholds by bisection
    return done


def _products(layer: Dense | Conv2d, positions: int, input_bits: int | None) -> Operations:
    codes, frequencies = np.unique(layer.codes, return_counts=True)
    weight_bits = (len(codes) - 1).bit_length()
    if input_bits is not None and max(input_bits, weight_bits) <= _MOST_BITS:
        pairs = layer.codes.size * positions
        return Operations(
            additions=layer.channels * positions * max(weight_bits * input_bits - 1, 0),
            bit_operations=2 * pairs * max(weight_bits, 1) * max(input_bits, 1),
        )
    done = Operations()
    for code, frequency in zip(codes.tolist(), frequencies.tolist(), strict=True):
        times = frequency * positions
        if code == 0:
            continue
        if abs(code) == 1:
            done += Operations(additions=times)
        elif abs(code) & (abs(code) - 1) == 0:
            done += Operations(additions=times, shifts=times)
        else:
            done += Operations(additions=times, multiplications=times)
    return done


def _scaling(scale: Fraction, bias: Fraction, times: int) -> Operations:
    additions = times if bias else 0
    if abs(scale) in (0, 1):
        return Operations(additions=additions)
    p, q = abs(scale.numerator), scale.denominator
    if p & (p - 1) == 0 and q & (q - 1) == 0:
        return Operations(additions=additions, shifts=times)
    return Operations(additions=additions, multiplications=times)
