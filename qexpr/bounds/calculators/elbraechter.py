"""Building blocks and quantization of Elbraechter, Perekrestenko, Grohs, Boelcskei (2021)."""

from __future__ import annotations

from fractions import Fraction

from qexpr.bounds.calculators.calculator import Calculator, Line, Parameter
from qexpr.bounds.calculators.values import order
from qexpr.bounds.references import reference
from qexpr.core.claim import Explicit, Side
from qexpr.core.source import Source, Trust

__all__ = ["CALCULATOR"]

SOURCE = Source(reference("elbraechter2021"), "building blocks", Trust("RECALLED", 0.8))
LEMMA = Source(
    reference("elbraechter2021"),
    "quantization lemma",
    Trust("RECALLED", 0.5),
    "the constants are recalled",
)


def _lines(eps: Fraction, D: Fraction, k: int, layers: int, d: int, weights: int) -> list[Line]:
    return [
        Line("x^2: depth", order("log(1/eps)", eps=eps), "weights at most 1 in size", SOURCE),
        Line("x^2: width", Explicit.exact(3, Side.UPPER), "weights at most 1 in size", SOURCE),
        Line(
            "product on [-D,D]^2: depth",
            order("log(ceil(D)) + log(1/eps)", eps=eps, D=D),
            "weights at most 1 in size",
            SOURCE,
        ),
        Line(
            "product on [-D,D]^2: width",
            Explicit.exact(5, Side.UPPER),
            "weights at most 1 in size",
            SOURCE,
        ),
        Line(
            "quantization: m",
            order("3*k*L + log(d)", k=k, L=layers, d=d),
            "at most eps^-k weights of size at most eps^-k in L layers round to (m,eps)-quantized "
            "ones: in [-eps^-m, eps^-m], multiples of 2^(-m ceil(log2(1/eps)))",
            LEMMA,
        ),
        Line(
            "memory in bits",
            order("W*log(W)*log(1/eps)", W=weights, eps=eps),
            "W log(W) log(1/eps)",
            SOURCE,
        ),
    ]


CALCULATOR = Calculator(
    "elbraechter",
    "building blocks and (m, eps)-quantization (Elbraechter et al.)",
    r"$x^2$ and products with weights at most 1 in size and depth $O(\log 1/\varepsilon)$; "
    r"rounding to $2^{-m \lceil \log_2(1/\varepsilon) \rceil}\mathbb{Z} \cap [-\varepsilon^{-m}, "
    r"\varepsilon^{-m}]$; memory $O(W \log W \log 1/\varepsilon)$.",
    (
        Parameter("eps", "rational", Fraction(1, 10**300), Fraction(1, 2), "accuracy"),
        Parameter(
            "D",
            "rational",
            Fraction(1),
            Fraction(10**9),
            "range of the factors",
            required=False,
            default=Fraction(1),
        ),
        Parameter(
            "k",
            "integer",
            1,
            1000,
            "weights: at most eps^-k, of size at most eps^-k",
            required=False,
            default=1,
        ),
        Parameter("layers", "integer", 1, 10**6, "L", required=False, default=1),
        Parameter("d", "integer", 1, 1000, "input dimension", required=False, default=1),
        Parameter("weights", "integer", 2, 10**18, "W", required=False, default=2),
    ),
    _lines,
    (SOURCE, LEMMA),
)
