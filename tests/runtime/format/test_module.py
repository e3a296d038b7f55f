"""``python -m qexpr_runtime``, and the package in an environment with NumPy alone."""

import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import numpy as np
import pytest
import qexpr_runtime as rt
from packed_files import CORPUS
from qexpr_runtime import selftest
from qexpr_runtime.__main__ import main


def test_the_self_test_passes(capsys):
    assert main([]) == 0
    out = capsys.readouterr().out
    assert "all checks passed" in out
    for isa in rt.available():
        assert f"{isa:8s}products" in out


def test_the_self_test_finds_a_wrong_kernel(monkeypatch, capsys):
    right = selftest.gemm
    monkeypatch.setattr(selftest, "gemm", lambda *a, **k: right(*a, **k) + 1)
    assert main([]) == 1
    assert "FAILED" in capsys.readouterr().out


def test_info_and_eval(tmp_path, capsys):
    file = str(CORPUS[0])
    assert main(["info", file]) == 0
    assert json.loads(capsys.readouterr().out)["inputs"] == rt.load(file).inputs
    net = rt.load(file)
    x = np.random.default_rng(0).random((3, net.inputs))
    points = tmp_path / "p.csv"
    points.write_text("\n".join(",".join(map(repr, row)) for row in x.tolist()))
    assert main(["eval", file, str(points)]) == 0
    lines = capsys.readouterr().out.splitlines()
    got = [[float(v) for v in line.split(",")] for line in lines]
    np.testing.assert_array_equal(got, net(x).reshape(3, -1))


@pytest.mark.parametrize("arguments", [
    ["info", "missing.qxr"], ["eval", str(CORPUS[0]), "missing.csv"], ["nonsense"], ["info"],
])  # fmt: skip
def test_bad_input_is_one_line_and_code_2(arguments, capsys):
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert err.startswith("usage: ") if len(arguments) == 1 else err.count("\n") == 1


@pytest.mark.parametrize(("text", "words"), [
    ("1,2\n3\n", "point 2 has length 1, the file takes 2"), ("a,b\n", "could not convert"),
])  # fmt: skip
def test_bad_points_are_one_line(text, words, tmp_path, capsys):
    net, points = tmp_path / "n.qxr", tmp_path / "p.csv"
    rt.save(net, rt.NetworkData((2,), (rt.LayerData("dense", codes=np.ones((1, 2), int)),)))
    points.write_text(text)
    assert main(["eval", str(net), str(points)]) == 2
    err = capsys.readouterr().err
    assert words in err
    assert err.count("\n") == 1
    points.write_text("")
    assert main(["eval", str(net), str(points)]) == 0
    assert capsys.readouterr().out == ""


def test_help_and_a_reader_that_leaves(capfd):
    assert main(["--help"]) == 0
    assert "usage" in capfd.readouterr().out
    first = subprocess.run(
        f"{sys.executable} -m qexpr_runtime info {CORPUS[0]} | true",
        shell=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert first.stderr == ""


def test_numpy_alone_is_enough(tmp_path):
    """A fresh environment that holds NumPy and this package, and nothing else."""
    home = tmp_path / "env"
    venv.create(home, symlinks=True)
    site = next(home.glob("lib/python*/site-packages"))
    for package in (Path(np.__file__).parent, Path(rt.__file__).parent):
        shutil.copytree(package, site / package.name, ignore=shutil.ignore_patterns("tests"))
    for libs in Path(np.__file__).parent.parent.glob("numpy.libs"):
        shutil.copytree(libs, site / libs.name)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    code = (
        "import sys, qexpr_runtime as rt; "
        "sys.exit(0 if rt.__file__.startswith(sys.prefix) and 'qexpr' not in sys.modules else 3)"
    )
    python = home / "bin" / "python"
    assert subprocess.run([python, "-c", code], env=environment, timeout=60).returncode == 0
    done = subprocess.run([python, "-m", "qexpr_runtime"], env=environment, timeout=120,
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert sys.version_info >= (3, 11)
