"""``qexpr witness``: the report, the files, the refusals before long work, the progress bar."""

import json
import os
import pty
import re
import subprocess
import sys
from fractions import Fraction

import pytest

from qexpr import certificates, circuits
from qexpr.circuits import Circuit
from qexpr.errors import InvalidInput
from qexpr.targets import Target

SINE = ("--target", "sin(x)", "--n", "2", "--eps", "1e-2")


def _report(qexpr, *arguments):
    done = qexpr("witness", *arguments, "--format", "json")
    assert done.err == ""
    return done.code, json.loads(done.out)


def test_report_for_people(qexpr):
    done = qexpr("witness", *SINE)
    assert (done.code, done.err) == (0, "")
    plan = circuits.plan("cones", 1, 2, "1e-2", norm=Fraction(1))
    lines = done.out.splitlines()
    assert lines[0] == "Witness for sin(x) in F(1,2), eps = 1e-2"
    assert max(map(len, lines)) <= 120
    for word in (
        "membership",
        "construction",
        "plan",
        "size",
        "guarantee",
        "verdict",
        "digest",
        "not applicable",
        "floor",
        "code",
    ):
        assert sum(line.startswith(word) for line in lines) == 1
    row = next(line for line in lines if line.startswith("this network")).split()
    assert [int(cell.replace(",", "")) for cell in row[2:7]] == [
        plan.counts.weights, 1, plan.counts.depth, plan.counts.bits, plan.counts.free_bits
    ]  # fmt: skip
    # every number says what kind it is, and what depends on the target is told apart
    for name, kind in (
        ("shared_bitplane", "explicit"),
        ("ding2018 ", "explicit"),
        ("yarotsky2017 ", "explicit"),
        ("ding2018.theorem1", "order"),
        ("yarotsky2017.theorem1", "order"),
    ):
        assert kind in next(line for line in lines if line.startswith(name))


def test_report_as_json(qexpr):
    code, report = _report(qexpr, *SINE)
    w = circuits.smallest(Target("sin(x)"), 2, "1e-2", 2)
    assert code == 0
    assert report["verdict"] == "certified"
    assert report["digest"] == w.digest()
    assert Fraction(report["lower"]) <= Fraction(report["upper"]) <= Fraction(1, 100)
    for name in ("weights", "depth", "width", "units", "bits", "free_bits", "structure_bits"):
        assert report["counts"][name] == getattr(w, name)
    assert set(report["constructions"]) == set(circuits.registry.CONSTRUCTIONS)
    assert "d = 1 and n = 1" in report["constructions"]["sigma_delta"]
    assert report["constructions"]["ding2018"]["weights"] > w.weights
    assert "bits" not in report["constructions"]["yarotsky2017"]
    assert 0 < report["floor"]["bits"] <= w.free_bits
    assert report["code"]["bits"] > report["floor"]["bits"]
    assert report["membership"]["norm"] == "1"


def test_files(qexpr, tmp_path):
    net, proof, figure = (tmp_path / name for name in ("w.json", "c.json", "p.svg"))
    code, report = _report(qexpr, *SINE, "-o", net, "--certificate", proof, "--plot", figure)
    assert code == 0
    assert report["files"] == {
        "network": str(net), "certificate": str(proof), "figure": str(figure)
    }  # fmt: skip
    w = Circuit.from_dict(json.loads(net.read_text()))
    assert w.digest() == report["digest"]
    assert certificates.check(certificates.read(proof), w).upper == Fraction(report["upper"])
    assert figure.read_bytes().startswith(b"<?xml")


@pytest.mark.parametrize(("d", "ending"), [(1, "png"), (2, "pdf")])
def test_pictures_of_one_and_two_variables(qexpr, tmp_path, d, ending):
    path = tmp_path / f"p.{ending}"
    text = "sin(x)" if d == 1 else "sin(x)*cos(y)"
    assert qexpr("witness", "--target", text, "--n", 2, "--eps", "0.3", "--plot", path).code == 0
    assert path.read_bytes().startswith({"png": b"\x89PNG", "pdf": b"%PDF"}[ending])


def test_class_counts_without_building(qexpr):
    _, report = _report(qexpr, "--class", "--d", 2, "--n", 2, "--lambda", 4, "--eps", "1e-9")
    plan = circuits.plan("cones", 2, 2, "1e-9", lam=4)
    assert report["counts"]["weights"] == plan.counts.weights > 10**9
    assert "verdict" not in report
    text = qexpr("witness", "--class", "--d", 3, "--n", 3, "--eps", "1e-2").out
    assert "counts only, nothing is built" in text
    assert "weights nonlinear:2" in text


def test_user_units(qexpr):
    """On [0, 2] and with norm 36 the errors come back in the units of sin(3 x)."""
    arguments = ("--n", 2, "--eps", "1e-2", "--domain", "0:2")
    code, found = _report(qexpr, "--target", "sin(3*x)", *arguments, "--normalise")
    assert code == 0
    assert found["query"]["eps"] == "1/3600"
    assert Fraction(found["upper"]) <= Fraction(1, 100)
    assert Fraction(found["upper"]) == 36 * Fraction(found["plan"]["error"])
    _, given = _report(qexpr, "--target", "sin(3*x)", *arguments, "--norm", 36)
    assert given["digest"] == found["digest"]
    _, named = _report(qexpr, "--target", "sine", "--n", 1, "--eps", "1/5", "--domain", "-1:1",
                       "--norm", 2)  # fmt: skip
    assert named["target"]["expression"] == "sin(x0)"
    assert named["target"]["units"]["domain"] == [["-1", "1"]]


@pytest.mark.parametrize("name", ["shared_bitplane", "cones", "sigma_delta"])
def test_a_construction_by_name(qexpr, name):
    code, report = _report(
        qexpr, "--target", "telegraph1", "--n", 1, "--eps", "1/5", "--construction", name
    )
    assert report["plan"]["construction"] == name
    assert report["verdict"] in ("certified", "open")
    assert code == (0 if report["verdict"] == "certified" else 1)


def test_auto_takes_bubbles_for_three_derivatives(qexpr):
    code, report = _report(qexpr, "--target", "sin(x)", "--n", 3, "--eps", "1e-3")
    assert (code, report["plan"]["construction"]) == (0, "bubbles")
    assert report["verdict"] == "certified"
    others = [p["weights"] for p in report["constructions"].values() if isinstance(p, dict)]
    assert min(others) == report["counts"]["weights"]


def test_a_graph_that_depends_on_the_target_has_no_floor_on_weights(qexpr):
    done = qexpr("witness", *SINE, "--graph", "any")
    assert "the graph depends on the target" in done.out
    assert "a complete description" in done.out
    assert "times as many" not in done.out
    assert "better one" not in done.out


def test_what_is_not_proven_exits_with_one(qexpr, monkeypatch):
    honest = certificates.certify

    def hopeless(w, f, eps, **options):
        return honest(w, f, Fraction(eps) / 10**6, budget=0.01, **options)

    monkeypatch.setattr(certificates, "certify", hopeless)
    done = qexpr("witness", *SINE)
    assert done.code == 1
    assert re.search(r"verdict +(open|refuted) ", done.out)


class Slow(Exception):
    """Raised where long work would begin."""


@pytest.fixture
def no_work(monkeypatch):
    """Refusals have to come before the proof of membership, planning and building."""

    def begin(*arguments, **options):
        raise Slow

    monkeypatch.setattr(Target, "prove_membership", begin)
    monkeypatch.setattr("qexpr.circuits.registry.plans", begin)


LATE = [  # refused by the proof or by the plan
    (("--target", "sin(3*x)", "--n", 2, "--eps", "1e-2"), ["D^(1) f", "F(1,2)", "3 at (0)"]),
    (("--target", "x*y*z", "--n", 2, "--eps", "1e-2", "--norm", "1/2"), ["f|", "F(3,2)"]),
    (("--target", "abs(x-1/2)", "--n", 2, "--eps", "1e-2"), ["jumps", "[0.48", "n <= 1"]),
    (("--target", "sin(x)", "--n", 2, "--eps", "1e-20"), ["weights", "GiB", "larger eps"]),
    ((*SINE, "--construction", "sigma_delta"), ["d = 1 and n = 1"]),
    ((*SINE, "--graph", "free"), ["fixed or any", "'free'"]),
    (("--class", "--d", 40, "--n", 5, "--eps", "1e-2"), ["no construction"]),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "words"), LATE)
def test_refusals(qexpr, arguments, words):
    done = qexpr("witness", *arguments)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    for word in words:
        assert word in done.err


EARLY = [
    ((), "--target EXPR, or --class"),
    (("--class", "--target", "x"), "--target EXPR, or --class"),
    (("--class",), "--d D"),
    (("--class", "--d", "2", "-o", "n.json"), "--output needs --target"),
    (("--class", "--d", "2", "--norm", "2"), "--norm needs --target"),
    (("--class", "--d", "2", "--normalise"), "--normalise needs --target"),
    (("--class", "--d", "0"), "d must be an integer from 1"),
    (("--target", "sin("), "position 4"),
    (("--target", "__import__('os')"), "unexpected character"),
    (("--target", "wave"), "did you mean waves"),
    (("--target", "1/x"), "nonzero at (0)"),
    (("--target", "x*y", "--d", "1"), "needs d >= 2"),
    (("--target", "sin(x)", "--d", "x"), "d must be an integer"),
    (("--target", "sin(x)", "--n", "0"), "n must be an integer"),
    (("--target", "sin(x)", "--eps", "nan"), "eps must be a number"),
    (("--target", "sin(x)", "--eps", "2"), "eps < 1"),
    (("--target", "sin(x)", "--eps", "0"), "eps < 1"),
    (("--target", "sin(x)", "--norm", "3", "--eps", "4"), "between 0 and the norm, 3"),
    (("--target", "sin(x)", "--norm", "0"), "norm must be positive"),
    (("--target", "sin(x)", "--norm", "2", "--normalise"), "take one of them"),
    (("--target", "telegraph1", "--norm", "2"), "'telegraph1' is none"),
    (("--target", "telegraph1", "--normalise"), "'telegraph1' is none"),
    (("--target", "sin(x)", "--domain", "0,1"), "A:B"),
    (("--target", "sin(x)", "--domain", "1:1"), "a < b, got 1 and 1"),
    (("--target", "sin(x)", "--domain", "0:1,0:1"), "one interval for each of the 1"),
    (("--target", "sin(x)", "--alphabet", "cubic:3"), "nonlinear:LAMBDA"),
    (("--target", "sin(x)", "--lambda", "1"), "from 2"),
    (("--target", "sin(x)", "--construction", "cone"), "auto, shared_bitplane, cones"),
    (("--target", "sin(x)", "--construction", "ding2018", "--graph", "any"), "option of cones"),
    (("--target", "sin(x)", "--format", "xml"), "text or json"),
    (("--target", "sin(x)", "-o", "net.txt"), ".json or .qxr"),
    (("--target", "sin(x)", "-o", "/no/such/net.json"), "'/no/such' is no directory"),
    (("--target", "sin(x)", "--certificate", "c.qxr"), ".json"),
    (("--target", "sin(x)", "--certificate", "/no/such/c.json"), "no directory"),
    (("--target", "sin(x)", "--plot", "p.gif"), ".svg or .pdf or .png"),
    (("--target", "sin(x)", "--plot", "/no/such/p.svg"), "no directory"),
    (("--target", "sin(x)", "-o", "a.json", "--certificate", "./a.json"), "are both"),
    (("--target", "cos(x+y+z)", "--plot", "p.svg"), "one or two variables, the target has 3"),
]


@pytest.mark.parametrize(("arguments", "words"), EARLY)
def test_refused_before_the_long_work(qexpr, no_work, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    eps = () if "--eps" in arguments else ("--eps", "1e-1")
    done = qexpr("witness", *arguments, *eps)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert words in done.err
    assert list(tmp_path.iterdir()) == []


def test_a_directory_is_no_file(qexpr, no_work, tmp_path):
    (tmp_path / "d.json").mkdir()
    done = qexpr("witness", *SINE, "-o", tmp_path / "d.json")
    assert done.code == 2
    assert "it is a directory" in done.err


def test_too_large_is_refused_before_building(qexpr, monkeypatch):
    def build(made, f, progress=None):
        raise AssertionError("building had begun")

    monkeypatch.setattr("qexpr.circuits.constructions.cones.build", build)
    done = qexpr("witness", "--target", "sin(x)", "--n", 1, "--eps", "1e-11")
    assert done.code == 2
    weights = circuits.plan("cones", 1, 1, "1e-11", norm=Fraction(1)).counts.weights
    assert f"would have {weights} weights" in done.err
    assert "--class" in done.err


def test_a_bar_on_a_terminal_and_none_in_a_pipe(process):
    piped = process("witness", *SINE)
    assert piped.returncode == 0
    assert piped.stderr == ""
    leader, follower = pty.openpty()
    with os.fdopen(leader, "rb", closefd=True) as terminal:
        run = subprocess.run(
            [sys.executable, "-m", "qexpr.cli", "witness", *SINE],
            stdout=subprocess.PIPE, stderr=follower, text=True, timeout=60, check=False,
        )  # fmt: skip
        os.close(follower)
        shown = b""
        while True:
            try:
                piece = terminal.read1(4096)
            except OSError:  # Linux: the other side is closed
                break
            if not piece:
                break
            shown += piece
    assert run.returncode == 0
    assert run.stdout == piped.stdout
    for label in (b"membership", b"building"):
        assert label in shown
    assert shown.count(b"100%") >= 2


def test_help_imports_nothing_heavy(process):
    code = (
        "import sys\nfrom qexpr.cli.main import run\nrun(['witness', '--help'])\n"
        "print(sorted({'numpy', 'sympy', 'torch', 'flint', 'matplotlib'} & set(sys.modules)))"
    )
    assert process(code=code).stdout.splitlines()[-1] == "[]"


def test_refusals_of_options_load_no_sympy(process):
    code = (
        "import sys\nfrom qexpr.cli.main import run\n"
        f"run(['witness', *{SINE!r}, '-o', 'net.txt'])\n"
        "print(sorted({'sympy', 'torch', 'matplotlib', 'qexpr.targets'} & set(sys.modules)))"
    )
    assert process(code=code).stdout.splitlines()[-1] == "[]"


def test_qxr_where_nothing_can_write_it(qexpr, no_work, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "qexpr.export", None)
    done = qexpr("witness", *SINE, "-o", tmp_path / "n.qxr")
    assert done.code == 2
    assert "cannot write .qxr files; take the .json" in done.err


def test_invalid_input_is_what_python_gets():
    with pytest.raises(InvalidInput, match="larger eps"):
        circuits.cones(Target("sin(x)"), n=2, eps="1e-20")
