"""A witness as a picture: target and network, and the error with the guarantee as a band."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qexpr.figures.style import COLOURS, paper_style, to_bytes

__all__ = ["draw_witness"]

_CURVE, _MAP = 2001, 201
Values = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def draw_witness(
    target: Values,
    network: Values,
    domain: Sequence[tuple[Fraction, Fraction]],
    guarantee: Fraction,
    norm: Fraction,
    title: str,
    form: str = "svg",
) -> bytes:
    """Draw f, f~ and f~ - f over the domain, d = 1 or 2; the same bytes for the same input.

    Parameters
    ----------
    target, network : callable
        From points of the unit cube, shape (m, d), to doubles.
    domain : sequence of (a, b)
        What the unit cube stands for.
    guarantee : Fraction
        The proven bound of the error, in the user's units.
    norm : Fraction
        What the functions' values are multiplied by.
    """
    with paper_style():
        from matplotlib.figure import Figure

        d = len(domain)
        figure = Figure(figsize=(6.4, 5.2) if d == 1 else (9.6, 3.6), layout="constrained")
        draw = _curves if d == 1 else _maps
        draw(figure, target, network, domain, float(guarantee), float(norm))
        short = title if len(title) <= 90 else f"{title[:87]}..."
        figure.suptitle(short, fontsize=10, parse_math=False)
        return to_bytes(figure, form)


def _curves(
    figure: Any,
    target: Values,
    network: Values,
    domain: Sequence[tuple[Fraction, Fraction]],
    guarantee: float,
    norm: float,
) -> None:
    (a, b) = (float(end) for end in domain[0])
    unit = np.linspace(0, 1, _CURVE)
    x, points = a + (b - a) * unit, unit[:, None]
    f, w = norm * target(points), norm * network(points)
    top, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    top.plot(x, f, color=COLOURS[0], label="target f")
    top.plot(x, w, color=COLOURS[1], linestyle="--", label="network f~")
    top.set_ylabel("value")
    top.legend()
    below.axhspan(-guarantee, guarantee, color=COLOURS[2], alpha=0.15, label="guarantee (explicit)")
    below.plot(x, w - f, color=COLOURS[4], linewidth=0.8, label="error f~ - f (sampled)")
    below.set_ylabel("error")
    below.set_xlabel("x0")
    below.margins(x=0)
    below.legend(loc="upper right")


def _maps(
    figure: Any,
    target: Values,
    network: Values,
    domain: Sequence[tuple[Fraction, Fraction]],
    guarantee: float,
    norm: float,
) -> None:
    side = np.linspace(0, 1, _MAP)
    first, second = np.meshgrid(side, side, indexing="ij")
    points = np.stack([first.ravel(), second.ravel()], axis=1)
    f = norm * target(points).reshape(_MAP, _MAP)
    w = norm * network(points).reshape(_MAP, _MAP)
    size = float(np.max(np.abs(f))) or 1.0
    extent = [float(end) for pair in domain for end in pair]
    panels = (
        ("target f", f, size),
        ("network f~", w, size),
        ("error f~ - f (sampled); scale: guarantee", w - f, guarantee),
    )
    for axes, (name, values, reach) in zip(figure.subplots(1, 3), panels, strict=True):
        image = axes.imshow(
            values.T,
            origin="lower",
            extent=extent,
            aspect="auto",
            cmap="RdBu_r",
            vmin=-reach,
            vmax=reach,
        )
        axes.grid(False)
        axes.set_title(name, fontsize=8)
        axes.set_xlabel("x0")
        axes.set_ylabel("x1")
        figure.colorbar(image, ax=axes)
