"""Bounds against eps: weights and bits, log-log, every curve labelled with its kind."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

from qexpr.core.claim import Claim, Kind, Scope, Side
from qexpr.core.query import Query
from qexpr.core.source import Trust
from qexpr.errors import InvalidInput
from qexpr.figures.style import COLOURS, paper_style, to_bytes

__all__ = ["Curve", "curves", "draw_bounds"]

PANELS = ("weights", "bits")
_MARKERS = (None, "o", "s", "^", "D")
_WHERE: dict[str, Callable[[Query], str]] = {
    "d": lambda query: str(query.d),
    "n": lambda query: str(query.n),
    "alphabet": lambda query: str(query.alphabet),
}
_LEGEND_LINE = 0.158  # inches


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
    scope: Scope
    trust: Trust
    points: tuple[tuple[float, float], ...]

    @property
    def label(self) -> str:
        """For the legend: the bound, what is counted, and its flag where it is not firm."""
        counted = " (free bits)" if self.quantity == "free_bits" else ""
        if self.scope is Scope.DESCRIPTION:
            counted = " (description)"
        flag = "" if self.trust.is_firm else f" [{self.trust}]"
        return f"{self.id}{counted}{self.where}{flag}"


def curves(rows: Iterable[RowLike], panel: str) -> list[Curve]:
    """The curves of a quantity; in the panel "bits", free bits where nothing is said of all.

    Values beyond the range of doubles cannot be drawn and are left out.
    """
    rows = [row for row in rows if row.claim is not None and row.eps is not None]
    varying = [name for name in _WHERE if len({_WHERE[name](row.query) for row in rows}) > 1]
    states_bits = {row.claim.id for row in rows if row.claim and row.quantity == "bits"}
    found: dict[tuple[str, str, str], tuple[Claim, list[tuple[float, float]]]] = {}
    for row in rows:
        claim = row.claim
        assert claim is not None
        own = row.quantity == panel
        free = panel == "bits" and row.quantity == "free_bits" and claim.id not in states_bits
        if not (own or free):
            continue
        where = "".join(f", {name} = {_WHERE[name](row.query)}" for name in varying)
        point = (float(row.eps or 0), float(claim.value))
        if math.isfinite(point[1]) and point[1] > 0:
            found.setdefault((claim.id, where, row.quantity), (claim, []))[1].append(point)
    return [
        Curve(
            *(id, where, quantity, claim.side, claim.kind, claim.scope, claim.source.trust),
            tuple(sorted(points)),
        )
        for (id, where, quantity), (claim, points) in found.items()
    ]


def draw_bounds(rows: Sequence[RowLike], form: str, quantities: Sequence[str] = PANELS) -> bytes:
    """Draw weights and bits (or other quantities) of a table over a grid of eps.

    Solid lines are explicit, dashed ones orders at unit constant. Lower bounds are thin.

    Parameters
    ----------
    rows : sequence of rows
        As `qexpr.bounds.table` gives them, for at least two values of eps.
    form : str
        "svg", "pdf" or "png".
    quantities : sequence of str
        One panel each; those without a value are left out.

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
    panels = {panel: found for panel in quantities if (found := curves(rows, panel))}
    if not panels:
        raise InvalidInput(
            f"nothing to plot: no bound gives {' or '.join(quantities)} on this grid"
        )
    styles = _styles([curve for found in panels.values() for curve in found])
    with paper_style():
        from matplotlib.figure import Figure

        entries = len({c.label for found in panels.values() for c in found}) + len(Side) * len(Kind)
        figure = Figure(figsize=(4.4 * len(panels), max(4.2, _LEGEND_LINE * entries)))
        figure.suptitle(_title(rows), fontsize=10)
        axes = figure.subplots(1, len(panels), squeeze=False)[0]
        for place, (panel, found) in zip(axes, panels.items(), strict=True):
            _draw_panel(place, panel, found, styles)
        figure.tight_layout(w_pad=2)
        _draw_legend(figure, axes, [curve for found in panels.values() for curve in found])
        return to_bytes(figure, form)


def _title(rows: Sequence[RowLike]) -> str:
    """What all curves have in common."""
    classes = {(row.query.d, row.query.n) for row in rows}
    alphabets = {str(row.query.alphabet) for row in rows}
    parts = [f"$F_{{{d},{n}}}$" for d, n in classes] if len(classes) == 1 else []
    return ", ".join([*parts, *(f"alphabet {name}" for name in alphabets if len(alphabets) == 1)])


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


def _draw_legend(figure: Any, panels: Sequence[Any], found: Sequence[Curve]) -> None:
    """One legend beside the panels, its entries under their side and kind."""
    from matplotlib.lines import Line2D

    drawn = {line.get_label(): line for axes in panels for line in axes.get_lines()}
    groups: dict[str, dict[str, Any]] = {}
    for side in Side:
        for kind in Kind:
            title = f"{side}, {'explicit' if kind is Kind.EXPLICIT else 'order (unit constant)'}"
            members = [c.label for c in found if c.side is side and c.kind is kind]
            if members:
                groups[title] = {label: drawn[label] for label in members}
    nothing = Line2D([], [], linestyle="none")
    handles, labels = [], []
    for title, lines in groups.items():
        handles += [nothing, *lines.values()]
        labels += [title, *lines]
    legend = figure.legend(
        handles,
        labels,
        loc="upper left",
        bbox_to_anchor=(1.0, 0.97),
        borderaxespad=0,
        handlelength=3.2,
    )
    for text in legend.get_texts():
        if text.get_text() in groups:
            text.set_weight("bold")
