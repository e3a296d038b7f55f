"""Where cells run: here, in a pool of processes, or on a Dask cluster; always one interface.

An engine is a `concurrent.futures.Executor` with the little around it that a study needs: how
many tasks to keep under way, and what to do when its workers die.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from typing import Any

from qexpr.core.numbers import read_integer
from qexpr.errors import InvalidInput, shorten
from qexpr.study.tasks import one_thread

__all__ = ["Engine", "Serial", "open_engine"]

_MAX_WORKERS = 4096
CONNECT_SECONDS = 10


class Serial(Executor):
    """An executor that has done the work when `submit` returns."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call it now."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class Engine:
    """An executor and how to use it.

    Attributes
    ----------
    name : str
    executor : concurrent.futures.Executor
    workers : int
    window : int
        How many tasks to keep under way: enough that no worker waits, few enough that memory
        does not grow with the study.
    """

    name = "serial"
    window = 1
    workers = 1

    def __init__(self) -> None:
        self.executor: Executor = Serial()

    def reopen(self) -> None:
        """Workers died: new ones for what remains."""

    def close(self, at_once: bool = False) -> None:
        """Let go of the workers; `at_once` ends what they are doing."""
        self.executor.shutdown(wait=not at_once, cancel_futures=True)


class Local(Engine):
    """A pool of spawned processes on this machine."""

    name = "local"

    def __init__(self, workers: int) -> None:
        self.workers, self.window = workers, 4 * workers
        self.executor = self._pool()

    def _pool(self) -> ProcessPoolExecutor:
        import multiprocessing

        spawn = multiprocessing.get_context("spawn")  # a fork would inherit threads and locks
        return ProcessPoolExecutor(self.workers, mp_context=spawn, initializer=_start_worker)

    def reopen(self) -> None:
        """A broken pool is of no use any more: a new one."""
        self.executor.shutdown(wait=False, cancel_futures=True)
        self.executor = self._pool()

    def close(self, at_once: bool = False) -> None:
        """End the pool; at once by ending its processes."""
        if at_once:
            for process in list((getattr(self.executor, "_processes", None) or {}).values()):
                process.terminate()
        super().close(at_once)


def _start_worker() -> None:
    """First thing in a worker: Ctrl-C is the parent's affair, and so is when to end."""
    import multiprocessing

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    one_thread()
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()  # returns when the parent has gone, however it went
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


class Dask(Engine):
    """A Dask cluster, by the address of its scheduler or by its scheduler file."""

    def __init__(self, address: str) -> None:
        self.name = address
        self.client = _connect(address)
        try:
            self.workers = check_workers(self.client)
        except BaseException:
            self.client.close()
            raise
        self.window = max(4 * self.workers, 32)
        self.executor = self.client.get_executor(pure=False, retries=2)

    def close(self, at_once: bool = False) -> None:
        """Leave the cluster as it is, without our tasks."""
        self.executor.shutdown(wait=False)  # Dask cancels what is left
        self.client.close()


def _connect(address: str) -> Any:
    try:
        import distributed
    except ModuleNotFoundError:
        raise InvalidInput("a cluster needs Dask: pip install 'qexpr[cluster]'") from None
    import logging

    for name in list(logging.root.manager.loggerDict):
        if name.split(".")[0] == "distributed":
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)  # we say what happened
    if address.startswith("file:") and not os.path.exists(address.removeprefix("file:")):
        raise InvalidInput(  # Dask would wait for it for ever
            f"there is no scheduler file {shorten(address.removeprefix('file:'))}; "
            "dask scheduler --scheduler-file writes it"
        )
    given = (
        {"scheduler_file": address.removeprefix("file:")}
        if address.startswith("file:")
        else {"address": address}
    )
    try:
        return distributed.Client(**given, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InvalidInput(
            f"no Dask scheduler answers at {shorten(address)}: {reason[:200]}"
        ) from None


def worker_facts() -> dict[str, str]:
    """What has to be equal on all workers: versions, and the code of qexpr itself."""
    import platform
    from importlib import metadata

    from qexpr.study.cells import code_digest

    facts = {"python": platform.python_version(), "code": code_digest()}
    for name in ("qexpr", "numpy", "python-flint", "torch"):
        try:
            facts[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            facts[name] = "not installed"
    return facts


def check_workers(client: Any) -> int:
    try:
        answers = client.run(worker_facts, on_error="return")
    except Exception as error:
        raise InvalidInput(f"the workers do not answer: {shorten(error)}") from None
    if not answers:
        raise InvalidInput("the Dask scheduler has no workers; start some, then run again")
    ours = worker_facts()
    for worker, theirs in answers.items():
        if isinstance(theirs, BaseException):
            raise InvalidInput(f"worker {worker} cannot load qexpr: {shorten(theirs)}")
        unlike = [
            f"{k} {theirs.get(k)} there, {v} here" for k, v in ours.items() if theirs.get(k) != v
        ]
        if unlike:
            raise InvalidInput(f"worker {worker} would compute other bytes: {'; '.join(unlike)}")
    threads: dict[str, int] = client.nthreads()
    for worker, count in threads.items():
        if count > 1:  # exact arithmetic has one precision for a whole process
            raise InvalidInput(
                f"worker {worker} has {count} threads and may have 1; "
                "start workers with --nthreads 1, and more of them with --nworkers"
            )
    return len(threads)


def open_engine(name: str = "local", workers: int | None = None) -> Engine:
    """An engine by name.

    Parameters
    ----------
    name : str
        serial, local, the address of a Dask scheduler (``tcp://host:8786``), or its scheduler
        file (``file:scheduler.json``).
    workers : int, optional
        Processes of local; all cores by default.

    Raises
    ------
    InvalidInput
        For another name, a scheduler that does not answer, workers that have other versions.
    """
    if workers is not None:
        read_integer(workers, "workers", 1, _MAX_WORKERS)
        if name != "local":
            raise InvalidInput(f"workers are counted for the engine local, not for {shorten(name)}")
    if name == "serial":
        return Engine()
    if name == "local":
        return Local(workers or os.cpu_count() or 1)
    if name.startswith("file:") or "://" in name:
        return Dask(name)
    raise InvalidInput(
        f"engine must be serial, local, tcp://HOST:PORT or file:SCHEDULER.json, got {shorten(name)}"
    )
