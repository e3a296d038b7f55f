"""What the rows of witness cells say: exponents, ratios, and weights against eps."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import groupby
from statistics import linear_regression
from typing import Any

from qexpr.core.decimals import round_decimal, short, spell
from qexpr.figures.series import Line, Panel, draw_panels
from qexpr.study.kind import Figure, Row, Small, Summary

__all__ = ["summary"]

_PANELS = 6
_SOURCES = ("ding2019universal", "yarotsky2017", "entropy.floor", "entropy.code")


def summary(rows: Sequence[Row]) -> Summary:
    """The answer that a table of counts gives."""
    found = [row for row in rows if row["status"] == "ok"]
    curves = list(_curves(found))
    small = Small(
        "Growth of the weights of each construction as eps falls, beside the rate d/n; at the "
        "smallest eps, the weights of Ding et al.'s proof, rebuilt, over those of the construction "
        "(explicit over explicit), and its free bits over the entropy floor (rounded up).",
        (
            *("construction", "d", "n", "alphabet", "eps from", "to", "exponent", "d/n"),
            *("Ding's proof over it", "free bits over floor"),
        ),
        tuple(_line(curve) for curve in curves),
    )
    return Summary(
        answer=tuple(_answer(found, curves)),
        tables=(small,) if curves else (),
        figures=tuple(_figures(found)),
        sources=_SOURCES,
    )


def _curves(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """The rows of one construction, class and alphabet, with eps falling."""

    def key(row: Row) -> tuple[Any, ...]:
        return (row["d"], row["n"], row["alphabet"], row["construction"])

    for _, group in groupby(sorted(rows, key=key), key=key):
        yield sorted(group, key=lambda row: -row["eps"])


def _exponent(curve: Sequence[Row]) -> float | None:
    """The least-squares slope of log weights over log 1/eps; None for fewer than three points."""
    if len(curve) < 3:
        return None
    x = [math.log(1 / row["eps"]) for row in curve]
    return linear_regression(x, [math.log(row["weights"]) for row in curve]).slope


def _line(curve: Sequence[Row]) -> tuple[str, ...]:
    first, last = curve[0], curve[-1]
    exponent = _exponent(curve)
    built, ratio = last["ding_built_weights"], last["floor_ratio_upper"]
    return (
        last["construction"],
        str(last["d"]),
        str(last["n"]),
        last["alphabet"],
        short(first["eps"]),
        short(last["eps"]),
        "" if exponent is None else f"{exponent:.3f}",
        f"{last['d'] / last['n']:.3f}",
        "" if built is None else _three(Fraction(built, last["weights"])),
        "" if ratio is None else spell(*round_decimal(ratio, 3, up=True)),
    )


def _three(value: Fraction) -> str:
    return spell(*round_decimal(value, 3))


def _answer(rows: Sequence[Row], curves: Sequence[Sequence[Row]]) -> Iterator[str]:
    if not rows:
        yield "No cell has a value."
        return
    ends = [curve[-1] for curve in curves]
    for (d, n), group in groupby(ends, key=lambda row: (row["d"], row["n"])):
        best = min(group, key=lambda row: (row["eps"], row["weights"]))
        said = (
            f"For F({d},{n}) at eps = {short(best['eps'])} the fewest weights are "
            f"{best['weights']:,}, by {best['construction']} over {best['alphabet']}"
        )
        if best["ding_built_weights"]:
            times = Fraction(best["ding_built_weights"], best["weights"])
            said += (
                f"; the network of Ding et al.'s proof, rebuilt, has {_three(times)} times as many"
            )
        if best["floor_ratio_upper"] is not None:
            ratio = spell(*round_decimal(best["floor_ratio_upper"], 3, up=True))
            said += f"; its free bits are at most {ratio} times those that every fixed graph needs"
        yield f"{said}."
    verdicts = [row["floor_verdict"] for row in rows if row["floor_verdict"]]
    kept = verdicts.count("consistent")
    yield (
        f"Of {len(verdicts)} networks that a floor speaks of, {kept} hold at least the free bits "
        "that it demands of every family of networks with a fixed graph."
    )


def _figures(rows: Sequence[Row]) -> Iterator[Figure]:
    panels = []
    alphabet = rows[0]["alphabet"] if rows else ""
    chosen = [row for row in rows if row["alphabet"] == alphabet]
    classes = sorted({(row["d"], row["n"]) for row in chosen})
    for d, n in classes[:_PANELS]:
        lines = []
        for curve in _curves([row for row in chosen if (row["d"], row["n"]) == (d, n)]):
            x = [float(row["eps"]) for row in curve]
            lines.append(Line(curve[0]["construction"], x, [row["weights"] for row in curve]))
        longest = max(_curves([r for r in chosen if (r["d"], r["n"]) == (d, n)]), key=len)
        for name, label, kind in (
            ("ding_built_weights", "Ding et al., proof rebuilt", "explicit"),
            ("ding_order_weights", "Ding et al., theorem", "order"),
            ("yarotsky_order_weights", "Yarotsky, real weights", "order"),
        ):
            points = [(float(r["eps"]), r[name]) for r in longest if r[name] is not None]
            if points:
                x, y = zip(*points, strict=True)
                lines.append(Line(label, x, y, kind))
        panels.append(Panel(f"F({d},{n})", lines))
    if not panels:
        return
    names = ", ".join(sorted({row["construction"] for row in chosen}))
    rebuilt = [r for r in chosen if r["ding_built_weights"] and r["construction"] != "ding2018"]
    above = bool(rebuilt) and all(r["ding_built_weights"] > r["weights"] for r in rebuilt)
    where = " The rebuilt proof of Ding et al. lies above all of them." if above else ""
    yield Figure(
        "weights",
        lambda form: draw_panels(
            panels, "accuracy eps (sup norm)", "weights (edges)", form, invert_x=True
        ),
        f"Weights against accuracy for {names} over the alphabet {alphabet}, one panel for each "
        f"class, with logarithmic axes; eps falls to the right.{where}",
        f"Weights that are enough for a whole class, over {alphabet}. Full lines are explicit: "
        "networks that were counted. Dashed lines are orders with their constant put to 1, and "
        "may be compared in slope only.",
    )
