"""A command line in this process, and one in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass

import pytest

from qexpr.cli.main import run


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


@pytest.fixture
def qexpr(capfd):
    """Call the command with arguments: exit code, stdout, stderr."""

    def call(*arguments):
        code = run([str(argument) for argument in arguments])
        captured = capfd.readouterr()
        return Outcome(code, captured.out, captured.err)

    return call


@pytest.fixture
def process():
    """The command in a fresh interpreter, for what imports and exits do."""

    def call(*arguments, code="from qexpr.cli.main import main; main()", **options):
        return subprocess.run(
            [sys.executable, "-c", code, *arguments],
            capture_output=True,
            text=True,
            env={**os.environ, **options.pop("env", {})},
            timeout=60,
            check=False,
            **options,
        )

    return call
