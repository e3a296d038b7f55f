"""Evenly spaced levels: Fiesler, Choudry and Caulfield 1990."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from qexpr.core.papers import cite
from qexpr.quantizers.backend import Array
from qexpr.quantizers.base import Quantizer
from qexpr.quantizers.description import Description
from qexpr.quantizers.options import check_integer, check_real

__all__ = ["ContinuousDiscrete"]


@dataclass(frozen=True, kw_only=True)
class ContinuousDiscrete(Quantizer):
    """The nearest of `levels` evenly spaced values in [-w_max, w_max]; ties to the upper level.

    Parameters
    ----------
    levels : int
        From 2 to 65536. An even number has no level 0.
    w_max : float
        Fixed at the start of training, in which the real weights are clipped to [-w_max, w_max].

    Source: Fiesler, Choudry and Caulfield 1990, the continuous-discrete learning method.
    """

    name = "continuous-discrete"
    summary = "nearest of evenly spaced levels in [-w_max, w_max]"
    sources = (cite("fiesler1990weight", "the continuous-discrete learning method", recalled=0.9),)

    levels: int = 3
    w_max: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "levels", check_integer(self.levels, "levels", 2, 65536))
        object.__setattr__(self, "w_max", check_real(self.w_max, "w_max", above=0))

    @property
    def codes(self) -> range:
        """The numerators of the levels over levels - 1: -(levels-1), ..., levels-1 by twos."""
        return range(1 - self.levels, self.levels, 2)

    @property
    def grain(self) -> str:
        """An entry: the levels are given."""
        return "entry"

    def rule_encode(
        self, b: Any, x: Array, parameters: dict[str, Array], noise: Array | None
    ) -> tuple[Array, dict[str, Any]]:
        """Count the midpoints at or below x: a comparison, so that ties go up."""
        ends = np.arange(2 - self.levels, self.levels - 1, 2) / (self.levels - 1)
        place = b.bucket(x, b.table(self.w_max * ends, x), closed_above=False)
        return 2 * place - (self.levels - 1), {
            "scale": b.table(self.w_max, x),
            "divisor": self.levels - 1,
        }

    def describe(self) -> Description:
        """Return the forward and backward maps in LaTeX, the source and the hidden defaults."""
        return self._describe(
            forward=r"Q(w) = \arg\min_v |w - v|,\ "
            r"v \in \{w_{\max}(2j/(\lambda-1) - 1)\,:\,0 \le j < \lambda\}",
            backward=r"\partial C/\partial w = \partial C/\partial Q(w)",
            defaults=(
                "w_max is fixed at the start (the paper leaves it open)",
                "ties go to the upper level",
                "the real weights are clipped to [-w_max, w_max] after each update",
                "an even number of levels has no level 0",
            ),
            optimality="The nearest level is the best one for each weight, the levels being given.",
        )
