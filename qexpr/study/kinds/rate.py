"""How the certified error of trained networks falls with their size, beside the bound's rate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from statistics import median

from qexpr.study.fits import Slope, fit_slope, group_by
from qexpr.study.kind import Figure, Row, Small, Summary
from qexpr.study.kinds import systems
from qexpr.study.trained import check_row, error_figure

__all__ = ["KIND"]

_GROUP = ("target", "d", "n", "method", "lam")


def _best(rows: Sequence[Row]) -> list[Row]:
    """The network of least proven error for each list of widths."""
    return [
        min(group, key=lambda row: row["error_upper"]) for _, group in group_by(rows, ("widths",))
    ]


def _summary(rows: Sequence[Row]) -> Summary:
    done = [row for row in rows if row["status"] == "ok"]
    table: list[tuple[str, ...]] = []
    slopes: list[tuple[Slope, Fraction]] = []
    gaps: dict[str, list[float]] = {}
    for key, group in group_by(done, _GROUP):
        best, rate = _best(group), Fraction(key[2], key[1])
        slope = fit_slope(
            [row["weights"] for row in best], [1 / float(row["error_upper"]) for row in best]
        )
        if slope is not None:
            slopes.append((slope, rate))
        gap = [float(r["training_gap_upper"]) for r in best if r["training_gap_upper"] is not None]
        gaps.setdefault(key[0], []).extend(gap)
        table.append(
            (
                *map(str, key),
                str(len(best)),
                "" if slope is None else slope.text(),
                str(rate),
                "" if slope is None else _inverse(slope),
                str(1 / rate),
                f"{min(gap):.3g} to {max(gap):.3g}" if gap else "",
            )
        )
    header = (
        *_GROUP,
        *("sizes", "s, 95 %", "n/d", "k = 1/s, 95 %", "d/n", "training gap, at most"),
    )
    caption = (
        "error ~ weights^-s for the best of the seeds, beside the bound's n/d; the same as weights "
        "~ error^-k, beside d/n"
    )
    sources = ("ding2018.theorem1", "yarotsky2017.theorem1", "witness.cones")
    answer = (_said_of_slopes(slopes), *_said_of_gaps(gaps))
    small = Small(caption, header, tuple(table))
    return Summary(answer, (small,), tuple(_figures(done)), sources)


def _inverse(slope: Slope) -> str:
    """The exponent of the weights; an error that may not fall at all leaves no upper end."""
    if slope.low > 0:
        return f"{1 / slope.value:.2f} [{1 / slope.high:.2f}, {1 / slope.low:.2f}]"
    return f"at least {1 / slope.high:.2f}" if slope.high > 0 else "the error does not fall"


def _said_of_slopes(slopes: Sequence[tuple[Slope, Fraction]]) -> str:
    slower = sum(slope.high < rate for slope, rate in slopes)
    faster = sum(slope.low > rate for slope, rate in slopes)
    both = [slope for slope, rate in slopes if slope.low <= rate <= slope.high]
    idle = sum(slope.low <= 0 for slope in both)
    return (
        "For every target and method the proven upper end of the error, of the best of the seeds, "
        "is fitted as a power of the number of weights: error ~ weights^-s. The bounds for the "
        f"class say s = n/d, that is, weights ~ error^-(d/n). Of {len(slopes)} fits {slower} have "
        "an interval below n/d: there training gains less from more weights than a witness for "
        f"the whole class does. {len(both)} intervals contain n/d; {idle} of these contain 0 too "
        f"and decide nothing. {faster} lie above n/d, as one function may be easier than its "
        "class. None of this refutes a bound, which speaks of the class."
    )


def _said_of_gaps(gaps: Mapping[str, Sequence[float]]) -> Iterator[str]:
    every = [gap for of_target in gaps.values() for gap in of_target]
    yield (
        "The training gap is the proven error over the error that an explicit bound guarantees for "
        "every function of the class with as many bits. "
        f"It is above 1 for {sum(gap > 1 for gap in every)} of {len(every)} networks (the best of "
        "the seeds): there a witness that is only built would have been better than what was "
        "trained."
    )
    told = [f"{target} {median(gap):.3g}" for target, gap in gaps.items() if gap]
    if told:
        yield f"Medians of the gap, over methods and sizes: {', '.join(told)}."


def _figures(rows: Sequence[Row]) -> Iterator[Figure]:
    for (target, d, n), of_target in group_by(rows, ("target", "d", "n")):
        groups = [
            (f"{method}, {lam} levels" if lam else method, _best(group))
            for (method, lam), group in group_by(of_target, ("method", "lam"))
        ]
        caption = (
            f"{target}: proven ends of the error, the best of the seeds; the line is explicit, for "
            "every function of the class."
        )
        yield error_figure("rate", (target, d, n), groups, caption, guaranteed=True)


KIND = replace(
    systems.KIND,
    name="rate",
    title="trained networks of growing size, their error enclosed",
    check=lambda cell, row, files, tools: check_row(KIND, cell, row, files),
    summary=_summary,
)
