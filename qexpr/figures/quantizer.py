"""A quantizer's map and its gradient, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

__all__ = ["quantizer_figure"]


def quantizer_figure(
    title: str,
    x: np.ndarray,
    values: np.ndarray,
    gradient: np.ndarray,
    *,
    scatter: bool = False,
    labels: Sequence[str] = ("x", "Q(x)", "gradient"),
) -> Any:
    """Return a matplotlib figure: Q(x) over x, and dC/dx over x for dC/dQ = 1.

    Parameters
    ----------
    title : str
    x, values, gradient : array
        The points in rising order, their quantized values and their gradients.
    scatter : bool
        Draw points, for a map that is random.
    labels : sequence of str
        Of the horizontal axis and the two vertical ones.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 3.0), layout="constrained")
    left, right = figure.subplots(1, 2, sharex=True)
    left.plot(x, x, color="0.75", linewidth=0.8, zorder=1)
    if scatter:
        left.plot(x, values, linestyle="none", marker=".", markersize=2.5, color="C0", zorder=2)
    else:
        left.plot(x, values, drawstyle="steps-mid", color="C0", linewidth=1.4, zorder=2)
    right.plot(x, gradient, color="C1", linewidth=1.4)
    right.set_ylim(min(0.0, 1.05 * float(gradient.min())), max(1.1, 1.1 * float(gradient.max())))
    for axes, label in ((left, labels[1]), (right, labels[2])):
        axes.set_xlabel(labels[0])
        axes.set_ylabel(label)
        axes.axhline(0, color="0.85", linewidth=0.6, zorder=0)
        axes.axvline(0, color="0.85", linewidth=0.6, zorder=0)
    figure.suptitle(title, fontsize="medium")
    return figure
