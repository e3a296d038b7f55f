"""What weights and free bits times eps^(d/n) come to as eps falls, against floor and code."""

from __future__ import annotations

import math
from fractions import Fraction

from qexpr.bounds.calculators.calculator import Calculator, Line, Parameter
from qexpr.bounds.entropy.limits import code_constant, floor_constant
from qexpr.bounds.entropy.sources import DERIVED, OWN
from qexpr.bounds.witness.limits import asymptotic
from qexpr.bounds.witness.source import witness_source
from qexpr.core.claim import Explicit, Side
from qexpr.core.source import Source

__all__ = ["CALCULATOR"]

_COEFFICIENTS = 35  # of multiresolution's search

_WITNESS = witness_source("limits of witnesses")
_ENTROPY = Source(OWN, "entropy floors, limits", DERIVED)


def _known(d: int, n: int) -> list[str]:
    known = ["cones"] if n <= 2 else []
    known += ["bubbles"] if n == 3 and d <= 2 else []
    return known + (["multiresolution"] if math.comb(n + d - 1, d) <= _COEFFICIENTS else [])


def _lines(d: int, n: int) -> list[Line]:
    floor, code = floor_constant(d, n), code_constant(d, n)
    found = [
        Line("floor: bits", floor, "the largest of the entropy floors", _ENTROPY),
        Line("code: bits", code, "along a path; no network", _ENTROPY),
    ]
    for name in _known(d, n):
        for quantity, said in (("weights", "weights"), ("free_bits", "free bits")):
            value = asymptotic(name, d, n, quantity=quantity)
            found.append(
                Line(
                    f"{name}: {said}",
                    Explicit(value, value, Side.UPPER),
                    f"{_times(value / floor.lower)} times the floor, "
                    f"{_times(value / code.lower)} times the code",
                    _WITNESS,
                )
            )
    return found


def _times(ratio: Fraction) -> str:
    return f"{float(ratio):.3g}"


CALCULATOR = Calculator(
    "constants",
    "limits of weights * eps^(d/n) and free bits * eps^(d/n)",
    r"For the constructions without a logarithm an upper bound of $\limsup W \varepsilon^{d/n}$ at "
    r"weights $\pm\frac12$ and one fixed graph, and of the same for free bits, each made small for "
    r"itself; beside the constants of the best entropy floor and of the code along a path. A graph "
    r"of weights $\pm\frac12$ needs as many weights as bits, so the floor is one for both.",
    (
        Parameter("d", "integer", 1, 16, "input dimension"),
        Parameter("n", "integer", 1, 10, "number of bounded derivatives"),
    ),
    _lines,
    (_WITNESS, _ENTROPY),
)
