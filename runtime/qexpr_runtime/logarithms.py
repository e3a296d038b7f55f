"""Products with powers of two: shifts instead of multiplications (Miyashita et al. 2016)."""

from math import log2

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qexpr_runtime import _layers
from qexpr_runtime.errors import KernelError
from qexpr_runtime.packing import integer_codes, matrix_of

__all__ = ["correction_table", "log_gemm", "log_sum", "shift_gemm"]

ZERO = -(2**31)  # the logarithm of 0 in `log_sum`


def _exponents(
    exponent: ArrayLike, sign: ArrayLike, name: str
) -> tuple[NDArray[np.int8], NDArray[np.int8], int]:
    """Exponents less their minimum over the live entries, signs, and that minimum."""
    e, s = matrix_of(exponent, name), matrix_of(sign, f"the sign of {name}")
    if e.shape != s.shape:
        raise KernelError(f"exponents of shape {e.shape} do not go with signs of shape {s.shape}")
    integer_codes(s, -1, 1, f"the sign of {name}")
    integer_codes(e, -1000, 1000, name)
    live = e[s != 0]
    least = int(live.min()) if live.size else 0
    shifted = np.where(s != 0, e.astype(np.int64) - least, 0)
    if shifted.size and shifted.max() > 62:
        raise KernelError(f"the exponents of {name} span more than 62 binary places")
    return (
        np.ascontiguousarray(shifted, dtype=np.int8),
        np.ascontiguousarray(s, dtype=np.int8),
        least,
    )


def shift_gemm(exponent: ArrayLike, sign: ArrayLike, W: ArrayLike) -> tuple[NDArray[np.int64], int]:
    """Compute X W^T for X = sign 2^exponent and W of int8: returns (sums, e) with Y = sums 2^e.

    Every product is a shift; sums are exact 64-bit integers (refused where they might not fit).
    """
    e, s, least = _exponents(exponent, sign, "X")
    weights = integer_codes(matrix_of(W, "W"), -128, 127, "W")
    if weights.shape[1] != e.shape[1]:
        raise KernelError(f"X has {e.shape[1]} columns, the weights have {weights.shape[1]}")
    top = int(e.max()) if e.size else 0
    if (128 * weights.shape[1]) << top >= 2**63:
        raise KernelError("the sums of shifted weights may leave the 64-bit range")
    y = np.zeros((e.shape[0], weights.shape[0]), dtype=np.int64)
    _layers.shift_dot(np.ascontiguousarray(weights, dtype=np.int8), e, s, y)
    return y, least


def log_gemm(
    exponent: ArrayLike, sign: ArrayLike, w_exponent: ArrayLike, w_sign: ArrayLike
) -> tuple[NDArray[np.int64], int]:
    """Compute X W^T where both are signed powers of two: (sums, e) with Y = sums 2^e, exactly."""
    xe, xs, x_least = _exponents(exponent, sign, "X")
    we, ws, w_least = _exponents(w_exponent, w_sign, "W")
    if xe.shape[1] != we.shape[1]:
        raise KernelError(f"X has {xe.shape[1]} columns, the weights have {we.shape[1]}")
    top = (int(xe.max()) if xe.size else 0) + (int(we.max()) if we.size else 0)
    if xe.shape[1] << top >= 2**63:
        raise KernelError("the sums of powers of two may leave the 64-bit range")
    y = np.zeros((xe.shape[0], we.shape[0]), dtype=np.int64)
    _layers.log_dot(we, ws, xe, xs, y)
    return y, x_least + w_least


def correction_table(fraction: int) -> NDArray[np.int32]:
    """Round log2(1 + 2^-z), z = 0, 2^-f, 2 2^-f, ..., to multiples of 2^-f, until it is 0."""
    if isinstance(fraction, bool) or not isinstance(fraction, int) or not 0 <= fraction <= 16:
        raise ValueError(f"fraction must be an integer in 0..16, got {fraction!r}")
    scale = 2**fraction
    return np.array(
        [round(scale * log2(1 + 2.0 ** (-z / scale))) for z in range((fraction + 2) * scale)],
        dtype=np.int32,
    )


def log_sum(p: ArrayLike, fraction: int, *, exact: bool = False) -> NDArray[np.int32]:
    """Accumulate non-negative terms in the log domain, along each row.

    Entries are base-2 logarithms in units of 2^-fraction (-2^31 for the logarithm of 0). The update
    is s = max(s, p) + 2^-floor(abs(s - p)), one shift; with `exact`, + log2(1 + 2^-abs(s - p))
    rounded to the unit, from a table.
    """
    terms = matrix_of(p, "p")
    integer_codes(terms, ZERO, 2**31 - 1, "p")
    if isinstance(fraction, bool) or not isinstance(fraction, int) or not 0 <= fraction <= 16:
        raise ValueError(f"fraction must be an integer in 0..16, got {fraction!r}")
    table = correction_table(fraction) if exact else np.empty(0, dtype=np.int32)
    out = np.full(terms.shape[0], ZERO, dtype=np.int32)
    _layers.log_sum(np.ascontiguousarray(terms, dtype=np.int32), fraction, table, out)
    return out
