"""A target as a picture: a curve, a map, or a map of the central slice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from qexpr.figures.style import COLOURS, paper_style, to_bytes

__all__ = ["draw_target"]

_CURVE, _MAP = 1201, 201


def draw_target(
    function: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    domain: Sequence[tuple[Fraction, Fraction]],
    norm: Fraction,
    title: str,
    form: str = "svg",
) -> bytes:
    """Draw norm * function over the domain; the same bytes for the same input.

    Parameters
    ----------
    function : callable
        From points of the unit cube, shape (m, d), to doubles.
    domain : sequence of (a, b)
        What the unit cube stands for; its length is d. For d > 2 the other coordinates are held
        in the middle.
    norm : Fraction
        What the values are multiplied by.
    title : str
    form : str
        svg, pdf or png.
    """
    d = len(domain)
    with paper_style():
        from matplotlib.figure import Figure

        figure = Figure(figsize=(6.4, 4.0 if d == 1 else 4.8), layout="constrained")
        axes = figure.subplots()
        (a, b) = (float(end) for end in domain[0])
        if d == 1:
            x = np.linspace(0, 1, _CURVE)
            axes.plot(a + (b - a) * x, float(norm) * function(x[:, None]), color=COLOURS[0])
            axes.set_ylabel("f")
            axes.margins(x=0)
        else:
            side = np.linspace(0, 1, _MAP)
            points = np.full((_MAP * _MAP, d), 0.5)
            first, second = np.meshgrid(side, side, indexing="ij")
            points[:, 0], points[:, 1] = first.ravel(), second.ravel()
            values = float(norm) * function(points).reshape(_MAP, _MAP)
            low, high = (float(end) for end in domain[1])
            size = float(np.max(np.abs(values))) or 1.0
            image = axes.imshow(
                values.T,
                origin="lower",
                extent=(a, b, low, high),
                aspect="auto",
                cmap="RdBu_r",
                vmin=-size,
                vmax=size,
            )
            axes.grid(False)
            figure.colorbar(image, ax=axes)
            axes.set_ylabel("x1")
        axes.set_xlabel("x0")
        held = ", ".join(f"x{k}" for k in range(2, d))
        short = title if len(title) <= 80 else f"{title[:77]}..."
        axes.set_title(
            f"{short}\n{held} in the middle" if held else short, fontsize=10, parse_math=False
        )
        return to_bytes(figure, form)
