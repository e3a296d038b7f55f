"""Binarized networks: Courbariaux, Hubara, Soudry, El-Yaniv and Bengio 2016."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qexpr.core.papers import cite
from qexpr.errors import InvalidInput
from qexpr.quantizers.backend import Array
from qexpr.quantizers.binaryconnect import STOCHASTIC_FORWARD, BinaryConnect
from qexpr.quantizers.description import Description
from qexpr.quantizers.options import check_choice

__all__ = ["Binarized"]


@dataclass(frozen=True, kw_only=True)
class Binarized(BinaryConnect):
    """The signs of `BinaryConnect`, with the gradient of activations cancelled outside [-1, 1].

    Parameters
    ----------
    role : {"weight", "activation"}
    stochastic : bool
        For activations in training only: +1 with probability clip((x + 1)/2, 0, 1).

    Source: Courbariaux et al. 2016 (arXiv:1602.02830), section 1.
    """

    name = "bnn"
    summary = "binary weights and activations with a cancelled gradient"
    sources = (cite("courbariaux2016binarized", "section 1.1, eqs. 1 and 2; section 1.3, eq. 4"),)

    role: str = "weight"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice(self.role, "role", ("weight", "activation"))
        if self.stochastic and self.role == "weight":
            raise InvalidInput('stochastic is for role="activation"; for weights use binaryconnect')

    def rule_backward(
        self, b: Any, x: Array, upstream: Array, parameters: dict[str, Array]
    ) -> tuple[Array, dict[str, Array]]:
        """Straight through for weights, cancelled where |x| > 1 for activations."""
        if self.role == "weight":
            return upstream, {}
        return upstream * b.mask(b.abs(x) <= 1, x), {}

    def describe(self) -> Description:
        """Return the forward and backward maps in LaTeX, the source and the hidden defaults."""
        cancelled = r"\partial C/\partial x = 1[|x| \le 1]\;\partial C/\partial Q(x)"
        return self._describe(
            forward=STOCHASTIC_FORWARD
            if self.stochastic
            else r"Q(x) = \operatorname{sign}(x),\ \operatorname{sign}(0) = +1",
            backward=r"\partial C/\partial w = \partial C/\partial Q(w)"
            if self.role == "weight"
            else cancelled,
            defaults=(
                "no scale: the values are -1 and +1",
                "weights are clipped to [-1, 1] after every update, which is multiplied by 1/g "
                "as in binaryconnect",
                "stochastic activations in training only; inference takes the sign",
                "the first layer takes 8-bit fixed-point inputs as bit planes",
            ),
            optimality="sign(x) is the nearest of -1 and +1; "
            "the stochastic form has E Q(x) = clip(x, -1, 1).",
        )
