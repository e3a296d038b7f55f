"""What every benchmark shares: alternating timing, the machine's record, the CSV it writes.

A benchmark is a script that answers one question. It imports this module first (run it as
``python benchmarks/<question>.py``, so that this folder is on the path), times its contestants
in turns (A B A B ...), and ends with ``write(question, rows)``, which leaves
``results/<question>.csv`` and, beside it, ``results/<question>.machine.json``.
"""

from __future__ import annotations

import csv
import gc
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

__all__ = ["RESULTS", "Times", "alternate", "fastest_block", "machine", "one_thread", "write"]

RESULTS = Path(__file__).parent / "results"
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def one_thread() -> None:
    """Keep numerical libraries to one thread; has to come before they are imported."""
    loaded = [name for name in ("numpy", "torch", "onnxruntime") if name in sys.modules]
    if loaded:
        raise RuntimeError(f"one_thread() has to come before {', '.join(loaded)} is imported")
    for name in _THREADS:
        os.environ[name] = "1"


class Times(list[float]):
    """Seconds of one contestant, one for each round."""

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self)

    @property
    def spread(self) -> float:
        """The width of the middle half over the median."""
        low, _, high = statistics.quantiles(self, n=4)
        return (high - low) / self.median

    def row(self, prefix: str = "") -> dict[str, float | int]:
        """The columns that a CSV quotes."""
        return {
            f"{prefix}median_s": round(self.median, 9),
            f"{prefix}min_s": round(min(self), 9),
            f"{prefix}spread": round(self.spread, 3),
            f"{prefix}rounds": len(self),
        }


def alternate(
    contestants: Mapping[str, Callable[[], Any]],
    rounds: int = 7,
    warm_up: int = 1,
    at_least: float = 0.0,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, Times]:
    """Time callables in turns: every round runs each of them once, in the order given.

    Parameters
    ----------
    contestants : mapping of name to callable
    rounds : int
        At least 7 for a figure that is quoted.
    warm_up : int
        Rounds that are run and not counted.
    at_least : float
        Seconds: a call that is shorter is repeated within its turn until the turn takes about
        that long, and the mean of the turn is what counts.
    clock : callable
        ``time.process_time`` counts the process's own CPU seconds: the same for work on one thread
        on an idle machine, and less disturbed on a busy one.
    """
    repeats = dict.fromkeys(contestants, 1)
    for name, function in contestants.items():
        for _ in range(warm_up):
            start = clock()
            function()
            passed = clock() - start
            repeats[name] = max(1, int(at_least / max(passed, 1e-9)))
    times = {name: Times() for name in contestants}
    enabled = gc.isenabled()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, function in contestants.items():
                start = clock()
                for _ in range(repeats[name]):
                    function()
                times[name].append((clock() - start) / repeats[name])
    finally:
        if enabled:
            gc.enable()
    return times


def fastest_block(
    run: Callable[[int], Any], blocks: Sequence[int] = (16, 32, 64, 128, 256, 1024)
) -> int:
    """The block of points with which ``run(block)`` takes the least time."""
    runs = {str(n): (lambda n=n: run(n)) for n in blocks}
    times = alternate(runs, rounds=3, clock=time.process_time)
    return min(blocks, key=lambda n: min(times[str(n)]))


def _cpu() -> dict[str, str]:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return {"cpu": platform.processor() or "unknown", "isa": ""}
    fields: dict[str, str] = {}
    for line in text.splitlines():
        key, _, value = line.partition(":")
        fields.setdefault(key.strip(), value.strip())
    flags = fields.get("flags", fields.get("Features", "")).split()
    wanted = ("sse4_2", "avx", "avx2", "fma", "avx512f", "avx512_vnni", "asimd")
    return {
        "cpu": fields.get("model name", platform.machine()),
        "isa": " ".join(flag for flag in wanted if flag in flags),
    }


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (AttributeError, OSError, ValueError):
        return None


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def machine(packages: Iterable[str] = ("numpy",)) -> dict[str, Any]:
    """The machine and the versions that a figure was measured with."""
    return {
        **_cpu(),
        "cores": os.cpu_count(),
        "memory_gib": _memory_gib(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "threads": {name: os.environ.get(name, "unset") for name in _THREADS},
        "packages": {name: _version(name) for name in packages},
    }


def write(
    question: str,
    rows: Sequence[Mapping[str, Any]],
    packages: Iterable[str] = ("numpy",),
) -> Path:
    """Write the rows and, beside them, the machine's record; print both."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{question}.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    record = {"question": question, **machine(packages)}
    text = json.dumps(record, indent=2) + "\n"
    path.with_suffix(".machine.json").write_text(text, encoding="utf-8")
    print(path.read_text(encoding="utf-8"), end="")
    print(f"# {record['cpu']}, {record['cores']} cores, Python {record['python']}")
    return path
