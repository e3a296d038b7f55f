"""The studies that come with qexpr, and the command line around them."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from qexpr.cli.main import run as qexpr
from qexpr.errors import InvalidInput
from qexpr.study.catalogue import find_study, shipped
from qexpr.study.cells import count_cells, jobs, validate_cells
from qexpr.study.kinds import MODULES, get_kind
from qexpr.study.run import require_extras
from qexpr.study.spec import parse_study


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_study_is_sound_and_says_what_it_costs(name):
    study = find_study(name)
    validate_cells(study)
    assert study.title
    assert study.question
    assert study.method
    costs = [study.kind.cost(job.cell) for job in jobs(study, "") if not job.excluded]
    assert min(costs) > 0


def test_all_studies_together_take_90_minutes_on_two_cores():
    every = [
        study.kind.cost(job.cell)
        for study in map(find_study, shipped())
        for job in jobs(study, "")
        if not job.excluded
    ]
    assert sum(every) < 2 * 90 * 60


@pytest.mark.parametrize("name", MODULES)
def test_every_kind_is_called_like_its_module(name):
    kind = get_kind(name)
    assert kind.name == name
    assert kind.title
    known = {column.name for column in kind.all_columns}
    assert set(kind.shown) <= known
    assert all(p.help for p in kind.parameters)
    assert all(column.help for column in kind.columns)


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("trial_kinds.nothing", "is a module that has to be importable"),
        ("qexpr.errors", "has to have a KIND|is a module that has to be importable"),
        ("witnes", "did you mean witness"),
        ("os.system('x')", "there is no kind"),
    ],
)
def test_a_kind_that_is_none(name, part):
    with pytest.raises(InvalidInput, match=part.replace("?", r"\?")):
        get_kind(name)


def test_the_command_lists_studies(capsys):
    assert qexpr(["study", "list"]) == 0
    shown = capsys.readouterr().out
    for name in shipped():
        assert f"\n{name} " in shown


def test_a_study_that_does_not_exist(capsys):
    assert qexpr(["study", "run", "witnes"]) == 2
    assert "there is no study 'witnes'; did you mean witness" in capsys.readouterr().err
    assert qexpr(["study", "run", "nowhere.toml"]) == 2
    assert "cannot read" in capsys.readouterr().err


def test_mistakes_are_lines_of_their_own(tmp_path, capsys):
    path = tmp_path / "bad.toml"
    path.write_text('kind = "witness"\ntitle = 3\n[[block]]\nd = 0\n')
    assert qexpr(["study", "run", str(path)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 6
    assert lines[1].endswith("bad.toml: line 2: title must be a text, got 3")


def test_a_missing_extra_is_named(small, monkeypatch, capsys, tmp_path):
    study = find_study(str(small))
    lacking = replace(study.kind, needs=(("no_such_module", "train"),))
    with pytest.raises(InvalidInput, match=r"needs no_such_module, .* 'qexpr\[train\]'"):
        require_extras(replace(study, kind=lacking))
    monkeypatch.setitem(sys.modules, "pydantic", None)
    assert qexpr(["study", "run", str(small), "--output", str(tmp_path / "o")]) == 2
    assert "pip install 'qexpr[study]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--engine", "loacl"], "engine must be serial, local"),
        (["--workers", "many"], "--workers must be an integer"),
        (["--workers", "2", "--engine", "serial"], "workers are counted for the engine local"),
        (["--output", "/proc/none"], "cannot write into"),
    ],
)
def test_bad_options_are_one_line(small, tmp_path, arguments, part, capsys):
    options = ["--output", str(tmp_path / "out"), *arguments]
    assert qexpr(["study", "run", str(small), *options]) == 2
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("qexpr: ")]
    assert len(said) == 1
    assert part in said[0]


def test_resume_and_report_need_a_study(tmp_path, capsys):
    for command in ("resume", "report", "check"):
        assert qexpr(["study", command, str(tmp_path)]) == 2
        assert "holds no study" in capsys.readouterr().err


def test_the_study_in_ten_lines_is_one():
    page = (Path(__file__).parents[2] / "docs" / "studies" / "writing.md").read_text("utf-8")
    whole, exclusion = re.findall(r"^```toml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len([line for line in whole.splitlines() if line]) <= 10
    study = parse_study(whole, "edges")
    validate_cells(study)
    assert count_cells(study) == 12
    study = parse_study(whole + exclusion, "edges")
    validate_cells(study)
    assert sum(bool(job.excluded) for job in jobs(study, "")) == 4
