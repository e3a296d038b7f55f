"""Rows shared among Python threads; kernels release the interpreter's lock."""

from collections.abc import Callable
from threading import Thread

__all__ = ["check_threads", "share"]


def check_threads(threads: int) -> int:
    """Return `threads` if it is a positive integer."""
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
        raise ValueError(f"threads must be an integer >= 1, got {threads!r}")
    return threads


def share(rows: int, threads: int, work: Callable[[int, int], None], unit: int = 8) -> None:
    """Call work(start, stop) on consecutive parts of range(rows), one in each thread.

    Parts begin at multiples of `unit`. No row's result depends on the part it lies in, so results
    do not depend on `threads`. Threads live for one call: a pool would not survive a fork.
    """
    parts = 1 if threads == 1 else min(threads, -(-rows // unit))
    if parts <= 1:
        work(0, rows)
        return
    units = -(-rows // unit)
    cuts = [min(rows, units * i // parts * unit) for i in range(parts + 1)]
    failures: list[BaseException] = []

    def guarded(start: int, stop: int) -> None:
        try:
            work(start, stop)
        except BaseException as failure:
            failures.append(failure)

    helpers = [
        Thread(target=guarded, args=(cuts[i], cuts[i + 1]), daemon=True) for i in range(1, parts)
    ]
    for helper in helpers:
        helper.start()
    guarded(cuts[0], cuts[1])
    for helper in helpers:
        helper.join()
    if failures:
        raise failures[0]
