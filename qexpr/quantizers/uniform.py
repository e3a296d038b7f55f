"""Uniform k-bit quantization, affine or symmetric: the baseline after training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qexpr.core.papers import cite
from qexpr.errors import InvalidInput
from qexpr.quantizers.backend import Array
from qexpr.quantizers.base import Quantizer
from qexpr.quantizers.description import Description
from qexpr.quantizers.groups import axes_of, flatten, unit
from qexpr.quantizers.options import check_choice, check_flag, check_integer, check_real
from qexpr.quantizers.search import best_step

__all__ = ["Uniform"]

_PERCENTILE = 99.9


@dataclass(frozen=True, kw_only=True)
class Uniform(Quantizer):
    """Evenly spaced values over the range of the data.

    Parameters
    ----------
    bits : int
        From 2 (symmetric) or 1 (affine) to 16.
    symmetric : bool
        Codes -(2^(k-1) - 1), .., 2^(k-1) - 1 and no zero point, or codes 0, .., 2^k - 1 and an
        integer zero point, which represents 0 exactly.
    per : {"layer", "channel"}
    scale : {"min-max", "percentile", "mse"}
        The whole range; the range between percentiles, the rest clipped; or the step of least
        squared error (for the affine form, with the zero point of min-max).
    percentile : float
        For ``scale="percentile"``: of |x| (symmetric), or from 100 - p to p (affine).

    Source: Jacob et al. 2018 (arXiv:1712.05877), section 2.1.
    """

    name = "uniform"
    summary = "uniform k bits, symmetric or affine: min-max, percentile or least squares"
    sources = (
        cite(
            "jacob2018integer",
            "section 2.1 (affine map), section 3 (ranges)",
            recalled=0.9,
            note="percentile and least-squares scales are common practice, derived here",
        ),
    )

    bits: int = 8
    symmetric: bool = True
    per: str = "layer"
    scale: str = "min-max"
    percentile: float = _PERCENTILE
    role: str = "weight"

    def __post_init__(self) -> None:
        check_flag(self.symmetric, "symmetric")
        least = 2 if self.symmetric else 1
        object.__setattr__(self, "bits", check_integer(self.bits, "bits", least, 16))
        check_choice(self.per, "per", ("layer", "channel"))
        check_choice(self.scale, "scale", ("min-max", "percentile", "mse"))
        check_choice(self.role, "role", ("weight", "activation"))
        percentile = check_real(self.percentile, "percentile", above=50)
        if percentile > 100:
            raise InvalidInput(f"percentile must lie in (50, 100], got {percentile:g}")
        if self.scale != "percentile" and percentile != _PERCENTILE:
            raise InvalidInput('percentile is for scale="percentile"; leave it out')
        object.__setattr__(self, "percentile", percentile)

    @property
    def codes(self) -> range:
        """Symmetric around 0, or from 0."""
        if self.symmetric:
            top = 2 ** (self.bits - 1) - 1
            return range(-top, top + 1)
        return range(2**self.bits)

    @property
    def homogeneous(self) -> bool:
        """True: the scale follows the data."""
        return True

    @property
    def projection(self) -> bool:
        """True for the symmetric whole range; the others fit a new range to the result."""
        return self.symmetric and self.scale == "min-max"

    def rule_encode(
        self, b: Any, x: Array, parameters: dict[str, Array], noise: Array | None
    ) -> tuple[Array, dict[str, Any]]:
        """Return round(x / step) + zero point within the codes."""
        axes = axes_of(x, self.per)
        low, high = self._ends(b, x, axes)
        top = self.codes[-1]
        full = b.clip(high if self.symmetric else high - low, None, b.largest(x))
        zero = 0 * full if self.symmetric else b.round(-_ratio(b, low, full) * top)
        if self.scale == "mse":
            full = self._fitted(b, x, axes, zero, top)
        codes = b.clip(b.round(_ratio(b, x, full) * top) + zero, self.codes[0], top)
        parts = {"scale": full, "divisor": top}
        return codes, parts if self.symmetric else {**parts, "zero_point": zero}

    def _ends(self, b: Any, x: Array, axes: tuple[int, ...]) -> tuple[Array, Array]:
        """Return the ends of the range, which contains 0."""
        nothing = b.table(0.0, x)
        if self.scale == "percentile":
            rows = flatten(x, axes)
            shape = tuple(1 if axis in axes else x.shape[axis] for axis in range(x.ndim))
            share = self.percentile / 100
            if self.symmetric:
                return nothing, b.quantile(b.abs(rows), share).reshape(shape)
            low, high = b.quantile(rows, 1 - share), b.quantile(rows, share)
            return b.minimum(low, nothing).reshape(shape), b.maximum(high, nothing).reshape(shape)
        if self.symmetric:
            return nothing, b.amax(b.abs(x), axes)
        return b.minimum(b.amin(x, axes), nothing), b.maximum(b.amax(x, axes), nothing)

    def _fitted(self, b: Any, x: Array, axes: tuple[int, ...], zero: Array, top: int) -> Array:
        scaled, exponent = unit(b, x, axes)
        column = b.double(zero).reshape((-1, 1))
        rows = flatten(scaled, axes)
        step = best_step(b, rows, self.codes[0] - column, top - column, top)
        full = b.ldexp(step.reshape(zero.shape) * top, exponent)
        return b.cast(b.clip(full, None, b.largest(x)), x)

    def describe(self) -> Description:
        """Return the forward and backward maps in LaTeX, the source and the hidden defaults."""
        forward = (
            r"Q(x) = s\operatorname{clip}(\operatorname{round}(x/s), -q, q),\ q = 2^{k-1}-1,\ "
            if self.symmetric
            else r"Q(x) = s\,(\operatorname{clip}(\operatorname{round}(x/s) + z, 0, q) - z),\ "
            r"q = 2^k-1,\ "
        )
        ends = {
            "min-max": r"s = \max|x|/q" if self.symmetric else r"s = (x_{\max} - x_{\min})/q",
            "percentile": rf"s \text{{ from the {self.percentile:g}th percentile}}",
            "mse": r"s = \arg\min_s \sum_i (x_i - Q(x_i))^2",
        }
        return self._describe(
            forward=forward + ends[self.scale],
            backward=r"\partial C/\partial x = \partial C/\partial Q(x)",
            defaults=(
                "symmetric codes leave out -2^(k-1), so that they are symmetric",
                "the range always contains 0; affine: z = round(-x_min/s) represents it exactly",
                "round half to even; straight through, also where x is clipped",
                "mse is exact up to 2^21 (weights x codes), beyond that a search by zooming",
                "stored as full scale and divisor, so that the largest magnitude is exact",
            ),
            optimality=(
                "The step of least squared error for nearest codes."
                if self.scale == "mse"
                else "The nearest value for the step; min-max clips nothing, error at most s/2."
            ),
        )


def _ratio(b: Any, x: Array, full: Array) -> Array:
    """Return x / full, and x where the full scale is 0 (then x is 0, or all is clipped)."""
    return x / b.where(full > 0, full, b.table(1.0, full))
