"""One input: the exact pieces of a piecewise linear network.

Breakpoints are found layer by layer: between neighbouring points every value so far is linear, so
a sign change gives the next breakpoint by interpolation. Points are held homogeneously, as integer
rows (q, q x, q h_1, q h_2, ..): interpolation is a positive combination of two rows, and nothing
is ever rounded.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from qexpr.certificates.program import INPUT, Node, Program, lower_to_program
from qexpr.errors import QexprError, Unsupported
from qexpr.networks.activations import Clip, Relu

__all__ = ["MOST_PIECES", "Pieces", "TooManyPieces", "pieces"]

MOST_PIECES = 20_000


class TooManyPieces(QexprError):
    """More pieces than the enumeration takes on; branch and bound does without."""


@dataclass(frozen=True, eq=False)
class Pieces:
    """A piecewise linear function on [0, 1]: its values at 0, at every breakpoint, and at 1."""

    points: tuple[Fraction, ...]
    values: tuple[Fraction, ...]

    @property
    def count(self) -> int:
        """The number of linear pieces."""
        return len(self.points) - 1

    @property
    def breakpoints(self) -> tuple[Fraction, ...]:
        """Where the slope changes."""
        return self.points[1:-1]


def pieces(w: Any, most: int = MOST_PIECES, deadline: float | None = None) -> Pieces:
    """The exact linear pieces on [0, 1] of a circuit or network with one input.

    Raises
    ------
    Unsupported
        If there are several inputs or outputs, or an activation jumps.
    TooManyPieces
        If there are more than `most` points on the way, or `deadline` (of time.monotonic())
        comes before the last layer.
    """
    return _pieces(lower_to_program(w), most, deadline)


def _pieces(program: Program, most: int, deadline: float | None) -> Pieces:
    if program.d != 1:
        raise Unsupported(f"pieces are enumerated for one input, this network has {program.d}")
    if not program.is_piecewise_linear:
        raise Unsupported(
            "pieces are enumerated for continuous activations, not for Steps or products"
        )
    # columns: [q, then blocks of values by node]; q and the input come first
    rows = np.array([[1, 0], [1, 1]], dtype=object)
    place: dict[int, tuple[slice, int]] = {INPUT: (slice(1, 2), 1)}
    last_use = {s: k for k, node in enumerate(program.nodes) for s in node.sources}
    for k, node in enumerate(program.nodes):
        if deadline is not None and time.monotonic() >= deadline:
            raise TooManyPieces(
                f"more pieces than could be enumerated: {len(rows) - 1} by layer {k}"
            )
        z, denominator = _affine(node, rows, place)
        rows = np.concatenate([rows, z], axis=1)
        block = slice(rows.shape[1] - node.size, rows.shape[1])
        if node.activation is not None:
            for kink in _kinks(node):
                rows = _refine(rows, block, kink * denominator, most)
            denominator, rows = _activate(node, rows, block, denominator)
        place[k] = (block, denominator)
        dead = [s for s in place if s != INPUT and s != k and last_use.get(s, -1) <= k]
        rows, place = _drop(rows, place, dead)
    block, denominator = place[len(program.nodes) - 1]
    points = [Fraction(int(row[1]), int(row[0])) for row in rows]
    values = [Fraction(int(row[block.start]), int(row[0]) * denominator) for row in rows]
    return _merged(points, values)


def _affine(
    node: Node, rows: np.ndarray, place: dict[int, tuple[slice, int]]
) -> tuple[np.ndarray, int]:
    common = math.lcm(*(place[s][1] for s in node.sources)) if node.sources else 1
    z = rows[:, :1] * (node.offset.astype(object) * common)[None, :]
    for source, matrix in zip(node.sources, node.matrices, strict=True):
        block, denominator = place[source]
        factor = common // denominator
        z = z + _sparse_dot(rows[:, block], matrix) * factor
    divisor = math.gcd(common, node.denominator)
    if divisor > 1 and all(value % divisor == 0 for value in z.ravel()):
        return z // divisor, node.denominator * common // divisor
    return z, node.denominator * common


def _sparse_dot(values: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """values @ matrix.T over Python integers, skipping zeros."""
    if matrix.dtype == object:
        return values @ matrix.T
    used = np.flatnonzero((matrix != 0).any(axis=0))
    return values[:, used] @ matrix[:, used].T.astype(object)


def _kinks(node: Node) -> tuple[Fraction, ...]:
    match node.activation:
        case Relu():
            return (Fraction(0),)
        case Clip(lower, upper):
            return (lower, upper)
    raise Unsupported("pieces are enumerated for continuous activations only")


def _refine(rows: np.ndarray, block: slice, kink: Fraction, most: int) -> np.ndarray:
    """Insert a point wherever a value of the block crosses kink, which is over q."""
    p, q = kink.numerator, kink.denominator
    offset = rows[:, block] * q - rows[:, :1] * p
    signs = (offset > 0).astype(np.int8) - (offset < 0).astype(np.int8)
    crossing = signs[1:] * signs[:-1] < 0
    out = [rows[:1]]
    count = len(rows)
    for i in range(len(rows) - 1):
        units = np.flatnonzero(crossing[i])
        if len(units):
            found: dict[Fraction, tuple[int, int]] = {}
            for j in units.tolist():
                a, b = abs(int(offset[i, j])), abs(int(offset[i + 1, j]))
                divisor = math.gcd(a, b)
                a, b = a // divisor, b // divisor
                # b row_i + a row_(i+1): the order along the segment is that of a / b
                found[Fraction(a, b)] = (a, b)
            count += len(found)
            if count > most:
                raise TooManyPieces(f"more than {most} pieces")
            for ratio in sorted(found):
                a, b = found[ratio]
                row = rows[i] * b + rows[i + 1] * a
                out.append((row // math.gcd(*row.tolist()))[None, :])
        out.append(rows[i + 1 : i + 2])
    return np.concatenate(out)


def _activate(
    node: Node, rows: np.ndarray, block: slice, denominator: int
) -> tuple[int, np.ndarray]:
    rows = rows.copy()
    if isinstance(node.activation, Relu):
        rows[:, block] = np.maximum(rows[:, block], 0)
        return denominator, rows
    lower, upper = _kinks(node)
    common = math.lcm(denominator, lower.denominator, upper.denominator)
    z = rows[:, block] * (common // denominator)
    q = rows[:, :1]
    z = np.minimum(np.maximum(z, q * int(lower * common)), q * int(upper * common))
    rows[:, block] = z
    return common, rows


def _drop(
    rows: np.ndarray, place: dict[int, tuple[slice, int]], dead: list[int]
) -> tuple[np.ndarray, dict[int, tuple[slice, int]]]:
    """Forget blocks that nothing reads any more, and reduce every row."""
    keep = np.ones(rows.shape[1], dtype=bool)
    for s in dead:
        keep[place[s][0]] = False
    kept = {}
    for s, (block, denominator) in place.items():
        if s not in dead:
            start = int(keep[: block.start].sum())
            kept[s] = (slice(start, start + block.stop - block.start), denominator)
    rows = rows[:, keep]
    divisors = np.array([math.gcd(*row) for row in rows.tolist()], dtype=object)
    return rows // divisors[:, None], kept


def _merged(points: list[Fraction], values: list[Fraction]) -> Pieces:
    """Without the points where the slope does not change."""
    keep = [0]
    slope = None
    for k in range(1, len(points)):
        rise = (values[k] - values[k - 1]) / (points[k] - points[k - 1])
        if slope is not None and rise != slope:
            keep.append(k - 1)
        slope = rise
    keep.append(len(points) - 1)
    return Pieces(tuple(points[k] for k in keep), tuple(values[k] for k in keep))
