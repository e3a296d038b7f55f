"""One look for all figures, and figures as bytes that are the same on every run."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from qexpr.errors import InvalidInput, shorten

__all__ = ["COLOURS", "FORMATS", "figure_format", "paper_style", "to_bytes"]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#E69F00", "#56B4E9")
"""Okabe and Ito's colours, told apart by readers with any colour vision; yellow is too pale."""

FORMATS = ("svg", "pdf", "png")

_SETTINGS = {
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": 9,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.6,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "savefig.dpi": 150,
    "svg.hashsalt": "qexpr",
}
_NO_DATE = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}


def figure_format(path: str) -> str:
    """The format that a file name asks for; InvalidInput for one that cannot be drawn."""
    form = Path(path).suffix.lower().removeprefix(".")
    if form not in FORMATS:
        allowed = ", ".join(f".{name}" for name in FORMATS)
        raise InvalidInput(f"a figure's name must end in one of {allowed}, got {shorten(path)}")
    return form


@contextmanager
def paper_style() -> Iterator[None]:
    """matplotlib's settings for one figure; InvalidInput where it is not installed."""
    try:
        import matplotlib as mpl
    except ModuleNotFoundError:
        raise InvalidInput("figures need matplotlib: pip install 'qexpr[figures]'") from None
    with mpl.rc_context(_SETTINGS):
        yield


def to_bytes(figure: Any, form: str) -> bytes:
    """The figure as a file's content, without a date in it."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format=form, metadata=_NO_DATE[form], bbox_inches="tight")
    return buffer.getvalue()
