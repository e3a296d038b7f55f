"""A quantizer's map and its gradient, side by side."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

from qexpr.figures.style import COLOURS, paper_style, to_bytes

__all__ = ["Drawable", "quantizer_figure"]

_POINTS = 1601  # on [-2, 2], so that every multiple of 1/400 is met, 0 and 1 among them


class Drawable(Protocol):
    """What a drawing needs of a quantizer."""

    name: ClassVar[str]

    @property
    def options(self) -> dict[str, Any]:
        """The options with their values."""

    @property
    def is_stochastic(self) -> bool:
        """Whether the map draws random numbers."""

    def quantize(self, x: Any, *, generator: Any = None) -> Any:
        """Return the quantized values."""

    def gradient(self, x: Any, upstream: Any) -> Any:
        """Return the gradient for x, or a pair that begins with it."""


def quantizer_figure(quantizer: Drawable, form: str) -> bytes:
    """Draw Q(x) over x, and dC/dx over x where dC/dQ = 1, on evenly spaced points of [-2, 2].

    The points are one group: scales that follow the data are those of this group. A quantizer
    that refuses negative numbers is drawn on [0, 2]. A stochastic one is drawn as one sample
    (seed 0).

    Parameters
    ----------
    quantizer : Drawable
    form : str
        svg, pdf or png.
    """
    import numpy as np

    lowest = 0.0 if quantizer.options.get("signed") is False else -2.0
    x = np.linspace(lowest, 2.0, _POINTS)
    generator = np.random.default_rng(0) if quantizer.is_stochastic else None
    values = quantizer.quantize(x, generator=generator)
    slope = quantizer.gradient(x, np.ones_like(x))
    slope = slope[0] if isinstance(slope, tuple) else slope
    shown = ", ".join(f"{key}={_short(value)}" for key, value in quantizer.options.items())
    with paper_style():
        from matplotlib.figure import Figure

        figure = Figure(figsize=(7.2, 2.9), layout="constrained")
        left, right = figure.subplots(1, 2, sharex=True)
        left.plot(x, x, color="0.7", linewidth=0.8)
        if quantizer.is_stochastic:
            left.plot(x, values, linestyle="none", marker=".", markersize=2, color=COLOURS[0])
        else:
            left.plot(x, values, drawstyle="steps-mid", color=COLOURS[0], linewidth=1.4)
        right.plot(x, slope, color=COLOURS[1], linewidth=1.4)
        right.set_ylim(min(0.0, 1.1 * float(slope.min())), max(1.1, 1.1 * float(slope.max())))
        left.set_ylabel("Q(x)")
        right.set_ylabel("gradient at dC/dQ = 1")
        for axes in (left, right):
            axes.set_xlabel("x")
        figure.suptitle(f"{quantizer.name}: {shown}" if shown else str(quantizer.name))
        return to_bytes(figure, form)


def _short(value: object) -> str:
    if isinstance(value, tuple):
        return "(" + ", ".join(_short(entry) for entry in value) + ")"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
