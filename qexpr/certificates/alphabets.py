"""The values of an alphabet, from its name: written a second time.

Source: Ding et al. (2019), arXiv:1802.03646, sections 3 and 4.2.
"""

from __future__ import annotations

from fractions import Fraction

from qexpr.core.query import read_alphabet
from qexpr.errors import CertificateError, InvalidInput, shorten

__all__ = ["digit_bits_of", "members_of", "require_alphabet"]

_MOST_VALUES = {"linear": 2**16, "nonlinear": 21}  # the search for t ends at 1,517


def members_of(name: str, t: int) -> tuple[Fraction, ...]:
    """Ascending values of ``nonlinear:lam`` with parameter t, or of ``linear:bits``.

    A nonlinear t for which values would coincide is raised to the least one for which none do.
    """
    alphabet = read_alphabet(name)
    if alphabet.lam > _MOST_VALUES[alphabet.kind]:
        raise CertificateError(f"the alphabet {alphabet} is beyond any circuit here")
    if alphabet.kind == "linear":
        return tuple(Fraction(2 * j + 1 - alphabet.lam, alphabet.lam) for j in range(alphabet.lam))
    order = alphabet.lam - 1
    while (powers := _distinct_powers(t, order)) is None:
        t += 1
    return (Fraction(-1, 2), *(Fraction(1, 2**k) for k in reversed(powers)))


def _distinct_powers(t: int, order: int) -> list[int] | None:
    """1 and ceil(t^(j/order)), ascending, None if two of them are equal."""
    powers = [1]
    for j in range(1, order):
        powers.append(_root_above(t**j, order))
        if powers[-1] == powers[-2]:
            return None
    return powers


def digit_bits_of(name: str) -> int:
    """The bits of one digit: those of a linear alphabet, else 1 (digits are signs)."""
    kind, _, size = name.partition(":")
    return int(size) if kind == "linear" and size.isdecimal() and int(size) else 1


def _root_above(value: int, order: int) -> int:
    """The least k with k^order >= value, by bisection."""
    low, high = 0, 1 << (value.bit_length() // order + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if middle**order >= value else (middle, high)
    return high


def require_alphabet(values: tuple[Fraction, ...], name: object, t: int | None) -> None:
    """Raise CertificateError unless `values` are those of the alphabet of that name.

    With t None weights are real, any dyadic rationals, and the name is only to be legal.
    """
    try:
        if not isinstance(name, str):
            raise InvalidInput(f"an alphabet must be text, got {shorten(name)}")
        if str(read_alphabet(name)) != name:
            raise InvalidInput(f"it must be spelled {read_alphabet(name)}, got {shorten(name)}")
        expected = values if t is None else members_of(name, t)
    except InvalidInput as error:
        raise CertificateError(f"the plan's alphabet is refused: {error}") from None
    if any(value.denominator & (value.denominator - 1) for value in values):
        raise CertificateError("the circuit's values are not all dyadic rationals")
    if values != expected:
        raise CertificateError(f"the circuit's values are not those of the alphabet {name}")
