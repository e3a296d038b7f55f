"""Bounds against eps: weights and bits, log-log, every curve labelled with its kind."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

from qexpr.core.claim import Claim, Kind, Side
from qexpr.core.query import Query
from qexpr.errors import InvalidInput
from qexpr.figures.style import COLOURS, paper_style, to_bytes

__all__ = ["Curve", "curves", "draw_bounds"]

PANELS = ("weights", "bits")
_MARKERS = (None, "o", "s", "^", "D")
_LEGEND_LINE = 0.155  # inches


class RowLike(Protocol):
    """What a figure knows of a row of a table of bounds."""

    @property
    def quantity(self) -> str: ...
    @property
    def query(self) -> Query: ...
    @property
    def eps(self) -> Fraction | None: ...
    @property
    def claim(self) -> Claim | None: ...


@dataclass(frozen=True, slots=True)
class Curve:
    """One bound over a grid of eps, for one d, n and alphabet."""

    id: str
    where: str
    quantity: str
    side: Side
    kind: Kind
    points: tuple[tuple[float, float], ...]

    @property
    def label(self) -> str:
        """For the legend: side, kind and bound."""
        kind = "order, unit constant" if self.kind is Kind.ORDER else "explicit"
        what = " (free bits)" if self.quantity == "free_bits" else ""
        return f"{self.side}, {kind}: {self.id}{what}{self.where}"


def curves(rows: Iterable[RowLike], panel: str) -> list[Curve]:
    """The curves of a panel, "weights" or "bits" (free bits where nothing is said of all).

    Values beyond the range of doubles cannot be drawn and are left out.
    """
    rows = [row for row in rows if row.claim is not None and row.eps is not None]
    places = {(row.query.d, row.query.n, str(row.query.alphabet)) for row in rows}
    states_bits = {row.claim.id for row in rows if row.claim and row.quantity == "bits"}
    found: dict[tuple[str, str, str], tuple[Claim, list[tuple[float, float]]]] = {}
    for row in rows:
        claim = row.claim
        assert claim is not None
        own = row.quantity == panel
        free = panel == "bits" and row.quantity == "free_bits" and claim.id not in states_bits
        if not (own or free):
            continue
        query = row.query
        where = f", d={query.d}, n={query.n}, {query.alphabet}" if len(places) > 1 else ""
        point = (float(row.eps or 0), float(claim.value))
        if math.isfinite(point[1]) and point[1] > 0:
            found.setdefault((claim.id, where, row.quantity), (claim, []))[1].append(point)
    return [
        Curve(id, where, quantity, claim.side, claim.kind, tuple(sorted(points)))
        for (id, where, quantity), (claim, points) in found.items()
    ]


def draw_bounds(rows: Sequence[RowLike], form: str) -> bytes:
    """Draw weights and bits of a table over a grid of eps.

    Solid lines are explicit, dashed ones orders at unit constant. Lower bounds are thin.

    Parameters
    ----------
    rows : sequence of rows
        As `qexpr.bounds.table` gives them, for at least two values of eps.
    form : str
        "svg", "pdf" or "png".

    Returns
    -------
    bytes
        The file's content.

    Raises
    ------
    InvalidInput
        If there is no grid, or nothing in it that can be drawn.
    """
    if len({row.eps for row in rows}) < 2:
        raise InvalidInput(
            "a plot needs a grid of at least two eps, such as --eps 1e-1:1e-6:26, got one"
        )
    panels = {panel: found for panel in PANELS if (found := curves(rows, panel))}
    if not panels:
        raise InvalidInput("nothing to plot: no bound gives weights or bits on this grid")
    styles = _styles([curve for found in panels.values() for curve in found])
    with paper_style():
        from matplotlib.figure import Figure

        entries = max(len(found) for found in panels.values())
        legend = _LEGEND_LINE * entries + 0.4
        figure = Figure(figsize=(5.6 * len(panels), 3.6 + legend))
        for place, (panel, found) in enumerate(panels.items(), 1):
            axes = figure.add_subplot(1, len(panels), place)
            _draw_panel(axes, panel, found, styles)
        figure.subplots_adjust(bottom=legend / (3.6 + legend) + 0.12, wspace=0.25)
        return to_bytes(figure, form)


def _styles(found: Sequence[Curve]) -> dict[str, tuple[str, str | None]]:
    """Colour and marker of each bound, the same in both panels."""
    names = dict.fromkeys(f"{curve.id}{curve.where}" for curve in found)
    colours, count = len(COLOURS), len(_MARKERS)
    return {
        name: (COLOURS[i % colours], _MARKERS[i // colours % count]) for i, name in enumerate(names)
    }


def _draw_panel(
    axes: Any, panel: str, found: Sequence[Curve], styles: dict[str, tuple[str, str | None]]
) -> None:
    for curve in found:
        colour, marker = styles[f"{curve.id}{curve.where}"]
        axes.plot(
            *zip(*curve.points, strict=True),
            color=colour,
            marker=marker,
            markersize=3.5,
            markevery=max(1, len(curve.points) // 6),
            linestyle="--" if curve.kind is Kind.ORDER else "-",
            linewidth=1.8 if curve.side is Side.UPPER else 0.9,
            label=curve.label,
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.invert_xaxis()
    axes.set_xlabel(r"accuracy $\varepsilon$ (sup norm)")
    axes.set_title(panel)
    axes.legend(loc="upper left", bbox_to_anchor=(-0.02, -0.16), borderaxespad=0, ncols=1)
