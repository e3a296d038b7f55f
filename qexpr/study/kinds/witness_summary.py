"""What the rows of witness cells say: exponents, ratios, and weights against eps."""

from __future__ import annotations

import math
from collections import Counter
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
    fewest = Small(
        "The network of fewest weights for each class at the smallest eps: its growth beside d/n, "
        "the weights of Ding et al.'s proof, rebuilt, over its own (explicit over explicit), and "
        "its free bits over the entropy floor (rounded up).",
        (
            *("class", "eps", "weights", "construction", "alphabet", "exponent", "d/n"),
            *("Ding's proof over it", "free bits over floor"),
        ),
        tuple(map(_class, _smallest(curves))),
    )
    return Summary(
        answer=tuple(_answer(found, curves)),
        tables=(fewest, small) if curves else (),
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


def _smallest(curves: Sequence[Sequence[Row]]) -> Iterator[Sequence[Row]]:
    """Of each class the curve with the fewest weights at the smallest eps."""
    for _, group in groupby(curves, key=lambda curve: (curve[-1]["d"], curve[-1]["n"])):
        yield min(group, key=lambda curve: (curve[-1]["eps"], curve[-1]["weights"]))


def _class(curve: Sequence[Row]) -> tuple[str, ...]:
    construction, d, n, alphabet, _, eps, exponent, rate, times, ratio = _line(curve)
    fewest = f"{curve[-1]['weights']:,}"
    return (f"F({d},{n})", eps, fewest, construction, alphabet, exponent, rate, times, ratio)


def _answer(rows: Sequence[Row], curves: Sequence[Sequence[Row]]) -> Iterator[str]:
    if not rows:
        yield "No cell has a value."
        return
    best = [curve[-1] for curve in _smallest(curves)]
    by = Counter(row["construction"] for row in best).most_common()
    yield (
        f"The fewest weights at the smallest eps are those of {_listed(by)}, of {len(best)} "
        f"class{'es' if len(best) > 1 else ''} (Table 1)."
    )
    times = sorted(
        Fraction(row["ding_built_weights"], row["weights"])
        for row in best
        if row["ding_built_weights"]
    )
    if times:
        yield (
            f"The network of Ding et al.'s proof, rebuilt and counted, has {_three(times[0])} to "
            f"{_three(times[-1])} times as many there, over {len(times)} classes. Both counts are "
            "explicit; the theorem's own expression is an order and is not compared."
        )
    known = [row for row in best if row["floor_ratio_upper"] is not None]
    if known:
        least, most = (choose(known, key=lambda r: r["floor_ratio_upper"]) for choose in (min, max))
        yield (
            f"Their free bits are at most {_ratio(least)} to {_ratio(most)} times those that the "
            "floor demands of every family of networks with a fixed graph: the gap that is left to "
            f"theory{', and it grows with d' if _grows(known) else ''}."
        )
    verdicts = [row["floor_verdict"] for row in rows if row["free_bits"] is not None]
    kept, rest = verdicts.count("consistent"), len(rows) - len(verdicts)
    yield (
        f"Of {len(verdicts)} networks whose free bits are counted, {kept} hold at least those that "
        "the floor demands."
        + (f" The other {rest} have real weights, which no count of bits covers." if rest else "")
    )


def _listed(by: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{name} (in {count})" for name, count in by)


def _ratio(row: Row) -> str:
    """``2.44 (F(1,2))``: rounded up."""
    return (
        f"{spell(*round_decimal(row['floor_ratio_upper'], 3, up=True))} (F({row['d']},{row['n']}))"
    )


def _grows(best: Sequence[Row]) -> bool:
    """Whether for each n the ratio to the floor grows with d."""
    of = {(row["n"], row["d"]): row["floor_ratio_upper"] for row in best}
    pairs = [(of[n, d], of[n, d + 1]) for n, d in of if (n, d + 1) in of]
    return bool(pairs) and all(one < next_one for one, next_one in pairs)


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
