"""How the integer codes of a layer are packed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qexpr_runtime.digits import Digits, book_digits

__all__ = ["Weights", "kind_of"]

BINARY, TERNARY, UNSIGNED, SIGNED, ODD, INT8, WIDE, BOOK = range(1, 9)


@dataclass(frozen=True)
class Weights:
    """How the codes of a layer are packed: kind, bits, and the values that they can stand for.

    Kind WIDE: floats of `bits` bits. Kind BOOK: codes are numbers of entries of `book`, which
    `digits` writes as sums of bytes.
    """

    kind: int
    bits: int
    lo: int
    hi: int
    book: tuple[int, ...] = ()
    digits: Digits | None = None

    @property
    def largest(self) -> int:
        """The largest magnitude of a code, or of one of its digits."""
        return max(abs(self.lo), abs(self.hi))


def kind_of(codes: NDArray[np.generic], integers: bool) -> Weights:
    """The smallest way to pack integer codes; `integers` if the layer may accumulate such."""
    lo, hi = int(codes.min()), int(codes.max())
    if lo >= -1 and hi <= 1:
        return Weights(TERNARY, 2, -1, 1) if (codes == 0).any() else Weights(BINARY, 1, -1, 1)
    choices = []
    if lo >= 0 and hi <= 255:
        bits = hi.bit_length()
        choices.append(Weights(UNSIGNED, bits, 0, 2**bits - 1))
    if lo < 0 and lo >= -128 and hi <= 127:
        bits = max(hi.bit_length(), (-lo - 1).bit_length()) + 1
        signed = Weights(SIGNED, bits, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        choices.append(signed if bits < 8 else Weights(INT8, 8, -128, 127))
    top = max(hi, -lo)
    if top <= 255 and (codes % 2 == 1).all():
        bits = top.bit_length()
        choices.append(Weights(ODD, bits, 1 - 2**bits, 2**bits - 1))
    if choices:
        best = min(choices, key=lambda w: w.bits)
        return (best.kind == INT8 and _book(codes, False)) or best
    floats = Weights(WIDE, 32 if _are_singles(codes) else 64, lo, hi)
    book = _book(codes, True)
    # a book may be larger than what it saves; integers cannot be accumulated without it
    return book if book and (integers or _size(book, codes) < _size(floats, codes)) else floats


def _size(w: Weights, codes: NDArray[np.generic]) -> int:
    """About the bytes of the codes and of the book."""
    book = 0 if w.digits is None else len(w.digits.multipliers) * (8 + 2 * len(w.book))
    return codes.size * w.bits // 8 + book


def _are_singles(codes: NDArray[np.generic]) -> bool:
    """Whether each code is a float of 32 bits, as weights trained in single precision are."""
    values = codes.ravel().tolist()
    if max(map(abs, values)) >= 2**127:
        return False
    singles = np.array(values, np.float64).astype(np.float32).tolist()
    return all(int(s) == v for s, v in zip(singles, values, strict=True))


def _book(codes: NDArray[np.generic], wide: bool) -> Weights | None:
    """A list of the codes that occur: where no byte holds them, or all are powers of two."""
    distinct = tuple(sorted(set(codes.ravel().tolist())))
    powers = all(v & -v == abs(v) for v in distinct)
    bits = max((len(distinct) - 1).bit_length(), 1)
    if not (wide or powers) or bits > 8 or max(map(abs, distinct)) >= 2**62:
        return None
    digits = book_digits(distinct)
    return None if digits is None else Weights(BOOK, bits, -128, 127, distinct, digits)
