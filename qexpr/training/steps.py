"""Activation quantizers as exact step functions: thresholds, values, and who holds a threshold."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from qexpr.errors import Unsupported
from qexpr.networks import Steps
from qexpr.quantizers import Quantizer

__all__ = ["as_steps"]

_SIGNS = ("bnn", "binaryconnect", "xnor")


def as_steps(quantizer: Quantizer, learned: dict[str, np.ndarray]) -> Steps:
    """The step function that an activation quantizer is, learned scales given by name.

    The function is the quantizer in exact arithmetic (a stochastic one in its deterministic form);
    floats may differ where x is within a rounding of a threshold. Logarithmic thresholds are
    irrational: the least double above takes their place.

    Raises
    ------
    Unsupported
        For a quantizer whose steps follow the batch.
    """
    makers: dict[str, Callable[..., Steps]] = {
        "dorefa": _dorefa,
        "hwgq": _half_wave,
        "residual": _residual,
        "log": _logarithmic,
        "linear": _linear,
        "pact": _learned_clip,
        **dict.fromkeys(_SIGNS, _sign),
    }
    if quantizer.name not in makers:
        raise Unsupported(
            f"{quantizer.name} has no fixed steps, its range follows the data: use one of "
            f"{', '.join(makers)} for activations"
        )
    return makers[quantizer.name](quantizer, learned)


def _sign(quantizer: Any, learned: Any) -> Steps:
    return Steps((Fraction(0),), (Fraction(-1), Fraction(1)))


def _dorefa(quantizer: Any, learned: Any) -> Steps:
    return _even_steps(quantizer.bits, Fraction(1), quantizer.rounding == "even")


def _learned_clip(quantizer: Any, learned: dict[str, np.ndarray]) -> Steps:
    return _even_steps(quantizer.bits, Fraction(float(learned["alpha"])), True)


def _even_steps(bits: int, whole: Fraction, even: bool) -> Steps:
    """2^bits values from 0 to `whole`; `even`: k + 1/2 becomes the even neighbour."""
    top = 2**bits - 1
    thresholds = tuple(whole * Fraction(2 * k + 1, 2 * top) for k in range(top))
    closed = tuple(not even or k % 2 == 1 for k in range(top))
    return Steps(thresholds, tuple(whole * Fraction(k, top) for k in range(top + 1)), closed)


def _half_wave(quantizer: Any, learned: Any) -> Steps:
    levels = quantizer.positive_levels
    thresholds = [0.0, *((levels[1:] + levels[:-1]) / 2)]
    values = [0.0, *levels]
    return Steps(_exact(thresholds), _exact(values), (False,) * len(thresholds))


def _residual(quantizer: Any, learned: dict[str, np.ndarray]) -> Steps:
    sizes = [abs(Fraction(float(g))) for g in learned["gamma"]]
    sums = [Fraction(0)]
    thresholds: set[Fraction] = set()
    for size in sizes:  # the sign of each level turns where the sum so far is x
        thresholds.update(sums)
        sums = [s + sign * size for s in sums for sign in (-1, 1)]

    def value(x: Fraction) -> Fraction:
        rest = x
        for size in sizes:
            rest -= size if rest >= 0 else -size
        return x - rest

    ordered = tuple(sorted(thresholds))
    # every sign holds its threshold, so the value there is that of the interval above
    return Steps(ordered, (value(ordered[0] - 1), *map(value, ordered)))


def _linear(quantizer: Any, learned: Any) -> Steps:
    step = Fraction(quantizer.step)
    codes = list(quantizer.codes)
    thresholds = tuple((c + Fraction(1, 2)) * step for c in codes[:-1])
    return Steps(thresholds, tuple(c * step for c in codes), tuple(c % 2 != 0 for c in codes[:-1]))


def _logarithmic(quantizer: Any, learned: Any) -> Steps:
    """Found by bisection over the doubles: the least double of each code is its threshold."""
    codes = range(1, quantizer.codes[-1] + 1)
    values = [float(v) for v in quantizer.decode(np.array(codes), np.array(1.0))]
    starts = [_first_with(quantizer, code) for code in codes]
    thresholds, steps = _exact(starts), _exact(values)
    if not quantizer.signed:
        return Steps(thresholds, (Fraction(0), *steps))
    return Steps(
        (*(-t for t in reversed(thresholds)), *thresholds),
        (*(-v for v in reversed(steps)), Fraction(0), *steps),
        (False,) * len(thresholds) + (True,) * len(thresholds),
    )


def _first_with(quantizer: Any, code: int) -> float:
    low, high = np.float64(0), np.float64(2.0 ** (quantizer.fsr + 1))
    a, b = int(low.view(np.int64)), int(high.view(np.int64))  # doubles >= 0 are ordered as bits
    while b - a > 1:
        middle = (a + b) // 2
        x = np.array([middle], dtype=np.int64).view(np.float64)
        a, b = (a, middle) if quantizer.encode(x)[0][0] >= code else (middle, b)
    return float(np.array([b], dtype=np.int64).view(np.float64)[0])


def _exact(values: Any) -> tuple[Fraction, ...]:
    return tuple(Fraction(float(v)) for v in values)
