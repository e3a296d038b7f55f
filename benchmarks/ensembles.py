"""Ensembles of 32 seeds of one shape, in stacked tensors, against one after the other.

``python benchmarks/ensembles.py`` writes ``results/ensembles.csv``. Both do the same steps, judged
at as many points for their steps as the default recipe is. One after the other, 4 of the 32 runs
are timed and the time is taken 8 times; CPU time of one thread, contestants in turns.

Together, the matrix products of all members stay what they are alone: `products` is the share of
the time together that these products take by themselves, at `gflops` (a product of two 2048 x 2048
matrices runs at `peak_gflops`). No stacking can be faster than that share.
"""

from __future__ import annotations

import sys
import time
import warnings
from functools import partial
from itertools import pairwise
from typing import Any

import record

record.one_thread()

import numpy as np  # noqa: E402
import torch  # noqa: E402

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


def products(widths: tuple[int, ...], batch: int, judged: int) -> tuple[float, float]:
    """CPU seconds and floating point operations of the products of one step of all members.

    Forward, and backward by weights and (but in the first layer) by inputs; every second step
    judges, forward only.
    """
    pairs = list(pairwise((2, *widths, 1)))
    made = []
    for a, b in pairs:
        w = torch.rand(MEMBERS, a, b)
        made.append((torch.rand(MEMBERS, batch, a), w, torch.rand(MEMBERS, batch, b)))
    seen = [torch.rand(MEMBERS, judged, a) for a, _ in pairs]

    def once(judges: bool) -> None:
        for k, (x, w, g) in enumerate(made):
            torch.bmm(x, w)
            torch.bmm(x.mT, g)
            if k:
                torch.bmm(g, w.mT)
            if judges:
                torch.bmm(seen[k], w)

    size = sum(a * b for a, b in pairs)
    flops = 2 * MEMBERS * (batch * (3 * size - 2 * widths[0]) + judged * size / 2)
    return _least(lambda: (once(True), once(False))) / 2, flops


def _least(call: Any, times: int = 9) -> float:
    """The least CPU time of a call."""
    found = []
    for _ in range(times):
        start = time.process_time()
        call()
        found.append(time.process_time() - start)
    return min(found)


def main(rounds: int) -> None:
    """Time each shape."""
    warnings.simplefilter("ignore")
    whole = training.sample_target(targets.get("waves"), 1024)
    # 60 times 20,000 points for 3000 steps are as many for each step as 60 times 800 for 120
    picked = slice(None, None, len(whole.test_x) // 800)
    data = training.from_arrays(whole.x, whole.y, whole.test_x[picked], whole.test_y[picked])
    square = torch.rand(2048, 2048)
    peak = 2 * 2048**3 / _least(lambda: square @ square) / 1e9
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
        seconds, flops = products(widths, batch, len(data.test_x))
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
                "products": round(STEPS * seconds / float(np.median(times["together"])), 3),
                "gflops": round(flops / seconds / 1e9, 1),
                "peak_gflops": round(peak, 1),
                "apart_after_first_steps": f"{apart:.1e}",
                **times["together"].row("together_cpu_"),
                **times["alone"].row(f"alone_{TIMED}_cpu_"),
            }
        )
        print(rows[-1], flush=True)
    record.write("ensembles", rows, ("numpy", "torch"))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
