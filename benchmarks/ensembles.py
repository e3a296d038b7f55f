"""Ensembles of 32 seeds of one shape, in stacked tensors, against one after the other.

``python benchmarks/ensembles.py`` writes ``results/ensembles.csv``. Both do the same steps, judged
at as many points for their steps as the default recipe is. One after the other, 4 of the 32 runs
are timed and the time is taken 8 times; CPU time of one thread, contestants in turns.
"""

from __future__ import annotations

import sys
import time
import warnings
from functools import partial
from typing import Any

import record

record.one_thread()

import numpy as np  # noqa: E402

from qexpr import targets, training  # noqa: E402

MEMBERS, TIMED, STEPS = 32, 4, 120
SHAPES = (
    ("float", (16, 16), 64),
    ("twn", (16, 16), 64),
    ("bnn", (16, 16), 64),
    ("dorefa", (16, 16), 64),
    ("twn", (32, 32), 128),
    ("twn", (64, 64, 64), 512),
)


def one_by_one(data: Any, recipe: Any, widths: Any) -> list[Any]:
    """A few of the members, alone."""
    return [training.train(data, recipe, widths, seed, dtype="float32") for seed in range(TIMED)]


def main(rounds: int) -> None:
    """Time each shape."""
    warnings.simplefilter("ignore")
    whole = training.sample_target(targets.get("waves"), 1024)
    # 60 times 20,000 points for 3000 steps are as many for each step as 60 times 800 for 120
    picked = slice(None, None, len(whole.test_x) // 800)
    data = training.from_arrays(whole.x, whole.y, whole.test_x[picked], whole.test_y[picked])
    rows: list[dict[str, Any]] = []
    for method, widths, batch in SHAPES:
        recipe = training.get_recipe(method, steps=STEPS, batch=batch)
        seeds = list(range(MEMBERS))
        together = partial(training.train_ensemble, data, recipe, widths, seeds, dtype="float32")
        alone = partial(one_by_one, data, recipe, widths)
        pairs = zip(together(), alone(), strict=False)
        apart = max(abs(a.history[1][2] / b.history[1][2] - 1) for a, b in pairs)
        times = record.alternate(
            {"together": together, "alone": alone},
            rounds=rounds,
            warm_up=0,
            clock=time.process_time,
        )
        factor = MEMBERS / TIMED
        ratios = [factor * a / t for a, t in zip(times["alone"], times["together"], strict=True)]
        rows.append(
            {
                "method": method,
                "widths": " ".join(map(str, widths)),
                "batch": batch,
                "members": MEMBERS,
                "steps": STEPS,
                "ratio_median": round(float(np.median(ratios)), 2),
                "ratio_min": round(min(ratios), 2),
                "ratio_max": round(max(ratios), 2),
                "apart_after_first_steps": f"{apart:.1e}",
                **times["together"].row("together_cpu_"),
                **times["alone"].row(f"alone_{TIMED}_cpu_"),
            }
        )
        print(rows[-1], flush=True)
    record.write("ensembles", rows, ("numpy", "torch"))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
