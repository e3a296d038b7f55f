"""Certified range and Lipschitz constant of a circuit or network over a box."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from qexpr.certificates.branch_and_bound import rounded_program
from qexpr.certificates.enclosure import BUDGET, Enclosure, check_budget, read_gap
from qexpr.certificates.error_bounds import BoxBounds, short_above, short_below
from qexpr.certificates.forms import FloatProgram, affine_forms, plain
from qexpr.certificates.jacobian import gradient_at, gradients, largest_gradient
from qexpr.certificates.program import lower_to_program
from qexpr.certificates.search import Result, search
from qexpr.certificates.splits import Boxes
from qexpr.core.claim import double_below
from qexpr.core.numbers import read_rational
from qexpr.errors import InvalidInput, Unsupported, shorten

__all__ = ["lipschitz", "output_range"]

Box = Sequence[tuple[Fraction, Fraction]]
_METHOD = "branch-and-bound"
_FLOOR = 2.0**-40
_OFFSET = 0.381966  # probes avoid the middles of boxes, where kinks of dyadic networks lie


def output_range(
    w: Any,
    box: Sequence[Sequence[object]] | None = None,
    gap: object = "1e-2",
    *,
    budget: float | None = BUDGET,
) -> tuple[Enclosure, Enclosure]:
    """Enclose the least and the greatest value over a box, the unit cube unless given.

    Returns two enclosures: of the least value (attained up to `upper` at its point) and of the
    greatest (at least `lower` at its point). The gap is relative to the spread of the values.
    """
    share = read_gap(gap)
    check_budget(budget)
    program = lower_to_program(w)
    rounded, sides = rounded_program(program), _read_box(box, program.d)
    roots = _roots(sides)
    corners = np.random.default_rng(0).random((512, program.d))
    sample = plain(rounded, roots.lower + corners * (roots.upper - roots.lower))
    room = max(share * float(sample.max() - sample.min()), _FLOOR)
    results = []
    for sign in (-1.0, 1.0):
        found = search(
            _signed_bounds(rounded, sign),
            partial(_signed_values, rounded, sign),
            roots,
            lambda best: best + room * (1 - 2.0**-20),
            deadline=_deadline(budget),
        )
        point = _point(found, sides)
        value = Fraction(w.evaluate_exact([list(point)])[0])
        outer = _outward(int(sign) * Fraction(found.upper), int(sign))
        ends = (value, outer) if sign > 0 else (outer, value)
        closed = ends[1] - ends[0] <= Fraction(room)
        results.append(Enclosure(*ends, point, _METHOD, found.boxes, closed))
    return results[0], results[1]


def lipschitz(
    w: Any,
    box: Sequence[Sequence[object]] | None = None,
    gap: object = "1e-2",
    *,
    norm: str = "inf",
    budget: float | None = BUDGET,
) -> Enclosure:
    """Enclose the Lipschitz constant over a box, the unit cube unless given.

    Parameters
    ----------
    norm : the norm on inputs. "inf": |f~(x) - f~(y)| <= L max_i |x_i - y_i|, so that L is the
        largest sum of absolute partial derivatives; "2": the Euclidean norm.

    Returns
    -------
    Enclosure
        The lower end is a proven size of the gradient next to the point.

    Raises
    ------
    Unsupported
        If an activation jumps.
    """
    if norm not in ("inf", "2"):
        raise InvalidInput(f'norm must be "inf" or "2", got {shorten(norm)}')
    share = read_gap(gap)
    check_budget(budget)
    program = lower_to_program(w)
    if not program.is_continuous:
        raise Unsupported("a network with Steps jumps: it has no Lipschitz constant")
    rounded, sides = rounded_program(program), _read_box(box, program.d)
    if any(a == b for a, b in sides):
        raise InvalidInput("a Lipschitz constant needs a box with a < b on every side")
    wanted = (1 - 2.0**-24) / (1 - share)

    def bounds(boxes: Boxes) -> BoxBounds:
        centre, radius = boxes.middles()
        sizes, _ = largest_gradient(rounded, centre, radius)
        upper = _norm(sizes, norm).max(axis=1) * (1 + 2.0**-44)
        corner = np.clip(centre + radius * _OFFSET, boxes.lower, boxes.upper)
        return BoxBounds(np.where(np.isnan(upper), np.inf, upper), radius, corner)

    found = search(
        bounds,
        lambda points: _norm(np.abs(gradient_at(rounded, points)), norm),
        _roots(sides),
        lambda best: max(best * wanted, _FLOOR),
        deadline=_deadline(budget),
    )
    point = _point(found, sides)
    lower = _gradient_below(rounded, point, sides, norm)
    upper = short_above(Fraction(found.upper) * (1 + Fraction(1, 2**40)))
    closed = upper - lower <= Fraction(share) * upper or upper <= Fraction(_FLOOR)
    return Enclosure(lower, upper, point, _METHOD, found.boxes, closed)


def _norm(sizes: np.ndarray, norm: str) -> np.ndarray:
    return sizes.sum(axis=-1) if norm == "inf" else np.sqrt((sizes**2).sum(axis=-1))


def _gradient_below(
    program: FloatProgram, point: tuple[Fraction, ...], sides: Box, norm: str
) -> Fraction:
    """A proven lower bound of the gradient's size somewhere near the point, inside the box.

    A neighbourhood of a point of the box meets the box's interior, where the network is
    differentiable almost everywhere.
    """
    centre = np.array([[float(x) for x in point]])
    if not all(a <= Fraction(float(c)) <= b for c, (a, b) in zip(centre[0], sides, strict=True)):
        return Fraction(0)
    best = 0.0
    for bits in (30, 36, 42, 48):
        lower, upper, _ = gradients(program, centre, np.full_like(centre, 2.0**-bits))
        least = np.maximum(np.maximum(lower, -upper), 0.0)
        best = max(best, float(_norm(least, norm)[0]))
    return short_below(Fraction(best) * (1 - Fraction(1, 2**40)))


def _signed_values(program: FloatProgram, sign: float, points: np.ndarray) -> np.ndarray:
    return sign * plain(program, points)


def _signed_bounds(program: FloatProgram, sign: float) -> Callable[[Boxes], BoxBounds]:
    def bounds(boxes: Boxes) -> BoxBounds:
        centre, radius = boxes.middles()
        forms = affine_forms(program, centre, radius)
        with np.errstate(all="ignore"):
            spread = np.abs(forms.slopes).sum(axis=1)
            slack = 2.0**-48 * (np.abs(forms.centre) + spread) + 2.0**-900
            upper = sign * forms.centre + spread + forms.error + slack
            upper = np.where(np.isnan(upper), np.inf, upper)
            weight = forms.blame + np.abs(forms.slopes) * 2.0**-20
            direction = np.nan_to_num(np.sign(forms.slopes) * sign)
        corner = np.clip(centre + radius * direction, boxes.lower, boxes.upper)
        return BoxBounds(upper, weight, corner)

    return bounds


def _read_box(box: Sequence[Sequence[object]] | None, d: int) -> Box:
    if box is None:
        return [(Fraction(0), Fraction(1))] * d
    try:
        sides = [tuple(read_rational(end, "an end of the box") for end in side) for side in box]
    except TypeError:
        sides = []
    if len(sides) != d or any(len(side) != 2 or side[0] > side[1] for side in sides):
        raise InvalidInput(f"a box must be {d} pairs (a, b) with a <= b, got {shorten(box)}")
    return [(side[0], side[1]) for side in sides]


def _roots(sides: Box) -> Boxes:
    lower = np.array([[double_below(a) for a, _ in sides]])
    upper = np.array([[-double_below(-b) for _, b in sides]])
    return Boxes(lower, upper, np.zeros(1, dtype=np.int64))


def _point(found: Result, sides: Box) -> tuple[Fraction, ...]:
    """The point, inside the box that was given."""
    return tuple(
        min(max(Fraction(float(x)), a), b) for x, (a, b) in zip(found.point, sides, strict=True)
    )


def _outward(value: Fraction, sign: int) -> Fraction:
    """A short number beyond the value in the direction of the sign."""
    room = abs(value) / 2**40
    moved = value + sign * room
    size = short_above(abs(moved)) if (moved > 0) == (sign > 0) else short_below(abs(moved))
    return size if moved > 0 else -size


def _deadline(budget: float | None) -> float | None:
    return None if budget is None else time.monotonic() + budget
