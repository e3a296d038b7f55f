"""The choice of kernels."""

import os
import subprocess
import sys

import pytest
import qexpr_runtime as rt
from qexpr_runtime import _core


def run(isa):
    environment = {**os.environ, "QEXPR_ISA": isa}
    return subprocess.run(
        [sys.executable, "-c", "import qexpr_runtime as rt; print(rt.isa())"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("name", rt.available())
def test_a_set_can_be_forced(name):
    assert run(name).stdout.strip() == name


def test_the_best_set_is_chosen():
    assert run("").stdout.strip() == rt.available()[-1]


@pytest.mark.parametrize("name", ["sse9", "AVX2", "scalar "])
def test_an_unknown_set_is_an_error(name):
    result = run(name)
    assert result.returncode == 1
    assert f"one of scalar, avx2, got '{name}'" in result.stderr


@pytest.mark.parametrize("arguments", [[], ["info", "net.qxr"]])
def test_an_unknown_set_is_one_line_for_the_module(arguments):
    result = subprocess.run(
        [sys.executable, "-m", "qexpr_runtime", *arguments],
        env={**os.environ, "QEXPR_ISA": "sse9"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == (
        "qexpr_runtime: QEXPR_ISA names the kernels to run: one of scalar, avx2, got 'sse9'\n"
    )


def test_a_refused_choice_changes_nothing():
    before = rt.isa()
    with pytest.raises(ValueError, match="QEXPR_ISA"):
        _core.select("none")
    assert rt.isa() == before


def test_the_runtime_imports_numpy_alone():
    code = (
        "import sys, numpy; before = set(sys.modules); import qexpr_runtime; "
        "new = {n.partition('.')[0] for n in set(sys.modules) - before}; "
        "print(sorted(new - set(sys.stdlib_module_names)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    names = {n for n in eval(result.stdout) if not n.startswith("_cython")}
    assert names <= {"qexpr_runtime", "numpy", "cython_runtime"}
