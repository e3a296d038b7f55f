"""Section DGTS of a packed file: what bytes and codes are as sums of digits (FORMAT.md)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from qexpr_runtime.digits import Digits
from qexpr_runtime.emitted import Emitted
from qexpr_runtime.kinds import Weights

__all__ = ["pack_digits", "read_book"]


def _eight(values: NDArray[Any]) -> bytes:
    data = values.astype("<i2").tobytes()
    return data + b"\0" * (-len(data) % 8)


def pack_digits(digits: Digits | None, reads: Emitted | None, weights: Weights) -> bytes:
    """The section of one layer: digits of the bytes that it reads, and of the book of its codes."""
    tables, pads, own = np.zeros((0, 0)), np.zeros(0), ()
    if digits is not None and reads is not None:
        codes, own, pads = reads.by_code()[0], digits.multipliers, np.array(digits.pads)
        at = np.array(codes) % 256
        tables = np.zeros((len(own), 256 if min(codes) < 0 else max(codes) + 1))
        tables[:, at] = digits.tables
    book = weights.digits
    entries = np.zeros((0, 0)) if book is None else np.array(book.tables)
    more = () if book is None else book.multipliers
    head = np.array([*tables.shape, *entries.shape], "<u4").tobytes()
    numbers = np.array([*own, *more], "<i8").tobytes()
    return head + numbers + _eight(tables) + _eight(pads) + _eight(entries)


def read_book(data: Any) -> NDArray[Any]:
    """The codes that the indices of a book stand for (the reader in C has checked the section)."""
    count, _, digits, entries = np.frombuffer(data, "<u4", 4).tolist()
    multipliers = np.frombuffer(data, "<i8", digits, 16 + 8 * count).tolist()
    rows = np.frombuffer(data, "<i2")[-(-(-digits * entries // 4) * 4) :]
    tables = rows[: digits * entries].reshape(digits, entries).astype(object)
    values = sum(m * table for m, table in zip(multipliers, tables, strict=True))
    return np.array([*values.tolist(), *([0] * (256 - entries))], np.int64)  # 0 beyond the book
