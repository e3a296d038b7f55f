"""Binarized networks: Courbariaux, Hubara, Soudry, El-Yaniv and Bengio 2016."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qexpr.errors import InvalidInput
from qexpr.quantizers.backend import Array
from qexpr.quantizers.base import Quantizer
from qexpr.quantizers.binaryconnect import stochastic_sign
from qexpr.quantizers.description import Description
from qexpr.quantizers.groups import sign
from qexpr.quantizers.options import check_choice, check_flag
from qexpr.quantizers.sources import cite

__all__ = ["Binarized"]


@dataclass(frozen=True, kw_only=True)
class Binarized(Quantizer):
    """sign of weights or activations; the gradient of activations is cancelled outside [-1, 1].

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
    stochastic: bool = False

    def __post_init__(self) -> None:
        check_choice(self.role, "role", ("weight", "activation"))
        check_flag(self.stochastic, "stochastic")
        if self.stochastic and self.role == "weight":
            raise InvalidInput('stochastic is for role="activation"; for weights use binaryconnect')

    @property
    def codes(self) -> range:
        """-1 and +1."""
        return range(-1, 2, 2)

    @property
    def is_stochastic(self) -> bool:
        """Whether encoding draws random numbers."""
        return self.stochastic

    @property
    def projection(self) -> bool:
        """True: the values -1 and +1 are kept, also by the stochastic form."""
        return True

    def rule_encode(
        self, b: Any, x: Array, parameters: dict[str, Array], noise: Array | None
    ) -> tuple[Array, dict[str, Any]]:
        """Return the signs."""
        signs = sign(b, x) if noise is None else stochastic_sign(b, x, noise)
        return signs, {"scale": b.table(1.0, x)}

    def rule_backward(
        self, b: Any, x: Array, upstream: Array, parameters: dict[str, Array]
    ) -> tuple[Array, dict[str, Array]]:
        """Straight through for weights, cancelled where |x| > 1 for activations."""
        if self.role == "weight":
            return upstream, {}
        return upstream * b.mask(b.abs(x) <= 1, x), {}

    def describe(self) -> Description:
        """Return the forward and backward maps in LaTeX, the source and the hidden defaults."""
        random = (
            r"Q(x) = +1 \text{ with probability } \operatorname{clip}((x+1)/2, 0, 1),"
            r"\ -1 \text{ otherwise}"
        )
        cancelled = r"\partial C/\partial x = 1[|x| \le 1]\;\partial C/\partial Q(x)"
        return self._describe(
            forward=random
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
