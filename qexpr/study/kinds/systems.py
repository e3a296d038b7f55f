"""Methods of training beside each other, on targets, each error enclosed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from qexpr.study.fits import group_by
from qexpr.study.kind import Figure, Kind, Row, Small, Summary
from qexpr.study.packed import NETWORK
from qexpr.study.trained import (
    COLUMNS,
    NEEDS,
    PARAMETERS,
    check_row,
    cost,
    error_figure,
    restate,
    run,
    validate,
)

__all__ = ["KIND"]


def _summary(rows: Sequence[Row]) -> Summary:
    """Each method's proven errors over its seeds, beside the zero network and the witness."""

    done = [row for row in rows if row["status"] == "ok"]
    table: list[tuple[str, ...]] = []
    answer: list[str] = []
    figures: list[Figure] = []
    for (target, d, n), of_target in group_by(done, ("target", "d", "n")):
        medians: dict[str, float] = {}
        sizes: dict[str, int] = {}
        for (method,), group in group_by(of_target, ("method",)):
            upper = [float(row["error_upper"]) for row in group]
            medians[method] = median(upper)
            gain = float(group[0]["sup_upper"]) / medians[method]
            sizes[method] = size = round(median(row["bits"] for row in group))
            still_open = sum(row["enclosure"] == "open" for row in group)
            table.append(
                (
                    *(target, str(d), str(n), method, str(len(group))),
                    f"{round(median(row['weight_bits'] for row in group)):,}",
                    f"{size:,}",
                    f"{medians[method]:.3g}",
                    f"{min(upper):.3g} to {max(upper):.3g}",
                    f"{gain:.3g}",
                    f"{round(median(row['witness_bits'] or 0 for row in group)):,}",
                    str(still_open),
                )
            )
        discrete = [method for method in medians if method != "float"]
        best = min(discrete or medians, key=lambda method: medians[method])
        beside = ""
        if discrete and "float" in medians:
            beside = (
                f" It takes {sizes[best]:,} bits; real weights reach {medians['float']:.3g} with "
                f"{sizes['float']:,}."
            )
        answer.append(
            f"{target}: of the methods with discrete weights {best} has the least median of the "
            f"proven errors, {medians[best]:.3g}.{beside}"
        )
        front = sorted(_front({m: (sizes[m], medians[m]) for m in discrete}), key=sizes.__getitem__)
        if len(front) > 1:
            told = ", ".join(f"{m} ({sizes[m]:,} bits, {medians[m]:.3g})" for m in front)
            answer.append(
                f"{target}, with scales, biases and real layers counted: no method with discrete "
                f"weights is both smaller and closer than one of {told}."
            )
        caption = f"{target} in F({d},{n}): proven ends of the error, one bar for each seed."
        methods = [(method, group) for (method,), group in group_by(of_target, ("method",))]
        figures.append(error_figure("systems", (target, d, n), methods, caption))
    answer.append(
        "All ends are proven; an enclosure that is open has ends further apart, and its upper end "
        "counts. The witness is the smallest network that is built for the whole class at the "
        "same error: it serves every function, the trained one serves this function."
    )
    header = (
        *("target", "d", "n", "method", "seeds", "bits of codes", "bits in all"),
        *("median error", "from best to worst"),
        *("below the zero network by", "bits of the witness", "open"),
    )
    small = Small("Proven upper ends of the error over the seeds", header, tuple(table))
    return Summary(tuple(answer), (small,), tuple(figures), ("entropy.floor",))


def _front(points: Mapping[str, tuple[float, float]]) -> list[str]:
    """The methods that no other one beats in size without being worse in error, or the reverse."""

    def beaten(name: str) -> bool:
        bits, error = points[name]
        return any(b <= bits and e <= error and (b, e) != (bits, error) for b, e in points.values())

    return [name for name in points if not beaten(name)]


KIND = Kind(
    name="systems",
    title="networks trained by a method on a target, their error enclosed",
    parameters=PARAMETERS,
    columns=COLUMNS,
    run=run,
    cost=cost,
    check=lambda cell, row, files, tools: check_row(KIND, cell, row, files),
    restate=restate,
    files=(NETWORK,),
    seeded=True,
    needs=NEEDS,
    validate=validate,
    summary=_summary,
    shown=(
        *("target", "n", "method", "lam", "widths", "seed", "weights", "bits"),
        *("error_lower", "error_upper", "enclosure", "witness_weights", "training_gap_upper"),
        *("floor_verdict", "status"),
    ),
)
