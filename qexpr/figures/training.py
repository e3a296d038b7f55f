"""The learning curve of a run: its loss and the error of its discrete network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from qexpr.figures.style import COLOURS, paper_style, to_bytes

__all__ = ["draw_training"]


def draw_training(
    histories: Sequence[Sequence[tuple[int, float, float]]],
    phases: Sequence[tuple[str, int]],
    title: str,
    error: str,
    form: str = "svg",
) -> bytes:
    """Draw runs that differ in their seed; the same bytes for the same input.

    Parameters
    ----------
    histories : of each run, rows (step, loss, error)
    phases : names and their first steps, in order
    title : str
    error : str
        What the error is: "largest error on dense points".
    form : str
        svg, pdf or png.
    """
    with paper_style():
        from matplotlib.figure import Figure

        figure = Figure(figsize=(6.4, 4.0), layout="constrained")
        axes = figure.subplots()
        for k, rows in enumerate(histories):
            steps = [row[0] for row in rows]
            for place, name in ((1, "loss"), (2, error)):
                values = [row[place] if row[place] > 0 else math.nan for row in rows]
                axes.plot(
                    steps,
                    values,
                    color=COLOURS[place % 2],
                    label=name if k == 0 else None,
                    linewidth=1.2,
                )
        axes.set_yscale("log")
        axes.set_xlabel("step")
        axes.margins(x=0)
        end = max(rows[-1][0] for rows in histories)
        starts = [*phases, ("", end)]
        for (name, a), (_, b) in pairwise(starts):
            if a >= b:
                continue
            if a > 0:
                axes.axvline(a, color="0.6", linewidth=0.8, linestyle=":")
            place = {"ha": "center", "va": "top", "transform": axes.get_xaxis_transform()}
            axes.text((a + b) / 2, 0.98, name, fontsize=7.5, color="0.4", **place)
        axes.set_title(title, fontsize=10, parse_math=False)
        axes.legend(loc="lower left")
        return to_bytes(figure, form)
