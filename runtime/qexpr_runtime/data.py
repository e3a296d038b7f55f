"""What a packed file holds, as plain data: a stack of layers, or a sparse circuit.

Numbers are exact: codes are integers, everything else is a Fraction (a float counts as the
rational that the double is).
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["OPERATIONS", "ActivationData", "CircuitData", "LayerData", "NetworkData"]

OPERATIONS = ("dense", "conv2d", "flatten", "activate", "max_pool2d", "avg_pool2d", "add",
              "multiply", "mean_abs")  # fmt: skip
MOVES = ("flatten", "activate", "max_pool2d")  # they only move or pick values
INPUT = -1


def fractions(values: Sequence[Any], name: str) -> tuple[Fraction, ...]:
    """Numbers as exact Fractions; ValueError for what is not a finite number."""
    try:
        return tuple(Fraction(float(v) if isinstance(v, np.floating) else v) for v in values)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name} must hold finite numbers, got {values!r:.60}") from None


@dataclass(frozen=True)
class ActivationData:
    """What follows a layer.

    kind "relu"; "clip" with `lower` and `upper`; "steps" with increasing `thresholds`, one more
    `values` and `closed`, which says for each threshold whether the upper value holds at it (all
    of them if left out).
    """

    kind: str
    lower: Fraction = Fraction(0)
    upper: Fraction = Fraction(0)
    thresholds: tuple[Fraction, ...] = ()
    values: tuple[Fraction, ...] = ()
    closed: tuple[bool, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in ("relu", "clip", "steps"):
            raise ValueError(f"an activation is relu, clip or steps, got {self.kind!r}")
        for name in ("thresholds", "values"):
            object.__setattr__(self, name, fractions(getattr(self, name), name))
        ends = fractions((self.lower, self.upper), "the ends of a clip")
        object.__setattr__(self, "lower", ends[0])
        object.__setattr__(self, "upper", ends[1])
        t = self.thresholds
        if self.kind == "clip" and self.lower > self.upper:
            raise ValueError(f"clip needs lower <= upper, got {self.lower} > {self.upper}")
        if self.kind != "steps":
            return
        if not t or any(a >= b for a, b in pairwise(t)):
            raise ValueError("steps need at least one threshold, strictly increasing")
        object.__setattr__(self, "closed", tuple(self.closed) or (True,) * len(t))
        if len(self.values) != len(t) + 1 or len(self.closed) != len(t):
            raise ValueError("n thresholds need n + 1 values and n entries of closed")


@dataclass(frozen=True, eq=False)
class LayerData:
    """One layer: ``activation(scale * (codes . x) + bias)``, or one without weights.

    Parameters
    ----------
    op : one of `OPERATIONS`
    codes : integers of shape (out, in), or (out, in / groups, height, width) for "conv2d"
    scale : a number, or one for each output channel
    bias : none, or one number for each output channel
    activation : None is linear
    source : the index of the layer that is read, -1 for the input; None: the layer before
    other : the second one, for "add" and "multiply"
    kernel : of pooling and of "mean_abs"; stride, padding, padding_value, groups as in every
        framework. "mean_abs" is XNOR-Net's K: the mean over channels of |x|, averaged over windows
        (taps outside count 0), one channel
    notes : JSON texts that are kept and not read (names)
    """

    op: str
    codes: NDArray[Any] | None = None
    scale: Any = Fraction(1)
    bias: Sequence[Any] = ()
    activation: ActivationData | None = None
    source: int | None = None
    other: int | None = None
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    padding_value: int = 0
    groups: int = 1
    notes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.op not in OPERATIONS:
            raise ValueError(f"op must be one of {', '.join(OPERATIONS)}, got {self.op!r}")
        weighted = self.op in ("dense", "conv2d")
        if (self.codes is not None) != weighted:
            raise ValueError(f"codes go with dense and conv2d, and only with them: {self.op}")
        if not weighted:
            return
        codes = np.asarray(self.codes)
        if codes.dtype.kind not in "iu" and codes.dtype != object:
            raise ValueError(f"codes must be integers, got an array of {codes.dtype}")
        if codes.ndim != (2 if self.op == "dense" else 4) or codes.size == 0:
            raise ValueError(f"the codes of a {self.op} layer cannot have shape {codes.shape}")
        each = isinstance(self.scale, tuple | list | np.ndarray)
        scale = fractions(tuple(self.scale) if each else (self.scale,), "scale")
        bias = fractions(tuple(self.bias), "bias")
        if (each and len(scale) != len(codes)) or (bias and len(bias) != len(codes)):
            raise ValueError("there must be one scale, or one for each channel; biases likewise")
        object.__setattr__(self, "codes", codes)
        object.__setattr__(self, "scale", scale if each else scale[0])
        object.__setattr__(self, "bias", bias)

    @property
    def channels(self) -> int:
        """The number of output channels of a layer with weights."""
        return 0 if self.codes is None else len(self.codes)

    @property
    def scales(self) -> tuple[Fraction, ...]:
        """One scale for each channel."""
        return self.scale if isinstance(self.scale, tuple) else (self.scale,) * self.channels

    @property
    def biases(self) -> tuple[Fraction, ...]:
        """One bias for each channel."""
        return tuple(self.bias) or (Fraction(0),) * self.channels


@dataclass(frozen=True, eq=False)
class NetworkData:
    """A stack of layers.

    Parameters
    ----------
    input_shape : (d,) or (channels, height, width)
    layers : in order
    input_rule : None for real inputs, or (scale, offset): inputs are the bytes q that stand for
        offset + scale * q, and reals are rounded to them (half to even) and clipped
    notes : JSON values that are kept (digest, counts, provenance)
    """

    input_shape: tuple[int, ...]
    layers: tuple[LayerData, ...]
    input_rule: tuple[Fraction, Fraction] | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        try:
            shape = tuple(operator.index(n) for n in self.input_shape)
        except TypeError:
            shape = ()
        if len(shape) not in (1, 3) or min(shape) < 1:
            given = self.input_shape
            raise ValueError(f"input_shape must be (d,) or (c, height, width), got {given!r:.60}")
        if not self.layers:
            raise ValueError("a network needs at least one layer")
        object.__setattr__(self, "input_shape", shape)
        object.__setattr__(self, "layers", tuple(self.layers))
        if self.input_rule is not None:
            rule = fractions(self.input_rule, "input_rule")
            if len(rule) != 2 or rule[0] <= 0:
                raise ValueError("input_rule must be (scale, offset) with scale > 0")
            object.__setattr__(self, "input_rule", rule)


@dataclass(frozen=True, eq=False)
class CircuitData:
    """A sparse circuit of ReLU units; the last one, the output, is linear.

    Nodes are numbered: inputs 0..inputs-1, the constant 1, then the units in topological order.
    Edges are sorted by target and source; edge i has the weight ``alphabet[codes[i]]``.
    """

    inputs: int
    units: int
    sources: NDArray[Any]
    targets: NDArray[Any]
    codes: NDArray[Any]
    alphabet: tuple[Fraction, ...]
    free: NDArray[Any] = field(default_factory=lambda: np.zeros(0, np.int64))
    notes: Mapping[str, Any] = field(default_factory=dict)
