"""Small numbers in few bytes, and exact numbers in as few as they need."""

from __future__ import annotations

import struct
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from qexpr_runtime.errors import FormatError

__all__ = ["Cursor", "pack_bits", "rationals", "read_varints", "unpack_bits", "varint", "varints"]

DOUBLES, RATIONALS, STORED = 0, 1, 2


def varint(value: int) -> bytes:
    """LEB128: seven bits a byte, least significant first, the top bit says that more follow."""
    out = bytearray()
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def varints(values: NDArray[np.integer]) -> bytes:
    """The varints of many values below 2^35, one after the other."""
    v = np.asarray(values, np.uint64)
    if not v.size:
        return b""
    shifts = np.arange(5, dtype=np.uint64) * np.uint64(7)
    groups = (v[:, None] >> shifts).astype(np.uint64)
    used = np.maximum((groups != 0).sum(axis=1), 1)
    place = np.arange(5)
    more = (place < used[:, None] - 1).astype(np.uint8) << np.uint8(7)
    out = (groups & np.uint64(127)).astype(np.uint8) | more
    return out[place < used[:, None]].tobytes()


def read_varints(data: NDArray[np.uint8]) -> NDArray[np.int64]:
    """All varints of a section that the reader in C has checked."""
    ends = np.flatnonzero(data < 128)
    if not ends.size:
        return np.zeros(0, np.int64)
    starts = np.r_[0, ends[:-1] + 1]
    position = np.arange(len(data)) - np.repeat(starts, ends - starts + 1)
    parts = (data & 127).astype(np.int64) << (7 * position)
    return np.add.reduceat(parts, starts)


def pack_bits(codes: NDArray[np.integer], bits: int) -> bytes:
    """Codes of `bits` bits each, least significant bit first, without gaps."""
    if not bits:
        return b""
    out = []
    for start in range(0, len(codes), 1 << 20):  # a multiple of eight codes is whole bytes
        part = np.asarray(codes[start : start + (1 << 20)], np.uint32)
        digits = (part[:, None] >> np.arange(bits, dtype=np.uint32)) & np.uint32(1)
        out.append(np.packbits(digits.astype(np.uint8).ravel(), bitorder="little").tobytes())
    return b"".join(out)


def unpack_bits(data: NDArray[np.uint8], bits: int, count: int) -> NDArray[np.uint32]:
    """The inverse of `pack_bits`."""
    out = np.zeros(count, np.uint32)
    if not bits:
        return out
    step = 1 << 20
    for start in range(0, count, step):
        stop = min(start + step, count)
        part = data[start * bits // 8 : (stop * bits + 7) // 8]
        digits = np.unpackbits(part, bitorder="little", count=(stop - start) * bits)
        weights = np.left_shift(1, np.arange(bits), dtype=np.int64)
        out[start:stop] = digits.reshape(-1, bits) @ weights
    return out


def _is_double(value: Fraction) -> bool:
    if value.denominator & (value.denominator - 1) or abs(value.numerator) >= 2**1023:
        return False
    try:
        return Fraction(float(value)) == value
    except OverflowError:
        return False


def rationals(values: tuple[Fraction, ...], stored: tuple[float, ...] | None = None) -> bytes:
    """A vector of exact numbers: as doubles where all of them are, else as quotients.

    `stored` are the constants that the layer keeps for inference: where these are the exact
    numbers already, nothing is written twice.
    """
    count = varint(len(values))
    if all(map(_is_double, values)):
        if values and stored is not None and tuple(map(Fraction, stored)) == values:
            return stored_before(len(values))
        return bytes([DOUBLES]) + count + struct.pack(f"<{len(values)}d", *map(float, values))
    parts = [bytes([RATIONALS]), count]
    for value in values:
        n, d = value.numerator, value.denominator
        top = n.to_bytes(n.bit_length() // 8 + 1, "little", signed=True)
        bottom = d.to_bytes((d.bit_length() + 7) // 8, "little")
        parts += [varint(len(top)), top, varint(len(bottom)), bottom]
    return b"".join(parts)


def stored_before(count: int) -> bytes:
    """A vector whose numbers are those that another section holds."""
    return bytes([STORED]) + varint(count)


class Cursor:
    """Reads exact numbers out of a section; whatever does not fit raises FormatError."""

    def __init__(self, data: memoryview, offset: int) -> None:
        self.data, self.offset, self.at = data, offset, 0

    def fail(self, why: str) -> FormatError:
        """The error at the present place."""
        return FormatError(f"section EXCT, byte {self.offset + self.at}: {why}")

    def take(self, count: int) -> memoryview:
        """The next bytes."""
        if count > len(self.data) - self.at:
            raise self.fail("a number reaches beyond the section")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self) -> int:
        """The next varint."""
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
            if shift > 56:
                raise self.fail("a number is too long")

    def stored(self, count: int) -> bool:
        """Whether the next vector is the `count` numbers of another section; then it is read."""
        if self.data[self.at : self.at + 1] != bytes([STORED]):
            return False
        self.take(1)
        if self.number() != count:
            raise self.fail("there are not so many constants")
        return True

    def rationals(self, stored: tuple[float, ...]) -> tuple[Fraction, ...]:
        """The next vector; `stored` are the layer's constants."""
        form, count = self.take(1)[0], self.number()
        if form == STORED:
            if count != len(stored):
                raise self.fail("there are not so many constants")
            return tuple(map(Fraction, stored))
        if form == DOUBLES:
            numbers = struct.unpack(f"<{count}d", self.take(8 * count))
            try:
                return tuple(map(Fraction, numbers))
            except (ValueError, OverflowError):
                raise self.fail("a number is not finite") from None
        if form != RATIONALS or count > len(self.data):
            raise self.fail("there is no such form of numbers")
        return tuple(self._quotient() for _ in range(count))

    def _quotient(self) -> Fraction:
        top = int.from_bytes(self.take(self.number()), "little", signed=True)
        bottom = int.from_bytes(self.take(self.number()), "little")
        if not bottom:
            raise self.fail("a denominator is 0")
        return Fraction(top, bottom)

    def end(self) -> None:
        """Refuse bytes that are left over."""
        if self.at != len(self.data):
            raise self.fail("bytes are left over")
