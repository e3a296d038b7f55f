"""Where witnesses come from, and where they can be built."""

from __future__ import annotations

from qexpr.bounds.bound import Condition
from qexpr.bounds.references import reference
from qexpr.core.query import Alphabet
from qexpr.core.source import Reference, Source, Trust

__all__ = ["BUILT", "digit_bits", "witness_source"]

BUILT = Condition("lam <= 65536", "circuits are built over at most 2^16 values")


def witness_source(place: str, *, of: Reference | None = None, note: str = "") -> Source:
    """The project's own construction, or its reconstruction of another's."""
    return Source(of or reference("qexpr"), place, Trust("DERIVED"), note)


def digit_bits(alphabet: Alphabet) -> int:
    """b, for the largest power of two u = 2^-b among the values, and digits of b bits."""
    return alphabet.size if alphabet.kind == "linear" else 1
