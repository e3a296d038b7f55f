"""Binary weights with a least-squares scale: Rastegari, Ordonez, Redmon and Farhadi 2016."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from qexpr.core.papers import cite
from qexpr.quantizers.backend import Array
from qexpr.quantizers.base import Quantizer
from qexpr.quantizers.description import Description
from qexpr.quantizers.groups import axes_of, count, mean_abs, sign
from qexpr.quantizers.options import check_choice

__all__ = ["BinaryWeights"]

_BACKWARD = {
    "paper": r"\frac{\partial C}{\partial w_i} = \frac{\partial C}{\partial Q_i}"
    r"\left(\frac1n + \alpha\,1[|w_i| \le 1]\right)",
    "exact": r"\frac{\partial C}{\partial w_i} = \alpha\,1[|w_i| \le 1]\,g_i + "
    r"\frac{\operatorname{sign}(w_i)}{n} \sum_j \operatorname{sign}(w_j)\,g_j,"
    r"\quad g_j = \frac{\partial C}{\partial Q_j}",
    "plain": r"\frac{\partial C}{\partial w_i} = \frac{\partial C}{\partial Q_i}",
}


@dataclass(frozen=True, kw_only=True)
class BinaryWeights(Quantizer):
    """alpha sign(w), alpha = mean|w| of the output channel.

    Parameters
    ----------
    per : {"channel", "layer"}
    gradient : {"paper", "exact", "plain"}
        The paper's equation (which leaves out that alpha depends on the other weights), the
        derivative with sign straight through, or straight through altogether.

    Source: Rastegari et al. 2016 (arXiv:1603.05279), sections 3.1 and 3.2.
    """

    name = "bwn"
    summary = "binary weights with a least-squares scale for each output channel"
    sources = (cite("rastegari2016xnor", "section 3.1 (binary-weight networks)"),)

    per: str = "channel"
    gradient_form: str = field(default="paper", metadata={"option": "gradient"})

    def __post_init__(self) -> None:
        check_choice(self.per, "per", ("layer", "channel"))
        check_choice(self.gradient_form, "gradient", tuple(_BACKWARD))

    @property
    def codes(self) -> range:
        """-1 and +1."""
        return range(-1, 2, 2)

    @property
    def homogeneous(self) -> bool:
        """True: alpha scales with the weights."""
        return True

    @property
    def grain(self) -> str:
        """A channel, where it has its own scale."""
        return "channel" if self.per == "channel" else "array"

    def rule_encode(
        self, b: Any, x: Array, parameters: dict[str, Array], noise: Array | None
    ) -> tuple[Array, dict[str, Any]]:
        """Return sign(w) and alpha; a group of zeros has codes +1 and scale 0."""
        return sign(b, x), {"scale": b.cast(mean_abs(b, x, axes_of(x, self.per)), x)}

    def rule_backward(
        self, b: Any, x: Array, upstream: Array, parameters: dict[str, Array]
    ) -> tuple[Array, dict[str, Array]]:
        """Return the gradient in the form chosen."""
        if self.gradient_form == "plain":
            return upstream, {}
        axes = axes_of(x, self.per)
        size = count(x, axes)
        alpha = b.cast(mean_abs(b, x, axes), x)
        inside = alpha * b.mask(b.abs(x) <= 1, x)
        if self.gradient_form == "paper":
            return upstream * (1 / size + inside), {}
        signs = sign(b, x)
        shared = b.cast(b.sum(signs * upstream, axes) / size, x)
        return inside * upstream + signs * shared, {}

    def describe(self) -> Description:
        """Return the forward and backward maps in LaTeX, the source and the hidden defaults."""
        return self._describe(
            forward=r"Q(w)_i = \alpha\operatorname{sign}(w_i),\ \alpha = \frac1n\sum_i |w_i|",
            backward=_BACKWARD[self.gradient_form],
            defaults=(
                "one scale for each output channel (axis 0); an array of one axis is one channel",
                "the gradient is the paper's equation; 'exact' and 'plain' are options",
                "an all-zero group has scale 0 and codes +1",
            ),
            optimality="(alpha, sign w) minimises ||w - alpha B||^2 "
            "over alpha >= 0 and B in {-1, 1}^n.",
        )
