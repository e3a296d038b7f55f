"""`qexpr eval`: packed files, JSON networks, exact values, bad input."""

import csv
import io
import json
from fractions import Fraction

import numpy as np
import pytest
import qexpr_runtime as rt

from qexpr.cli.main import run
from qexpr.export import write_packed
from qexpr.networks import Dense, QuantizedNetwork, Relu

NET = QuantizedNetwork(
    (2,), (Dense(np.array([[1, -1], [1, 1]]), Fraction(1, 3), activation=Relu()),
           Dense(np.array([[1, 2]]))))  # fmt: skip
POINTS = "x0,x1\n0.5,1/4\n1,0\n"


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_packed("n.qxr", NET)
    (tmp_path / "n.json").write_text(json.dumps(NET.to_dict()))
    (tmp_path / "p.csv").write_text(POINTS)
    return tmp_path


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize("name", ["n.qxr", "n.json"])
def test_values_of_packed_and_json_networks(files, capsys, name):
    assert run(["eval", name, "--points", "p.csv"]) == 0
    done = capsys.readouterr()
    table = rows(done.out)
    assert [row["x1"] for row in table] == ["1/4", "0"]
    wanted = NET(np.array([[0.5, 0.25], [1, 0]]))
    np.testing.assert_allclose([float(row["value"]) for row in table], wanted, rtol=1e-15)
    assert ("rounding errors (float64): at most" in done.err) == (name == "n.qxr")


def test_exact_values(files, capsys):
    assert run(["eval", "n.qxr", "--points", "p.csv", "--exact"]) == 0
    exact = NET.evaluate_exact([[Fraction(1, 2), Fraction(1, 4)], [1, 0]])
    assert [Fraction(row["value"]) for row in rows(capsys.readouterr().out)] == exact


def test_stdin_output_types_and_threads(files, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("0.5,0.25\n"))
    command = ["eval", "n.qxr", "--dtype", "float32", "--threads", "2", "--output", "out.csv"]
    assert run(command) == 0
    value = float(rows((files / "out.csv").read_text())[0]["value"])
    assert value == float(rt.load("n.qxr")(np.array([[0.5, 0.25]]), dtype="float32")[0])
    assert "float32" in capsys.readouterr().err


@pytest.mark.parametrize(("command", "message"), [
    (["n.qxr", "--points", "none.csv"], "cannot read"),
    (["none.qxr", "--points", "p.csv"], "cannot read"),
    (["n.qxr", "--points", "p.csv", "--threads", "0"], "--threads"),
    (["n.qxr", "--points", "p.csv", "--dtype", "half"], "--dtype"),
    (["n.qxr", "--points", "p.csv", "--dtype", "float32", "--exact"], "exclude"),
    (["n.json", "--points", "p.csv", "--threads", "2"], "need a .qxr"),
    (["n.qxr", "--points", "wide.csv"], "point 1 has 3 coordinates"),
    (["n.qxr", "--points", "word.csv"], "a coordinate of point 2"),
    (["p.csv", "--points", "p.csv"], "must end in"),
])  # fmt: skip
def test_bad_input_is_one_line(files, capsys, command, message):
    (files / "wide.csv").write_text("1,2,3\n")
    (files / "word.csv").write_text("1,2\n3,x\n")
    assert run(["eval", *command]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_kernels_that_do_not_exist_are_one_line(files, process):
    done = process("eval", "n.qxr", "--points", "p.csv", env={"QEXPR_ISA": "none"})
    assert done.returncode == 2
    assert done.stderr.startswith("qexpr: QEXPR_ISA names the kernels to run: one of scalar, ")
    assert done.stderr.count("\n") == 1
