"""How the certified error of trained networks falls with their size, beside the bound's rate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

from qexpr.study.fits import fit_slope, group_by
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
    steeper, slower, unsure = 0, 0, 0
    for key, group in group_by(done, _GROUP):
        best = _best(group)
        slope = fit_slope(
            [1 / float(row["error_upper"]) for row in best], [row["weights"] for row in best]
        )
        claimed = Fraction(key[1], key[2])
        gaps = [row for row in best if row["training_gap_upper"] is not None]
        gap = [float(row["training_gap_upper"]) for row in gaps]
        if slope is not None:
            steeper += slope.high < claimed
            slower += slope.low > claimed
            unsure += slope.low <= claimed <= slope.high
        table.append(
            (
                *map(str, key),
                str(len(best)),
                "" if slope is None else slope.text(),
                str(claimed),
                f"{min(gap):.3g} to {max(gap):.3g}" if gap else "",
            )
        )
    answer = (
        "For every target and method the weights of the best of the seeds are fitted as a power "
        "of 1/error, with the proven upper end of the error. The bounds for the class say d/n. "
        f"Of {steeper + slower + unsure} fits {slower} have an interval above d/n: training wastes "
        f"weights there; {unsure} hold d/n; {steeper} lie below it: one smooth function is "
        "easier than its class. None of this refutes a bound, which speaks of the class.",
        "The training gap is the proven error over the error that an explicit bound guarantees "
        "for every function of the class with as many bits: above 1 a witness that is only built "
        "would have been better than what was trained.",
    )
    header = (*_GROUP, "sizes", "fitted exponent, 95 %", "d/n", "training gap, at most")
    caption = "weights ~ error^-k for the best of the seeds: k, beside the bound's d/n"
    figures = tuple(_figures(done))
    sources = ("ding2018.theorem1", "yarotsky2017.theorem1", "witness.cones")
    return Summary(answer, (Small(caption, header, tuple(table)),), figures, sources)


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
