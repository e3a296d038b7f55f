"""The error of a piecewise linear network with one input, piece by piece.

The pieces are exact (`pieces`); on each of them f~ is a line, so that the error's mean-value form
needs the target only. The certificate is the forest of halvings of the pieces: `verify`
enumerates the pieces again, which is no search, and bounds all leaves at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np

from qexpr.certificates.breakpoints import Pieces, TooManyPieces, pieces
from qexpr.certificates.error_bounds import (
    BoxBounds,
    Enclosable,
    Proof,
    difference,
    error_at,
    refuse_above,
    short_below,
    stated_upper,
)
from qexpr.certificates.forms import Forms
from qexpr.certificates.search import Progress, search
from qexpr.certificates.splits import Boxes, leaves
from qexpr.core.claim import double_below
from qexpr.errors import CertificateError, InvalidInput

__all__ = ["METHOD", "Pieces", "TooManyPieces", "enclose", "pieces", "verify"]

METHOD = "piecewise"
_CHUNK = 8192
_LEAST_TIME = 1.0


@dataclass(frozen=True, eq=False)
class _Lines:
    """The pieces in doubles: value and slope are rounded once."""

    lower: np.ndarray  # outward rounded ends
    upper: np.ndarray
    anchor: np.ndarray  # a double in the middle
    value: np.ndarray  # the line's value there
    slope: np.ndarray


def _lines(found: Pieces) -> _Lines:
    rows = []
    for (x, a), (y, b) in pairwise(zip(found.points, found.values, strict=True)):
        slope = (b - a) / (y - x)
        anchor = float((x + y) / 2)
        value = a + slope * (Fraction(anchor) - x)
        ends = double_below(x), -double_below(-y)
        try:
            rows.append((*ends, anchor, float(value), float(slope)))
        except OverflowError:
            raise InvalidInput("the network's slopes are beyond the range of doubles") from None
    return _Lines(*np.array(rows).T)


def _roots(lines: _Lines) -> Boxes:
    return Boxes(lines.lower[:, None], lines.upper[:, None], np.arange(len(lines.lower)))


def _bounds(lines: _Lines, f: Enclosable, boxes: Boxes) -> BoxBounds:
    centres, radii = boxes.middles()
    centre, radius, index = centres[:, 0], radii[:, 0], boxes.root
    # the line at `centre`, from the line at its anchor; value and slope are each off by u
    slope, offset = lines.slope[index], centre - lines.anchor[index]
    value = lines.value[index] + slope * offset
    reach = (np.abs(offset) + radius) * (1 + 2.0**-40)
    size = np.abs(lines.value[index]) + np.abs(slope) * (np.abs(centre) + 1 + reach)
    slopes = (slope * radius)[:, None]
    forms = Forms(value, slopes, 2.0**-49 * size + 2.0**-900, np.zeros_like(slopes))
    return difference(f, forms, boxes, centres, radii)


def enclose(
    w: Any,
    f: Enclosable,
    enough: Callable[[float], float],
    *,
    stop_above: float = np.inf,
    budget: float | None = None,
    boxes: int | None = None,
    progress: Progress | None = None,
) -> Proof:
    """Enumerate the pieces and search over them; arguments as in `search.search`.

    Raises
    ------
    Unsupported
        If there are several inputs or outputs, or an activation jumps.
    TooManyPieces
        If there are more than `breakpoints.MOST_PIECES`, or than half of the budget takes.
    """
    start = time.monotonic()
    deadline = None if budget is None else start + budget
    # the enumeration may take half of the budget, and a second in any case
    found = pieces(w, deadline=None if budget is None else start + max(budget / 2, _LEAST_TIME))
    lines = _lines(found)  # refuses values beyond the range of doubles
    knots = np.array([float(x) for x in found.points])
    heights = np.array([float(y) for y in found.values])

    def values(points: np.ndarray) -> np.ndarray:
        low, high = f.enclose_boxes((0,), points, points)
        return np.abs(np.interp(points[:, 0], knots, heights) - (low + high) / 2)

    result = search(
        lambda boxes: _bounds(lines, f, boxes),
        values,
        _roots(lines),
        enough,
        stop_above=stop_above,
        deadline=deadline,
        most=boxes,
        progress=progress,
    )
    point = (_nearby(Fraction(float(result.point[0])), found),)
    lower = short_below(error_at(w, f, point)[0])
    upper = stated_upper(result.upper)
    evidence = {"pieces": found.count, "tree": result.tree}
    return Proof(METHOD, lower, upper, point, evidence, result.boxes, result.closed)


def _nearby(x: Fraction, found: Pieces) -> Fraction:
    """The breakpoint that a double stands for, if there is one; the error is largest there."""
    best = min(found.points, key=lambda knot: abs(knot - x))
    return best if abs(best - x) < Fraction(1, 2**50) else x


def verify(evidence: Mapping[str, Any], w: Any, f: Enclosable, upper: Fraction) -> None:
    """Derive |f - f~| <= upper again from the pieces and the forest of halvings.

    Raises
    ------
    CertificateError
        If the evidence is malformed, or a leaf's bound exceeds `upper`.
    """
    if set(evidence) != {"pieces", "tree"} or not isinstance(evidence["tree"], str):
        raise CertificateError("the evidence must be a number of pieces and a tree of splits")
    found = pieces(w)
    if evidence["pieces"] != found.count or isinstance(evidence["pieces"], bool):
        raise CertificateError(
            f"the network has {found.count} pieces, not {evidence['pieces']!r:.40}"
        )
    lines = _lines(found)
    boxes = leaves(evidence["tree"], _roots(lines))
    for low in range(0, len(boxes), _CHUNK):
        part = boxes[low : low + _CHUNK]
        refuse_above(_bounds(lines, f, part), part, upper)
