"""`qexpr cite`, `calc`, `doctor`, `--version`, completion."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from qexpr.bounds import calculators
from qexpr.cli import doctor

ROOT = Path(__file__).parents[2]


def test_cite_takes_bounds_papers_and_keys(qexpr):
    entry = qexpr("cite", "ding2018.theorem1").out
    assert entry.startswith("@inproceedings{ding2019universal,")
    assert qexpr("cite", "ding2018").out == entry
    assert qexpr("cite", "ding2019universal", "ding2018.theorem2").out == entry
    both = qexpr("cite", "ding2018", "yarotsky2017").out
    assert both.count("@") == 2


def test_cite_does_not_fire_on_what_was_not_asked(qexpr):
    assert "yarotsky" not in qexpr("cite", "ding2018.theorem1").out


def test_calc_lists_all_calculators(qexpr):
    outcome = qexpr("calc")
    assert (outcome.code, outcome.err) == (0, "")
    for name in calculators.names():
        assert re.search(rf"^  {name} +\S", outcome.out, re.MULTILINE)


@pytest.mark.parametrize("name", calculators.names())
def test_every_calculator_has_its_options(qexpr, name):
    outcome = qexpr("calc", name, "--help")
    assert outcome.code == 0
    for parameter in calculators.get(name).parameters:
        name = {"lam": "lambda"}.get(parameter.name, parameter.name).replace("_", "-")
        assert f"--{name} " in outcome.out


def test_calc_regions(qexpr):
    # One input: prod (n_l + 1) regions, here 4 * 5.
    text = qexpr("calc", "regions", "--widths", "1,3,4,1").out
    assert re.search(r"one input +20 +exact", text)
    assert re.search(r"upper \(Serra et al\.\) +20 +explicit, upper bound", text)
    document = json.loads(qexpr("calc", "regions", "--widths", "1,3,4,1", "--format", "json").out)
    assert document["calculator"] == "regions"
    assert document["given"] == {"widths": "1,3,4,1"}
    values = {line["what"]: line["value"] for line in document["lines"]}
    assert values["one input"] == 20
    for line in document["lines"]:
        assert set(line) == {
            *("what", "kind", "value", "lower", "upper", "note", "source", "trust"),
        }


def test_doctor_names_what_is_missing_and_how_to_install_it(qexpr, monkeypatch):
    found = {"click": "8", "numpy": "2", "python-flint": "0.9", "sympy": "1", "pandas": "2"}
    monkeypatch.setattr(doctor, "version", found.get)
    outcome = qexpr("doctor")
    assert outcome.code == 0
    assert re.search(r"tables +yes \(pandas 2\)", outcome.out)
    assert re.search(r"figures +no \(no matplotlib\)", outcome.out)
    assert "pip install 'qexpr[figures]'" in outcome.out
    assert "https://download.pytorch.org/whl/cpu" in outcome.out
    assert "pip install 'qexpr[tables]'" not in outcome.out
    document = json.loads(qexpr("doctor", "--format", "json").out)
    assert document["extras"]["tables"]["complete"] is True
    assert document["extras"]["train"]["complete"] is False


def test_doctor_fails_where_something_needed_is_missing(qexpr, monkeypatch):
    monkeypatch.setattr(doctor, "version", {"click": "8", "sympy": "1", "numpy": "2"}.get)
    outcome = qexpr("doctor")
    assert outcome.code == 1
    assert "pip install python-flint" in outcome.out


def test_doctor_knows_every_dependency_that_is_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    extras = project["optional-dependencies"]

    def names(requirements):
        found = {re.match(r"[\w-]+", text)[0] for text in requirements}
        if "qexpr" in found:  # extras of one's own: what they name counts
            inner = re.search(r"qexpr\[(.*?)\]", " ".join(requirements))[1].split(",")
            found |= set().union(*(names(extras[extra]) for extra in inner))
        return found - {"qexpr"}

    assert set(doctor.REQUIRED) == names(project["dependencies"])
    for_users = set(extras) - {"test", "docs", "bench"}
    assert set(doctor.EXTRAS) == for_users
    for extra, (distributions, _, _) in doctor.EXTRAS.items():
        assert set(distributions) == names(extras[extra])


def test_version_is_the_distributions(qexpr, monkeypatch):
    monkeypatch.setattr(doctor, "version", lambda name: "1.2.3" if name == "qexpr" else None)
    assert qexpr("--version").out == "qexpr 1.2.3\n"
    monkeypatch.setattr(doctor, "version", lambda name: None)
    assert "not installed" in qexpr("--version").out


def test_the_shell_is_told_the_ids(process):
    environment = {
        "_QEXPR_COMPLETE": "bash_complete",
        "COMP_WORDS": "qexpr bound --only ding2018.",
        "COMP_CWORD": "3",
    }
    lines = process(env=environment).stdout.split()
    assert lines[:4] == [f"plain,ding2018.theorem{k}" for k in (1, 2, 3, 4)]
    assert all(line.startswith("plain,ding2018.") for line in lines)


def test_ranges_of_calculators_are_written_exactly_and_briefly(qexpr):
    text = qexpr("calc", "overhead", "--help").out
    assert "--lambda NUMBER" in text
    assert "(2 to 2^64;" in text
    assert "(1e-300 to 0.999)" in text
    assert "--integer-bits NUMBER" in qexpr("calc", "regimes", "--help").out


def test_a_caveat_is_said_once(qexpr):
    text = qexpr("calc", "overhead", "--d", 2, "--n", 3, "--eps", "1e-3").out
    assert " ".join(text.split()).count("against unquantized networks of depth") == 1


def test_the_optimal_bit_width_is_drawn(qexpr, tmp_path):
    file = tmp_path / "bits.svg"
    outcome = qexpr("calc", "bitwidth", "--d", 2, "--n", 3, "--eps", "1e-3", "--plot", file)
    assert outcome.code == 0
    assert "whole bits" in outcome.out
    assert file.read_bytes().startswith(b"<?xml")
    wrong = qexpr("calc", "bitwidth", "--T", 15, "--plot", tmp_path / "bits.txt")
    assert (wrong.code, wrong.out) == (2, "")
    assert ".svg, .pdf, .png" in wrong.err
    assert qexpr("calc", "vc", "--widths", "2,5,1", "--plot", file).code == 2
