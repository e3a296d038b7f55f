"""Scales: what is saved beside the integer codes, and the affine rule that most quantizers use."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from qexpr.errors import InvalidInput, shorten
from qexpr.quantizers.backend import Array

__all__ = ["Scales", "affine", "pack", "unpack"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Scales:
    """Everything besides the codes that decoding needs; absent parts are None.

    Parameters
    ----------
    scale : array
        Broadcasts against the codes, except in `residual` (one entry a level). Its dtype is that
        of the decoded values.
    divisor : int
        The affine value of a code c is ``(c - zero_point) * scale / divisor``.
    zero_point : array, optional
        The code of the value 0 (affine quantization).
    negative : array, optional
        The magnitude of the negative level (ternary quantization with two scales).
    levels : array, optional
        The value of each code (codes that are places in a table).
    fsr, base : int and str, optional
        The full-scale range and the base of a logarithmic or fixed-point code.
    output : array, optional
        A factor of the product's output, and not of the codes (XNOR-Net's K).
    """

    scale: np.ndarray
    divisor: int = 1
    zero_point: np.ndarray | None = None
    negative: np.ndarray | None = None
    levels: np.ndarray | None = None
    fsr: int | None = None
    base: str | None = None
    output: np.ndarray | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                value = value.copy()
                value.flags.writeable = False
                object.__setattr__(self, field.name, value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Scales):
            return NotImplemented
        mine, theirs = self.parts(), other.parts()
        return mine.keys() == theirs.keys() and all(
            np.array_equal(mine[key], theirs[key]) for key in mine
        )

    __hash__ = None  # type: ignore[assignment]

    def parts(self) -> dict[str, Any]:
        """Return the parts that are present, by name."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in given.items() if value is not None}


def pack(parts: dict[str, Any]) -> np.ndarray | Scales:
    """Return a plain array if the scale is all there is, and Scales otherwise."""
    return parts["scale"] if parts.keys() == {"scale"} else Scales(**parts)


def unpack(scale: object) -> dict[str, Any]:
    """Return the parts of what `encode` gave."""
    if isinstance(scale, Scales):
        return scale.parts()
    array = np.asarray(scale)
    if array.dtype.kind in "iu":
        array = array.astype(np.float64)
    if array.dtype not in (np.float32, np.float64):
        raise InvalidInput(
            f"scale must be the array or the Scales that encode gave, got {shorten(scale)}"
        )
    return {"scale": array}


def affine(codes: Array, parts: dict[str, Any]) -> Array:
    """Return ``(codes - zero_point) / divisor * scale``, in this order: full scale is exact."""
    if "zero_point" in parts:
        codes = codes - parts["zero_point"]
    if parts.get("divisor", 1) != 1:
        codes = codes / parts["divisor"]
    return codes * parts["scale"]
