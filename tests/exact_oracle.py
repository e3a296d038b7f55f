"""A circuit's and a target's values out of their JSON alone: shares no code with qexpr."""

import math
from fractions import Fraction

import mpmath
import sympy

__all__ = ["circuit_values", "error_between"]

_DIGITS = 60
_SLACK = Fraction(1, 10**50)  # far above the rounding of 60 digits, far below every error here


def circuit_values(document, points):
    """The output at rational points, edge by edge."""
    d, output = document["inputs"], document["output"]
    edges = sorted((t, s, Fraction(weight)) for s, t, weight in document["edges"])
    out = []
    for point in points:
        values = [*point, Fraction(1), *[Fraction(0)] * (output - d)]
        for i, (t, s, weight) in enumerate(edges):
            values[t] += weight * values[s]
            last = i + 1 == len(edges) or edges[i + 1][0] != t
            if last and t != output:
                values[t] = max(values[t], Fraction(0))
        out.append(values[output])
    return out


def _telegraph(document):
    """Steps integrated n times, by Cauchy's formula, along x_1 + .. + x_d."""
    n = document["n"]
    steps, breaks, start = (
        [Fraction(v) for v in document[k]] for k in ("steps", "breaks", "start")
    )

    def value(point):
        t = sum(point)
        total = sum(v * t**j / math.factorial(j) for j, v in enumerate(start))
        for step, a, b in zip(steps, breaks, breaks[1:], strict=False):
            whole = max(t - a, Fraction(0)) ** n - max(t - b, Fraction(0)) ** n
            total += step * whole / math.factorial(n)
        return total

    return value


def _expression(document):
    """The text as SymPy reads it, in 60 digits."""
    units = document["units"]
    names = [sympy.Symbol(f"x{k}") for k in range(document["d"])]
    short = dict(zip("xyz", names, strict=False))
    local = {**short, **{str(x): x for x in names}, "relu": lambda v: sympy.Max(v, 0)}
    f = sympy.lambdify(names, sympy.sympify(document["expression"], locals=local), "mpmath")
    box = [tuple(map(Fraction, pair)) for pair in units["domain"]]

    def value(point):
        with mpmath.workdps(_DIGITS):
            at = [a + (b - a) * x for (a, b), x in zip(box, point, strict=True)]
            found = f(*(mpmath.mpf(x.numerator) / x.denominator for x in at))
            man, exp = mpmath.mpf(found).man_exp
            return Fraction(int(man)) * Fraction(2) ** int(exp) / Fraction(units["norm"])

    return value


def error_between(target, values, points):
    """Rational ends of |f - value| at every point, f of a target's JSON."""
    made = _telegraph if target["kind"] == "telegraph" else _expression
    f = made(target)
    found = [abs(f(point) - value) for point, value in zip(points, values, strict=True)]
    return [(error - _SLACK, error + _SLACK) for error in found]
