"""Products of activations with packed weights."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qexpr_runtime import _core
from qexpr_runtime.errors import KernelError
from qexpr_runtime.pack import Packed, integer_codes, matrix_of, pack_sign_rows, unpack
from qexpr_runtime.threads import check_threads, share

__all__ = ["gemm"]

ACTIVATIONS = ("binary", "ternary", "k-bit", "int8", "uint8", "float32", "float64")


def gemm(
    X: ArrayLike | Packed,
    P: Packed,
    activations: str | None = None,
    *,
    bits: int | None = None,
    threads: int = 1,
) -> NDArray[np.generic]:
    """Compute Y = X W^T for packed weights W of shape (out, in).

    Parameters
    ----------
    X : array_like of shape (m, in), or Packed
        The activations; a packed X says by itself what it holds.
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
    check_threads(threads)
    if isinstance(X, Packed):
        if activations is not None or bits is not None:
            raise ValueError("packed activations say what they hold: leave out activations, bits")
        return _packed(X, P, threads)
    if activations not in ACTIVATIONS:
        raise ValueError(
            f"activations must be one of {', '.join(ACTIVATIONS)}, got {activations!r}"
        )
    if (bits is not None) != (activations == "k-bit"):
        raise ValueError('bits goes with activations="k-bit" and only with it')
    array = matrix_of(X, "X")
    if activations in ("float32", "float64"):
        return _floats(array, P, activations, threads)
    if activations == "binary":
        if array.dtype.kind in "bu":
            raise KernelError(f"X has no signs: its dtype is {array.dtype}")
        _check_columns(array.shape[1], P)

        def rows(start: int, stop: int) -> tuple[NDArray[np.uint8], None]:
            return pack_sign_rows(array[start:stop], "X"), None

        return _signs(rows, array.shape[0], P, threads)
    lo, hi = _range(activations, bits)
    codes = integer_codes(array, lo, hi, "X")
    return _codes(_as_bytes(codes, lo), lo, hi, P, threads)


def _check_columns(cols: int, P: Packed) -> None:
    if cols != P.cols:
        raise KernelError(f"X has {cols} columns, the weights have {P.cols}")


def _range(activations: str, bits: int | None) -> tuple[int, int]:
    if activations == "k-bit":
        if isinstance(bits, bool) or not isinstance(bits, int) or not 1 <= bits <= 8:
            raise ValueError(f"bits of activations must be an integer in 1..8, got {bits!r}")
        return 0, 2**bits - 1
    return {"ternary": (-1, 1), "int8": (-128, 127), "uint8": (0, 255)}[activations]


def _as_bytes(codes: NDArray[np.generic], lo: int) -> NDArray[np.uint8]:
    return np.ascontiguousarray(codes, dtype=np.int8 if lo < 0 else np.uint8).view(np.uint8)


def _check_sum(P: Packed, lo: int, hi: int) -> None:
    weight = max(abs(v) for v in P.range)
    if not _core.sum_fits(weight, max(abs(lo), abs(hi)), P.cols):
        raise KernelError(
            f"{P.cols} products of weights up to {weight} and activations up to "
            f"{max(abs(lo), abs(hi))} may leave the 32-bit range"
        )


def _packed(X: Packed, P: Packed, threads: int) -> NDArray[np.generic]:
    _check_columns(X.cols, P)
    if X.kind == "binary":
        return _signs(lambda a, b: (X.data[0, a:b], None), X.rows, P, threads)
    if X.kind == "ternary":
        mask = X.data[0] | X.data[1]
        return _signs(lambda a, b: (X.data[1, a:b], mask[a:b]), X.rows, P, threads)
    lo, hi = X.range
    return _codes(_as_bytes(unpack(X), lo), min(lo, 0), max(hi, 0), P, threads)


def _signs(
    rows: Callable[[int, int], tuple[NDArray[np.uint8], NDArray[np.uint8] | None]],
    m: int,
    P: Packed,
    threads: int,
) -> NDArray[np.int32]:
    """Products of signs; `rows` packs the signs and the mask of a range of rows."""
    _check_sum(P, -1, 1)
    if P.kind == "int8":
        raise KernelError('int8 weights take activations "k-bit", "int8" or "uint8"')
    y = np.empty((m, P.rows), dtype=np.int32)

    def work(start: int, stop: int) -> None:
        sign, mask = rows(start, stop)
        _core.gemm_signs(P.panels, P.rows, P.cols, P.coef, P.constant, sign, mask, y[start:stop])

    _ready(P)
    share(m, threads, work)
    return y


def _codes(
    codes: NDArray[np.uint8], lo: int, hi: int, P: Packed, threads: int
) -> NDArray[np.int32]:
    _check_columns(codes.shape[1], P)
    _check_sum(P, lo, hi)
    y = np.empty((codes.shape[0], P.rows), dtype=np.int32)

    def work(start: int, stop: int) -> None:
        part = codes[start:stop]
        if P.kind == "int8":
            panels, sums = P.byte_panels
            _core.gemm_bytes(panels, sums, P.rows, P.cols, *P.range, part, lo, hi, y[start:stop])
        else:
            _core.gemm_codes(
                P.panels, P.rows, P.cols, P.coef, P.constant, part, lo, hi, y[start:stop]
            )

    _ready(P)
    share(codes.shape[0], threads, work)
    return y


def _floats(
    array: NDArray[np.generic], P: Packed, activations: str, threads: int
) -> NDArray[np.generic]:
    if P.kind not in ("binary", "ternary"):
        raise KernelError(f"floats meet binary and ternary weights, got {P.kind}")
    _check_columns(array.shape[1], P)
    x = np.ascontiguousarray(array, dtype=activations)
    y = np.empty((x.shape[0], P.rows), dtype=activations)
    kernel = _core.gemm_f32 if activations == "float32" else _core.gemm_f64

    def work(start: int, stop: int) -> None:
        kernel(P.panels, P.rows, P.cols, P.coef, P.constant, x[start:stop], y[start:stop])

    _ready(P)
    share(x.shape[0], threads, work)
    return y


def _ready(P: Packed) -> None:
    """Arrange the panels before threads ask for them at the same time."""
    _ = P.byte_panels if P.kind == "int8" else P.panels
