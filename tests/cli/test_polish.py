"""``qexpr polish``: reports for both kinds, files, exit codes, bad input."""

import json
from fractions import Fraction

import certified_networks
import pytest

from qexpr import circuits
from qexpr.certificates import enclose
from qexpr.circuits import Circuit
from qexpr.cli.nets import read_net
from qexpr.targets import Target

SINE = "sin(3*x0)/9"
FAST = ("--target", SINE, "--samples", 64, "--evaluations", 300)


@pytest.fixture
def circuit(tmp_path):
    """A built circuit as a file."""
    w = circuits.shared_bitplane(Target(SINE, d=1), n=2, eps="1e-2", lam=2)
    path = tmp_path / "net.json"
    path.write_text(json.dumps(w.to_dict()))
    return path


def test_a_circuit_is_polished_written_and_reported(qexpr, circuit, tmp_path):
    out = tmp_path / "out.json"
    done = qexpr("polish", circuit, *FAST, "-o", out, "--format", "json")
    assert done.code == 0
    report = json.loads(done.out)
    before, after = (Fraction(report[name][1]) for name in ("before", "after"))
    assert after < before
    written = read_net(str(out))
    assert isinstance(written, Circuit)
    assert written.digest() == report["digest"]
    assert enclose(written, Target(SINE, d=1), "1e-2").upper == after
    assert report["changed"] > 0
    text = qexpr("polish", out, *FAST).out
    assert "weights changed" in text
    assert text.count("(proven)") == 2


@pytest.mark.parametrize("name", ["out.json", "out.qxr"])
def test_units_are_kept_and_errors_are_in_them(qexpr, tmp_path, name):
    f = Target("x^2/2", domain=[(0, 3)], norm=9)
    w = circuits.cones(f, n=2, eps="1e-2", lam=2)
    path = tmp_path / "net.json"
    path.write_text(json.dumps(w.to_dict()))
    options = ("--target", "x^2/2", "--samples", 64, "--evaluations", 100)
    done = qexpr("polish", path, *options, "-o", tmp_path / name, "--format", "json")
    assert done.code == 0
    report = json.loads(done.out)
    assert report["units"] == "[0, 3], norm 9"
    written = read_net(str(tmp_path / name))
    assert written.box == w.box
    assert 9 * enclose(written, f, "1e-2").upper == Fraction(report["after"][1])
    assert "in the units of x^2/2 on [0, 3], norm 9" in qexpr("polish", path, *options).out


def test_free_weights_are_trained_first_on_request(qexpr, circuit):
    done = qexpr("polish", circuit, *FAST[:4], "--evaluations", 0, "--train", "--format", "json")
    report = json.loads(done.out)
    assert report["evaluations"] == 0
    assert report["changed"] > 0
    assert Fraction(report["after"][1]) < Fraction(report["before"][1])


def test_a_network_and_an_open_enclosure(qexpr, tmp_path):
    w = certified_networks.fitted(Target("sin(3*x)*cos(2*y)/27"), "ternary", 2, (8, 8))
    path = tmp_path / "net.json"
    path.write_text(json.dumps(w.to_dict()))
    options = ("--target", "waves", "--samples", 100, "--evaluations", 30, "--gap", "0.2")
    assert qexpr("polish", path, *options, "-o", tmp_path / "out.qxr").code == 0
    assert (tmp_path / "out.qxr").exists()
    assert qexpr("polish", path, *options[:6], "--gap", "1e-9", "--budget", "0.01").code == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "--target"),
        (("--target", "waves"), "1 variable|d = 1|dimension|2"),
        ((*FAST, "--format", "csv"), "--format"),
        ((*FAST, "-o", "net.txt"), "--output"),
        ((*FAST, "--budget", "0"), "--budget"),
        (("--target", SINE, "--samples", "1"), "samples"),
        (("--target", SINE, "--evaluations", "-1"), "evaluations"),
        ((*FAST, "--gap", "2"), "gap"),
    ],
)
def test_bad_input_is_one_line(qexpr, circuit, arguments, said):
    done = qexpr("polish", circuit, *arguments)
    assert done.code == 2
    assert len(done.err.strip().splitlines()) == 1
    assert any(word in done.err for word in said.split("|"))
