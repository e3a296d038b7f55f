"""What is finished is never lost: killed parents and workers, Ctrl-C, a full disk, a cluster."""

from __future__ import annotations

import errno
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor, Future
from pathlib import Path

import pytest

from qexpr.cli.main import run as qexpr
from qexpr.errors import InvalidInput
from qexpr.study import engine, store
from qexpr.study.engine import open_engine
from qexpr.study.folder import Folder
from qexpr.study.run import prepare, run_study
from qexpr.study.spec import read_study

TESTS = Path(__file__).parents[1]
PATIENCE = 120


def wait_for(condition, process=None):
    """Wait until something holds; a process that ends before is a failure."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it never happened"
        if process is not None and process.poll() is not None:
            pytest.fail(f"ended early: {process.communicate()}")
        time.sleep(0.01)


def stored(folder):
    """How many cells are stored."""
    return len([p for p in (folder / "cells").glob("*.json") if p.name != "origin.json"])


def started(log):
    """The pids of the processes that have started cells."""
    return [int(line.split()[1]) for line in log.read_text().splitlines()] if log.exists() else []


def gone(pid):
    """Whether a process has ended."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    status = Path(f"/proc/{pid}/stat")  # a zombie that nobody has asked after has ended too
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z"


@pytest.fixture
def slow(steps):
    """A study of 24 cells of 60 ms."""
    return steps(f"k = {list(range(12))}\nms = 60\n")


@pytest.fixture
def expected(slow, run):
    """The bytes of its table, from a serial run."""
    return run(slow, "serial")[1]


def test_a_killed_parent_loses_no_finished_cell(slow, expected, tmp_path, command):
    folder, log = tmp_path / "out", tmp_path / "log"
    process = command("run", slow, "--workers", "2", "--output", folder, TRIAL_LOG=str(log))
    wait_for(lambda: stored(folder) >= 5, process)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=PATIENCE)  # its pipes are closed when its workers have gone too
    before = stored(folder)
    assert 5 <= before < 24
    assert not (folder / "results.csv").exists()
    wait_for(lambda: all(gone(pid) for pid in started(log)))  # no worker outlives its parent
    log.unlink()
    again = command("resume", folder, "--workers", "2", TRIAL_LOG=str(log))
    _, err = again.communicate(timeout=PATIENCE)
    assert again.returncode == 0, err
    assert f"{24 - before} to run" in err
    assert len(started(log)) == 24 - before
    assert (folder / "results.csv").read_bytes() == expected


def test_a_killed_worker_is_replaced(slow, expected, tmp_path, command):
    folder, log = tmp_path / "out", tmp_path / "log"
    process = command("run", slow, "--workers", "2", "--output", folder, TRIAL_LOG=str(log))
    wait_for(lambda: stored(folder) >= 4 and len(set(started(log))) == 2, process)
    os.kill(started(log)[-1], signal.SIGKILL)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert "Traceback" not in err
    assert (folder / "results.csv").read_bytes() == expected


def test_a_cell_that_kills_its_worker_is_a_failed_row(steps, tmp_path, command):
    path = steps(f"k = {list(range(5))}\nms = 20\n\n[[block]]\nk = 99\nact = 'kill'\n")
    path.write_text(path.read_text().replace("[1, 2]", "[1]"))
    folder = tmp_path / "out"
    process = command("run", path, "--workers", "2", "--output", folder)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1, err
    assert "1 failed, 5 ok" in out
    assert "its worker died" in (folder / "results.csv").read_text().splitlines()[-1]
    assert "Traceback" not in err


def test_workers_that_always_die_end_the_study_with_one_line(steps, tmp_path, command):
    path = steps(f"k = {list(range(20))}\nact = 'kill'\n")
    process = command("run", path, "--workers", "2", "--output", tmp_path / "out")
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert "workers died 4 times" in err
    assert "finished cells are stored: qexpr study resume" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("name", ["serial", "local"])
def test_an_interrupt_keeps_what_is_finished(slow, expected, tmp_path, command, name):
    folder, log = tmp_path / "out", tmp_path / "log"
    process = command("run", slow, "--engine", name, "--output", folder, TRIAL_LOG=str(log))
    wait_for(lambda: stored(folder) >= 3, process)
    os.killpg(process.pid, signal.SIGINT)  # a terminal tells the whole group
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, err
    assert "finished cells are stored: qexpr study resume" in err
    assert "Traceback" not in err
    wait_for(lambda: all(gone(pid) for pid in started(log)))
    before = stored(folder)
    assert 3 <= before < 24
    again = command("resume", folder, "--engine", "serial")
    _, err = again.communicate(timeout=PATIENCE)
    assert f"{24 - before} to run" in err
    assert (folder / "results.csv").read_bytes() == expected


def test_a_worker_does_not_listen_to_the_terminal(slow, expected, tmp_path, command):
    folder, log = tmp_path / "out", tmp_path / "log"
    process = command("run", slow, "--workers", "2", "--output", folder, TRIAL_LOG=str(log))
    wait_for(lambda: stored(folder) >= 4 and len(set(started(log))) == 2, process)
    for pid in set(started(log)):
        os.kill(pid, signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert (folder / "results.csv").read_bytes() == expected


def test_what_is_done_when_a_study_is_stopped_is_kept(steps, tmp_path):
    study, folder = read_study(steps("k = [0, 1, 2]\n")), Folder(tmp_path / "out")
    prepare(study, folder)
    wide = engine.Engine()
    wide.window = 6  # all are done before the first one is stored
    told = []

    def tell(*counts):
        told.append(counts)
        if len(told) == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_study(study, folder, wide, tell=tell)
    assert stored(tmp_path / "out") == 6


def test_what_is_done_when_a_worker_dies_is_kept(steps, tmp_path):
    study, folder = read_study(steps("k = [0, 1, 2]\n")), Folder(tmp_path / "out")
    prepare(study, folder)
    calls = []

    class Dying(engine.Serial):
        """Its second task breaks it; the third is done all the same."""

        def submit(self, fn, /, *args):
            calls.append(args)
            if len(calls) != 2:
                return super().submit(fn, *args)
            future = Future()
            future.set_exception(BrokenExecutor("a worker died"))
            return future

    wide = engine.Engine()
    wide.window, wide.executor = 3, Dying()
    assert run_study(study, folder, wide).statuses == {"ok": 6}
    assert len(calls) == 7  # of six cells, one was lost


def test_a_full_disk_is_one_line(steps, tmp_path, monkeypatch, capsys):
    path, folder = steps("k = [0, 1, 2]\n"), tmp_path / "out"
    room = [4]
    write = store.write_bytes

    def full(place, data, **options):
        if room[0] == 0:
            raise OSError(errno.ENOSPC, "No space left on device", str(place))
        room[0] -= 1
        write(place, data, **options)

    monkeypatch.setattr(store, "write_bytes", full)
    arguments = ["study", "run", str(path), "--engine", "serial", "--output", str(folder)]
    assert qexpr(arguments) == 2
    said = capsys.readouterr().err
    assert "No space left on device; finished cells are stored" in said
    assert stored(folder) == 2
    monkeypatch.undo()
    assert qexpr(arguments) == 0
    assert "6 cells, 4 to run" in capsys.readouterr().err


# --- a cluster: a scheduler and two workers, processes of their own, over TCP on loopback ---------


@pytest.fixture
def cluster(tmp_path):
    """The scheduler file, and the processes of two workers."""
    file = tmp_path / "scheduler.json"
    environment = os.environ | {"PYTHONPATH": str(TESTS)}
    environment |= {"DASK_DISTRIBUTED__WORKER__DAEMON": "False"}
    running = []

    def start(*arguments):
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", *arguments],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=tmp_path,
        )
        running.append(process)
        return process

    here = ("--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(file))
    start("scheduler", "--port", "0", *here)
    wait_for(file.exists, running[0])
    workers = [start("worker", "--nthreads", "1", "--no-nanny", *here) for _ in range(2)]
    try:
        yield file, workers
    finally:
        for process in running:
            process.kill()
            process.wait()


def test_workers_with_threads_or_other_code_are_refused():
    class Client:
        threads, facts = 1, engine.worker_facts()

        def run(self, function, on_error):
            return {"tcp://w": self.facts}

        def nthreads(self):
            return {"tcp://w": self.threads}

    client = Client()
    assert engine.check_workers(client) == 1
    client.threads = 4
    with pytest.raises(InvalidInput, match="tcp://w has 4 threads and may have 1"):
        engine.check_workers(client)
    client.facts = client.facts | {"numpy": "1.0"}
    with pytest.raises(InvalidInput, match=r"other bytes: numpy 1\.0 there, .* here"):
        engine.check_workers(client)
    client.facts = ModuleNotFoundError("No module named 'qexpr'")
    with pytest.raises(InvalidInput, match="worker tcp://w cannot load qexpr: No module"):
        engine.check_workers(client)


def test_a_terminal_shows_cells_failures_and_time(steps, tmp_path):
    path = steps('k = [0, 1, 2, 3]\nms = 150\nact = ["work", "fail"]\n')
    terminal, inside = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "qexpr.cli", "study", "run", path, "--engine", "serial"],
        stdout=subprocess.DEVNULL,
        stderr=inside,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(TESTS), "TERM": "xterm", "COLUMNS": "100"},
    )
    os.close(inside)
    shown = b""
    while True:
        try:
            part = os.read(terminal, 4096)
        except OSError:  # nobody holds the other end any more
            break
        if not part:
            break
        shown += part
    os.close(terminal)
    assert process.wait(PATIENCE) == 1
    text = shown.decode()
    assert "16/16" in text
    assert "8 failed" in text
    assert re.search(r"\d\d:\d\d:\d\d", text)  # the time that is left
    assert "cells" in text


def test_a_cluster_that_loses_a_worker_gives_the_same_bytes(
    slow, expected, tmp_path, command, cluster
):
    file, workers = cluster
    folder, log = tmp_path / "out", tmp_path / "log"
    there = ("--engine", f"file:{file}")
    wait_for(lambda: _workers(file) == 2)
    process = command("run", slow, *there, "--output", folder, TRIAL_LOG=str(log))
    wait_for(lambda: stored(folder) >= 4, process)
    workers[0].kill()
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert "2 worker(s)" in err
    assert "Traceback" not in err
    assert (folder / "results.csv").read_bytes() == expected


def _workers(file):
    script = (
        "import sys, distributed as d\n"
        "with d.Client(scheduler_file=sys.argv[1], timeout=20) as c:\n"
        "    print(len(c.nthreads()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, file], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def test_a_scheduler_that_does_not_answer_is_one_line(monkeypatch):
    monkeypatch.setattr(engine, "CONNECT_SECONDS", 1)
    with pytest.raises(InvalidInput, match=r"no Dask scheduler answers at 'tcp://127.0.0.1:9'"):
        open_engine("tcp://127.0.0.1:9")
    with pytest.raises(InvalidInput, match=r"there is no scheduler file '/nowhere.json'"):
        open_engine("file:/nowhere.json")


@pytest.mark.parametrize(
    ("name", "workers", "part"),
    [
        ("loacl", None, "engine must be serial, local, tcp://HOST:PORT"),
        ("local", 0, "workers must be an integer from 1 to"),
        ("serial", 2, "workers are counted for the engine local"),
    ],
)
def test_an_engine_that_is_none_is_refused(name, workers, part):
    with pytest.raises(InvalidInput, match=part):
        open_engine(name, workers)


def test_an_engine_that_does_not_open_leaves_no_folder(steps, tmp_path, capsys):
    place = tmp_path / "out"
    arguments = ["study", "run", str(steps("k = 0\n")), "--output", str(place)]
    assert qexpr([*arguments, "--engine", "file:/nowhere.json"]) == 2
    assert "there is no scheduler file" in capsys.readouterr().err
    assert not place.exists()
