"""Symmetric k-bit quantization whose scale is a power of two: rescaling is a shift."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qexpr.core.papers import cite
from qexpr.quantizers.backend import Array
from qexpr.quantizers.base import Quantizer
from qexpr.quantizers.description import Description
from qexpr.quantizers.groups import axes_of, count, unit
from qexpr.quantizers.options import check_choice, check_integer

__all__ = ["PowerOfTwo"]


@dataclass(frozen=True, kw_only=True)
class PowerOfTwo(Quantizer):
    """2^e clip(round(x / 2^e), -q, q), q = 2^(k-1) - 1.

    Parameters
    ----------
    bits : int
        From 2 to 16.
    per : {"layer", "channel"}
    scale : {"min-max", "mse"}
        The smallest power that clips nothing, or the one of least squared error.

    Source: Jain et al. 2020 (arXiv:1903.08066), section 3.
    """

    name = "power-of-two"
    summary = "k bits with a power of two as scale"
    sources = (
        cite(
            "jain2020tqt",
            "section 3 (power-of-two scale factors)",
            recalled=0.85,
            note="the paper trains the threshold; the two choices of e here follow from the data",
        ),
    )

    bits: int = 8
    per: str = "layer"
    scale: str = "min-max"
    role: str = "weight"

    def __post_init__(self) -> None:
        object.__setattr__(self, "bits", check_integer(self.bits, "bits", 2, 16))
        check_choice(self.per, "per", ("layer", "channel"))
        check_choice(self.scale, "scale", ("min-max", "mse"))
        check_choice(self.role, "role", ("weight", "activation"))

    @property
    def codes(self) -> range:
        """-(2^(k-1) - 1), .., 2^(k-1) - 1."""
        top = 2 ** (self.bits - 1) - 1
        return range(-top, top + 1)

    def rule_encode(
        self, b: Any, x: Array, parameters: dict[str, Array], noise: Array | None
    ) -> tuple[Array, dict[str, Any]]:
        """Return round(x / 2^e) within the codes."""
        axes = axes_of(x, self.per)
        largest = b.amax(b.abs(x), axes)
        exponent = self._no_clipping(b, largest)
        if self.scale == "mse":
            exponent = self._least_error(b, x, axes, exponent)
        smallest, most = (-149, 128) if "32" in str(x.dtype) else (-1074, 1024)
        # 2^e and q 2^e stay representable
        exponent = b.clip(exponent, smallest, most - self.bits + 1)
        codes = b.clip(b.round(b.ldexp(x, -exponent)), self.codes[0], self.codes[-1])
        scale = b.ldexp(1 + 0 * largest, exponent) * b.mask(largest > 0, x)
        return codes, {"scale": scale}

    def _no_clipping(self, b: Any, largest: Array) -> Array:
        """Return the least e with q 2^e >= max|x|, by comparing mantissas."""
        mantissa, exponent = b.frexp(largest)
        # q = (1 - 2^-(bits-1)) 2^(bits-1)
        above = b.mask(mantissa > 1 - 2.0 ** (1 - self.bits), largest)
        return b.cast(exponent, largest) - (self.bits - 1) + above

    def _least_error(self, b: Any, x: Array, axes: tuple[int, ...], start: Array) -> Array:
        """Return the exponent of least squared error.

        Above `start` nothing is gained, the grids being nested. One step below, the largest entry
        alone explains q^2 4^start / 4; at 2^(start - j) all of them explain at most
        2 n q^2 4^start 2^-j. So the optimum has 2^j <= 8 n.
        """
        scaled, unit_exponent = unit(b, x, axes)
        relative = b.double(start) - b.double(unit_exponent)
        best, least = relative, None
        for lower in range((8 * count(x, axes)).bit_length() + 1):
            step = b.ldexp(1 + 0 * relative, relative - lower)
            codes = b.clip(b.round(scaled / step), self.codes[0], self.codes[-1])
            error = b.sum((scaled - step * codes) ** 2, axes)
            if least is None:
                least = error
                continue
            best = b.where(error < least, relative - lower, best)
            least = b.minimum(error, least)
        return b.cast(best + b.double(unit_exponent), x)

    def describe(self) -> Description:
        """Return the forward and backward maps in LaTeX, the source and the hidden defaults."""
        power = (
            r"e = \lceil \log_2(\max|x|/q) \rceil"
            if self.scale == "min-max"
            else r"e = \arg\min_e \sum_i (x_i - Q(x_i))^2"
        )
        return self._describe(
            forward=r"Q(x) = 2^e \operatorname{clip}(\operatorname{round}(x/2^e), -q, q),\ "
            r"q = 2^{k-1}-1,\ " + power,
            backward=r"\partial C/\partial x = \partial C/\partial Q(x)",
            defaults=(
                "the codes are symmetric; round half to even; straight through",
                "an all-zero group has scale 0 and codes 0",
            ),
            optimality=(
                "The power of two of least squared error."
                if self.scale == "mse"
                else "The smallest power of two that clips nothing."
            ),
        )
