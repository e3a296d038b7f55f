"""Figures of studies: points with their groups, and enclosures as bars."""

from __future__ import annotations

from collections.abc import Sequence

from qexpr.figures.style import COLOURS, paper_style, to_bytes

__all__ = ["Line", "draw_ends", "draw_points"]

Points = Sequence[tuple[str, Sequence[tuple[float, float]]]]
Ends = Sequence[tuple[str, Sequence[tuple[float, float, float]]]]
Line = tuple[str, str, Sequence[tuple[float, float]]]
"""Label, matplotlib's line style, points. Solid: explicit; dashed: an order, shifted to be seen."""

_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_SIZE = (6.4, 3.8)


def draw_points(
    groups: Points, form: str, x: str, y: str, *, logs: tuple[bool, bool] = (True, True)
) -> bytes:
    """One marker a group, one point a row.

    Parameters
    ----------
    groups : (label, points (x, y)) each
    form : "svg", "pdf" or "png"
    x, y : str
        The axes' names, with units.
    logs : whether the axes are logarithmic
    """
    return draw_ends(
        [(label, [(a, b, b) for a, b in points]) for label, points in groups], form, x, y, logs=logs
    )


def draw_ends(
    groups: Ends,
    form: str,
    x: str,
    y: str,
    *,
    lines: Sequence[Line] = (),
    logs: tuple[bool, bool] = (True, True),
) -> bytes:
    """Enclosures (x, lower, upper) as bars from end to end, with lines beside them."""
    with paper_style():
        from matplotlib.figure import Figure

        figure = Figure(figsize=_SIZE, layout="constrained")
        axes = figure.subplots()
        for k, (label, points) in enumerate(groups):
            if not points:
                continue
            colour, marker = COLOURS[k % len(COLOURS)], _MARKERS[k // len(COLOURS) % len(_MARKERS)]
            xs = [p[0] for p in points]
            axes.vlines(xs, [p[1] for p in points], [p[2] for p in points], color=colour, lw=1.2)
            axes.plot(
                *(xs, [p[2] for p in points]), marker, color=colour, ms=4, alpha=0.8, label=label
            )
        for k, (label, style, line) in enumerate(lines):
            xs, ys = [p[0] for p in line], [p[1] for p in line]
            axes.plot(xs, ys, style, color=COLOURS[(4 + k) % len(COLOURS)], lw=1.3, label=label)
        if logs[0]:
            axes.set_xscale("log")
        if logs[1]:
            axes.set_yscale("log")
        axes.set_xlabel(x)
        axes.set_ylabel(y)
        handles = axes.get_legend_handles_labels()[0]
        if handles:
            axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
        return to_bytes(figure, form)
