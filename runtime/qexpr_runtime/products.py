"""Products of activations with packed weights."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qexpr_runtime import _core
from qexpr_runtime.errors import KernelError
from qexpr_runtime.packing import Packed, integer_codes, matrix_of, pack_sign_rows, unpack
from qexpr_runtime.threads import check_threads, share

__all__ = ["gemm"]

_RANGES = {
    "binary": (-1, 1),
    "ternary": (-1, 1),
    "int8": (-128, 127),
    "uint8": (0, 255),
    "float32": (0, 0),
    "float64": (0, 0),
}
ACTIVATIONS = ("k-bit", *_RANGES)


def gemm(
    X: ArrayLike | Packed,
    P: Packed,
    activations: str | None = None,
    *,
    bits: int | None = None,
    threads: int = 1,
) -> NDArray[Any]:
    """Compute Y = X W^T for packed weights W of shape (out, in).

    Parameters
    ----------
    X : array_like of shape (m, in), or Packed
        The activations; a packed X says by itself what it holds, so `activations` may be left out.
    P : Packed
        The weights.
    activations : {"binary", "ternary", "k-bit", "int8", "uint8", "float32", "float64"}
        What X holds: "binary" takes the sign of X (sign(0) = +1), "ternary" the codes -1, 0, 1,
        "k-bit" the codes 0..2^bits-1, "int8" and "uint8" integers of eight bits. Floats meet binary
        and ternary weights only.
    bits : int, optional
        Bits of "k-bit" activations, 1..8.
    threads : int
        Python threads that share the rows of X; the result does not depend on it.

    Returns
    -------
    ndarray of shape (m, out)
        int32 (exact) for integer activations; float32 or float64 for floats, summed in the order
        that csrc/kernel_float_template.h states.
    """
    if not isinstance(P, Packed):
        raise ValueError(f"P must come from pack(), got {type(P).__name__}")
    if isinstance(X, Packed):
        own = (X.kind, X.bits if X.kind == "k-bit" else None)
        if (activations or X.kind, bits or own[1]) != own:
            raise ValueError(
                f"X is packed as {X.kind} of {X.bits} bits, which activations={activations!r}, "
                f"bits={bits!r} contradict"
            )
        return _packed(X, P, check_threads(threads))
    lo, hi = code_range(activations, bits)
    array = matrix_of(X, "X")
    if array.shape[1] != P.cols:
        raise KernelError(f"X has {array.shape[1]} columns, the weights have {P.cols}")
    check_threads(threads)
    if activations == "float32" or activations == "float64":
        return multiply_floats(array, P, activations, threads)
    if activations == "binary":
        return _signs_of(array, P, threads)
    codes = integer_codes(array, lo, hi, "X")
    return multiply_codes(_as_bytes(codes, lo), lo, hi, P, threads)


def code_range(activations: str | None, bits: int | None) -> tuple[int, int]:
    """The range of the codes that a word for activations stands for."""
    if activations == "k-bit":
        if isinstance(bits, bool) or not isinstance(bits, int) or not 1 <= bits <= 8:
            raise ValueError(f"bits of activations must be an integer in 1..8, got {bits!r}")
        return 0, 2**bits - 1
    if activations not in _RANGES:
        raise ValueError(
            f"activations must be one of {', '.join(ACTIVATIONS)}, got {activations!r}"
        )
    if bits is not None:
        raise ValueError('bits goes with activations="k-bit" and only with it')
    return _RANGES[activations]


def check_sum(P: Packed, lo: int, hi: int, terms: int) -> None:
    """Refuse a sum of `terms` products that an int32 might not hold."""
    weight, activation = max(abs(v) for v in P.range), max(abs(lo), abs(hi))
    if not _core.sum_fits(weight, activation, terms):
        raise KernelError(
            f"{terms} products of weights up to {weight} and activations up to {activation} "
            "may leave the 32-bit range"
        )


def _as_bytes(codes: NDArray[Any], lo: int) -> NDArray[np.uint8]:
    return np.ascontiguousarray(codes, dtype=np.int8 if lo < 0 else np.uint8).view(np.uint8)


def _packed(X: Packed, P: Packed, threads: int) -> NDArray[Any]:
    if X.cols != P.cols:
        raise KernelError(f"X has {X.cols} columns, the weights have {P.cols}")
    if X.kind == "binary" and P.kind != "int8":
        return multiply_signs(X.data[0], None, P, threads)
    if X.kind == "ternary" and P.kind != "int8":
        return multiply_signs(X.data[1], X.data[0] | X.data[1], P, threads)
    lo, hi = min(X.range[0], 0), max(X.range[1], 0)
    return multiply_codes(_as_bytes(unpack(X), lo), lo, hi, P, threads)


def sign_codes(array: NDArray[Any]) -> NDArray[np.uint8]:
    """The signs as bytes, for weights that are bytes themselves; sign(0) = +1."""
    if array.dtype.kind == "f" and np.isnan(array).any():
        raise KernelError("X holds a NaN where a sign is expected")
    if array.dtype.kind in "bu":
        raise KernelError(f"X has no signs: its dtype is {array.dtype}")
    return np.where(array < 0, np.int8(-1), np.int8(1)).view(np.uint8)


def _signs_of(array: NDArray[Any], P: Packed, threads: int) -> NDArray[np.int32]:
    """Pack each thread's rows where they are multiplied."""
    if P.kind == "int8":
        return multiply_codes(sign_codes(array), -1, 1, P, threads)
    y = np.empty((array.shape[0], P.rows), np.int32)
    if array.dtype == np.float32:
        x, planes = np.ascontiguousarray(array), P.planes
        if threads == 1:
            planes.gemm_floats(x, y)
        else:
            share(len(x), threads, lambda a, b: planes.gemm_floats(x[a:b], y[a:b]))
        return y
    if threads == 1:
        return multiply_signs(pack_sign_rows(array, "X"), None, P, 1)
    _ = P.panels

    def work(start: int, stop: int) -> None:
        y[start:stop] = multiply_signs(pack_sign_rows(array[start:stop], "X"), None, P, 1)

    share(array.shape[0], threads, work)
    return y


def multiply_signs(
    sign: NDArray[np.uint8], mask: NDArray[np.uint8] | None, P: Packed, threads: int
) -> NDArray[np.int32]:
    """Products of rows of sign bits, of which those outside `mask` are 0."""
    y = np.empty((sign.shape[0], P.rows), dtype=np.int32)
    panels = P.panels  # made before threads ask for them at the same time

    def work(start: int, stop: int) -> None:
        part = None if mask is None else mask[start:stop]
        _core.gemm_signs(
            panels, P.rows, P.cols, P.coef, P.constant, sign[start:stop], part, y[start:stop]
        )

    share(sign.shape[0], threads, work)
    return y


def multiply_codes(
    codes: NDArray[np.uint8], lo: int, hi: int, P: Packed, threads: int
) -> NDArray[np.int32]:
    """Products of rows of codes in lo..hi, one byte each."""
    check_sum(P, lo, hi, P.cols)
    y = np.empty((codes.shape[0], P.rows), dtype=np.int32)
    if P.kind == "int8":
        panels, sums = P.byte_panels

        def work(start: int, stop: int) -> None:
            _core.gemm_bytes(
                panels, sums, P.rows, P.cols, *P.range, codes[start:stop], lo, hi, y[start:stop]
            )
    else:
        bits = P.panels

        def work(start: int, stop: int) -> None:
            _core.gemm_codes(
                bits, P.rows, P.cols, P.coef, P.constant, codes[start:stop], lo, hi, y[start:stop]
            )

    share(codes.shape[0], threads, work)
    return y


def multiply_floats(array: NDArray[Any], P: Packed, dtype: str, threads: int) -> NDArray[Any]:
    """Products of floats with binary or ternary weights."""
    if P.kind not in ("binary", "ternary"):
        raise KernelError(f"floats meet binary and ternary weights, got {P.kind}")
    with np.errstate(over="ignore"):  # rounded once, here
        x = np.ascontiguousarray(array, dtype=dtype)
    y = np.empty((x.shape[0], P.rows), dtype=dtype)
    kernel = _core.gemm_f32 if dtype == "float32" else _core.gemm_f64
    panels = P.panels

    def work(start: int, stop: int) -> None:
        kernel(panels, P.rows, P.cols, P.coef, P.constant, x[start:stop], y[start:stop])

    share(x.shape[0], threads, work)
    return y
