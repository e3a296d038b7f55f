"""The interface of every quantizer, and what all of them share.

A quantizer is a frozen value. A subclass gives three rules, written over the operations of
`qexpr.quantizers.backend` so that NumPy and torch run the same text: `rule_encode`, `rule_decode`
and `rule_backward`. Everything else stands here.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np

from qexpr.core.source import Source
from qexpr.errors import InvalidInput, shorten
from qexpr.quantizers.backend import NUMPY, Array
from qexpr.quantizers.description import CollapseWarning, Description, Measure
from qexpr.quantizers.groups import axes_of, check_array
from qexpr.quantizers.scales import Scales, affine, pack, unpack

__all__ = ["Quantizer"]

_QUIET: dict[str, Any] = {
    "over": "ignore",
    "under": "ignore",
    "divide": "ignore",
    "invalid": "ignore",
}


@dataclass(frozen=True, kw_only=True)
class Quantizer(ABC):
    """A quantizer: real arrays to integer codes and scales, back, and its gradient.

    Attributes
    ----------
    codes : range
        Every code that can occur.
    levels, bits : int
        As the paper counts them; unless it says otherwise the number of codes, and the bits of one.
    code_bits : int
        The bits that a stored code takes.
    parameters : dict
        The learned scales with the values they have in this quantizer.
    projection, homogeneous, monotone : bool
        Whether quantizing twice is quantizing once; whether q(c x) = c q(x) for c > 0; whether
        x <= y gives q(x) <= q(y) within one array.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    sources: ClassVar[tuple[Source, ...]]

    # ---- what a subclass gives ----

    @property
    @abstractmethod
    def codes(self) -> range:
        """Every code that can occur."""

    @abstractmethod
    def describe(self) -> Description:
        """Return the forward and backward maps in LaTeX, the source and the hidden defaults."""

    @abstractmethod
    def rule_encode(
        self, b: Any, x: Array, parameters: dict[str, Array], noise: Array | None
    ) -> tuple[Array, dict[str, Any]]:
        """Return the codes, as floating numbers, and the parts of the scales."""

    def rule_decode(self, b: Any, codes: Array, parts: dict[str, Any]) -> Array:
        """Return the values of codes."""
        return affine(codes, parts)

    def rule_backward(
        self, b: Any, x: Array, upstream: Array, parameters: dict[str, Array]
    ) -> tuple[Array, dict[str, Array]]:
        """Return the gradient for x and for each learned parameter; straight through by default."""
        return upstream, {}

    def rule_forward(
        self, b: Any, x: Array, parameters: dict[str, Array], noise: Array | None
    ) -> Array:
        """Return the quantized values: decode after encode."""
        return self.rule_decode(b, *self.rule_encode(b, x, parameters, noise))

    # ---- traits ----

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """The learned scales, by name."""
        return {}

    @property
    def is_stochastic(self) -> bool:
        """Whether encoding draws random numbers."""
        return False

    @property
    def group(self) -> str:
        """Who shares a scale: "layer" or "channel"."""
        return getattr(self, "per", "layer")

    @property
    def grain(self) -> str:
        """What is quantized without a look at the rest: an "entry", a "channel", the "array"."""
        return "array"

    @property
    def is_for_weights(self) -> bool:
        """Whether the quantizer is made for weights; zeros of the others are no failure."""
        return getattr(self, "role", "weight") == "weight"

    @property
    def projection(self) -> bool:
        """Whether quantizing twice is quantizing once."""
        return not self.is_stochastic

    @property
    def homogeneous(self) -> bool:
        """Whether q(c x) = c q(x) for every c > 0."""
        return False

    @property
    def monotone(self) -> bool:
        """Whether x <= y gives q(x) <= q(y), entries of one group compared."""
        return not self.is_stochastic

    @property
    def levels(self) -> int:
        """The number of levels, as the paper counts them."""
        return len(self.codes)

    @property
    def bits(self) -> int:
        """The number of bits, as the paper counts them."""
        return self.code_bits

    @property
    def code_bits(self) -> int:
        """The bits that a stored code takes."""
        return (len(self.codes) - 1).bit_length()

    @property
    def options(self) -> dict[str, Any]:
        """The options with their values."""
        return {name: getattr(self, field) for name, field in self.option_fields().items()}

    @classmethod
    def option_fields(cls) -> dict[str, str]:
        """Return the field that holds each option (an option may be named like a method)."""
        return {field.metadata.get("option", field.name): field.name for field in fields(cls)}

    # ---- NumPy ----

    def encode(
        self, x: Array, *, generator: np.random.Generator | None = None
    ) -> tuple[np.ndarray, np.ndarray | Scales]:
        """Return integer codes and the scale: all that is saved of x.

        Warns
        -----
        CollapseWarning
            If a group of weights that is not zero gets only codes of the value 0.
        """
        array = check_array(x, "x")
        codes, parts = self._encode(array, self._noise(array, generator))
        if self.is_for_weights:
            self._warn_of_collapse(array, self._decode(codes, parts))
        return self._integers(codes), pack(parts)

    def decode(self, codes: Array, scale: np.ndarray | Scales) -> np.ndarray:
        """Return the values of codes under a scale or Scales that `encode` gave."""
        array = np.asarray(codes)
        if array.dtype.kind not in "iu":
            raise InvalidInput(f"codes must be integers, got dtype {array.dtype}")
        outside = (array - self.codes.start) % self.codes.step != 0
        outside |= (array < self.codes[0]) | (array > self.codes[-1])
        if outside.any():
            raise InvalidInput(
                f"codes of {self.name} must lie in {self.codes}, got {shorten(array[outside][0])}"
            )
        parts = unpack(scale)
        return self._decode(array.astype(parts["scale"].dtype), parts)

    def quantize(self, x: Array, *, generator: np.random.Generator | None = None) -> np.ndarray:
        """Return the quantized values, in the dtype of x: decode after encode."""
        array = check_array(x, "x")
        return self._decode(*self._encode(array, self._noise(array, generator)))

    def gradient(
        self, x: Array, upstream: Array
    ) -> np.ndarray | tuple[np.ndarray, dict[str, np.ndarray]]:
        """Return the gradient that training uses, given the gradient at the quantized values.

        With learned parameters: a pair of it and of the gradients by parameter name.
        """
        array = check_array(x, "x")
        given = check_array(upstream, "upstream").astype(array.dtype)
        if given.shape != array.shape:
            raise InvalidInput(
                f"upstream must have the shape of x, {array.shape}, got {given.shape}"
            )
        with np.errstate(**_QUIET):
            gradient, learned = self.rule_backward(NUMPY, array, given, self._values(array))
        gradient = np.asarray(gradient, dtype=array.dtype)
        if not self.parameters:
            return gradient
        return gradient, {key: np.asarray(value, array.dtype) for key, value in learned.items()}

    def collapsed(self, x: Array, *, generator: np.random.Generator | None = None) -> np.ndarray:
        """Tell, for each group, whether it is not zero and is quantized to zeros only."""
        array = check_array(x, "x")
        return self._collapsed(array, self.quantize(array, generator=generator))

    def measure(self, x: Array, *, generator: np.random.Generator | None = None) -> Measure:
        """Return what quantization does to x: error, zeros, codes used, collapsed groups."""
        array = check_array(x, "x")
        codes, parts = self._encode(array, self._noise(array, generator))
        values = self._decode(codes, parts)
        collapsed = self._collapsed(array, values)
        largest = float(np.max(np.abs(array)))
        scaled = array.astype(np.float64) / largest if largest else array.astype(np.float64)
        error = scaled - values.astype(np.float64) / largest if largest else scaled
        return Measure(
            size=array.size,
            groups=collapsed.size,
            code_bits=self.code_bits,
            used=len(np.unique(codes)),
            zeros=float(np.mean(values == 0)),
            relative_error=float(np.sum(error**2) / np.sum(scaled**2)) if largest else 0.0,
            collapsed=int(collapsed.sum()),
        )

    # ---- torch ----

    def torch(self, *, check: bool = True) -> Callable[..., Any]:
        """Return the same map under torch's autograd: ``f(tensor, generator=None, **parameters)``.

        Learned scales are keyword arguments; those left out keep the values of this quantizer.
        ``check=False`` leaves out the test for NaN and infinity (under ``torch.vmap``).
        """
        from qexpr.quantizers.autograd import forward_function

        return forward_function(self, check)

    def torch_backward(self) -> Callable[..., Any]:
        """Return ``f(tensor, generator=None)``: the identity that quantizes gradients."""
        from qexpr.quantizers.autograd import backward_function

        return backward_function(self)

    # ---- shared ----

    def _describe(
        self, *, forward: str, backward: str, optimality: str, defaults: tuple[str, ...] = ()
    ) -> Description:
        return Description(
            name=self.name,
            summary=self.summary,
            options=tuple(self.options.items()),
            levels=self.levels,
            bits=self.bits,
            code_bits=self.code_bits,
            forward=forward,
            backward=backward,
            sources=self.sources,
            defaults=defaults,
            optimality=optimality,
        )

    def _values(self, x: np.ndarray) -> dict[str, np.ndarray]:
        return {key: np.asarray(value, dtype=x.dtype) for key, value in self.parameters.items()}

    def _noise(self, x: np.ndarray, generator: np.random.Generator | None) -> np.ndarray | None:
        if not self.is_stochastic:
            if generator is not None:
                raise InvalidInput(
                    f"{self.name} with {self.options} is deterministic: no generator"
                )
            return None
        if not isinstance(generator, np.random.Generator):
            raise InvalidInput(
                f"{self.name} is stochastic: generator must be a numpy.random.Generator, "
                f"got {shorten(generator)}"
            )
        return generator.random(x.shape)

    def _encode(self, x: np.ndarray, noise: np.ndarray | None) -> tuple[np.ndarray, dict[str, Any]]:
        with np.errstate(**_QUIET):
            codes, parts = self.rule_encode(NUMPY, x, self._values(x), noise)
        single = len(axes_of(x, self.group)) == x.ndim
        shaped = {
            key: value.reshape(()) if single and getattr(value, "size", 0) == 1 else value
            for key, value in parts.items()
        }
        return codes, shaped

    def _decode(self, codes: np.ndarray, parts: dict[str, Any]) -> np.ndarray:
        with np.errstate(**_QUIET):
            return np.asarray(self.rule_decode(NUMPY, codes, parts), dtype=parts["scale"].dtype)

    def _integers(self, codes: np.ndarray) -> np.ndarray:
        extent = max(abs(self.codes[0]), abs(self.codes[-1]))
        kind = next(t for t in (np.int8, np.int16, np.int32) if extent <= np.iinfo(t).max)
        return np.asarray(codes).astype(kind)

    def _collapsed(self, x: np.ndarray, values: np.ndarray) -> np.ndarray:
        axes = axes_of(x, self.group)
        return np.asarray(np.any(x != 0, axis=axes) & np.all(values == 0, axis=axes))

    def _warn_of_collapse(self, x: np.ndarray, values: np.ndarray) -> None:
        collapsed = self._collapsed(x, values)
        if collapsed.any():
            warnings.warn(
                f"{self.name}: {int(collapsed.sum())} of {collapsed.size} groups collapsed to all "
                f"zeros; lower the threshold or the scale",
                CollapseWarning,
                stacklevel=3,
            )
