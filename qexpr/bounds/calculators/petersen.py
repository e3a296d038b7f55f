"""Piecewise smooth functions in L^p (Petersen, Voigtlaender 2018): layers and weights."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from qexpr.bounds.calculators.calculator import Calculator, Line, Parameter
from qexpr.bounds.calculators.values import explicit, order
from qexpr.bounds.references import reference
from qexpr.core.claim import Side
from qexpr.core.source import Source, Trust

__all__ = ["CALCULATOR"]

SOURCE = Source(reference("petersen2018"), "L^p versions", Trust("RECALLED", 0.75))


def _lines(d: int, beta: Fraction, p: Fraction, eps: Fraction) -> list[Line]:
    names: dict[str, Any] = {"d": d, "beta": beta, "p": p, "eps": eps}
    shape: dict[str, Any] = {"d": d, "beta": beta}
    layers = "(3 + ceil(log(beta)))*(11 + 2*beta/d)"
    smooth = "(2 + ceil(log(beta)))*(11 + beta/d)"
    surface = "(1/eps)**(p*(d-1)/beta)"
    return [
        Line("piecewise: layers", explicit(layers, Side.UPPER, **shape), layers, SOURCE),
        Line("piecewise: nonzero weights", order(surface, **names), surface, SOURCE),
        Line(
            "piecewise: nonzero weights, lower",
            order(f"{surface}/log(1/eps)", **names),
            "with O(log(1/eps)) bits for each weight",
            SOURCE,
        ),
        Line("C^beta ball: layers", explicit(smooth, Side.UPPER, **shape), smooth, SOURCE),
        Line(
            "C^beta ball: nonzero weights",
            order("(1/eps)**(d/beta)", **names),
            "(1/eps)**(d/beta)",
            SOURCE,
        ),
        Line(
            "bits of each weight",
            order("log(1/eps)", eps=eps),
            "weights in [-eps^-s, eps^-s] on the grid 2^(-s ceil(log2(1/eps)))",
            SOURCE,
        ),
    ]


CALCULATOR = Calculator(
    "petersen",
    "piecewise smooth functions in L^p (Petersen, Voigtlaender)",
    r"$O(\varepsilon^{-p(d-1)/\beta})$ nonzero weights in "
    r"$(3 + \lceil\log_2\beta\rceil)(11 + 2\beta/d)$ layers for piecewise $C^\beta$ functions, "
    r"$O(\varepsilon^{-d/\beta})$ in $(2 + \lceil\log_2\beta\rceil)(11 + \beta/d)$ layers for the "
    r"$C^\beta$ ball.",
    (
        Parameter("d", "integer", 2, 1000, "input dimension"),
        Parameter("beta", "rational", Fraction(1), Fraction(1000), "smoothness"),
        Parameter(
            "p",
            "rational",
            Fraction(1, 100),
            Fraction(1000),
            "the norm",
            required=False,
            default=Fraction(2),
        ),
        Parameter("eps", "rational", Fraction(1, 10**300), Fraction(1, 2), "accuracy"),
    ),
    _lines,
    (SOURCE,),
)
