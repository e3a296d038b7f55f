"""Figures as bytes, the same bytes each time."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from qexpr.errors import InvalidInput, shorten

__all__ = ["figure_bytes", "format_of"]

_METADATA: dict[str, dict[str, None]] = {
    "svg": {"Date": None},
    "pdf": {"CreationDate": None},
    "png": {},
}


def format_of(path: str) -> str:
    """Return the format that a file name asks for: svg, pdf or png."""
    suffix = Path(path).suffix.lower().lstrip(".")
    if suffix not in _METADATA:
        raise InvalidInput(
            f"a figure's file name must end in .svg, .pdf or .png, got {shorten(path)}"
        )
    return suffix


def figure_bytes(figure: Any, kind: str) -> bytes:
    """Return a matplotlib figure in the format `kind`, without dates or random names."""
    import matplotlib as mpl

    buffer = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "qexpr", "svg.fonttype": "path"}):
        figure.savefig(buffer, format=kind, metadata=_METADATA[kind], dpi=150)
    return buffer.getvalue()
