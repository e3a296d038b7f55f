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
_EXACT = 1000  # up to which factorials are formed
_MOST_PLACES = 2**20  # of a progression whose every value is counted


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
    bits_entropy : the codes of each layer by their frequencies: how often each value occurs (and
        the table, if there is one), then the place of this arrangement among all with these
        frequencies (Cover 1973, doi:10.1109/TIT.1973.1054929), each rounded up; or as they are
        packed, where that is less, which one bit a layer tells
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
        as_packed = _code_bits(codes, size)
        packed += as_packed
        entropy += 1 + min(as_packed, _frequency_bits(codes, frequencies))
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
    places, table = _alphabets(codes)
    return min(size * (places - 1).bit_length(), size * (len(codes) - 1).bit_length() + table)


def _alphabets(codes: np.ndarray) -> tuple[int, int]:
    """The length of the arithmetic progression that holds distinct codes; bits of their table."""
    values = codes.tolist()
    step = math.gcd(*(value - values[0] for value in values))
    places = (values[-1] - values[0]) // step + 1 if step else 1
    widest = max(abs(values[0]), abs(values[-1])).bit_length() + 1
    return places, len(values) * widest


def _frequency_bits(codes: np.ndarray, frequencies: np.ndarray) -> int:
    """Bits that tell how often each code occurs, and which arrangement of so many it is."""
    size, (places, table) = int(frequencies.sum()), _alphabets(codes)
    told = _histogram_bits(size, len(codes)) + table
    if places <= _MOST_PLACES:
        told = min(told, _histogram_bits(size, places))
    return told + _arrangement_bits(frequencies.tolist())


def _histogram_bits(size: int, values: int) -> int:
    """Bits of one of the ways to write `size` as an ordered sum of so many numbers >= 0."""
    total = size + values - 1
    if total <= _EXACT:
        return (math.comb(total, size) - 1).bit_length()
    return _up(_factorial_bits(total) - _factorial_bits(size) - _factorial_bits(values - 1))


def _arrangement_bits(frequencies: list[int]) -> int:
    """Bits of one of the arrangements of values that occur so often."""
    size = sum(frequencies)
    if size <= _EXACT:
        same = math.prod(map(math.factorial, frequencies))
        return (math.factorial(size) // same - 1).bit_length()
    return _up(_factorial_bits(size) - sum(map(_factorial_bits, frequencies)))


def _factorial_bits(n: int) -> float:
    return math.lgamma(n + 1) / math.log(2)


def _up(bits: float) -> int:
    return math.ceil(bits + 1e-6)  # more than the rounding of lgamma below 10^8 codes


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
