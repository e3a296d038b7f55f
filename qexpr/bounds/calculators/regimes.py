r"""The three quantization regimes of Ou, Schenkel, Boelcskei (2024), and explicit floors.

Fully connected ReLU networks of width W and depth L on [0,1], weights in
(-2^(a+1), 2^(a+1)) on the grid 2^-b, against F(1,1). The floors on eps are derived here:

* memory: the networks are at most 2^M, M = weights * log2(2^(a+b+2) - 1), and the 2^(1/eps - 1)
  zigzags of F(1,1) have to be told apart, so eps >= 1/(floor(M) + 1);
* precision: f(0) is a multiple of 2^-(bL), so some constant is 2^-(bL+1) away;
* VC dimension V: ceil(1/(2 eps)) bumps are shattered for eps < 1/2, so eps >= 1/(2V).
"""

from __future__ import annotations

from fractions import Fraction

from qexpr.bounds.calculators.calculator import Calculator, Line, Parameter
from qexpr.bounds.calculators.layers import cumulative_weights
from qexpr.bounds.calculators.values import order
from qexpr.bounds.calculators.vc import SOURCE as VC
from qexpr.bounds.calculators.vc import quantized_upper, vc_of_widths
from qexpr.bounds.references import reference
from qexpr.core.claim import Explicit, Side
from qexpr.core.source import Source, Trust

__all__ = ["CALCULATOR", "memory_floor", "precision_floor", "regime", "vc_floor"]

PAPER = Source(
    reference("ou2024three"),
    "three regimes",
    Trust("RECALLED", 0.65),
    "that there are three regimes is confirmed; their borders, at unit constant, are recalled",
)
OWN = Source(reference("qexpr"), "floors for fixed-point networks", Trust("DERIVED"))
SHATTERED = Source(
    reference("bartlett2019"),
    VC.statement,
    VC.trust,
    "the shattered bumps are derived here, the VC bound is recalled",
)


def regime(width: int, depth: int, bits: int) -> str:
    """under, proper or over quantization: b against log(W)/L and L log W at unit constants."""
    # b L > log2 W and b > L log2 W, decided in integers
    if 2 ** (bits * depth) <= width:
        return "under"
    return "over" if 2**bits > width**depth else "proper"


def _widths(width: int, depth: int) -> list[int]:
    return [1, *([width] * (depth - 1)), 1]


def memory_floor(width: int, depth: int, bits: int, integer_bits: int) -> Fraction:
    """1/(floor(M) + 1): see the module."""
    weights = cumulative_weights(_widths(width, depth))[-1]
    return Fraction(1, quantized_upper(weights, 2 ** (integer_bits + bits + 2) - 1) + 1)


def precision_floor(depth: int, bits: int) -> Fraction:
    """2^-(bL+1): see the module."""
    return Fraction(1, 2 ** (bits * depth + 1))


def vc_floor(width: int, depth: int) -> Fraction:
    """1/(2V): see the module."""
    return Fraction(1, 2 * vc_of_widths(_widths(width, depth)))


_ERRORS = {
    "under": ("2**(-b*L)", "2^(-C b L): too coarse a grid"),
    "proper": ("1/(W**2*L*b)", "1/(W^2 L b): the error falls with the memory, optimally"),
    "over": ("1/(W**2*L**2*log(W))", "1/(W^2 L^2 log W): more bits do not help"),
}


def _lines(width: int, depth: int, bits: int, integer_bits: int) -> list[Line]:
    name = regime(width, depth, bits)
    text, note = _ERRORS[name]
    floors = (
        ("floor by memory", memory_floor(width, depth, bits, integer_bits)),
        ("floor by precision", precision_floor(depth, bits)),
    )
    lines = [
        Line("regime", f"{name}-quantization", "borders at unit constant", PAPER),
        Line("minimax error", order(text, W=width, L=depth, b=bits), note, PAPER),
    ]
    notes = ("as many functions as the bits can tell apart", "f(0) is a multiple of 2^-(bL)")
    for (label, value), why in zip(floors, notes, strict=True):
        lines.append(Line(label, Explicit.exact(value, Side.LOWER), why, OWN))
    greatest = max(value for _, value in floors)
    lines += [
        Line("eps at least", Explicit.exact(greatest, Side.LOWER), "the larger of the two", OWN),
        Line(
            "floor by VC dimension",
            Explicit.exact(vc_floor(width, depth), Side.LOWER),
            "for weights of any precision; recalled, so it enters no maximum",
            SHATTERED,
        ),
    ]
    return lines


CALCULATOR = Calculator(
    "regimes",
    "quantization regimes of fully connected networks on [0,1] (Ou, Schenkel, Boelcskei)",
    r"Width $W$, depth $L$, weights in $(-2^{a+1}, 2^{a+1}) \cap 2^{-b}\mathbb{Z}$: under-, proper "
    r"or over-quantization, the minimax error over Lipschitz functions as an order, and explicit "
    r"floors on the error by memory, precision and VC dimension.",
    (
        Parameter("width", "integer", 2, 10**6, "W, units of each hidden layer"),
        Parameter("depth", "integer", 2, 1000, "L, layers with weights"),
        Parameter("bits", "integer", 1, 64, "b, bits after the point"),
        Parameter(
            "integer_bits",
            "integer",
            0,
            64,
            "a: weights below 2^(a+1)",
            required=False,
            default=0,
        ),
    ),
    _lines,
    (PAPER, OWN, SHATTERED),
)
