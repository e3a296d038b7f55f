from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

_U8: TypeAlias = NDArray[np.uint8]
_I8: TypeAlias = NDArray[np.int8]
_I32: TypeAlias = NDArray[np.int32]
_F32: TypeAlias = NDArray[np.float32]
_F64: TypeAlias = NDArray[np.float64]

KNOWN: tuple[str, ...]

def select(name: str) -> None: ...
def isa() -> str: ...
def available() -> tuple[str, ...]: ...
def sum_fits(weight: int, activation: int, cols: int) -> bool: ...
def gemm_signs(
    panels: _U8,
    rows: int,
    cols: int,
    coef: _I32,
    constant: int,
    sign: _U8,
    mask: _U8 | None,
    y: _I32,
) -> None: ...

class Planes:
    def __init__(self, panels: _U8, rows: int, cols: int, coef: _I32, constant: int) -> None: ...
    def gemm_floats(self, x: _F32, y: _I32) -> None: ...

def gemm_codes(
    panels: _U8,
    rows: int,
    cols: int,
    coef: _I32,
    constant: int,
    codes: _U8,
    lo: int,
    hi: int,
    y: _I32,
) -> None: ...
def gemm_bytes(
    panels: _I8,
    sums: _I32,
    rows: int,
    cols: int,
    wlo: int,
    whi: int,
    codes: _U8,
    lo: int,
    hi: int,
    y: _I32,
) -> None: ...
def gemm_f32(
    panels: _U8, rows: int, cols: int, coef: _I32, constant: int, x: _F32, y: _F32
) -> None: ...
def gemm_f64(
    panels: _U8, rows: int, cols: int, coef: _I32, constant: int, x: _F64, y: _F64
) -> None: ...
def pack_signs(x: _F32, out: _U8) -> None: ...
def rows_to_panels(bits: _U8, cols: int, out: _U8) -> None: ...
def bytes_to_panels(values: _I8, out: _I8, sums: _I32) -> None: ...
def codes_to_rows(codes: _I8, bit: int, out: _U8) -> None: ...
def rows_to_codes(bits: _U8, coef: _I32, constant: int, out: _I32) -> None: ...
