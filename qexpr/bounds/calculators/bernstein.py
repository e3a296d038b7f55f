"""One-bit polynomials in Bernstein form (Guentuerk, Li 2022), one variable."""

from __future__ import annotations

from fractions import Fraction

from qexpr.bounds.calculators.calculator import Calculator, Line, Parameter
from qexpr.bounds.calculators.values import order
from qexpr.bounds.references import reference
from qexpr.core.source import Source, Trust

__all__ = ["CALCULATOR"]

SOURCE = Source(reference("gunturk2022bernstein"), "main theorem", Trust("CONFIRMED"))


def _lines(n: int, lipschitz: Fraction, x: Fraction, s: int) -> list[Line]:
    return [
        Line(
            "error at x",
            order("(1+M)/(1+sqrt(n*x*(1-x)))", M=lipschitz, n=n, x=x),
            "(1 + |f|_Lip)/(1 + sqrt(n x (1-x)))",
            SOURCE,
        ),
        Line(
            "error for smooth f",
            order("n**(-s/2)", n=n, s=s),
            f"n^(-{s}/2) for f in C^{s} with |f| < 1, away from the ends",
            SOURCE,
        ),
        Line("bits", n + 1, "one sign for each Bernstein polynomial", SOURCE),
    ]


CALCULATOR = Calculator(
    "bernstein",
    "polynomials with coefficients +-1 in Bernstein form (Guentuerk, Li)",
    r"Signs $\sigma_k$ with $|f(x) - \sum_k \sigma_k \binom{n}{k} x^k (1-x)^{n-k}| \le "
    r"C (1 + |f|_{Lip})/(1 + \sqrt{n x (1-x)})$, and $O(n^{-s/2})$ for smoother $f$.",
    (
        Parameter("n", "integer", 1, 10**12, "degree"),
        Parameter(
            "lipschitz",
            "rational",
            Fraction(0),
            Fraction(10**9),
            "|f|_Lip",
            required=False,
            default=Fraction(1),
        ),
        Parameter(
            "x",
            "rational",
            Fraction(0),
            Fraction(1),
            "the point",
            required=False,
            default=Fraction(1, 2),
        ),
        Parameter("s", "integer", 1, 100, "smoothness", required=False, default=2),
    ),
    _lines,
    (SOURCE,),
)
