"""Ternary weights with one scale: Li and Liu 2016."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from qexpr.core.papers import cite
from qexpr.errors import InvalidInput
from qexpr.quantizers.backend import Array
from qexpr.quantizers.base import Quantizer
from qexpr.quantizers.description import Description
from qexpr.quantizers.groups import axes_of, flatten, mean_abs, unit
from qexpr.quantizers.options import check_choice, check_real

__all__ = ["TernaryWeights", "ternary_signs"]

_FACTOR = 0.7


def ternary_signs(b: Any, x: Array, threshold: Array) -> Array:
    """Return +1 where x > threshold, -1 where x < -threshold, and 0 elsewhere."""
    return b.mask(x > threshold, x) - b.mask(x < -threshold, x)


def _exact_threshold(b: Any, x: Array, axes: tuple[int, ...]) -> Array:
    """Return the D that maximises (sum of |w| over |w| > D)^2 / #{|w| > D}, by sorting.

    With the magnitudes in falling order a_1 >= a_2 >= ..., D = a_{k+1} keeps the first k (D = 0
    keeps all); equal magnitudes stay together, so only k with a_k > a_{k+1} compete. The first
    maximum is the smallest k.
    """
    magnitudes = b.falling(flatten(b.abs(x), axes))
    following = b.append_zero(magnitudes[..., 1:])
    scaled, _ = unit(b, magnitudes, (1,))
    kept = b.table(np.arange(1, magnitudes.shape[-1] + 1), scaled)
    objective = b.cumsum(scaled) ** 2 / kept
    objective = b.where(magnitudes > following, objective, b.table(-1.0, objective))
    threshold = b.take(following, b.argmax(objective))
    shape = tuple(1 if axis in axes else x.shape[axis] for axis in range(x.ndim))
    return threshold.reshape(shape)


@dataclass(frozen=True, kw_only=True)
class TernaryWeights(Quantizer):
    """alpha t with t in {-1, 0, 1}: t = sign(w) where |w| > D, alpha the mean of those |w|.

    Parameters
    ----------
    threshold : {"approx", "exact"}
        D = factor * mean|w|, the paper's default, or the D of least squares.
    per : {"layer", "channel"}
        Who shares D and alpha; the paper's is the layer.
    factor : float
        0.7 in the paper, 0.75 in its code. Only for ``threshold="approx"``.

    Source: Li and Liu 2016 (arXiv:1605.04711), section 2.
    """

    name = "twn"
    summary = "ternary weights, one scale by least squares"
    sources = (cite("li2016ternary", "section 2 (threshold-based ternary weights)"),)

    threshold: str = "approx"
    per: str = "layer"
    factor: float = _FACTOR

    def __post_init__(self) -> None:
        check_choice(self.threshold, "threshold", ("approx", "exact"))
        check_choice(self.per, "per", ("layer", "channel"))
        object.__setattr__(self, "factor", check_real(self.factor, "factor", above=0))
        if self.threshold == "exact" and self.factor != _FACTOR:
            raise InvalidInput('factor is for threshold="approx"; leave it out with "exact"')

    @property
    def codes(self) -> range:
        """-1, 0 and +1."""
        return range(-1, 2)

    @property
    def homogeneous(self) -> bool:
        """True: D and alpha scale with the weights."""
        return True

    @property
    def grain(self) -> str:
        """A channel, where it has its own scale."""
        return "channel" if self.per == "channel" else "array"

    def rule_encode(
        self, b: Any, x: Array, parameters: dict[str, Array], noise: Array | None
    ) -> tuple[Array, dict[str, Any]]:
        """Return t and alpha."""
        axes = axes_of(x, self.per)
        if self.threshold == "exact":
            limit = _exact_threshold(b, x, axes)
        else:
            limit = self.factor * mean_abs(b, x, axes)
        codes = ternary_signs(b, x, limit)
        scaled, exponent = unit(b, b.abs(x), axes)
        kept = b.sum(b.abs(codes), axes)
        mean = b.sum(scaled * b.abs(codes), axes) / b.maximum(kept, b.table(1.0, kept))
        return codes, {"scale": b.cast(b.ldexp(mean, exponent), x)}

    def describe(self) -> Description:
        """Return the forward and backward maps in LaTeX, the source and the hidden defaults."""
        exact = r"\Delta = \arg\max_D \Bigl(\sum_{|w_i|>D}|w_i|\Bigr)^2 \big/ \#\{i : |w_i|>D\}"
        limit = (
            exact
            if self.threshold == "exact"
            else rf"\Delta = {self.factor:g}\,\tfrac1n\sum_i|w_i|"
        )
        return self._describe(
            forward=(
                r"Q(w)_i = \alpha t_i,\ t_i = \operatorname{sign}(w_i)\,1[|w_i|>\Delta],\ "
                r"\alpha = \operatorname{mean}\{|w_i| : |w_i|>\Delta\},\ " + limit
            ),
            backward=r"\partial C/\partial w = \partial C/\partial Q(w)",
            defaults=(
                "factor 0.7 in the paper, 0.75 in its code (factor=0.75)",
                "one scale for each layer; per='channel' gives one for each output channel",
                "|w| = D becomes 0; equal magnitudes move together; "
                "the smallest support on equal objective",
                "an all-zero group has scale 0 and codes 0",
            ),
            optimality=(
                "(alpha, t) minimises ||w - alpha t||^2 over alpha >= 0 and t in {-1, 0, 1}^n."
                if self.threshold == "exact"
                else "alpha is the least-squares scale for its t; for N(0, s^2) the best D is "
                "0.7670322388 E|w|, and 0.7 E|w| costs 0.19162477 against 0.19017404."
            ),
        )
