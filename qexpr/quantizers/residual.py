"""Residual binarization: Ghasemzadeh, Samragh and Koushanfar 2017 (ReBNet, first ResBinNet)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from qexpr.core.papers import cite
from qexpr.errors import InvalidInput, Unsupported
from qexpr.quantizers.backend import NUMPY, Array
from qexpr.quantizers.base import Quantizer
from qexpr.quantizers.description import Description
from qexpr.quantizers.groups import sign
from qexpr.quantizers.options import check_choice, check_integer, check_real, check_reals

__all__ = ["Residual"]


@dataclass(frozen=True, kw_only=True)
class Residual(Quantizer):
    """A sum of `levels` signs, each of what the ones before left over, times learned scales.

    r_0 = x, r_e = r_{e-1} - |gamma_e| sign(r_{e-1}), Q(x) = sum_e |gamma_e| sign(r_{e-1}).

    Parameters
    ----------
    levels : int
        M, from 1 to 16: binary terms, so 2^M values. Weights take 1 (ReBNet's form).
    gamma : sequence of float, optional
        The learned scales, used as magnitudes; (M, .., 1)/sum at the start, which is 1 for M = 1.
    role : {"activation", "weight"}
    temperature : float
        For weights: ResBinNet's gradual binarization, |gamma| tanh(w/T) while T > 0. T must reach
        0 before the weights are encoded.

    Source: Ghasemzadeh et al. 2018 (arXiv:1711.01243), section 3.
    """

    name = "residual"
    summary = "residual binarization with learned scales"
    sources = (
        cite(
            "ghasemzadeh2018rebnet",
            "section III (v1: ResBinNet; later ReBNet)",
            note="the form tanh(w/T) of the gradual binarization is a paraphrase of v1",
        ),
    )

    levels: int | None = None
    gamma: tuple[float, ...] | None = None
    role: str = "activation"
    temperature: float = 0.0

    def __post_init__(self) -> None:
        check_choice(self.role, "role", ("activation", "weight"))
        default = 1 if self.role == "weight" else 2
        if self.levels is None and self.gamma is not None and np.ndim(self.gamma) == 1:
            default = len(self.gamma)
        levels = check_integer(default if self.levels is None else self.levels, "levels", 1, 16)
        start = np.arange(levels, 0, -1) / sum(range(levels + 1))
        gamma = check_reals(start if self.gamma is None else self.gamma, "gamma", levels)
        temperature = check_real(self.temperature, "temperature")
        if temperature < 0 or (temperature and (self.role != "weight" or levels != 1)):
            raise InvalidInput(
                'temperature must be 0, or positive with role="weight" and levels=1, '
                f"got {temperature:g}"
            )
        object.__setattr__(self, "levels", levels)
        object.__setattr__(self, "gamma", gamma)
        object.__setattr__(self, "temperature", temperature)

    @property
    def codes(self) -> range:
        """M bits, the first sign the most significant, 1 for +1."""
        return range(2**self._count)

    @property
    def _count(self) -> int:
        return len(self.gamma or ())

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """gamma, one entry a level."""
        return {"gamma": np.asarray(self.gamma, dtype=np.float64)}

    @property
    def projection(self) -> bool:
        """Whether each |gamma_e| is above the sum of the following: signs are found again."""
        size = np.abs(self.parameters["gamma"])
        later = np.append(np.cumsum(size[::-1])[::-1][1:], 0.0)
        # strict, since equality makes sums that vanish, and rounding decides their sign
        return not self.temperature and bool(np.all(size > later))

    @property
    def monotone(self) -> bool:
        """Whether each |gamma_e| is at least the sum of the following ones."""
        return self.projection or bool(self.temperature)

    def _signs(self, b: Any, x: Array, gamma: Array) -> tuple[list[Array], list[Array]]:
        """Return the signs of each level and the residuals that they are the signs of."""
        signs, residuals = [], [x]
        for level in range(self._count):
            signs.append(sign(b, residuals[-1]))
            residuals.append(residuals[-1] - b.abs(gamma[level]) * signs[-1])
        return signs, residuals

    def rule_encode(
        self, b: Any, x: Array, parameters: dict[str, Array], noise: Array | None
    ) -> tuple[Array, dict[str, Any]]:
        """Return the signs as the bits of a code, and |gamma|."""
        if self.temperature:
            raise Unsupported(
                f"temperature {self.temperature:g} gives values between the binary ones: "
                f"lower it to 0 before the weights are encoded"
            )
        signs, _ = self._signs(b, x, parameters["gamma"])
        codes = sum((s + 1) * 2 ** (self._count - 2 - level) for level, s in enumerate(signs))
        return codes, {"scale": b.abs(parameters["gamma"])}

    def rule_decode(self, b: Any, codes: Array, parts: dict[str, Any]) -> Array:
        """Return sum_e gamma_e s_e, the signs read from the bits."""
        scale = parts["scale"].reshape(-1)
        total = 0
        for level in range(self._count):
            weight = 2 ** (self._count - 1 - level)
            bit = b.floor(codes / weight)
            codes = codes - weight * bit
            total = total + scale[level] * (2 * bit - 1)
        return total

    def rule_forward(
        self, b: Any, x: Array, parameters: dict[str, Array], noise: Array | None
    ) -> Array:
        """Return the sum of signs, or the soft weights while the temperature is positive."""
        if self.temperature:
            return b.abs(parameters["gamma"][0]) * b.tanh(x / self.temperature)
        return super().rule_forward(b, x, parameters, noise)

    def quantize(self, x: Array, *, generator: np.random.Generator | None = None) -> np.ndarray:
        """Return the quantized values; while T > 0 the soft weights, for which no codes exist."""
        if not self.temperature:
            return super().quantize(x, generator=generator)
        from qexpr.quantizers.groups import check_array

        array = check_array(x, "x")
        return np.asarray(
            self.rule_forward(NUMPY, array, self._values(array), self._noise(array, generator)),
            dtype=array.dtype,
        )

    def rule_backward(
        self, b: Any, x: Array, upstream: Array, parameters: dict[str, Array]
    ) -> tuple[Array, dict[str, Array]]:
        """Return the gradients for x and gamma, residuals not detached.

        With m_e = 1[|r_{e-1}| <= 1] for the derivative of the sign, Q = x - r_M gives
        dQ/dx = 1 - prod_e (1 - |gamma_e| m_e), dQ/d|gamma_e| = s_e prod_{f>e} (1 - |gamma_f| m_f).
        """
        gamma = parameters["gamma"]
        orientation = sign(b, gamma)
        if self.temperature:
            soft = b.tanh(x / self.temperature)
            size = b.abs(gamma[0])
            slope = size * (1 - soft * soft) / self.temperature
            learned = b.total(soft * upstream, x) * orientation[0]
            return upstream * slope, {"gamma": b.stack([learned])}
        signs, residuals = self._signs(b, x, gamma)
        remaining = 1 + 0 * x
        grads = []
        for level in reversed(range(self._count)):
            grads.append(b.total(signs[level] * remaining * upstream, x) * orientation[level])
            inside = b.mask(b.abs(residuals[level]) <= 1, x)
            remaining = remaining * (1 - b.abs(gamma[level]) * inside)
        return upstream * (1 - remaining), {"gamma": b.stack(grads[::-1])}

    def describe(self) -> Description:
        """Return the forward and backward maps in LaTeX, the source and the hidden defaults."""
        hard = (
            r"Q(x) = \sum_{e=1}^M |\gamma_e|\,s_e,\ s_e = \operatorname{sign}(r_{e-1}),\ "
            r"r_0 = x,\ r_e = r_{e-1} - |\gamma_e|\,s_e"
        )
        back = (
            r"\frac{\partial Q}{\partial x} = 1 - \prod_{e}(1 - |\gamma_e| m_e),\quad "
            r"\frac{\partial Q}{\partial |\gamma_e|} = s_e \prod_{f>e} (1 - |\gamma_f| m_f),\quad "
            r"m_e = 1[|r_{e-1}| \le 1]"
        )
        soft = rf"Q(w) = |\gamma| \tanh(w/T),\ T = {self.temperature:g}"
        return self._describe(
            forward=soft if self.temperature else hard,
            backward=r"\frac{\partial Q}{\partial w} = |\gamma| (1 - \tanh^2(w/T))/T,\quad "
            r"\frac{\partial Q}{\partial |\gamma|} = \tanh(w/T)"
            if self.temperature
            else back,
            defaults=(
                "gamma starts at (M, .., 1)/sum and is used by magnitude",
                "one gamma a layer and level; weights have one level, its scale started at 1",
                "residuals are not detached; the sign's derivative is 1[|r| <= 1] at each level",
                "temperature 0: ReBNet's form; T > 0 is ResBinNet's gradual binarization",
            ),
            optimality=(
                "Greedy: each sign is the best for its residual. For N(0, 1) and M = 2 the greedy "
                "error is 0.130454 where two-means on |x| reach 0.117482."
            ),
        )
