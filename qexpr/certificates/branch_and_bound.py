"""sup |f - f~| over the unit cube for any circuit or network, by branch and bound.

Upper ends are rigorous (forms.py, error_bounds.py); the lower end is |f - f~| at one point, f~
evaluated exactly there and f enclosed. The certificate is the tree of halvings: `verify` bounds
its leaves again, all at once, without searching.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

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
from qexpr.certificates.forms import FloatProgram, affine_forms, float_program, plain
from qexpr.certificates.program import Program, lower_to_program
from qexpr.certificates.search import Progress, search
from qexpr.certificates.splits import MOST_DIMENSIONS, Boxes, leaves, unit_cube
from qexpr.errors import CertificateError, InvalidInput, Unsupported

__all__ = ["METHOD", "enclose", "rounded_program", "verify"]

METHOD = "branch-and-bound"
_CHUNK = 2048  # boxes bounded at once in `verify`


def rounded_program(program: Program) -> FloatProgram:
    """The program in float64; refused where the search could not hold it."""
    if program.d > MOST_DIMENSIONS:
        raise Unsupported(
            f"branch and bound takes at most {MOST_DIMENSIONS} inputs, got {program.d}"
        )
    try:
        return float_program(program)
    except OverflowError:
        raise InvalidInput("a weight of the network is beyond the range of doubles") from None


def _bounds(rounded: FloatProgram, f: Enclosable | None, boxes: Boxes) -> BoxBounds:
    centre, radius = boxes.middles()
    return difference(f, affine_forms(rounded, centre, radius), boxes, centre, radius)


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
    """Search; `enough`, `stop_above` as in `search.search`; budget in seconds, at most `boxes`."""
    program = lower_to_program(w)
    rounded = rounded_program(program)

    def values(points: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            low, high = f.enclose_boxes((0,) * program.d, points, points)
            return np.abs(plain(rounded, points) - (low + high) / 2)

    found = search(
        lambda boxes: _bounds(rounded, f, boxes),
        values,
        unit_cube(program.d),
        enough,
        stop_above=stop_above,
        deadline=None if budget is None else time.monotonic() + budget,
        most=boxes,
        progress=progress,
    )
    point = tuple(Fraction(float(x)) for x in found.point)
    lower = short_below(error_at(w, f, point)[0])
    upper = stated_upper(found.upper)
    return Proof(METHOD, lower, upper, point, {"tree": found.tree}, found.boxes, found.closed)


def verify(evidence: Mapping[str, Any], w: Any, f: Enclosable, upper: Fraction) -> None:
    """Derive |f - f~| <= upper again from the tree of halvings.

    Raises
    ------
    CertificateError
        If the tree is malformed, or a leaf's bound exceeds `upper`.
    """
    if set(evidence) != {"tree"} or not isinstance(evidence["tree"], str):
        raise CertificateError("the evidence of branch and bound must be a tree of splits")
    program = lower_to_program(w)
    boxes = leaves(evidence["tree"], unit_cube(program.d))
    rounded = rounded_program(program)
    for low in range(0, len(boxes), _CHUNK):
        part = boxes[low : low + _CHUNK]
        refuse_above(_bounds(rounded, f, part), part, upper)
