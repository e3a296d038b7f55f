"""Activations with a learned clip: Choi et al. 2018."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from qexpr.core.papers import cite
from qexpr.quantizers.backend import Array
from qexpr.quantizers.base import Quantizer
from qexpr.quantizers.description import Description
from qexpr.quantizers.options import check_choice, check_integer, check_real

__all__ = ["LearnedClip"]


@dataclass(frozen=True, kw_only=True)
class LearnedClip(Quantizer):
    """clip(x, 0, alpha) rounded to 2^bits evenly spaced values, alpha learned.

    Parameters
    ----------
    bits : int
        From 1 to 16.
    alpha : float
        The value of the clip.

    Source: Choi et al. 2018 (arXiv:1805.06085), section 3.
    """

    name = "pact"
    summary = "k-bit activations with a learned clip"
    sources = (cite("choi2018pact", "section 3", recalled=0.95),)

    role: str = "activation"
    bits: int = 4
    alpha: float = 10.0

    def __post_init__(self) -> None:
        check_choice(self.role, "role", ("activation",))
        object.__setattr__(self, "bits", check_integer(self.bits, "bits", 1, 16))
        object.__setattr__(self, "alpha", check_real(self.alpha, "alpha", above=0))

    @property
    def codes(self) -> range:
        """0, .., 2^bits - 1."""
        return range(2**self.bits)

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """The clip."""
        return {"alpha": np.asarray(self.alpha, dtype=np.float64)}

    def rule_encode(
        self, b: Any, x: Array, parameters: dict[str, Array], noise: Array | None
    ) -> tuple[Array, dict[str, Any]]:
        """Return round((2^k - 1) clip(x/alpha, 0, 1))."""
        alpha = parameters["alpha"]
        top = self.codes[-1]
        return b.round(top * b.clip(x / alpha, 0, 1)), {"scale": alpha, "divisor": top}

    def rule_backward(
        self, b: Any, x: Array, upstream: Array, parameters: dict[str, Array]
    ) -> tuple[Array, dict[str, Array]]:
        """Straight through on [0, alpha); alpha gets the rest above."""
        above = b.mask(x >= parameters["alpha"], x)
        inside = b.mask(x >= 0, x) * (1 - above)
        return upstream * inside, {"alpha": b.total(upstream * above, x)}

    def describe(self) -> Description:
        """Return the forward and backward maps in LaTeX, the source and the hidden defaults."""
        return self._describe(
            forward=r"Q(x) = \frac{\alpha}{2^k-1}\operatorname{round}\!\left("
            r"\frac{2^k-1}{\alpha}\operatorname{clip}(x, 0, \alpha)\right)",
            backward=r"\frac{\partial Q}{\partial x} = 1[0 \le x < \alpha],\quad "
            r"\frac{\partial Q}{\partial \alpha} = 1[x \ge \alpha]",
            defaults=(
                "alpha starts at 10 where none is given (a choice made here)",
                "the paper adds an L2 penalty on alpha to the loss",
                "round half to even; one alpha a layer",
            ),
            optimality="The nearest of the values in [0, alpha]; alpha descends the task's loss.",
        )
