"""How long a witness takes: plan, build, count, certify; and how its cost grows with its edges.

Rows ``witness``: (2,3,1e-3) for sin(3 x0) cos(2 x1)/27 out of two weight values, by the smallest
construction and by shared_bitplane, and (2,2,1e-3) for sin(x0) cos(x1), stage by stage, in CPU
seconds of one thread; the target is 1 s each. Rows ``growth``: networks of the class from 10^5 to
10^7 edges, built from their plans; CPU time and peak memory an edge, and the exponent of the time
that is fitted over the two decades (1 is linear). Targets: under 200
bytes an edge, under 60 s for 10^7 edges.
"""

from __future__ import annotations

import math
import subprocess
import sys
import time
import tracemalloc
from dataclasses import replace
from fractions import Fraction
from typing import Any

from record import alternate, one_thread, write

one_thread()

import numpy as np  # noqa: E402 - threads are set before NumPy is loaded

from qexpr import certificates, targets  # noqa: E402
from qexpr.circuits.graph import Circuit  # noqa: E402
from qexpr.circuits.registry import Plan, build, plan, plans  # noqa: E402
from qexpr.core.query import Query  # noqa: E402

_WITNESSES = (
    ("sin(3*x0)*cos(2*x1)/27", 2, 3, "1e-3", "smallest"),
    ("sin(3*x0)*cos(2*x1)/27", 2, 3, "1e-3", "shared_bitplane"),
    ("sin(x0)*cos(x1)", 2, 2, "1e-3", "smallest"),
)
_GROWTH = (
    ("shared_bitplane", 2, 2, ("3e-4", "9e-5", "3e-5", "1e-5", "3.8e-6")),
    ("cones", 2, 2, ("5e-5", "1.6e-5", "5e-6", "1.5e-6", "4.5e-7")),
    ("multiresolution", 2, 2, ("1.5e-4", "5e-5", "1.5e-5", "5e-6", "1.55e-6")),
    ("sigma_delta", 1, 1, ("5e-5", "1.6e-5", "5e-6", "1.6e-6", "5e-7")),
)
_COLUMNS = ("question", "construction", "d", "n", "eps", "stage", "weights", "seconds", "spread",
            "bytes_an_edge", "exponent", "target", "note")  # fmt: skip


def _row(**values: Any) -> dict[str, Any]:
    return {column: values.get(column, "") for column in _COLUMNS}


def _chosen(name: str, query: Query, norm: Fraction) -> Plan:
    if name != "smallest":
        return plan(name, query.d, query.n, query.eps, lam=2, norm=norm)
    found = [p for p in plans(query, norm).values() if isinstance(p, Plan)]
    return min((p for p in found if p.counts.bits_per_weight), key=lambda p: p.counts.weights)


def _counts(w: Circuit) -> tuple[int, ...]:
    """Of a circuit that has not been asked before."""
    return w.weights, w.depth, w.width, w.units, w.free_bits


def _witness(text: str, d: int, n: int, eps: str, name: str) -> list[dict[str, Any]]:
    query = Query(d, n, 2, eps)
    f = targets.Target(text, d)
    norm = f.prove_membership(n).norm
    made = _chosen(name, query, norm)
    w = build(made, f)
    certificate = certificates.certify(w, f, eps)
    times = alternate(
        {
            "membership": lambda: targets.Target(text, d).prove_membership(n),
            "plan": lambda: _chosen(name, query, norm),
            "build and realise": lambda: build(made, f),
            "count": lambda: _counts(replace(w)),
            "certify": lambda: certificates.certify(w, f, eps),
        },
        clock=time.process_time,
    )
    common = {"question": "witness", "construction": f"{name}: {made.construction}", "d": d, "n": n,
              "eps": eps, "weights": w.weights}  # fmt: skip
    rows = [
        _row(
            **common,
            stage=stage,
            seconds=f"{seconds.median:.4f}",
            spread=f"{seconds.spread:.3f}",
            note=f"{certificate.verdict} by {certificate.method}" if stage == "certify" else "",
        )
        for stage, seconds in times.items()
    ]
    rest = [times[s] for s in ("plan", "build and realise", "count", "certify")]
    whole = sorted(map(sum, zip(*rest, strict=True)))
    return [
        *rows,
        _row(**common, stage="plan to certificate", seconds=f"{whole[len(whole) // 2]:.4f}",
             target="under 1 s"),
    ]  # fmt: skip


def _grown(name: str, d: int, n: int, eps: str) -> tuple[int, float, float]:
    """Weights, CPU seconds and peak bytes an edge of one build, in a process of its own."""
    made = plan(name, d, n, eps, lam=2)
    times = alternate(
        {"build": lambda: build(made, None)}, rounds=1, warm_up=0, clock=time.process_time
    )
    tracemalloc.start()  # NumPy's arrays included; slower, so not while the time is taken
    build(made, None)
    peak = tracemalloc.get_traced_memory()[1]
    return made.counts.weights, times["build"][0], peak / made.counts.weights


def _growth(name: str, d: int, n: int, accuracies: tuple[str, ...]) -> list[dict[str, Any]]:
    rows, sizes, seconds = [], [], []
    for eps in accuracies:
        runs = []
        for _ in range(3 if len(rows) < 4 else 1):  # the last takes the longest
            done = subprocess.run(
                [sys.executable, __file__, name, str(d), str(n), eps],
                capture_output=True, text=True, check=True,
            )  # fmt: skip
            runs.append([float(value) for value in done.stdout.split()])
        weights, taken, size = sorted(runs, key=lambda run: run[1])[len(runs) // 2]
        sizes.append(math.log(weights))
        seconds.append(math.log(taken))
        rows.append(
            _row(question="growth", construction=name, d=d, n=n, eps=eps, stage="build and realise",
                 weights=int(weights), seconds=f"{taken:.3f}", bytes_an_edge=f"{size:.0f}",
                 target="under 200 bytes an edge, 60 s at 10^7")
        )  # fmt: skip
    slope = float(np.polyfit(sizes, seconds, 1)[0])
    rows.append(
        _row(question="growth", construction=name, d=d, n=n, stage="fit", exponent=f"{slope:.3f}",
             target="1: linear in edges")
    )  # fmt: skip
    return rows


def main() -> None:
    """Measure and write results/witness.csv."""
    if len(sys.argv) > 1:
        name, d, n, eps = sys.argv[1:]
        print(*_grown(name, int(d), int(n), eps))
        return
    rows = [row for case in _WITNESSES for row in _witness(*case)]
    for case in _GROWTH:
        rows += _growth(*case)
    write("witness", rows, packages=("numpy", "python-flint"))


if __name__ == "__main__":
    main()
