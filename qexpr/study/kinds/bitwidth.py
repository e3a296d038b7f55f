"""At a fixed number of bits, how many levels should a weight have?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import median

from qexpr.study.fits import group_by
from qexpr.study.kind import Figure, Row, Small, Summary
from qexpr.study.kinds import systems
from qexpr.study.trained import check_row, error_figure

__all__ = ["KIND"]


def _summary(rows: Sequence[Row]) -> Summary:
    from qexpr.bounds.calculators.bitwidth import best_lambda, digits
    from qexpr.core.query import Query

    done = [row for row in rows if row["status"] == "ok" and row["lam"]]
    table: list[tuple[str, ...]] = []
    answer: list[str] = []
    figures: list[Figure] = []
    for (target, d, n), group in group_by(done, ("target", "d", "n")):
        errors, ends = {}, {}
        for (lam,), same in group_by(group, ("lam",)):
            upper = [float(row["error_upper"]) for row in same]
            bits = [row["bits"] for row in same]
            codes = [row["weight_bits"] for row in same]
            errors[lam], ends[lam] = median(upper), (min(upper), max(upper))
            table.append(
                (
                    *(target, str(d), str(n), str(lam), str(len(same))),
                    f"{min(codes):,} to {max(codes):,}",
                    f"{min(bits):,} to {max(bits):,}",
                    f"{median(upper):.3g}",
                    f"{min(upper):.3g} to {max(upper):.3g}",
                )
            )
        best = min(errors, key=lambda lam: (errors[lam], lam))
        at = best_lambda(digits(d, n, Query(d, n, eps=f"{errors[best]:.3g}").eps))
        answer.append(
            f"{target}: the least median error is {errors[best]:.3g}, at {best} levels"
            f"{_beside(best, errors, ends)}. Ding et al.'s bits of Theorem 1 (order) are least at "
            f"lambda = {at} for that error: it is about their construction for the class, not "
            "about training."
        )
        groups = [(f"{lam} levels", same) for (lam,), same in group_by(group, ("lam",))]
        caption = (
            f"{target}: proven ends of the error at about equal bits of codes, one bar a network."
        )
        figures.append(error_figure("bitwidth", (target, d, n), groups, caption))
    codes = [row["weight_bits"] for row in done]
    if codes:
        least, most = (choose(done, key=lambda row: row["bits"]) for choose in (min, max))
        answer.append(
            f"Equal is what the codes take, {min(codes):,} to {max(codes):,} bits. Scales and "
            "biases come on top, for each unit: in all the networks take from "
            f"{least['bits']:,} bits (at {least['lam']} levels) to {most['bits']:,} (at "
            f"{most['lam']} levels)."
        )
    header = (
        *("target", "d", "n", "lambda", "runs", "bits of codes", "bits in all"),
        *("median error", "from best to worst"),
    )
    small = Small("Proven upper ends of the error, by the number of levels", header, tuple(table))
    return Summary(tuple(answer), (small,), tuple(figures), ("ding2018.theorem1",))


def _beside(best: int, errors: Mapping[int, float], ends: Mapping[int, tuple[float, float]]) -> str:
    """Whether the seeds' errors at the best number of levels and at the second best are apart."""
    others = [lam for lam in errors if lam != best]
    if not others:
        return ""
    second = min(others, key=lambda lam: (errors[lam], lam))
    (_, high), (low, _) = ends[best], ends[second]
    seeds = "the seeds' ranges overlap" if high >= low else "no seed's error there is so small"
    return f" (next {errors[second]:.3g} at {second}; {seeds})"


KIND = replace(
    systems.KIND,
    name="bitwidth",
    title="trained networks of about equal bits, by the number of levels of a weight",
    check=lambda cell, row, files, tools: check_row(KIND, cell, row, files),
    summary=_summary,
)
