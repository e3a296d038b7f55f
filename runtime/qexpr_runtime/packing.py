"""Matrices of quantized codes, packed.

A matrix of binary, ternary or k-bit codes is kept as rows of bits, one plane for each bit of the
code (bit k % 8 of byte k // 8, as in ``numpy.packbits(..., bitorder="little")``); eight-bit codes
are kept as they are. Kernels read a second arrangement of the same bits (panels of 32 rows), which
is made on first use and kept.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qexpr_runtime import _core
from qexpr_runtime.errors import KernelError

__all__ = ["Packed", "from_planes", "pack", "unpack"]

KINDS = ("binary", "ternary", "k-bit", "int8")
GRIDS = ("unsigned", "signed", "odd")


@dataclass(frozen=True, eq=False)
class Packed:
    """A packed matrix: each value is ``constant + sum(coef[p] * bit[p])``.

    Attributes
    ----------
    kind : str
        "binary", "ternary", "k-bit" or "int8".
    bits : int
        Bits of a code: 1, 2 (ternary), 1..7 (k-bit) or 8.
    grid : str
        For "k-bit": "unsigned" (0..2^b-1), "signed" (-2^(b-1)..2^(b-1)-1, two's complement) or
        "odd" (-(2^b-1), -(2^b-3), ..., 2^b-1: the numerators of DoReFa's weights).
    shape : tuple of int
        Rows (outputs) and columns (inputs).
    data : ndarray
        uint8 of shape (planes, rows, ceil(columns / 8)), or int8 of shape (rows, columns).
    """

    kind: str
    bits: int
    grid: str
    shape: tuple[int, int]
    data: NDArray[Any]

    @property
    def rows(self) -> int:
        return self.shape[0]

    @property
    def cols(self) -> int:
        return self.shape[1]

    @property
    def nbytes(self) -> int:
        """Bytes of the packed codes."""
        return int(self.data.nbytes)

    @cached_property
    def coef(self) -> NDArray[np.int32]:
        """What a set bit of each plane adds."""
        if self.kind == "binary":
            return np.array([-2], dtype=np.int32)
        if self.kind == "ternary":
            return np.array([1, -1], dtype=np.int32)
        coef = np.left_shift(1, np.arange(self.bits, dtype=np.int32))
        if self.grid == "signed":
            coef[-1] = -coef[-1]
        return (2 * coef if self.grid == "odd" else coef).astype(np.int32)

    @property
    def constant(self) -> int:
        """The value of a code whose bits are all clear."""
        if self.kind == "binary":
            return 1
        return 1 - 2**self.bits if self.kind == "k-bit" and self.grid == "odd" else 0

    @cached_property
    def range(self) -> tuple[int, int]:
        """The smallest and the largest value that a code can stand for."""
        if self.kind == "int8":
            if self.data.size == 0:
                return 0, 0
            return int(self.data.min()), int(self.data.max())
        coef = [int(c) for c in self.coef]
        return self.constant + sum(min(c, 0) for c in coef), self.constant + sum(
            max(c, 0) for c in coef
        )

    @cached_property
    def panels(self) -> NDArray[np.uint8]:
        """The planes in panels of 32 rows (see csrc/kernels.h)."""
        planes, rows, width = self.data.shape
        out = np.empty(planes * (-(-rows // 32) * 32) * width, dtype=np.uint8)
        _core.rows_to_panels(self.data, self.cols, out)
        return out

    @cached_property
    def planes(self) -> _core.Planes:
        """The panels as the kernels read them."""
        return _core.Planes(self.panels, *self.shape, self.coef, self.constant)

    @cached_property
    def byte_panels(self) -> tuple[NDArray[np.int8], NDArray[np.int32]]:
        """The bytes of an "int8" matrix in panels of 16 rows, and the sum of each row."""
        rows, cols = self.shape
        out = np.empty(-(-rows // 16) * 16 * (-(-cols // 4) * 4), dtype=np.int8)
        sums = np.zeros(rows, dtype=np.int32)
        _core.bytes_to_panels(self.data, out, sums)
        return out, sums


def array_of(values: ArrayLike, name: str) -> NDArray[Any]:
    """Return an array whose numbers lie where C may read them."""
    try:
        array = np.asarray(values)
    except ValueError:
        raise ValueError(f"{name} must be rows of the same length") from None
    return array if array.flags.aligned else array.copy()


def matrix_of(values: ArrayLike, name: str) -> NDArray[Any]:
    array = array_of(values, name)
    if array.ndim != 2:
        raise ValueError(f"{name} must be a matrix (two axes), got shape {array.shape}")
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} must hold numbers, got dtype {array.dtype}")
    return array


def integer_codes(array: NDArray[Any], lo: int, hi: int, name: str) -> NDArray[Any]:
    """Return `array` if it holds integers in lo..hi; floats must be integral."""
    if array.dtype.kind == "f":
        if np.isnan(array).any():
            raise KernelError(f"{name} holds a NaN where a code is expected")
        if not (array == np.trunc(array)).all():
            raise KernelError(f"{name} must hold integer codes in {lo}..{hi}, got a fraction")
    if array.size:
        least, largest = array.min(), array.max()
        if least < lo or largest > hi:
            raise KernelError(
                f"{name} must hold codes in {lo}..{hi}, got values in {least}..{largest}"
            )
    return array


def pack_sign_rows(array: NDArray[Any], name: str) -> NDArray[np.uint8]:
    """Rows of bits that say where `array` is negative; sign(0) = +1."""
    rows, cols = array.shape
    out = np.empty((rows, -(-cols // 8)), dtype=np.uint8)
    if array.dtype == np.float32:
        try:
            _core.pack_signs(np.ascontiguousarray(array), out)
        except KernelError:
            raise KernelError(f"{name} holds a NaN where a sign is expected") from None
        return out
    if array.dtype.kind == "f" and np.isnan(array).any():
        raise KernelError(f"{name} holds a NaN where a sign is expected")
    if array.dtype.kind in "bu":
        raise KernelError(f"{name} has no signs: its dtype is {array.dtype}")
    _core.codes_to_rows(np.ascontiguousarray(array < 0).view(np.int8), 0, out)
    return out


def _bit_planes(codes: NDArray[Any], bits: int) -> NDArray[np.uint8]:
    rows, cols = codes.shape
    bytes_ = np.ascontiguousarray(codes.astype(np.int64).astype(np.uint8)).view(np.int8)
    out = np.empty((bits, rows, -(-cols // 8)), dtype=np.uint8)
    for bit in range(bits):
        _core.codes_to_rows(bytes_, bit, out[bit])
    return out


def pack(W: ArrayLike, kind: str, *, bits: int | None = None, grid: str = "unsigned") -> Packed:
    """Pack a matrix of weights or activations.

    Parameters
    ----------
    W : array_like of shape (rows, columns)
        "binary": any signed numbers, of which the sign is kept (sign(0) = +1). Otherwise the
        integer codes themselves: -1, 0, 1 ("ternary"), those of `grid` ("k-bit"), -128..127
        ("int8").
    kind : {"binary", "ternary", "k-bit", "int8"}
        How the codes are packed.
    bits : int, optional
        Bits of a "k-bit" code, 1..7.
    grid : {"unsigned", "signed", "odd"}
        What "k-bit" codes stand for; see `Packed`.
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
    if bits is not None and kind != "k-bit":
        raise ValueError(f'bits goes with kind="k-bit" and only with it, got kind={kind!r}')
    array = matrix_of(W, "W")
    shape = (int(array.shape[0]), int(array.shape[1]))
    if kind == "binary":
        return Packed(kind, 1, "", shape, pack_sign_rows(array, "W")[None])
    if kind == "ternary":
        codes = integer_codes(array, -1, 1, "W")
        planes = np.concatenate([_bit_planes(codes > 0, 1), _bit_planes(codes < 0, 1)])
        return Packed(kind, 2, "", shape, planes)
    if kind == "int8":
        codes = integer_codes(array, -128, 127, "W")
        return Packed(kind, 8, "", shape, np.ascontiguousarray(codes, dtype=np.int8))
    return _pack_k_bit(array, bits, grid, shape)


def _pack_k_bit(array: NDArray[Any], bits: int | None, grid: str, shape: tuple[int, int]) -> Packed:
    if isinstance(bits, bool) or not isinstance(bits, int) or not 1 <= bits <= 7:
        raise ValueError(f'kind="k-bit" needs bits, an integer in 1..7, got {bits!r}')
    if grid not in GRIDS:
        raise ValueError(f"grid must be one of {', '.join(GRIDS)}, got {grid!r}")
    top = 2**bits - 1
    lo, hi = {"unsigned": (0, top), "signed": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)}.get(
        grid, (-top, top)
    )
    codes = integer_codes(array, lo, hi, "W")
    if grid == "odd":
        codes = codes.astype(np.int64) + top
        if (codes & 1).any():
            raise KernelError(f"W must hold odd codes -{top}, -{top - 2}, ..., {top}")
        codes >>= 1
    return Packed("k-bit", bits, grid, shape, _bit_planes(codes, bits))


def from_planes(
    data: NDArray[np.uint8], cols: int, kind: str, *, bits: int | None = None, grid: str = ""
) -> Packed:
    """Take rows of bits as they are, without a copy; bits beyond the columns are ignored."""
    planes = {"binary": 1, "ternary": 2, "k-bit": bits}.get(kind)
    if planes is None or data.dtype != np.uint8 or data.ndim != 3:
        raise ValueError(f"planes of kind {kind!r} need a uint8 array of three axes")
    if data.shape[0] != planes or data.shape[2] != -(-cols // 8):
        raise ValueError(f"{planes} planes of {cols} columns do not have shape {data.shape}")
    rows = int(data.shape[1])
    return Packed(kind, planes, grid, (rows, int(cols)), np.ascontiguousarray(data))


def unpack(P: Packed) -> NDArray[np.int32]:
    """Return the values that a packed matrix stands for, as int32."""
    if not isinstance(P, Packed):
        raise ValueError(f"P must come from pack(), got {type(P).__name__}")
    if P.kind == "int8":
        return P.data.astype(np.int32)
    out = np.empty(P.shape, dtype=np.int32)
    _core.rows_to_codes(P.data, P.coef, P.constant, out)
    return out
