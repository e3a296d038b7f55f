"""Ternary weights with two learned scales: Zhu, Han, Mao and Dally 2017."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from qexpr.core.papers import cite
from qexpr.errors import InvalidInput
from qexpr.quantizers.backend import Array
from qexpr.quantizers.base import Quantizer
from qexpr.quantizers.description import Description
from qexpr.quantizers.groups import axes_of
from qexpr.quantizers.options import check_real
from qexpr.quantizers.twn import ternary_signs

__all__ = ["TrainedTernary"]


@dataclass(frozen=True, kw_only=True)
class TrainedTernary(Quantizer):
    """W_p where w > D, -W_n where w < -D, else 0; D = factor * max|w| of the layer.

    Parameters
    ----------
    factor : float
        The paper's t, in (0, 1).
    positive, negative : float
        The learned scales W_p and W_n, positive.

    Source: Zhu et al. 2017 (arXiv:1612.01064), section 3.
    """

    name = "ttq"
    summary = "ternary weights with two learned scales"
    sources = (
        cite(
            "zhu2017ttq",
            "section 3",
            recalled=0.95,
            note="the gradient of W_n is the derivative of -W_n: minus the sum over the negatives",
        ),
    )

    factor: float = 0.05
    positive: float = 1.0
    negative: float = 1.0

    def __post_init__(self) -> None:
        for name in ("factor", "positive", "negative"):
            object.__setattr__(self, name, check_real(getattr(self, name), name, above=0))
        if self.factor >= 1:
            raise InvalidInput(
                f"factor must lie in (0, 1), got {self.factor:g}: D >= max|w| leaves only zeros"
            )

    @property
    def codes(self) -> range:
        """-1, 0 and +1."""
        return range(-1, 2)

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """The two scales."""
        return {"positive": np.asarray(self.positive), "negative": np.asarray(self.negative)}

    @property
    def projection(self) -> bool:
        """Whether the smaller scale stays above factor times the larger one."""
        low, high = sorted((self.positive, self.negative))
        return low > 2 * self.factor * high  # twice, so that rounding never decides

    def _signs(self, b: Any, x: Array) -> Array:
        return ternary_signs(b, x, self.factor * b.amax(b.abs(x), axes_of(x, "layer")))

    def rule_encode(
        self, b: Any, x: Array, parameters: dict[str, Array], noise: Array | None
    ) -> tuple[Array, dict[str, Any]]:
        """Return the signs beyond the threshold, and the two scales."""
        return self._signs(b, x), {
            "scale": parameters["positive"],
            "negative": parameters["negative"],
        }

    def rule_decode(self, b: Any, codes: Array, parts: dict[str, Any]) -> Array:
        """Return W_p, 0 or -W_n."""
        up, down = b.mask(codes > 0, codes), b.mask(codes < 0, codes)
        return up * parts["scale"] - down * parts["negative"]

    def rule_backward(
        self, b: Any, x: Array, upstream: Array, parameters: dict[str, Array]
    ) -> tuple[Array, dict[str, Array]]:
        """Return the gradient for w, times the scale of its level, and for the scales."""
        signs = self._signs(b, x)
        up, down = b.mask(signs > 0, x), b.mask(signs < 0, x)
        factor = up * parameters["positive"] + down * parameters["negative"] + (1 - up - down)
        return upstream * factor, {
            "positive": b.total(upstream * up, x),
            "negative": -b.total(upstream * down, x),
        }

    def describe(self) -> Description:
        """Return the forward and backward maps in LaTeX, the source and the hidden defaults."""
        return self._describe(
            forward=r"Q(w) = W_p\ (w > \Delta),\ 0\ (|w| \le \Delta),\ -W_n\ (w < -\Delta),\ "
            rf"\Delta = {self.factor:g}\,\max|w|",
            backward=r"\frac{\partial C}{\partial w} = g \cdot (W_p,\ 1,\ W_n),\quad "
            r"\frac{\partial C}{\partial W_p} = \sum_{w_i > \Delta} g_i,\quad "
            r"\frac{\partial C}{\partial W_n} = -\sum_{w_i < -\Delta} g_i,\ "
            r"g = \frac{\partial C}{\partial Q}",
            defaults=(
                "factor t = 0.05; one threshold a layer",
                "the scales start at 1 where none are given (a choice made here)",
                "the scales stay positive: training must keep them so",
            ),
            optimality="The scales descend the task's loss; no least-squares claim is made.",
        )
