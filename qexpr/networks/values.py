"""Reading what users hand over: exact rationals, integer codes, shapes."""

from __future__ import annotations

import math
import operator
from fractions import Fraction
from typing import Any

import numpy as np

from qexpr.core.numbers import read_rational
from qexpr.errors import InvalidInput, shorten

__all__ = ["exact", "exacts", "read_codes", "read_shape", "scale_and_codes"]

_SAFE = 2**62  # codes up to this size are kept as int64, larger ones as Python integers


def exact(value: Any, name: str) -> Fraction:
    """The exact rational of a value.

    A float is exactly the rational that the double is, since it was computed and not typed;
    text is read as the number it spells ("1e-3" is 1/1000).

    Raises
    ------
    InvalidInput
        For NaN, infinities and whatever is not a number.
    """
    if isinstance(value, float | np.floating):
        if not math.isfinite(value):
            raise InvalidInput(f"{name} must be finite, got {value}")
        return Fraction(float(value))
    return read_rational(value, name)


def exacts(values: Any, name: str, length: int) -> tuple[Fraction, ...]:
    """`length` exact rationals."""
    array = np.asarray(values, dtype=object)
    if array.shape != (length,):
        raise InvalidInput(
            f"{name} must be {length} numbers, one for each output channel, "
            f"got shape {tuple(array.shape)}"
        )
    return tuple(exact(value, f"{name}[{k}]") for k, value in enumerate(array))


def read_codes(values: Any, name: str, dimensions: int) -> np.ndarray:
    """A read-only integer array: int64 where the codes fit, Python integers otherwise."""
    # lists are read as objects: NumPy makes doubles of integers on both sides of 2^63
    try:
        array = np.array(values) if isinstance(values, np.ndarray) else np.array(values, object)
    except ValueError:
        raise InvalidInput(f"{name} must be a rectangular array of integers") from None
    if array.dtype == object or array.dtype == np.uint64:
        flat = [_integer(value, name) for value in array.ravel().tolist()]
        big = max(map(abs, flat), default=0) >= _SAFE
        array = np.array(flat, dtype=object if big else np.int64).reshape(array.shape)
    elif array.dtype.kind in "iu":
        array = array.astype(np.int64)
        if array.size and max(int(array.max()), -int(array.min())) >= _SAFE:
            array = array.astype(object)
    else:
        raise InvalidInput(
            f"{name} must be integers, got an array of {array.dtype}; "
            "networks.from_arrays takes real weights"
        )
    if array.ndim != dimensions or array.size == 0:
        raise InvalidInput(
            f"{name} must be a non-empty array of {dimensions} dimensions, "
            f"got shape {tuple(array.shape)}"
        )
    array.setflags(write=False)
    return array


def _integer(value: Any, name: str) -> int:
    try:
        if isinstance(value, bool):
            raise TypeError
        return operator.index(value)
    except TypeError:
        raise InvalidInput(f"{name} must be integers, got {shorten(value)}") from None


def read_shape(
    values: Any, name: str, length: int | None = None, least: int = 1
) -> tuple[int, ...]:
    """A tuple of integers of at least `least`; one integer stands for `length` equal ones."""
    if length is not None and isinstance(values, int | np.integer):
        values = (values,) * length
    try:
        shape = tuple(operator.index(value) for value in values)
    except TypeError:
        shape = ()
    allowed = f"{length} integers" if length else "integers"
    if (
        not shape
        or (length is not None and len(shape) != length)
        or any(value < least for value in shape)
    ):
        raise InvalidInput(f"{name} must be {allowed} >= {least}, got {shorten(values)}")
    return shape


def scale_and_codes(weights: np.ndarray, name: str) -> tuple[Fraction, np.ndarray]:
    """Write doubles as scale * integers exactly, with the largest scale there is.

    Doubles are dyadic, so they have a greatest common divisor: alpha for weights in
    {-alpha, 0, alpha}, whatever alpha is. All-zero weights have scale 0 and codes 0.

    Raises
    ------
    InvalidInput
        If a weight is NaN or infinite.
    """
    finite = np.isfinite(weights)
    if not finite.all():
        where = tuple(int(k) for k in np.argwhere(~finite)[0])
        raise InvalidInput(f"{name} must be finite, got {weights[where]} at index {where}")
    mantissas, exponents = np.frexp(weights)
    whole = (mantissas * 2.0**53).astype(np.int64)  # exact: a mantissa has 53 bits
    nonzero = whole != 0
    if not nonzero.any():
        return Fraction(0), np.zeros(weights.shape, dtype=np.int64)
    low_bits = np.where(nonzero, np.log2((whole & -whole).astype(float) + ~nonzero), 0)
    low_bits = low_bits.astype(np.int64)  # the logarithm of a power of two is exact
    whole >>= low_bits
    exponents = exponents - 53 + low_bits
    least = int(exponents[nonzero].min())
    shifts = np.where(nonzero, exponents - least, 0)
    divisor = int(np.gcd.reduce(whole[nonzero]))
    whole //= divisor
    if int(shifts.max()) + int(np.abs(whole).max()).bit_length() < 62:
        codes = whole << shifts
    else:
        codes = whole.astype(object) << shifts.astype(object)
    return Fraction(divisor) * Fraction(2) ** least, codes
