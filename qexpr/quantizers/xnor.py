"""Binary activations with the scaling K: Rastegari, Ordonez, Redmon and Farhadi 2016."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from qexpr.core.papers import cite
from qexpr.errors import InvalidInput, shorten
from qexpr.quantizers.backend import NUMPY, Array, import_torch
from qexpr.quantizers.base import Quantizer
from qexpr.quantizers.description import Description
from qexpr.quantizers.groups import axes_of, check_array, sign, unit
from qexpr.quantizers.options import check_choice, check_flag, check_integer
from qexpr.quantizers.scales import Scales

__all__ = ["XnorActivations", "speedup"]


@dataclass(frozen=True, kw_only=True)
class XnorActivations(Quantizer):
    """sign(x); the product with binary weights is multiplied by K and by their alpha.

    A is the mean of |x| over the channels (axis 1), and K is A under the box filter of the
    convolution: its kernel, stride and padding, divided by the kernel's size at the borders too.
    K belongs to the output of the product, so that `quantize` gives what enters it, sign(x), and
    `encode` hands K on as ``Scales.output``. Weights are quantized by `bwn`.

    Parameters
    ----------
    fixed_scale : bool
        Leave K out, in training and inference; alpha of the weights stays.
    k_gradient : bool
        Whether the gradient flows through K.
    kernel_size, stride, padding : int
        Of the convolution; 1, 1, 0 for a fully connected layer.

    Source: Rastegari et al. 2016 (arXiv:1603.05279), section 3.2.
    """

    name = "xnor"
    summary = "binary activations, the output scaled by K"
    sources = (cite("rastegari2016xnor", "section 3.2 (binary dot product, binary convolution)"),)

    role: str = "activation"
    fixed_scale: bool = False
    k_gradient: bool = False
    kernel_size: int = 1
    stride: int = 1
    padding: int = 0

    def __post_init__(self) -> None:
        check_choice(self.role, "role", ("activation",))
        check_flag(self.fixed_scale, "fixed_scale")
        check_flag(self.k_gradient, "k_gradient")
        for option, least in (("kernel_size", 1), ("stride", 1), ("padding", 0)):
            object.__setattr__(
                self, option, check_integer(getattr(self, option), option, least, 1024)
            )
        if self.fixed_scale and self.k_gradient:
            raise InvalidInput("k_gradient needs K: leave out fixed_scale")

    @property
    def codes(self) -> range:
        """-1 and +1."""
        return range(-1, 2, 2)

    @property
    def grain(self) -> str:
        """An entry: there is no scale."""
        return "entry"

    def rule_encode(
        self, b: Any, x: Array, parameters: dict[str, Array], noise: Array | None
    ) -> tuple[Array, dict[str, Any]]:
        """Return sign(x) and scale 1; K is left to `encode`."""
        return sign(b, x), {"scale": b.table(1.0, x)}

    def encode(
        self, x: Array, *, generator: np.random.Generator | None = None
    ) -> tuple[np.ndarray, np.ndarray | Scales]:
        """Return the signs, and Scales with K as ``output`` (without K: the scale 1)."""
        codes, scale = super().encode(x, generator=generator)
        if self.fixed_scale:
            return codes, scale
        return codes, Scales(scale=np.asarray(scale), output=self.output_scale(x))

    def rule_decode(self, b: Any, codes: Array, parts: dict[str, Any]) -> Array:
        """Return what enters the product: the signs."""
        return codes * parts["scale"]

    def rule_backward(
        self, b: Any, x: Array, upstream: Array, parameters: dict[str, Array]
    ) -> tuple[Array, dict[str, Array]]:
        """Straight through where |x| <= 1."""
        return upstream * b.mask(b.abs(x) <= 1, x), {}

    # ---- K ----

    def output_scale(self, x: Array) -> np.ndarray:
        """Return K: (batch, 1) for (batch, features), (batch, 1, h', w') for images.

        The batch may be left out. Ones with ``fixed_scale``.
        """
        array = self._checked(x)
        scaled, exponent = unit(NUMPY, np.abs(array), axes_of(array, "layer"))
        mean = np.mean(scaled, axis=_channel_axis(array), keepdims=True)
        if array.ndim > 2:
            mean = self._windows(mean).sum(axis=(-2, -1)) / self.kernel_size**2
        mean = np.ldexp(mean, exponent).astype(array.dtype)
        return np.ones_like(mean) if self.fixed_scale else mean

    def output_scale_gradient(self, x: Array, upstream: Array) -> np.ndarray:
        """Return the gradient through K for x; zeros unless ``k_gradient``."""
        array = self._checked(x)
        given = check_array(upstream, "upstream").astype(np.float64)
        shape = self.output_scale(array).shape
        if given.shape != shape:
            raise InvalidInput(f"upstream must have the shape of K, {shape}, got {given.shape}")
        if not self.k_gradient:
            return np.zeros_like(array)
        if array.ndim > 2:
            given = self._spread(given, array.shape) / self.kernel_size**2
        channels = array.shape[_channel_axis(array)]
        return (sign(NUMPY, array) * given / channels).astype(array.dtype)

    def torch_output_scale(self) -> Callable[[Any], Any]:
        """Return K under autograd: ``f(tensor)``, detached unless ``k_gradient``."""
        torch = import_torch()

        def apply(x: Any) -> Any:
            self._check_shape(x)
            source = x if self.k_gradient else x.detach()
            # sign(0) = +1 in the gradient of |x| too
            magnitude = source * (2 * (x.detach() >= 0).to(x.dtype) - 1)
            mean = magnitude.mean(dim=_channel_axis(x), keepdim=True)
            if x.ndim > 2:
                mean = torch.nn.functional.avg_pool2d(
                    torch.nn.functional.pad(mean, [self.padding] * 4), self.kernel_size, self.stride
                )
            return torch.ones_like(mean) if self.fixed_scale else mean

        return apply

    def _check_shape(self, x: Any) -> None:
        if x.ndim not in (1, 2, 3, 4):
            raise InvalidInput(
                f"K needs x of shape (batch, features) or (batch, channels, height, width), "
                f"or one sample of these, got {shorten(tuple(x.shape))}"
            )
        if x.ndim > 2 and min(x.shape[-2:]) + 2 * self.padding < self.kernel_size:
            raise InvalidInput(
                f"kernel_size {self.kernel_size} is larger than the padded image of "
                f"{tuple(x.shape[-2:])}"
            )
        if x.ndim <= 2 and (self.kernel_size, self.stride, self.padding) != (1, 1, 0):
            raise InvalidInput("a fully connected layer has kernel_size 1, stride 1, padding 0")

    def _checked(self, x: Array) -> np.ndarray:
        array = check_array(x, "x")
        self._check_shape(array)
        return array

    def _windows(self, mean: np.ndarray) -> np.ndarray:
        edges = [(0, 0)] * (mean.ndim - 2) + [(self.padding, self.padding)] * 2
        size = (self.kernel_size, self.kernel_size)
        windows = np.lib.stride_tricks.sliding_window_view(np.pad(mean, edges), size, (-2, -1))
        return windows[..., :: self.stride, :: self.stride, :, :]

    def _spread(self, given: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """Return the transpose of the box filter's sum: each output to its window."""
        height, width = (n + 2 * self.padding for n in shape[-2:])
        total = np.zeros((*given.shape[:-2], height, width))
        rows, columns = (self.stride * (n - 1) + 1 for n in given.shape[-2:])
        for i in range(self.kernel_size):
            for j in range(self.kernel_size):
                total[..., i : i + rows : self.stride, j : j + columns : self.stride] += given
        edge = self.padding
        return total[..., edge : height - edge, edge : width - edge]

    def describe(self) -> Description:
        """Return the forward and backward maps in LaTeX, the source and the hidden defaults."""
        kept = (
            r"\text{output} = (\operatorname{sign}(x) \circledast \operatorname{sign}(w))\,\alpha"
            if self.fixed_scale
            else r"\text{output} = (\operatorname{sign}(x) \circledast \operatorname{sign}(w))"
            r" \odot K\,\alpha,\ K = A * \tfrac{1}{k_w k_h}\mathbf 1,\ A = \tfrac1c\sum_c |x_c|"
        )
        return self._describe(
            forward=r"Q(x) = \operatorname{sign}(x),\ " + kept,
            backward=r"\partial C/\partial x = 1[|x| \le 1]\;\partial C/\partial Q(x)"
            + (r" + (\partial C/\partial K)(\partial K/\partial x)" if self.k_gradient else ""),
            defaults=(
                "K uses the convolution's stride and padding; divisor k_w k_h at borders too",
                "no gradient flows through K unless k_gradient=True",
                "fixed_scale=True leaves K out, in training and inference "
                "(under 1 % top-1 in the paper)",
                "block order BatchNorm, BinActiv, BinConv, Pool; first and last layer real",
            ),
            optimality=(
                "The least-squares factor of one dot product is mean|x_i w_i|; K alpha equals it "
                "where |x| and |w| are uncorrelated."
            ),
        )


def _channel_axis(x: Array) -> int:
    """Return the axis of the channels, the batch coming before it or missing."""
    return x.ndim - (3 if x.ndim > 2 else 1)


def speedup(channels: int, filter_size: int, word: int = 64) -> Fraction:
    """Return how many times fewer operations a binary convolution takes, in words of `word` bits.

    ``word c N_W / (c N_W + word)``: one word operation does `word` binary ones, and each output
    is scaled once. (Rastegari et al. 2016, section 4.1.)
    """
    work = check_integer(channels, "channels", 1, 2**31) * check_integer(
        filter_size, "filter_size", 1, 2**31
    )
    return Fraction(word * work, work + word)
