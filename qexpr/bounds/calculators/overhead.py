"""Ding et al.'s headline: the overhead of quantization is at most of the order log^5(1/eps).

It is the quotient of two bounds of the registry and is built from their formula texts: Theorem 1
of Ding et al. (at lambda = 2 for the headline) over Theorem 4b of Yarotsky at p = 1.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from qexpr.bounds.bound import Bound
from qexpr.bounds.calculators.calculator import Calculator, Line, Parameter
from qexpr.bounds.calculators.values import order
from qexpr.bounds.ding2018 import THEOREM_1
from qexpr.bounds.evaluation import enclose
from qexpr.bounds.formula import parse
from qexpr.bounds.readings import balls
from qexpr.bounds.yarotsky2017 import theorem_4b
from qexpr.core.query import Query
from qexpr.core.source import Source, Trust

__all__ = ["CALCULATOR", "LOWER", "TEXT", "UPPER", "log_exponent"]

UPPER = THEOREM_1
LOWER = theorem_4b(1)
TEXT = f"({UPPER.stated('weights').text})/({LOWER.stated('weights').text})"
"""The quotient, in d, n, lam, eps and L = log(1/eps)."""

CAVEAT = (
    "against unquantized networks of depth O(log(1/eps)); without that cap real weights need "
    "only about eps^(-d/(2n))"
)
SOURCE = Source(UPPER.source.reference, "overhead of quantization", Trust("CONFIRMED"), CAVEAT)
GENERAL = Source(UPPER.source.reference, "Theorem 1 over the same", UPPER.source.trust, CAVEAT)


def log_exponent(lam: int) -> Fraction:
    """The power of log(1/eps) in the quotient: the rate of one bound less that of the other."""
    names = {"lam": Fraction(lam), "d": Fraction(1), "n": Fraction(1)}

    def logs(bound: Bound) -> Fraction:
        rate = bound.stated("weights").rate
        assert rate is not None  # both state one
        return enclose(lambda: parse(rate.logs).evaluate(balls(), names))[0]

    return logs(UPPER) - logs(LOWER)


def _lines(d: int, n: int, lam: int, eps: Fraction) -> list[Line]:
    query = Query(d, n, lam, eps)
    LOWER.check(query)
    exponent = log_exponent(lam)
    names: dict[str, Any] = {"d": d, "n": n, "lam": lam, "eps": eps, "L": _logarithm(eps)}
    return [
        Line(
            f"overhead in weights, order log^{exponent}(1/eps)",
            order(TEXT, **names),
            CAVEAT,
            SOURCE if lam == 2 else GENERAL,
        )
    ]


def _logarithm(eps: Fraction) -> Fraction:
    """L to far more digits than an order value has."""
    text = dict(UPPER.definitions)["L"]
    low, high = enclose(lambda: parse(text).evaluate(balls(), {"eps": eps}))
    return (low + high) / 2


CALCULATOR = Calculator(
    "overhead",
    "Ding et al.'s overhead of quantization, order log^5(1/eps)",
    r"Theorem 1 of Ding et al. over Theorem 4b of Yarotsky at $p = 1$, both at unit constant: at "
    r"$\lambda = 2$ the order $\log^5(1/\varepsilon)$.",
    (
        Parameter("d", "integer", 1, 1000, "input dimension"),
        Parameter("n", "integer", 1, 1000, "number of bounded derivatives"),
        Parameter("lam", "integer", 2, 2**64, "number of weight values", required=False, default=2),
        Parameter("eps", "rational", Fraction(1, 10**300), Fraction(999, 1000), "accuracy"),
    ),
    _lines,
    (SOURCE, GENERAL, LOWER.source),
)
