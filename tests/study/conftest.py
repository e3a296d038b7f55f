"""Small studies that tests share."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from qexpr.study.engine import open_engine
from qexpr.study.folder import Folder
from qexpr.study.report import write_report
from qexpr.study.run import prepare, run_study
from qexpr.study.spec import read_study

TESTS = Path(__file__).parents[1]

SMALL = """
kind = "witness"
title = "Small"
question = "Does it run?"

[[block]]
construction = ["cones", "sigma_delta"]
d = 1
n = [1, 2]
eps = ["1e-1", 0.05]

[[exclude]]
where = { construction = "cones", n = 2, eps = "1/20" }
reason = "one that is left out"
"""

STEPS = """
kind = "trial_kinds.steps"
title = "Steps"
question = "What happens?"
seeds = [1, 2]

[[block]]
"""


@pytest.fixture
def small(tmp_path):
    """A study of 8 cells in a file: 5 with values, 2 outside, 1 excluded."""
    path = tmp_path / "small.toml"
    path.write_text(SMALL, encoding="utf-8")
    return path


@pytest.fixture
def steps(tmp_path):
    """A function that writes a study of trial cells into a file."""

    def write(block: str, name: str = "steps") -> Path:
        path = tmp_path / f"{name}.toml"
        path.write_text(STEPS + block, encoding="utf-8")
        return path

    return write


@pytest.fixture
def run(tmp_path):
    """A function that runs a study and returns its outcome and the bytes of its table."""

    def call(path, place, engine="serial", retry_failed=False, replace=False):
        study, folder = read_study(path), Folder(tmp_path / place)
        prepare(study, folder, retry_failed=retry_failed, replace=replace)
        opened = open_engine(engine, 2 if engine == "local" else None)
        try:
            outcome = run_study(study, folder, opened, retry_failed=retry_failed)
        finally:
            opened.close()
        return outcome, (tmp_path / place / "results.csv").read_bytes()

    return call


@pytest.fixture(scope="session")
def reported_once(tmp_path_factory):
    """The folder of a finished study with its report, made once."""
    place = tmp_path_factory.mktemp("reported")
    (place / "small.toml").write_text(SMALL, encoding="utf-8")
    study, folder = read_study(place / "small.toml"), Folder(place / "out")
    prepare(study, folder)
    run_study(study, folder, open_engine("serial"))
    write_report(folder, study)
    return folder.path


@pytest.fixture
def command():
    """A function that starts ``qexpr study ...`` as a process of its own."""

    def start(*arguments, **environment):
        path = os.pathsep.join(filter(None, (str(TESTS), os.environ.get("PYTHONPATH"))))
        return subprocess.Popen(
            [sys.executable, "-m", "qexpr.cli", "study", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": path} | environment,
            start_new_session=True,
        )

    return start
