"""Rounding to powers of two, exactly: no logarithm is taken, so no tie and no rounding decides."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from qexpr.quantizers.backend import NUMPY, Array, torch_backend
from qexpr.quantizers.groups import check_array, sign

__all__ = ["ap2", "ap2_torch", "exponential", "nearest_exponent"]


def _below(quarters: int) -> float:
    """Return the largest double below 2^(-quarters/4): "above it" then means "above the root"."""
    value = 2.0 ** (-quarters / 4)
    while Fraction(value) ** 4 > Fraction(1, 2**quarters):
        value = math.nextafter(value, 0)
    while Fraction(math.nextafter(value, 1)) ** 4 < Fraction(1, 2**quarters):
        value = math.nextafter(value, 1)
    return value


_QUARTERS = tuple(_below(k) for k in (3, 2, 1))


def nearest_exponent(b: Any, x: Array, halves: bool) -> Array:
    """Return round(log2 |x|), or round(2 log2 |x|) with ``halves``, for x != 0.

    |x| = m 2^k with m in [1/2, 1), so that the fractional part is decided by comparing m with
    2^(-1/2), or with 2^(-3/4) and 2^(-1/4): irrational, so never met.
    """
    mantissa, exponent = b.frexp(b.abs(x))
    mantissa = b.double(mantissa)
    exponent = b.cast(exponent, x)
    if not halves:
        return exponent - 1 + b.mask(mantissa > _QUARTERS[1], x)
    below = b.mask(mantissa > _QUARTERS[0], x) + b.mask(mantissa > _QUARTERS[2], x)
    return 2 * exponent - 2 + below


def exponential(b: Any, exponent: Array, halves: bool) -> Array:
    """Return 2^exponent, or 2^(exponent/2) with ``halves``, exact for integral powers."""
    if not halves:
        return b.ldexp(1 + 0 * exponent, exponent)
    whole = b.floor(exponent / 2)
    root = b.where(exponent > 2 * whole, b.table(math.sqrt(2), exponent), b.table(1.0, exponent))
    return b.ldexp(root, whole)


def _ap2(b: Any, z: Array) -> Array:
    nonzero = b.mask(z != 0, z)
    exponent = nearest_exponent(b, z, halves=False) * nonzero
    return sign(b, z) * exponential(b, exponent, halves=False) * nonzero


def ap2(z: Array) -> np.ndarray:
    """Return the approximate power of two sign(z) 2^round(log2 |z|), and 0 at 0.

    Courbariaux et al. 2016 (arXiv:1602.02830), section 1.4.
    """
    array = check_array(z, "z")
    with np.errstate(all="ignore"):
        return np.asarray(_ap2(NUMPY, array), dtype=array.dtype)


def ap2_torch(z: Any) -> Any:
    """Return `ap2` of a tensor, without a gradient of its own."""
    return _ap2(torch_backend(), z.detach())
