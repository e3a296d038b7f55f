"""Half-wave Gaussian quantization of activations: Cai, He, Sun and Vasconcelos 2017."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from qexpr.core.papers import cite
from qexpr.quantizers.backend import Array
from qexpr.quantizers.base import Quantizer
from qexpr.quantizers.constants import HWGQ_LEVELS, HWGQ_STEPS
from qexpr.quantizers.description import Description
from qexpr.quantizers.options import check_choice, check_flag, check_integer

__all__ = ["HalfWaveGaussian"]

_BACKWARD = {
    "vanilla": r"\frac{\partial C}{\partial x} = 1[x > 0]\,\frac{\partial C}{\partial Q(x)}",
    "clipped": r"\frac{\partial C}{\partial x} = "
    r"1[0 < x \le q_m]\,\frac{\partial C}{\partial Q(x)}",
    "log-tailed": r"\frac{\partial C}{\partial x} = \left(1[0 < x \le q_m] + "
    r"\frac{1[x > q_m]}{x - q_m + 1}\right)\frac{\partial C}{\partial Q(x)}",
}


@dataclass(frozen=True, kw_only=True)
class HalfWaveGaussian(Quantizer):
    """0 for x <= 0, else the nearest of 2^b - 1 positive levels, optimal for N(0, 1).

    Parameters
    ----------
    bits : int
        From 1 to 8.
    uniform : bool
        Levels i * step, or the Lloyd-Max levels.
    backward : {"vanilla", "clipped", "log-tailed"}

    Source: Cai et al. 2017 (arXiv:1702.00953), sections 3 and 4.
    """

    name = "hwgq"
    summary = "activations, the levels optimal for a half-wave Gaussian"
    sources = (cite("cai2017hwgq", "sections 3 and 4 (forward and backward approximations)"),)

    role: str = "activation"
    bits: int = 2
    uniform: bool = True
    backward: str = "clipped"

    def __post_init__(self) -> None:
        check_choice(self.role, "role", ("activation",))
        object.__setattr__(self, "bits", check_integer(self.bits, "bits", 1, 8))
        check_flag(self.uniform, "uniform")
        check_choice(self.backward, "backward", tuple(_BACKWARD))

    @property
    def codes(self) -> range:
        """The places of the levels, 0 being the value 0."""
        return range(2**self.bits)

    @property
    def positive_levels(self) -> np.ndarray:
        """The positive levels in float64."""
        if self.uniform:
            return float(HWGQ_STEPS[self.bits - 1]) * np.arange(1, 2**self.bits)
        return np.array([float(text) for text in HWGQ_LEVELS[self.bits - 1]])

    @property
    def grain(self) -> str:
        """An entry: the levels are given."""
        return "entry"

    def rule_encode(
        self, b: Any, x: Array, parameters: dict[str, Array], noise: Array | None
    ) -> tuple[Array, dict[str, Any]]:
        """Count the thresholds below x: 0 and the midpoints, a tie going down."""
        levels = self.positive_levels
        thresholds = np.append(0.0, (levels[1:] + levels[:-1]) / 2)
        codes = b.bucket(x, b.table(thresholds, x), closed_above=True)
        if self.uniform:
            return codes, {"scale": b.table(levels[0], x)}
        table = b.table(np.append(0.0, levels), x)
        return codes, {"scale": b.table(1.0, x), "levels": table}

    def rule_decode(self, b: Any, codes: Array, parts: dict[str, Any]) -> Array:
        """Return code * step, or the level at the code's place."""
        if "levels" in parts:
            return b.lookup(parts["levels"], codes) * parts["scale"]
        return codes * parts["scale"]

    def rule_backward(
        self, b: Any, x: Array, upstream: Array, parameters: dict[str, Array]
    ) -> tuple[Array, dict[str, Array]]:
        """Return the gradient in the form chosen."""
        positive = b.mask(x > 0, x)
        if self.backward == "vanilla":
            return upstream * positive, {}
        top = b.table(self.positive_levels[-1], x)
        if self.backward == "clipped":
            return upstream * positive * b.mask(x <= top, x), {}
        return upstream * positive / (b.maximum(x - top, b.table(0.0, x)) + 1), {}

    def describe(self) -> Description:
        """Return the forward and backward maps in LaTeX, the source and the hidden defaults."""
        kind = (
            rf"q_i = i\,\Delta,\ \Delta = {float(HWGQ_STEPS[self.bits - 1]):.10g}"
            if self.uniform
            else r"q_i \text{ from Lloyd's algorithm on } \mathcal N(0,1) \mid x > 0"
        )
        return self._describe(
            forward=r"Q(x) = 0\ (x \le 0),\ q_i\ (t_i < x \le t_{i+1}),\ t_1 = 0,\ "
            r"t_{i+1} = \tfrac12(q_i + q_{i+1}),\ " + kind,
            backward=_BACKWARD[self.backward],
            defaults=(
                "the levels are those of N(0, 1): batch norm without affine part before",
                "positive inputs never become 0: the first threshold is 0",
                "weights by bwn with the plain gradient",
                "the clipped backward form is the default",
            ),
            optimality=(
                "The step minimises E(x - Q(x))^2 over N(0, 1), x > 0."
                if self.uniform
                else "Lloyd's conditions: levels are centroids, thresholds midpoints; the density "
                "is log-concave, so they single out the minimum of E(x - Q(x))^2."
            ),
        )
