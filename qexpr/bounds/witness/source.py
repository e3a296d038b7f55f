"""Where witnesses come from, and where they can be built."""

from __future__ import annotations

from qexpr.bounds.bound import Condition
from qexpr.bounds.references import reference
from qexpr.core.query import Alphabet
from qexpr.core.source import Reference, Source, Trust
from qexpr.errors import OutOfRegime

__all__ = ["BUILT", "digit_bits", "witness_source"]

BUILT = Condition("lam <= 65536", "circuits are built over at most 2^16 values")


def witness_source(place: str, *, of: Reference | None = None, note: str = "") -> Source:
    """The project's own construction, or its reconstruction of another's."""
    return Source(of or reference("qexpr"), place, Trust("DERIVED"), note)


_VALUES = 21  # of a nonlinear alphabet: the least of more is beyond what a circuit holds


def digit_bits(alphabet: Alphabet) -> int:
    """b, for the largest power of two u = 2^-b among the values, and digits of b bits.

    Raises
    ------
    OutOfRegime
        For a nonlinear alphabet over which no circuit is built.
    """
    if alphabet.kind == "nonlinear" and alphabet.size > _VALUES:
        raise OutOfRegime(f"alphabets nonlinear are built up to {_VALUES} values")
    return alphabet.size if alphabet.kind == "linear" else 1
