"""Learned step size: Esser, McKinstry, Bablani, Appuswamy and Modha 2020."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from qexpr.core.papers import cite
from qexpr.errors import InvalidInput
from qexpr.quantizers.backend import NUMPY, Array
from qexpr.quantizers.base import Quantizer
from qexpr.quantizers.description import Description
from qexpr.quantizers.groups import axes_of, check_array, count, mean_abs
from qexpr.quantizers.options import check_choice, check_flag, check_integer, check_real

__all__ = ["LearnedStep"]


@dataclass(frozen=True, kw_only=True)
class LearnedStep(Quantizer):
    """s round(clip(x/s, -Q_N, Q_P)) with a learned step s.

    Parameters
    ----------
    bits : int
        From 1 (unsigned) or 2 (signed) to 16.
    signed : bool, optional
        Q_N = 2^(b-1), Q_P = 2^(b-1) - 1 for weights; 0 and 2^b - 1 for activations (the defaults).
    step : float
        The value of s; `initial_step` gives the paper's start.
    role : {"weight", "activation"}
    gradient_scale : bool
        Multiply the step's gradient by 1/sqrt(N Q_P), N the number of weights, or of features of
        a sample.

    Source: Esser et al. 2020 (arXiv:1902.08153), section 2.
    """

    name = "lsq"
    summary = "k bits with a learned step"
    sources = (cite("esser2020lsq", "section 2 (step size gradient and its scale)"),)

    role: str = "weight"
    bits: int = 2
    signed: bool | None = None
    step: float = 1.0
    gradient_scale: bool = True

    def __post_init__(self) -> None:
        check_choice(self.role, "role", ("weight", "activation"))
        if self.signed is None:
            object.__setattr__(self, "signed", self.role == "weight")
        check_flag(self.signed, "signed")
        check_flag(self.gradient_scale, "gradient_scale")
        object.__setattr__(self, "bits", check_integer(self.bits, "bits", 1, 16))
        if self.signed and self.bits == 1:
            raise InvalidInput("signed lsq needs bits >= 2: one bit has no positive code (use bwn)")
        object.__setattr__(self, "step", check_real(self.step, "step", above=0))

    @property
    def codes(self) -> range:
        """-Q_N, .., Q_P."""
        if self.signed:
            return range(-(2 ** (self.bits - 1)), 2 ** (self.bits - 1))
        return range(2**self.bits)

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """The step."""
        return {"step": np.asarray(self.step, dtype=np.float64)}

    def initial_step(self, x: Array) -> float:
        """Return the paper's start of the step, 2 mean|x| / sqrt(Q_P)."""
        array = check_array(x, "x")
        mean = float(mean_abs(NUMPY, array, axes_of(array, "layer")).reshape(()))
        return 2 * mean / math.sqrt(self.codes[-1])

    def rule_encode(
        self, b: Any, x: Array, parameters: dict[str, Array], noise: Array | None
    ) -> tuple[Array, dict[str, Any]]:
        """Return round(clip(x/s))."""
        step = parameters["step"]
        return b.round(b.clip(x / step, self.codes[0], self.codes[-1])), {"scale": step}

    def rule_backward(
        self, b: Any, x: Array, upstream: Array, parameters: dict[str, Array]
    ) -> tuple[Array, dict[str, Array]]:
        """Return the gradients for x and for the step."""
        low, high = self.codes[0], self.codes[-1]
        ratio = x / parameters["step"]
        inside = b.mask((ratio > low) & (ratio < high), x)
        slope = b.round(b.clip(ratio, low, high)) - b.clip(ratio, low, high) * inside
        learned = b.total(upstream * slope, x)
        if self.gradient_scale:
            axes = axes_of(x, "layer" if self.role == "weight" else "channel")
            learned = learned / math.sqrt(count(x, axes) * high)
        return upstream * inside, {"step": learned}

    def describe(self) -> Description:
        """Return the forward and backward maps in LaTeX, the source and the hidden defaults."""
        scale = r"\,/\sqrt{N Q_P}" if self.gradient_scale else ""
        return self._describe(
            forward=r"Q(x) = s\operatorname{round}(\operatorname{clip}(x/s, -Q_N, Q_P)),\ "
            rf"Q_N = {-self.codes[0]},\ Q_P = {self.codes[-1]}",
            backward=r"\frac{\partial Q}{\partial x} = 1[-Q_N < x/s < Q_P],\quad "
            r"\frac{\partial Q}{\partial s} = \operatorname{round}(x/s) - x/s\ \text{inside},\ "
            rf"-Q_N,\ Q_P\ \text{{outside}}{scale}",
            defaults=(
                "the step starts at 2 mean|x| / sqrt(Q_P) (initial_step); 1 where none is given",
                "the step's gradient is multiplied by 1/sqrt(N Q_P) (gradient_scale=False: not)",
                "round half to even; one step a layer; first and last layer 8 bit in the paper",
            ),
            optimality="The nearest code for the step; the step itself descends the task's loss.",
        )
