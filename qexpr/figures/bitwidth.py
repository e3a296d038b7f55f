"""Ding et al.'s optimal bit width: the costs at one T, and the best lambda over all T."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qexpr.figures.style import COLOURS, paper_style, to_bytes

__all__ = ["draw"]

_COST = r"$\lambda\,\log_2(\lambda)\;T^{1/(\lambda-1)+1}$"


def draw(curves: Mapping[str, Any], form: str) -> bytes:
    """Draw the two panels.

    Parameters
    ----------
    curves : mapping
        What the calculator ``bitwidth`` gives: `T` and its `trust`, `last` (the end of the axis
        of T), `best` and `power` (the minimizers at T), `costs` (pairs of lambda and cost),
        `steps` and `steps_of_bits` (pairs of a minimizer and the T from which it is the best).
    form : str
        "svg", "pdf" or "png".

    Returns
    -------
    bytes
        The file's content.
    """
    with paper_style():
        from matplotlib.figure import Figure

        figure = Figure(figsize=(8.8, 3.8))
        left, right = figure.subplots(1, 2)
        _draw_costs(left, curves)
        _draw_steps(right, curves)
        figure.tight_layout(w_pad=2)
        return to_bytes(figure, form)


def _draw_costs(axes: Any, curves: Mapping[str, Any]) -> None:
    costs = dict(curves["costs"])
    axes.plot(list(costs), list(costs.values()), ".-", color=COLOURS[0], linewidth=1)
    marks = (("best", "o", COLOURS[1], "best"), ("power", "s", COLOURS[2], "best in whole bits"))
    for name, marker, colour, words in marks:
        lam = curves[name]
        axes.plot(
            [lam],
            [costs[lam]],
            marker,
            color=colour,
            fillstyle="none",
            markersize=7 if marker == "o" else 9,
            label=rf"{words}: $\lambda = {lam}$",
        )
    axes.set_xlabel(r"number of distinct weight values $\lambda$")
    axes.set_title(f"cost of bits at T = {curves['T']:.4g}\n{_COST} (order, unit constant)")
    axes.legend()


def _draw_steps(axes: Any, curves: Mapping[str, Any]) -> None:
    last = curves["last"]
    axes.step(
        *_path(curves["steps"], last), where="post", color=COLOURS[1], label="over all integers"
    )
    axes.step(
        *_path([(2**bits, start) for bits, start in curves["steps_of_bits"]], last),
        where="post",
        color=COLOURS[2],
        linestyle="--",
        label="over powers of two",
    )
    axes.axvline(curves["T"], color=COLOURS[4], linewidth=0.8, label=f"T = {curves['T']:.4g}")
    axes.set_xscale("log")
    axes.set_yticks(range(2, max(curves["steps"][-1][0], 2 ** curves["steps_of_bits"][-1][0]) + 1))
    axes.set_xlabel(rf"$T = \log_2(3\,n\,2^d/\varepsilon)$ [{curves['trust']}]")
    axes.set_title("optimal number of weight values\n" r"$\lambda$, against T")
    axes.legend(loc="upper left")


def _path(steps: Sequence[tuple[int, float]], last: float) -> tuple[list[float], list[int]]:
    """Corners of a staircase that ends at `last`."""
    heights = [height for height, _ in steps]
    return [*(start for _, start in steps), last], [*heights, heights[-1]]
