"""What weights * eps^(d/3) of bubbles, or free digits, come to as eps falls.

Steps are one of few odd numbers times powers of two, so that the value depends on the place of eps
between two powers of two; the octave is cut into parts, each bounded by its ends. With q, and
q_w = 2^m q, N^3 is the largest of x/q, y/q_w and kappa / (eps - (1 + 2^-20) (q + c q_w)). Folds,
planes and boundaries vanish in the limit, every N is allowed there, and d = 1 has as many levels of
blocks as N asks for.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from qexpr.bounds.witness.bubbles_mesh import all_choices, rules
from qexpr.bounds.witness.coins import least_log
from qexpr.core.bubbles import Choice, Rules

__all__ = ["limit_power"]

_ODD = (1, 3, 5, 7)
_PARTS = 64  # of an octave
_RATIOS = range(-2, 8)  # m
_LEVELS = 24
_SLACKED = 1 + Fraction(1, 1 << 20)


def limit_power(d: int, b: int, free: bool = False) -> Fraction:
    """The cube of a bound of limsup weights * eps^(d/3), or of free digits, u = 2^-b."""
    formulas = rules(d, b)
    choices = {Choice(c.p, c.p_w, c.M, c.B, c.mu, 1) for c in all_choices(d, b)}
    plans = [plan for choice in choices for plan in _plans(formulas, choice, free)]
    # by what continuous steps would give; the best few are enough to bound the limit
    plans.sort(key=lambda plan: (plan[0], str(plan)))
    places = [1 + Fraction(k, _PARTS) for k in range(_PARTS + 1)]
    largest = Fraction(0)
    for low, high in pairwise(places):
        least = min(
            value
            for _, choice, m in plans[:24]
            for value in _values(formulas, choice, m, low, high, b, free)
        )
        largest = max(largest, least)
    return largest


def _plans(formulas: Rules, choice: Choice, free: bool) -> list[tuple[Fraction, Choice, int]]:
    x, y = formulas.least(choice)
    out = []
    for m in _RATIOS:
        X = max(x, y / Fraction(2) ** m)
        size = formulas.kappa(choice.M) + _sigma(formulas, m) * X
        edges = _edges(formulas.d, choice, X, X * Fraction(2) ** m, 1, free)
        out.append((edges**3 * size**formulas.d, choice, m))
    return out


def _sigma(formulas: Rules, m: int) -> Fraction:
    return formulas.slack * (1 + formulas.weight * Fraction(2) ** m)


def _values(
    formulas: Rules, choice: Choice, m: int, low: Fraction, high: Fraction, b: int, free: bool
) -> list[Fraction]:
    """Cubes of edges a node times (N eps^(1/3))^d, for eps between low and high."""
    x, y = formulas.least(choice)
    d, kappa, sigma = formulas.d, formulas.kappa(choice.M), _sigma(formulas, m)
    X, out = max(x, y / Fraction(2) ** m), []
    best = low * X / (kappa + sigma * X)
    for odd in _ODD:
        step = Fraction(odd)
        while step > best:
            step /= 2
        while step * 2 <= best:
            step *= 2
        for q in (step, 2 * step):
            if low > sigma * q:
                cubes = max(X / q, kappa / (low - sigma * q))
                # fewer cells, as the upper end may have, need no fewer digits
                least = max(X / q, kappa / (high - sigma * q))
                edges = _edges(d, choice, q * least, q * Fraction(2) ** m * least, b, free)
                out.append(edges**3 * (cubes * high) ** d)
    return out


def _edges(d: int, choice: Choice, qN: Fraction, q_wN: Fraction, b: int, free: bool) -> Fraction:
    """Edges a node, for the steps times N^3: the unit, its digits, its share of all others.

    Free ones are the digits alone.
    """
    unit_edges = 0 if free else 2

    def digits(size: Fraction) -> int:
        return max(1, least_log(-(-size.numerator // size.denominator), b))

    if d == 2:
        mixed = digits(4 * choice.M / q_wN + 5 * _SLACKED)
        return unit_edges + choice.p + Fraction(2 * choice.p_w + mixed, choice.M**2)
    B, unit = choice.B, 1 << b * choice.mu
    blocks = Fraction(0)
    for level in range(1, _LEVELS + 1):
        P = digits(Fraction((B - 1) * B**level, 2 * unit) / qN + _SLACKED)
        # each level has at most so many digits more than the one before, over 1/B of its blocks
        blocks += Fraction(P * (4 if level == _LEVELS else 1), B**level)
    joints = Fraction(0) if free else Fraction(B, B - 1)
    return unit_edges + choice.p + choice.p_w + joints + blocks
