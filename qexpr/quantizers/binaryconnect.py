"""Binary weights, deterministic or stochastic: Courbariaux, Bengio and David 2015."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qexpr.core.papers import cite
from qexpr.quantizers.backend import Array
from qexpr.quantizers.base import Quantizer
from qexpr.quantizers.description import Description
from qexpr.quantizers.groups import sign
from qexpr.quantizers.options import check_flag

__all__ = ["STOCHASTIC_FORWARD", "BinaryConnect", "stochastic_sign"]

STOCHASTIC_FORWARD = (
    r"Q(x) = +1 \text{ with probability } \operatorname{clip}((x+1)/2, 0, 1),"
    r"\ -1 \text{ otherwise}"
)


def stochastic_sign(b: Any, x: Array, noise: Array) -> Array:
    """Return +1 where uniform noise on [0, 1) is below clip((x + 1)/2, 0, 1), and -1 elsewhere.

    Courbariaux, Bengio and David 2015, eqs. 2 and 3.
    """
    return 2 * b.mask(noise < b.clip((b.double(x) + 1) / 2, 0, 1), x) - 1


@dataclass(frozen=True, kw_only=True)
class BinaryConnect(Quantizer):
    """sign(w), or +1 with probability clip((w + 1)/2, 0, 1).

    Parameters
    ----------
    stochastic : bool

    Source: Courbariaux, Bengio and David 2015 (arXiv:1511.00363), section 2.
    """

    name = "binaryconnect"
    summary = "binary weights, deterministic or stochastic"
    sources = (cite("courbariaux2015binaryconnect", "section 2.2, eqs. 1 to 3"),)

    stochastic: bool = False

    def __post_init__(self) -> None:
        check_flag(self.stochastic, "stochastic")

    @property
    def codes(self) -> range:
        """-1 and +1."""
        return range(-1, 2, 2)

    @property
    def grain(self) -> str:
        """An entry: there is no scale."""
        return "entry"

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

    def describe(self) -> Description:
        """Return the forward and backward maps in LaTeX, the source and the hidden defaults."""
        return self._describe(
            forward=STOCHASTIC_FORWARD
            if self.stochastic
            else r"Q(x) = \operatorname{sign}(x),\ \operatorname{sign}(0) = +1",
            backward=r"\partial C/\partial x = \partial C/\partial Q(x)",
            defaults=(
                "no scale: the values are -1 and +1",
                "w is clipped to [-1, 1] after every update",
                "the update is multiplied by 1/g with Adam and by 1/g^2 with SGD, "
                "g = sqrt(1.5/(fan_in + fan_out))",
            ),
            optimality=(
                "E Q(w) = clip(w, -1, 1): unbiased on [-1, 1]."
                if self.stochastic
                else "sign(w) is the nearest of -1 and +1."
            ),
        )
