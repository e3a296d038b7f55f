"""A small circuit as a picture: units by depth, edges by sign, free ones dashed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Protocol

from qexpr.errors import InvalidInput
from qexpr.figures.style import COLOURS, paper_style, to_bytes

__all__ = ["draw_circuit"]

_MOST = 400  # edges


class Drawn(Protocol):
    """What is drawn: any circuit."""

    inputs: int
    output: int
    free: Sequence[int]
    layers: Sequence[int]

    @property
    def weights(self) -> int:
        """The number of edges."""

    def edges(self) -> Iterator[tuple[int, int, Fraction]]:
        """Source, target, weight."""


def draw_circuit(circuit: Drawn, title: str = "", form: str = "svg") -> bytes:
    """Draw the circuit from left to right by depth; the same bytes for the same input.

    The wider a line, the larger its weight.

    Raises
    ------
    InvalidInput
        For more than 400 edges, which nobody could read.
    """
    if circuit.weights > _MOST:
        raise InvalidInput(
            f"a drawing shows at most {_MOST} edges, this circuit has {circuit.weights}"
        )
    places: dict[int, tuple[float, float]] = {}
    columns: dict[int, list[int]] = {}
    for node in range(circuit.output + 1):
        columns.setdefault(int(circuit.layers[node]), []).append(node)
    for depth, nodes in columns.items():
        for i, node in enumerate(nodes):
            places[node] = float(depth), (len(nodes) - 1) / 2 - i
    free = {int(i) for i in circuit.free}
    with paper_style():
        from matplotlib.figure import Figure

        tallest = max(map(len, columns.values()))
        figure = Figure(figsize=(1 + 0.9 * len(columns), 1 + 0.45 * tallest))
        axes = figure.subplots()
        axes.set_axis_off()
        for i, (source, target, weight) in enumerate(circuit.edges()):
            (x0, y0), (x1, y1) = places[source], places[target]
            axes.plot(
                (x0, x1),
                (y0, y1),
                color=COLOURS[1] if weight < 0 else COLOURS[0],
                linestyle="--" if i in free else "-",
                linewidth=0.4 + 1.6 * min(1.0, abs(float(weight))),
                zorder=1,
            )
        for node, (x, y) in places.items():
            source = node <= circuit.inputs
            axes.plot(
                x,
                y,
                "s" if source or node == circuit.output else "o",
                color="white",
                markeredgecolor="black",
                markersize=11,
                zorder=2,
            )
            name = f"x{node}" if node < circuit.inputs else "1" if source else str(node)
            axes.text(x, y, name, ha="center", va="center", fontsize=6, zorder=3)
        for label, colour, style in (
            ("positive weight", COLOURS[0], "-"),
            ("negative", COLOURS[1], "-"),
            ("depends on the target", COLOURS[4], "--"),
        ):
            if label != "depends on the target" or free:
                axes.plot([], [], color=colour, linestyle=style, label=label)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=3)
        if title:
            axes.set_title(title)
        return to_bytes(figure, form)
