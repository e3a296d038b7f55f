"""What does a study add to its cells, and how long does it take to find that all are done?

Trivial cells on two workers, over three decades, in processes of their own: a whole command
(start, pool, cells, table, report), the same command again when all cells are stored, and beside
them in turn a bare process pool that is handed the same calls.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from record import Times, one_thread, write

one_thread()

HERE = Path(__file__).parent
SIZES = (100, 1000, 10_000)
ROUNDS = 7
WORKERS = 2
POOL = """
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from qexpr.study.tasks import run_cell

if __name__ == "__main__":
    with ProcessPoolExecutor(int(sys.argv[1]), get_context("spawn")) as pool:
        calls = [pool.submit(run_cell, "cells.trivial", {"k": k}) for k in range(int(sys.argv[2]))]
        assert sum(call.result()[0]["values"]["square"] for call in calls) >= 0
"""
SPEC = 'kind = "cells.trivial"\ntitle = "Squares"\nquestion = "How long?"\n\n[[block]]\nk = '


def timed(*arguments: str | Path) -> tuple[float, float, float]:
    """Wall seconds, CPU seconds of all its processes, and the largest one's MiB, of a command."""
    environment = os.environ | {"PYTHONPATH": str(HERE)}
    start = time.perf_counter()
    with open(os.devnull, "w") as nowhere:
        process = subprocess.Popen(
            [sys.executable, *map(str, arguments)], env=environment, stdout=nowhere, stderr=nowhere
        )
        _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{arguments} ended with {process.returncode}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def rounds(size: int, place: Path) -> list[dict[str, object]]:
    """The rows of one size."""
    spec, script = place / f"squares-{size}.toml", place / "pool.py"
    spec.write_text(f"{SPEC}{list(range(size))}\n", encoding="utf-8")
    script.write_text(POOL, encoding="utf-8")
    study = ("-m", "qexpr.cli", "study", "run", spec, "--workers", str(WORKERS))
    walls = {name: Times() for name in ("study", "resume", "bare pool")}
    cpus = {name: Times() for name in walls}
    peaks = dict.fromkeys(walls, 0.0)
    for number in range(ROUNDS):
        # A new folder each time, and none deleted before the end: without a journal ext4 makes
        # files many times slower for some seconds after as many were deleted.
        folder = place / f"out-{size}-{number}"
        for name in walls:
            command = (script, str(WORKERS), str(size)) if name == "bare pool" else study
            output = () if name == "bare pool" else ("--output", folder)
            wall, cpu, peak = timed(*command, *output)
            walls[name].append(wall)
            cpus[name].append(cpu)
            peaks[name] = max(peaks[name], peak)
    return [
        {
            "what": name,
            "cells": size,
            **walls[name].row(),
            "cpu_median_s": round(cpus[name].median, 3),
            "ms_per_cell": round(1000 * walls[name].median / size, 4),
            "peak_mib": round(peaks[name], 1),
        }
        for name in walls
    ]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        rows = [row for size in SIZES for row in rounds(size, Path(folder))]
    write("study", rows, ("qexpr", "numpy", "pydantic", "jinja2", "matplotlib"))
