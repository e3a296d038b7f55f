"""What does a small product cost, call included, and what do two threads bring?

Batch 1 through one layer of n x n binary weights, against PyTorch eager (CPU time); and products
of 1024 and 2048 on one and on two threads (wall time: it counts only on an idle machine, so the
load stands in the row).
"""

from __future__ import annotations

import os
import time
from typing import Any

from record import alternate, one_thread, write

one_thread()

import numpy as np  # noqa: E402
import qexpr_runtime as rt  # noqa: E402
from runtime_peers import torch_linear  # noqa: E402


def main() -> None:
    """Measure and write the CSV."""
    rng = np.random.default_rng(0)
    rows: list[dict[str, Any]] = []
    for n in (16, 64, 256, 1024):
        x = rng.standard_normal((1, n)).astype(np.float32)
        w = rng.choice(np.array([-1, 1], np.float32), (n, n))
        packed = rt.pack(w, "binary")
        load = os.getloadavg()[0]
        times = alternate(
            {
                "torch float32": torch_linear(w, x),
                "binary x binary": lambda x=x, p=packed: rt.gemm(x, p, "binary"),
                "binary x float32": lambda x=x, p=packed: rt.gemm(x, p, "float32"),
            },
            rounds=9,
            warm_up=3,
            at_least=0.01,
            clock=time.process_time,
        )
        base = times["torch float32"].median
        rows += [
            {"question": "call", "n": n, "contestant": name, **t.row(),
             "ratio": round(base / t.median, 2), "target": "", "met": "", "load": round(load, 1),
             "note": ""}
            for name, t in times.items()
        ]  # fmt: skip
    for n in (1024, 2048):
        x = rng.standard_normal((n, n)).astype(np.float32)
        packed = rt.pack(rng.choice([-1, 1], (n, n)), "binary")
        for activations in ("binary", "float32"):
            load = os.getloadavg()[0]
            times = alternate(
                {
                    f"{count} threads": lambda x=x, p=packed, a=activations, c=count: rt.gemm(
                        x, p, a, threads=c
                    )
                    for count in (1, 2)
                },
                rounds=11,
                warm_up=2,
            )
            base = times["1 threads"].median
            for name, t in times.items():
                ratio = base / t.median
                two = name == "2 threads"
                rows.append(
                    {
                        "question": f"threads, binary x {activations}",
                        "n": n,
                        "contestant": name,
                        **t.row(),
                        "ratio": round(ratio, 2),
                        "target": 1.8 if two else "",
                        "met": ("yes" if ratio >= 1.8 else "no") if two else "",
                        "load": round(load, 1),
                        "note": "loaded machine" if load >= 1.5 else "",
                    }
                )
    write("runtime_calls", rows, packages=("numpy", "torch"))


if __name__ == "__main__":
    main()
