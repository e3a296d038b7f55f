"""`qexpr derive`."""

from __future__ import annotations

import json

import pytest

from qexpr import derivations


def test_the_list(qexpr):
    outcome = qexpr("derive")
    assert (outcome.code, outcome.err) == (0, "")
    document = json.loads(qexpr("derive", "--format", "json").out)
    assert [entry["name"] for entry in document["derivations"]] == derivations.names()
    for name in derivations.names():
        assert f"\n{name}" in outcome.out


def test_one_derivation(qexpr):
    outcome = qexpr("derive", "twn")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("ternary: ")
    assert "0.612003180962481" in outcome.out
    steps = len(derivations.get("twn").steps)
    assert outcome.out.count("PROVEN") == steps
    document = json.loads(qexpr("derive", "twn", "--format", "json").out)
    assert document["proven"] is True
    assert document["constants"]["kept"] == ["0.540535652975432"]


def test_latex(qexpr, tmp_path):
    document = qexpr("derive", "log5", "--format", "latex").out
    assert document.startswith("\\documentclass")
    fragment = qexpr("derive", "log5", "--format", "latex", "--fragment").out
    assert fragment.startswith("\\section{")
    assert fragment in document
    path = tmp_path / "log5.tex"
    assert qexpr("derive", "log5", "--format", "latex", "--output", path).out == ""
    assert path.read_text() == document


def test_one_step(qexpr):
    outcome = qexpr("derive", "product", "--step", "2")
    assert outcome.code == 0
    assert outcome.out.count("PROVEN") == 1
    assert outcome.out.startswith("   2. ")


def test_a_step_that_fails_is_exit_code_1(qexpr, monkeypatch):
    wrong = derivations.get("binary").with_formula(2, "a == b")
    monkeypatch.setattr(derivations, "get", lambda name: wrong)
    outcome = qexpr("derive", "binary")
    assert outcome.code == 1
    assert outcome.out.count("FAILED") == 1
    assert qexpr("derive", "binary", "--step", "2").code == 1
    assert qexpr("derive", "binary", "--step", "1").code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("ternry",), "did you mean ternary"),
        (("twn", "--step", "99"), "steps 1 to"),
        (("twn", "--step", "0"), "steps 1 to"),
        (("twn", "--step", "x"), "'x'"),
        (("--step", "1"), "NAME"),
        (("--format", "latex"), "NAME"),
        (("twn", "--fragment"), "--format latex"),
        (("twn", "--format", "csv"), "'csv'"),
    ],
)
def test_bad_input(qexpr, arguments, said):
    outcome = qexpr("derive", *arguments)
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert said in outcome.err


def test_the_list_loads_nothing_heavy(process):
    code = (
        "import sys\nfrom qexpr.cli.main import run\n"
        "code = run()\nprint(code, *sys.modules, file=sys.stderr)"
    )
    code, *modules = process("derive", "--format", "json", code=code).stderr.split()
    assert code == "0"
    assert not {"sympy", "numpy", "scipy", "torch"} & set(modules)
    assert "qexpr.derivations.library.cones" in modules  # the probe sees what is there
