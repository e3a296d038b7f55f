"""The user's domain and norm, and the affine change to the unit cube and the unit ball."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from qexpr.core.numbers import MAX_TEXT, read_rational
from qexpr.errors import InvalidInput, shorten

__all__ = ["Units"]


@dataclass(frozen=True, slots=True)
class Units:
    """f on the unit cube stands for F on a box: F(a + (b - a) x) = norm * f(x).

    Parameters
    ----------
    domain : tuple of (Fraction, Fraction)
        One interval (a, b) a coordinate, a < b.
    norm : Fraction
        Positive.
    """

    domain: tuple[tuple[Fraction, Fraction], ...]
    norm: Fraction

    @classmethod
    def read(cls, domain: Sequence[Sequence[object]] | None, norm: object, d: int) -> Units:
        """Read user input; None is the unit cube."""
        if domain is None:
            box = ((Fraction(0), Fraction(1)),) * d
        else:
            box = tuple(_interval(pair, k) for k, pair in enumerate(_sequence(domain)))
        if len(box) != d:
            raise InvalidInput(f"domain must have one interval for each of the {d} variables")
        size = read_rational(norm, "norm")
        if size <= 0:
            raise InvalidInput(f"norm must be positive, got {shorten(norm)}")
        made = size, *(end for pair in box for end in pair)
        if max(len(str(value)) for value in made) > MAX_TEXT:  # no file could be read again
            raise InvalidInput(
                f"the domain's ends and the norm must be p/q of at most {MAX_TEXT} characters"
            )
        return cls(box, size)

    @classmethod
    def built_for(cls, frame: Units | None, plan: Mapping[str, object], d: int) -> Units | None:
        """What a circuit's cube and ball stand for: its frame, or the cube; None: not known."""
        return cls.read(None, 1, d) if frame is None and plan else frame

    @property
    def trivial(self) -> bool:
        """Whether user's units and the unit cube's are the same."""
        return self.norm == 1 and all(a == 0 and b == 1 for a, b in self.domain)

    def to_user(self, point: Sequence[Fraction]) -> tuple[Fraction, ...]:
        """A point of the unit cube in the user's coordinates."""
        return tuple(a + (b - a) * x for (a, b), x in zip(self.domain, point, strict=True))

    def to_unit(self, point: Sequence[Fraction]) -> tuple[Fraction, ...]:
        """A point of the user's domain in the unit cube."""
        return tuple((y - a) / (b - a) for (a, b), y in zip(self.domain, point, strict=True))

    def error_to_user(self, error: Fraction) -> Fraction:
        """An error of f as an error of F."""
        return error * self.norm

    def error_to_unit(self, error: Fraction) -> Fraction:
        """An error of F as an error of f."""
        return error / self.norm

    def derivative_to_user(self, order: Sequence[int], value: Fraction) -> Fraction:
        """A derivative of f as the derivative of F: norm / prod (b - a)^order times it."""
        for (a, b), k in zip(self.domain, order, strict=True):
            value /= (b - a) ** k
        return value * self.norm

    def describe(self) -> str:
        """One line for a person."""
        box = self.describe_box()
        return box if self.norm == 1 else f"{box}, norm {self.norm}"

    def describe_box(self) -> str:
        """The domain alone."""
        return " x ".join(f"[{a}, {b}]" for a, b in self.domain)

    def contains(self, point: Sequence[Fraction]) -> bool:
        """Whether a point in the user's coordinates lies in the domain."""
        return all(a <= y <= b for (a, b), y in zip(self.domain, point, strict=True))

    def to_dict(self) -> dict[str, object]:
        """JSON values."""
        return {"domain": [[str(a), str(b)] for a, b in self.domain], "norm": str(self.norm)}

    @classmethod
    def from_dict(cls, document: object, d: int) -> Units:
        """Read what `to_dict` wrote."""
        if not isinstance(document, Mapping) or set(document) != {"domain", "norm"}:
            raise InvalidInput(f"units must be a domain and a norm, got {shorten(document)}")
        return cls.read(document["domain"], document["norm"], d)


def _sequence(value: Sequence[Sequence[object]]) -> Sequence[Sequence[object]]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise InvalidInput(f"domain must be a list of pairs (a, b), got {shorten(value)}")
    return value


def _interval(pair: Sequence[object], k: int) -> tuple[Fraction, Fraction]:
    if isinstance(pair, str) or not isinstance(pair, Sequence) or len(pair) != 2:
        raise InvalidInput(f"domain must be a list of pairs (a, b), got {shorten(pair)}")
    a, b = (read_rational(end, f"an end of domain interval {k}") for end in pair)
    if not a < b:
        raise InvalidInput(
            f"domain interval {k} must have a < b, got {shorten(a)} and {shorten(b)}"
        )
    return a, b
