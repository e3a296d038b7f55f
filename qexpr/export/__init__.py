"""Networks and circuits as packed files (.qxr), and back with an unchanged digest."""

from qexpr.export.packed import box_of, read_packed, write_packed

__all__ = ["box_of", "read_packed", "write_packed"]
