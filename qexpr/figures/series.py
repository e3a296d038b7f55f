"""Curves in panels, for studies: what is explicit, what is an order, and what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from qexpr.errors import InvalidInput
from qexpr.figures.style import COLOURS, paper_style, to_bytes

__all__ = ["Line", "Panel", "draw_panels"]

_MARKERS = "osD^vPX<>*x"  # not as many as colours: no two curves of 77 look alike
_LOOKS: dict[str, tuple[str, str]] = {  # kind -> line style, what the legend adds
    "explicit": ("-", "explicit"),
    "order": ("--", "order, unit constant"),
    "measured": (":", "measured"),
    "proven": (" ", "proven ends"),
    "counted": (" ", "counted exactly"),
    "points": (" ", "measured"),
    "estimate": (" ", "estimate, 95 % interval"),
}


@dataclass(frozen=True)
class Line:
    """One curve.

    Parameters
    ----------
    label : str
        Equal labels have one colour and one entry in the legend.
    x, y : sequences of numbers
    kind : {"explicit", "order", "measured", "proven", "counted", "points", "estimate"}
        Said in the legend, and drawn: full lines with markers are guarantees, dashed ones without
        markers hold up to a constant, dotted ones with markers were measured, and markers alone
        are single networks, which no line joins: enclosed ("proven", with a bar from end to end),
        counted, measured, or estimated with a bar for the interval.
    low, high : sequences of numbers, optional
        The ends of an enclosure or a confidence interval, drawn as bars.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    kind: str = "explicit"
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None

    def __post_init__(self) -> None:
        if self.kind not in _LOOKS:
            raise InvalidInput(f"a line is {', '.join(_LOOKS)}, got {self.kind}")


@dataclass(frozen=True)
class Panel:
    """One pair of axes."""

    title: str
    lines: Sequence[Line]


def draw_panels(
    panels: Sequence[Panel],
    x_label: str,
    y_label: str,
    form: str = "svg",
    *,
    x_scale: str = "log",
    y_scale: str = "log",
    invert_x: bool = False,
) -> bytes:
    """Draw small panels of one scale beside each other, with one legend beneath them.

    Labels carry the units. Colours are told apart with any colour vision, and every curve has a
    marker or a style of its own besides. The same bytes for the same input.
    """
    with paper_style():
        from matplotlib.figure import Figure

        across = 2 if len(panels) == 4 else min(len(panels), 3)
        down = -(-len(panels) // across)
        labels = list(dict.fromkeys(line.label for panel in panels for line in panel.lines))
        beneath = 0.55 + 0.15 * -(-len(labels) // 2)  # the legend has two columns
        size = (3.1 * across + 0.6 if across > 1 else 5.2, 2.7 * down + beneath)
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
        handles: dict[str, Any] = {}
        for place, panel in zip(axes.flat, panels, strict=False):
            place.set_title(panel.title, fontsize=9)
            place.set_xscale(x_scale)
            place.set_yscale(y_scale)
            for line in panel.lines:
                _draw(place, line, labels.index(line.label), handles)
        for place in list(axes.flat)[len(panels) :]:
            place.set_axis_off()
        if invert_x and panels:
            axes.flat[0].invert_xaxis()
        for place in axes[-1, :]:
            place.set_xlabel(x_label)
        for place in axes[:, 0]:
            place.set_ylabel(y_label)
        figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=2)
        for axis in (axes.flat[0].xaxis, axes.flat[0].yaxis):
            _label_between_decades(axis)
        return to_bytes(figure, form)


def _label_between_decades(axis: Any) -> None:
    """Where a logarithmic axis shows fewer than two decades, name some multiples of powers too.

    All of them would stand on top of each other.
    """
    import math

    if axis.get_scale() != "log":
        return
    low, high = sorted(axis.get_view_interval())
    decades = math.log10(high / low)
    steps = ((0.5, (2, 3, 4, 5, 7)), (1, (2, 3, 5)), (2, (2, 5)))
    named = next((times for most, times in steps if decades < most), ())

    def name(value: float, _: int) -> str:
        power = math.floor(math.log10(value) + 1e-9)
        times = round(value / 10.0**power)
        return rf"$\mathdefault{{{times}\times10^{{{power}}}}}$" if times in named else ""

    axis.set_minor_formatter(name)


def _draw(place: Any, line: Line, index: int, handles: dict[str, Any]) -> None:
    style, said = _LOOKS[line.kind]
    colour = COLOURS[index % len(COLOURS)]
    marker = "" if line.kind == "order" else _MARKERS[index % len(_MARKERS)]
    (drawn,) = place.plot(
        line.x, line.y, style, color=colour, marker=marker, markersize=3.5, linewidth=1.2
    )
    if line.low is not None and line.high is not None:
        place.vlines(line.x, line.low, line.high, color=colour, alpha=0.5)
    handles.setdefault(f"{line.label} ({said})", drawn)
