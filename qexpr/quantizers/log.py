"""Logarithmic and linear fixed-point codes: Miyashita, Lee and Murmann 2016."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qexpr.core.papers import cite
from qexpr.errors import InvalidInput
from qexpr.quantizers.backend import NUMPY, Array
from qexpr.quantizers.base import Quantizer
from qexpr.quantizers.description import Description
from qexpr.quantizers.groups import sign
from qexpr.quantizers.options import check_choice, check_flag, check_integer
from qexpr.quantizers.power import exponential, nearest_exponent

__all__ = ["LinearQuant", "LogQuant"]

_FSR = 64  # the largest |FSR|: 2^64 times less or more than 1


@dataclass(frozen=True, kw_only=True)
class _FixedPoint(Quantizer):
    """What LogQuant and LinearQuant share: bits of the magnitude, full-scale range, sign."""

    bits: int = 4
    fsr: int = 0
    signed: bool = True
    role: str = "weight"

    def __post_init__(self) -> None:
        object.__setattr__(self, "bits", check_integer(self.bits, "bits", 1, 8))
        object.__setattr__(self, "fsr", check_integer(self.fsr, "fsr", -_FSR, _FSR))
        check_flag(self.signed, "signed")
        check_choice(self.role, "role", ("weight", "activation", "gradient"))

    @property
    def codes(self) -> range:
        """A sign times a magnitude below 2^bits."""
        top = 2**self.bits - 1
        return range(-top if self.signed else 0, top + 1)

    @property
    def grain(self) -> str:
        """An entry: the range is given."""
        return "entry"

    def _refuse_negative(self, b: Any, x: Array) -> None:
        # only in NumPy: under torch a branch on data would forbid batching; there x < 0 becomes 0
        if b is NUMPY and not self.signed and (x < 0).any():
            raise InvalidInput(
                f"{self.name} with signed=False needs x >= 0, got {float(x.min()):g}; "
                f"a sign takes one bit more: signed=True"
            )


@dataclass(frozen=True, kw_only=True)
class LogQuant(_FixedPoint):
    """sign(x) base^e with e = round(log_base |x|) clipped to a window below full scale.

    FSR' = fsr for base 2 and 2 fsr for base sqrt 2 (the same full scale); lo = FSR' - 2^bits,
    hi = FSR'. The output is 0 if e <= lo, and the exponent is hi - 1 if e >= hi. The code is
    sign(x) (e - lo), and 0 for 0.

    Parameters
    ----------
    bits : int
        Of the magnitude, from 1 to 8; a sign takes one more.
    fsr : int
        The full-scale range: magnitudes stay below 2^fsr.
    base : {"2", "sqrt2"}
    signed : bool
        Whether x may be negative.
    role : {"weight", "activation", "gradient"}
        What is quantized; zeros are a collapse for weights.

    Source: Miyashita, Lee and Murmann 2016 (arXiv:1603.01025), section 3.
    """

    name = "log"
    summary = "logarithmic codes, base 2 or sqrt 2: products are shifts"
    sources = (cite("miyashita2016log", "section 3, LogQuant"),)

    base: str = "2"

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.base, int) and self.base == 2:
            object.__setattr__(self, "base", "2")
        check_choice(self.base, "base", ("2", "sqrt2"))

    @property
    def _halves(self) -> bool:
        return self.base == "sqrt2"

    @property
    def _low(self) -> int:
        return self.fsr * (2 if self._halves else 1) - 2**self.bits

    def rule_encode(
        self, b: Any, x: Array, parameters: dict[str, Array], noise: Array | None
    ) -> tuple[Array, dict[str, Any]]:
        """Return sign(x) (e - lo), 0 for what is too small."""
        self._refuse_negative(b, x)
        e = nearest_exponent(b, x, self._halves)
        magnitude = b.clip(e - self._low, 0, 2**self.bits - 1) * b.mask(x != 0, x)
        signs = sign(b, x) if self.signed else b.mask(x > 0, x)
        return signs * magnitude, {"scale": b.table(1.0, x), "fsr": self.fsr, "base": self.base}

    def rule_decode(self, b: Any, codes: Array, parts: dict[str, Any]) -> Array:
        """Return sign(c) base^(|c| + lo), and 0 for 0."""
        halves = parts.get("base", self.base) == "sqrt2"
        low = parts.get("fsr", self.fsr) * (2 if halves else 1) - 2**self.bits
        nonzero = b.mask(codes != 0, codes)
        return (
            sign(b, codes)
            * exponential(b, (b.abs(codes) + low) * nonzero, halves)
            * nonzero
            * parts["scale"]
        )

    def describe(self) -> Description:
        """Return the forward and backward maps in LaTeX, the source and the hidden defaults."""
        base = r"\sqrt2" if self._halves else "2"
        return self._describe(
            forward=rf"Q(x) = \operatorname{{sign}}(x)\,\beta^e,\ \beta = {base},\ "
            rf"e = \min(\operatorname{{round}}(\log_\beta |x|), {self._low + 2**self.bits - 1}),\ "
            rf"Q(x) = 0 \text{{ if }} e \le {self._low}",
            backward=r"\partial C/\partial x = \partial C/\partial Q(x)",
            defaults=(
                "bits counts the magnitude; the sign takes one bit more (signed=False for x >= 0)",
                "base sqrt 2 keeps the full scale 2^fsr: its exponents go up to 2 fsr - 1",
                "round(log |x|) is decided by exact comparison of the mantissa; ties do not exist",
                "5 bits and base sqrt 2 for training in the paper",
            ),
            optimality=(
                "The relative error inside the window is at most "
                + ("2^(1/4) - 1 = 0.1892." if self._halves else "2^(1/2) - 1 = 0.4142.")
            ),
        )


@dataclass(frozen=True, kw_only=True)
class LinearQuant(_FixedPoint):
    """The nearest multiple of 2^(fsr - bits) in [0, 2^fsr - step], signed symmetric.

    Parameters
    ----------
    bits, fsr, signed, role
        As for `LogQuant`.

    Source: Miyashita, Lee and Murmann 2016 (arXiv:1603.01025), section 3.
    """

    name = "linear"
    summary = "linear fixed-point codes, the yardstick of log"
    sources = (cite("miyashita2016log", "section 3, LinearQuant"),)

    @property
    def step(self) -> float:
        """The distance of neighbouring values."""
        return 2.0 ** (self.fsr - self.bits)

    def rule_encode(
        self, b: Any, x: Array, parameters: dict[str, Array], noise: Array | None
    ) -> tuple[Array, dict[str, Any]]:
        """Return round(x / step) within the codes."""
        self._refuse_negative(b, x)
        codes = b.clip(b.round(x / self.step), self.codes[0], self.codes[-1])
        return codes, {"scale": b.table(self.step, x)}

    def describe(self) -> Description:
        """Return the forward and backward maps in LaTeX, the source and the hidden defaults."""
        low = r"\Delta - 2^{\mathrm{FSR}}" if self.signed else "0"
        return self._describe(
            forward=rf"Q(x) = \operatorname{{clip}}(\Delta\operatorname{{round}}(x/\Delta), {low}, "
            rf"2^{{\mathrm{{FSR}}}} - \Delta),\ \Delta = 2^{{{self.fsr - self.bits}}}",
            backward=r"\partial C/\partial x = \partial C/\partial Q(x)",
            defaults=(
                "bits counts the magnitude; the sign takes one bit more (signed=False for x >= 0)",
                "round half to even",
                "straight through, also where x is clipped",
            ),
            optimality="The nearest multiple of the step; error at most step/2 in the range.",
        )
