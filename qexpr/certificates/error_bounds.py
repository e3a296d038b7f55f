"""Bounds of e = f~ - f over boxes, from the network's affine forms and the target's derivatives.

The mean-value form (Moore 1966) of the difference: with f~ = F + a . t + err and
f in f(c) + sum_i [d_i f](box) r_i t_i, the linear parts cancel before anything is bounded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

import numpy as np

from qexpr.certificates.forms import Forms
from qexpr.certificates.splits import Boxes
from qexpr.errors import CertificateError, InvalidInput

__all__ = [
    "BoxBounds",
    "Enclosable",
    "Proof",
    "difference",
    "error_at",
    "refuse_above",
    "short_above",
    "short_below",
    "stated_upper",
]

_BITS = 96
_ROOM = Fraction(1, 2**40)


class Enclosable(Protocol):
    """What the general certificates need of a target."""

    @property
    def d(self) -> int: ...

    def enclose(
        self, order: Any, numerators: Any, denominator: int, bits: int
    ) -> tuple[Sequence[int], Sequence[int]]: ...

    def enclose_boxes(self, order: Any, lower: np.ndarray, upper: np.ndarray) -> Any: ...


@dataclass(frozen=True, eq=False)
class BoxBounds:
    """For every box: |e| <= upper on it, what to halve, and where |e| may be largest."""

    upper: np.ndarray  # (m,)
    weight: np.ndarray  # (m, d)
    corner: np.ndarray  # (m, d)


def difference(
    f: Enclosable | None, forms: Forms, boxes: Boxes, centre: np.ndarray, radius: np.ndarray
) -> BoxBounds:
    """Bounds of |f~ - f|; of |f~| for no target.

    The forms hold with ``x = centre + radius * t``, |t| <= 1, for every x of the boxes; centres
    lie in them.
    """
    d = centre.shape[1]
    slopes = forms.slopes
    with np.errstate(all="ignore"):
        if f is None:
            low = high = np.zeros(len(centre))
            below = above = np.zeros_like(slopes)
        else:
            low, high = f.enclose_boxes((0,) * d, centre, centre)
            below, above = np.empty_like(slopes), np.empty_like(slopes)
            for k in range(d):
                order = tuple(int(i == k) for i in range(d))
                ends = f.enclose_boxes(order, boxes.lower, boxes.upper)
                below[:, k], above[:, k] = ends[0] * radius[:, k], ends[1] * radius[:, k]
        spread = np.maximum(np.abs(slopes - below), np.abs(slopes - above))
        total = spread.sum(axis=1)
        size = np.abs(forms.centre) + np.abs(low) + np.abs(high) + forms.error
        size += (np.abs(slopes) + np.abs(below) + np.abs(above)).sum(axis=1)
        slack = (d + 10) * 2.0**-53 * size + 2.0**-900  # d + 7 roundings, relative to the sizes
        top = (forms.centre - low) + total + forms.error + slack
        bottom = (high - forms.centre) + total + forms.error + slack
        upper = np.maximum(top, bottom)
        upper = np.where(np.isnan(upper), np.inf, upper)
        tilt = slopes - (below + above) / 2
        direction = np.where(top >= bottom, 1.0, -1.0)[:, None] * np.sign(tilt)
        direction = np.where(np.isfinite(direction), direction, 0.0)
        weight = forms.blame + (above - below) / 2 + np.abs(slopes) * 2.0**-40
        weight = np.where(np.isfinite(weight), weight, np.inf)
    corner = np.clip(centre + radius * direction, boxes.lower, boxes.upper)
    return BoxBounds(upper, weight, corner)


def error_at(w: Any, f: Enclosable, point: Sequence[Fraction]) -> tuple[Fraction, Fraction]:
    """Rational ends of |f - f~| at one rational point."""
    value = w.evaluate_exact([list(point)])[0]
    denominator = int(np.lcm.reduce(np.array([x.denominator for x in point], dtype=object)))
    numerators = [int(x * denominator) for x in point]
    low, high = f.enclose((0,) * len(point), [numerators], denominator, _BITS)
    scale = 2 ** (_BITS + 2)
    ends = value - Fraction(int(low[0]), scale), value - Fraction(int(high[0]), scale)
    least, most = min(ends), max(ends)
    return max(least, -most, Fraction(0)), max(most, -least)


@dataclass(frozen=True)
class Proof:
    """lower <= sup |f - f~| <= upper, |f - f~| >= lower at `point`, and the evidence."""

    method: str
    lower: Fraction
    upper: Fraction
    point: tuple[Fraction, ...]
    evidence: Mapping[str, Any]
    boxes: int
    closed: bool

    def __post_init__(self) -> None:
        if self.lower > self.upper:  # two proofs that contradict each other: say so, loudly
            raise CertificateError(
                f"the lower end {float(self.lower)!r} exceeds the upper end "
                f"{float(self.upper)!r}: one of the two derivations is wrong"
            )


def short_below(value: Fraction, bits: int = 64) -> Fraction:
    """A dyadic of `bits` bits at most the value, which must not be negative."""
    if value <= 0:
        return Fraction(0)
    shift = bits - (value.numerator.bit_length() - value.denominator.bit_length())
    scale = Fraction(2) ** shift
    return Fraction((value * scale).__floor__()) / scale


def short_above(value: Fraction, bits: int = 64) -> Fraction:
    """A dyadic of `bits` bits at least the value, which must not be negative."""
    if value <= 0:
        return Fraction(0)
    shift = bits - (value.numerator.bit_length() - value.denominator.bit_length())
    scale = Fraction(2) ** shift
    return Fraction((value * scale).__ceil__()) / scale


def stated_upper(upper: float) -> Fraction:
    """The upper end that a certificate states: a little room for another order of summation."""
    if not np.isfinite(upper):
        raise InvalidInput(
            "no finite bound was found: the target's or the network's values could not be "
            "enclosed on some box"
        )
    return short_above(Fraction(upper) * (1 + _ROOM))


def refuse_above(found: BoxBounds, boxes: Boxes, upper: Fraction) -> None:
    """Raise CertificateError if a box allows more than `upper`."""
    worst = int(np.argmax(found.upper))
    top = float(found.upper[worst])
    if np.isfinite(top) and Fraction(top) <= upper:
        return
    where = " x ".join(
        f"[{a:.6g}, {b:.6g}]" for a, b in zip(boxes.lower[worst], boxes.upper[worst], strict=True)
    )
    raise CertificateError(
        f"the box {where} allows an error of {top:.6g}, more than the stated {float(upper):.6g}"
    )
