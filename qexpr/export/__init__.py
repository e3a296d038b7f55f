"""Networks and circuits as packed files (.qxr), and back with an unchanged digest."""

from qexpr.export.packed import read_packed, write_packed

__all__ = ["read_packed", "write_packed"]
