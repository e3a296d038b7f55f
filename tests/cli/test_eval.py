"""`qexpr eval`: packed files, JSON networks, exact values, bad input."""

import csv
import io
import json
import math
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


USER = "sin(x)*y --n 2 --eps 0.1 --domain 0:3,-1:2 --normalise"


@pytest.fixture(params=["net.json", "net.qxr"])
def in_units(request, tmp_path, monkeypatch):
    """A network built for a target on [0, 3] x [-1, 2], of norm 18."""
    monkeypatch.chdir(tmp_path)
    command = ["witness", "--target", *USER.split(), "-o", request.param]
    assert run([*command, "--certificate", "cert.json"]) == 0
    return request.param


def test_points_and_values_are_in_the_units_of_the_target(in_units, tmp_path, capsys):
    points = [(Fraction(k, 4), Fraction(k % 10, 3) - 1) for k in range(13)]
    (tmp_path / "p.csv").write_text("\n".join(f"{x},{y}" for x, y in points))
    capsys.readouterr()
    assert run(["eval", in_units, "--points", "p.csv"]) == 0
    done = capsys.readouterr()
    values = [float(row["value"]) for row in rows(done.out)]
    assert run(["eval", in_units, "--points", "p.csv", "--exact"]) == 0
    exact = [Fraction(row["value"]) for row in rows(capsys.readouterr().out)]
    if in_units.endswith(".qxr"):
        bound = Fraction(done.err.split("at most")[1].strip())
        assert all(abs(Fraction(v) - e) <= bound for v, e in zip(values, exact, strict=True))
    for (x, y), value, precise in zip(points, values, exact, strict=True):
        assert abs(float(precise) - math.sin(x) * float(y)) <= 0.1
        assert abs(float(precise) - value) <= 1e-8


def test_points_outside_of_the_domain_are_refused(in_units, tmp_path, capsys):
    (tmp_path / "p.csv").write_text("1,1\n3.5,1\n")
    capsys.readouterr()
    assert run(["eval", in_units, "--points", "p.csv"]) == 2
    done = capsys.readouterr()
    assert done.out == ""
    assert "point 2, '3.5, 1', lies outside of [0, 3] x [-1, 2]" in done.err
    assert run(["eval", in_units, "--points", "p.csv", "--outside"]) == 0
    assert len(rows(capsys.readouterr().out)) == 2


def test_a_plan_without_units_is_for_the_unit_cube(files, capsys):
    assert (
        run(["witness", "--target", "x*(1-x)/2", "--n", "2", "--eps", "0.1", "-o", "w.json"]) == 0
    )
    assert "units" not in json.loads((files / "w.json").read_text())
    (files / "q.csv").write_text("1\n2\n")
    capsys.readouterr()
    assert run(["eval", "w.json", "--points", "q.csv"]) == 2
    assert "outside of [0, 1]" in capsys.readouterr().err
    (files / "q.csv").write_text("0.5,2\n")
    assert run(["eval", "n.json", "--points", "q.csv"]) == 0  # no domain is known of this one


def test_certificates_are_in_the_networks_units(in_units, tmp_path, capsys):
    """Certify means the network's own domain if none is given; another is refused, so is a lie."""
    capsys.readouterr()
    target = ["--target", "sin(x)*y"]
    assert run(["check", "cert.json", in_units, *target]) == 1  # whoever names one says where
    assert "not about sin(x)*y" in capsys.readouterr().out
    assert run(["certify", in_units, *target, "--eps", "0.1"]) == 0
    assert "certified" in capsys.readouterr().out
    assert run(["certify", in_units, *target, "--eps", "0.1", "--domain", "0:2,-1:2"]) == 2
    assert "was built for [0, 3] x [-1, 2], norm 18" in capsys.readouterr().err
    if in_units.endswith(".json"):
        value = json.loads((tmp_path / in_units).read_text())
        for other in ({"domain": [["0", "2"], ["-1", "2"]], "norm": "18"}, None):
            value["units"] = other
            if other is None:
                del value["units"]
            (tmp_path / "other.json").write_text(json.dumps(value))
            assert run(["check", "cert.json", "other.json"]) == 1
            assert "refused: the network was built for" in capsys.readouterr().out
        value["units"] = {"domain": [["0", "2"]], "norm": "18"}
        (tmp_path / "other.json").write_text(json.dumps(value))
        assert run(["check", "cert.json", "other.json"]) == 2
        assert "one interval for each of the 2" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no points"),
        ("x0,x1\n", "holds no points"),
        ("nan,nan\n", "a coordinate of point 1 must be a number"),
        ("0.5,0.5\ninf,0\n", "a coordinate of point 2 must be a number"),
        ("Infinity,NaN\n", "a coordinate of point 1 must be a number"),
    ],
)
@pytest.mark.parametrize("name", ["n.qxr", "n.json"])
def test_files_without_points_and_without_numbers_are_refused(files, capsys, name, text, said):
    (files / "p.csv").write_text(text)
    assert run(["eval", name, "--points", "p.csv"]) == 2
    done = capsys.readouterr()
    assert done.out == ""
    assert said in done.err
