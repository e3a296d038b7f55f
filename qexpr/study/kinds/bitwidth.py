"""At a fixed number of bits, how many levels should a weight have?"""

from __future__ import annotations

from collections.abc import Sequence
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
        errors = {}
        for (lam,), same in group_by(group, ("lam",)):
            upper = [float(row["error_upper"]) for row in same]
            bits = [row["bits"] for row in same]
            errors[lam] = median(upper)
            table.append(
                (
                    *(target, str(d), str(n), str(lam), str(len(same))),
                    f"{min(bits):,} to {max(bits):,}",
                    f"{median(upper):.3g}",
                    f"{min(upper):.3g} to {max(upper):.3g}",
                )
            )
        best = min(errors, key=lambda lam: (errors[lam], lam))
        at = best_lambda(digits(d, n, Query(d, n, eps=f"{errors[best]:.3g}").eps))
        answer.append(
            f"{target}: the least median error is {errors[best]:.3g}, at {best} levels. Ding et "
            f"al.'s bits of Theorem 1 (order) are least at lambda = {at} "
            "for that error: it is about their construction for the class, not about training."
        )
        groups = [(f"{lam} levels", same) for (lam,), same in group_by(group, ("lam",))]
        caption = f"{target}: proven ends of the error at about equal bits, one bar a network."
        figures.append(error_figure("bitwidth", (target, d, n), groups, caption))
    header = ("target", "d", "n", "lambda", "runs", "bits", "median error", "from best to worst")
    small = Small("Proven upper ends of the error, by the number of levels", header, tuple(table))
    return Summary(tuple(answer), (small,), tuple(figures), ("ding2018.theorem1",))


KIND = replace(
    systems.KIND,
    name="bitwidth",
    title="trained networks of about equal bits, by the number of levels of a weight",
    check=lambda cell, row, files, tools: check_row(KIND, cell, row, files),
    summary=_summary,
)
