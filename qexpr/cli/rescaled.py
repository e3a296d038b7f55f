"""A target in the user's units: --target, --domain and --norm, and an accuracy in those units."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from qexpr.errors import InvalidInput, shorten

if TYPE_CHECKING:
    from qexpr.core.units import Units
    from qexpr.targets import Target, Telegraph

__all__ = ["rescaled", "unit_eps"]


def rescaled(
    text: str, d: int | None, domain: str | None, norm: str | None, own: Units | None = None
) -> Target | Telegraph:
    """The target of that text on the domain, divided by the norm.

    Where neither is given, an expression is meant in the network's `own` units.

    Raises
    ------
    InvalidInput
        If it is no target, or one that has units of its own.
    """
    from qexpr import targets
    from qexpr.core.numbers import read_rational

    f = targets.find(text, d)
    if domain is None and norm is None:
        if own is None or own.trivial or not isinstance(f, targets.Target):
            return f
        return targets.Target(f.text, f.d, domain=own.domain, norm=own.norm)
    if not isinstance(f, targets.Target):
        raise InvalidInput(
            f"--domain and --norm rescale an expression, and {shorten(text)} is none"
        )
    box = None if domain is None else _read_domain(domain)
    size = read_rational("1" if norm is None else norm, "--norm")
    return targets.Target(f.text, d or f.d, domain=box, norm=size)


def _read_domain(text: str) -> list[tuple[Fraction, ...]]:
    from qexpr.core.numbers import read_rational

    pairs = [side.split(":") for side in text.split(",")]
    if any(len(pair) != 2 for pair in pairs):
        raise InvalidInput(
            f"--domain must be A:B for every coordinate, such as 0:2,-1:1, got {shorten(text)}"
        )
    return [tuple(read_rational(end, "an end of --domain") for end in p) for p in pairs]


def unit_eps(text: str, f: Target | Telegraph) -> Fraction:
    """The accuracy asked for in the user's units as one on the unit cube, over the norm."""
    from qexpr.core.numbers import read_rational

    eps = f.units.error_to_unit(read_rational(text, "eps"))
    if not 0 < eps < 1 and f.units.norm != 1:
        raise InvalidInput(
            f"eps must lie between 0 and the norm, {shorten(f.units.norm)}, got {shorten(text)}"
        )
    return eps
