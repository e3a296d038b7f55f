"""k-bit weights, activations and gradients: Zhou et al. 2016."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qexpr.core.papers import cite
from qexpr.errors import InvalidInput
from qexpr.quantizers.backend import Array
from qexpr.quantizers.base import Quantizer
from qexpr.quantizers.description import Description
from qexpr.quantizers.groups import axes_of, mean_abs, sign
from qexpr.quantizers.options import check_choice, check_flag, check_integer

__all__ = ["Dorefa"]

_FORWARD = {
    "weight": r"Q(w) = 2\,q_k\!\left(\frac{\tanh w}{2\max|\tanh w|} + \frac12\right) - 1,\ "
    r"q_k(r) = \frac{\operatorname{round}((2^k-1)\,r)}{2^k-1}",
    "binary": r"Q(w) = \operatorname{sign}(w) \cdot \operatorname{mean}|w|",
    "activation": r"Q(x) = q_k(\operatorname{clip}(x, 0, 1)),\ "
    r"q_k(r) = \frac{\operatorname{round}((2^k-1)\,r)}{2^k-1}",
    "gradient": r"Q(g) = 2m\left[q_k\!\left(\frac{g}{2m} + \frac12 + N\right) - \frac12\right],\ "
    r"m = \max|g|,\ N \sim U\!\left(-\tfrac12, \tfrac12\right)/(2^k-1)",
}


@dataclass(frozen=True, kw_only=True)
class Dorefa(Quantizer):
    """The quantizers of weights, activations and gradients of DoReFa-Net.

    Parameters
    ----------
    role : {"weight", "activation", "gradient"}
        Gradients are quantized for each sample (axis 0), with uniform noise.
    bits : int
        From 1 to 16. (32 means off: use no quantizer.)
    rounding : {"even", "away"}
        What round does with a half.
    deterministic : bool
        Gradients without noise, as the ablation.
    maximum : {"differentiated", "constant"}
        Whether the gradient of k-bit weights flows through max|tanh w|.

    Source: Zhou et al. 2016 (arXiv:1606.06160), sections 2.2 to 2.5.
    """

    name = "dorefa"
    summary = "k-bit weights, activations and gradients"
    sources = (cite("zhou2016dorefa", "sections 2.2 to 2.5"),)

    role: str = "weight"
    bits: int = 2
    rounding: str = "even"
    deterministic: bool = False
    maximum: str = "differentiated"

    def __post_init__(self) -> None:
        check_choice(self.role, "role", ("weight", "activation", "gradient"))
        check_choice(self.rounding, "rounding", ("even", "away"))
        check_choice(self.maximum, "maximum", ("differentiated", "constant"))
        check_flag(self.deterministic, "deterministic")
        if self.bits == 32:
            raise InvalidInput("bits = 32 means off: use no quantizer there (allowed: 1 to 16)")
        object.__setattr__(self, "bits", check_integer(self.bits, "bits", 1, 16))
        if self.deterministic and self.role != "gradient":
            raise InvalidInput('deterministic is for role="gradient"; the others have no noise')

    @property
    def _top(self) -> int:
        return (1 << self.bits) - 1

    @property
    def codes(self) -> range:
        """Activations 0, .., 2^k - 1; weights and gradients the odd numbers -(2^k-1), .., 2^k-1."""
        if self.role == "activation":
            return range(self._top + 1)
        return range(-self._top, self._top + 1, 2)

    @property
    def group(self) -> str:
        """Gradients share m within a sample, weights within the layer."""
        return "channel" if self.role == "gradient" else "layer"

    @property
    def grain(self) -> str:
        """An entry of the activations, a sample of the gradients."""
        return {"activation": "entry", "gradient": "channel"}.get(self.role, "array")

    @property
    def is_stochastic(self) -> bool:
        """Whether encoding draws random numbers."""
        return self.role == "gradient" and not self.deterministic

    @property
    def projection(self) -> bool:
        """False for k-bit weights (tanh is applied again) and under noise (rounding meets it)."""
        if self.role == "weight":
            return self.bits == 1
        return not self.is_stochastic

    @property
    def homogeneous(self) -> bool:
        """True for binary weights and for gradients, whose scales follow the data."""
        return self.role == "gradient" or (self.role == "weight" and self.bits == 1)

    def _odd_codes(self, b: Any, y: Array) -> Array:
        """Return 2 round(y + q/2) - q with q = 2^k - 1, formed around 0: tiny y keep their sign.

        A half is met where y is an integer j; its neighbours are 2^(k-1) + j and the one below.
        """
        low = b.floor(y)
        place = low + 2 ** (self.bits - 1)
        if self.rounding == "even":
            odd = b.mask(place != 2 * b.floor(place / 2), y)
            place = place - odd * b.mask(low == y, y)
        return 2 * b.clip(place, 0, self._top) - self._top

    def _ratio(self, b: Any, x: Array, largest: Array) -> Array:
        """Return x / largest, and 0 in a group of zeros."""
        return x / b.where(largest > 0, largest, b.table(1.0, x))

    def rule_encode(
        self, b: Any, x: Array, parameters: dict[str, Array], noise: Array | None
    ) -> tuple[Array, dict[str, Any]]:
        """Return the codes of the role."""
        axes = axes_of(x, self.group)
        one = b.table(1.0, x)
        if self.role == "activation":
            y = self._top * b.clip(x, 0, 1)
            codes = b.round(y) if self.rounding == "even" else _half_up(b, y)
            return codes, {"scale": one, "divisor": self._top}
        if self.role == "weight" and self.bits == 1:
            return sign(b, x), {"scale": b.cast(mean_abs(b, x, axes), x)}
        if self.role == "weight":
            t = b.tanh(x)
            y = self._top * (self._ratio(b, t, b.amax(b.abs(t), axes)) / 2)
            return self._odd_codes(b, y), {"scale": one, "divisor": self._top}
        largest = b.amax(b.abs(x), axes)
        y = self._top * (self._ratio(b, b.double(x), b.double(largest)) / 2)
        if noise is not None:
            y = y + (noise - 0.5)
        codes = b.cast(self._odd_codes(b, y), x)
        return b.where(largest > 0, codes, one), {"scale": largest, "divisor": self._top}

    def rule_backward(
        self, b: Any, x: Array, upstream: Array, parameters: dict[str, Array]
    ) -> tuple[Array, dict[str, Array]]:
        """Straight through q_k; exactly through tanh, the maximum and the clip."""
        if self.role == "activation":
            return upstream * b.mask((x >= 0) & (x <= 1), x), {}
        if self.role == "gradient" or self.bits == 1:
            return upstream, {}
        axes = axes_of(x, self.group)
        t = b.tanh(x)
        largest = b.amax(b.abs(t), axes)
        regular = largest >= b.smallest(x)  # below, 1/largest need not be finite
        safe = b.where(regular, largest, b.table(1.0, x))
        inner = upstream / safe
        if self.maximum == "differentiated":
            shared = b.cast(b.sum(upstream * (t / safe), axes), x) / safe
            inner = inner - b.first_of(b.abs(t) == largest, x) * sign(b, x) * shared
        return inner * (1 - t * t) * b.mask(regular, x), {}

    def describe(self) -> Description:
        """Return the forward and backward maps in LaTeX, the source and the hidden defaults."""
        binary = self.role == "weight" and self.bits == 1
        backward = {
            "weight": r"\frac{\partial C}{\partial w_i} = (1-t_i^2)\left[\frac{g_i}{\mu} - "
            r"\delta_{i i^*}\frac{\operatorname{sign}(t_i)}{\mu^2}\sum_j g_j t_j\right],\ "
            r"t = \tanh w,\ \mu = |t_{i^*}| = \max|t|,\ g = \partial C/\partial Q",
            "activation": r"\partial C/\partial x = 1[0 \le x \le 1]\;\partial C/\partial Q(x)",
            "gradient": r"\text{applied in the backward pass; as a map it is straight through}",
        }[self.role]
        if self.role == "weight" and not binary and self.maximum == "constant":
            backward = r"\partial C/\partial w_i = (1-t_i^2)\,g_i/\max|t|,\ t = \tanh w"
        return self._describe(
            forward=_FORWARD["binary" if binary else self.role],
            backward=r"\partial C/\partial w = \partial C/\partial Q(w)" if binary else backward,
            defaults=(
                "round half to even (rounding='away' for half away from zero)",
                "binary weights share one scale over the whole layer",
                "k-bit weights have no level 0: w = 0 gives +1/(2^k - 1), in an all-zero layer too",
                "the maximum is differentiated, at its first place on a tie; "
                "a layer of zeros (or denormals) gets gradient 0",
                "gradients: one m a sample (axis 0), m = 0 gives 0; N uniform, so unbiased",
                "no clipping of parameters, no cancelling of gradients; first and last layer real",
            ),
            optimality={
                "weight": "Binary: mean|w| is the least-squares scale of sign(w). k bits: nearest "
                "level after tanh.",
                "activation": "The nearest of 2^k evenly spaced values in [0, 1].",
                "gradient": "E Q(g) = g: the noise makes the rounding unbiased.",
            }[self.role],
        )


def _half_up(b: Any, y: Array) -> Array:
    """Round y >= 0 with halves upwards; y - floor(y) is exact, where y + 1/2 would round."""
    low = b.floor(y)
    return low + b.mask(y - low >= 0.5, y)
