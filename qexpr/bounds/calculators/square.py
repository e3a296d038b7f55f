"""x^2 on [0,1] by ReLU networks, from both sides (Yarotsky 2017)."""

from __future__ import annotations

import math
from fractions import Fraction

from qexpr.bounds.calculators.calculator import Calculator, Line, Parameter
from qexpr.bounds.calculators.values import order
from qexpr.bounds.references import reference
from qexpr.core.claim import Explicit, Side
from qexpr.core.source import Source, Trust
from qexpr.errors import InvalidInput

__all__ = ["CALCULATOR", "error_of_pieces", "most_pieces"]

YAROTSKY = Source(reference("yarotsky2017"), "Proposition 2", Trust("CONFIRMED"))
THEOREM_6 = Source(reference("yarotsky2017"), "Theorem 6", Trust("RECALLED", 0.95))
OWN = Source(reference("qexpr"), "linear pieces against x^2", Trust("DERIVED"))


def most_pieces(hidden: tuple[int, ...]) -> int:
    """prod (w_l + 1): a unit that is affine on a piece breaks it at most once."""
    return math.prod(units + 1 for units in hidden)


def error_of_pieces(pieces: int) -> Fraction:
    """1/(8 p^2): p linear pieces on [0,1], knots free, are no closer to x^2 anywhere.

    The best line on an interval of length h is h^2/8 away, and some piece has h >= 1/p.
    """
    return Fraction(1, 8 * pieces**2)


def _lines(
    digits: int | None, widths: tuple[int, ...] | None, depth: int | None, eps: Fraction | None
) -> list[Line]:
    if (depth is None) != (eps is None) or (digits is None and widths is None and depth is None):
        raise InvalidInput("calculator square needs digits, widths, or depth together with eps")
    lines = []
    if digits is not None:
        lines += [
            Line(
                "error of the sawtooth network",
                Explicit.exact(Fraction(1, 4 ** (digits + 1)), Side.UPPER),
                "2^(-2m-2), the interpolation of x^2 at 2^m + 1 points",
                YAROTSKY,
            ),
            Line("its depth and weights", order("m", m=digits), "of the order of m", YAROTSKY),
        ]
    if widths is not None:
        if widths[0] != 1:
            raise InvalidInput(f"the first of widths must be 1, the one input, got {widths[0]}")
        pieces = most_pieces(widths[1:-1])
        lines += [
            Line("linear pieces, at most", pieces, "prod (w_l + 1)", OWN),
            Line(
                "sup error, at least",
                Explicit.exact(error_of_pieces(pieces), Side.LOWER),
                "1/(8 p^2), whatever the weights",
                OWN,
            ),
        ]
    if depth is not None and eps is not None:
        lines.append(
            Line(
                "weights at that depth, lower",
                order("(1/eps)**(1/(2*(L-2)))", eps=eps, L=depth),
                "for any nonlinear C^2 function, not x^2 alone",
                THEOREM_6,
            )
        )
    return lines


CALCULATOR = Calculator(
    "square",
    "x^2 by ReLU networks: Yarotsky's sawtooth, and what no network of given widths can do",
    r"$|f_m - x^2| \le 2^{-2m-2}$ with $O(m)$ weights; $p \le \prod (w_l + 1)$ linear pieces leave "
    r"an error of at least $1/(8 p^2)$; at fixed depth $L$ at least "
    r"$c\,\varepsilon^{-1/(2(L-2))}$ weights.",
    (
        Parameter("digits", "integer", 1, 10_000, "m, the compositions", required=False),
        Parameter(
            "widths",
            "integers",
            1,
            10**6,
            "input 1, hidden layers, output: 1,8,8,1",
            required=False,
            length=3,
        ),
        Parameter("depth", "integer", 3, 1000, "L, the number of layers", required=False),
        Parameter(
            "eps", "rational", Fraction(1, 10**300), Fraction(1, 2), "accuracy", required=False
        ),
    ),
    _lines,
    (YAROTSKY, THEOREM_6, OWN),
)
