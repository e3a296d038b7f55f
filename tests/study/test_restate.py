"""Bounds beside trained networks are written again; what was trained stays."""

from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import replace

import pytest

from qexpr.cli.main import run as qexpr
from qexpr.errors import InvalidInput
from qexpr.study.check import check_study
from qexpr.study.folder import read_folder
from qexpr.study.restate import restate_study

TINY = """
kind = "rate"
title = "Tiny"
question = "How small?"
seeds = [0]

[budget]
steps = 5
boxes = 200

[[block]]
target = "parabola"
n = 2
method = "twn"
widths = [4]
samples = 64
"""


@pytest.fixture
def trained(tmp_path, run):
    """The folder of a finished study of one trained network."""
    path = tmp_path / "tiny.toml"
    path.write_text(TINY, encoding="utf-8")
    run(path, "out")
    return tmp_path / "out"


def spoil(place, **fields):
    """Fields of the table as other code would have stated them, with their digest."""
    path = place / "results.csv"
    rows = list(csv.reader(path.read_text().splitlines()))
    for name, text in fields.items():
        rows[1][rows[0].index(name)] = text
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    document = json.loads((place / "provenance.json").read_text())
    document["results_sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (place / "provenance.json").write_text(json.dumps(document))


def test_what_other_bounds_said_is_written_as_a_run_would(trained, capsys):
    before = (trained / "results.csv").read_bytes()
    spoil(trained, witness="bubbles", witness_weights="77", guarantee="", reason="none then")
    assert check_study(*read_folder(trained)).wrong
    assert qexpr(["study", "restate", str(trained)]) == 0
    said = capsys.readouterr().out
    assert "witness_weights: 1 fields are new" in said
    assert (trained / "results.csv").read_bytes() == before
    assert check_study(*read_folder(trained)).wrong == []
    document = json.loads((trained / "provenance.json").read_text())
    assert len(document["bounds_code_sha256"]) == 64
    assert document["bounds_code_sha256"] in (trained / "report.html").read_text("utf-8")
    assert qexpr(["study", "restate", str(trained)]) == 0
    assert capsys.readouterr().out == "nothing changed\n"


def test_what_was_trained_is_not_stated(trained):
    spoil(trained, bits="1", packed_bytes="5")
    restate_study(*read_folder(trained))
    wrong = " ".join(check_study(*read_folder(trained)).wrong)
    assert "bits is" in wrong
    assert "packed_bytes is" in wrong


def test_a_verdict_that_comes_out_is_named(trained):
    folder, study = read_folder(trained)
    worse = replace(
        study, kind=replace(study.kind, restate=lambda c, r: ({"floor_verdict": "violates"}, ""))
    )
    assert restate_study(folder, worse).violations == [
        "row 1 (target=parabola, n=2, method=twn, lam=0, widths=[4], samples=64, gap=1/20, "
        "steps=5, boxes=200, seed=0): floor_verdict"
    ]


def test_what_cannot_be_restated_is_refused(small, run, tmp_path, trained):
    run(small, "exact")
    with pytest.raises(InvalidInput, match="run it again: qexpr study run small"):
        restate_study(*read_folder(tmp_path / "exact"))
    path = trained / "results.csv"
    path.write_text(path.read_text() + "\n")
    with pytest.raises(InvalidInput, match="is not the table that provenance"):
        restate_study(*read_folder(trained))
    path.write_text(path.read_text().rstrip("\n") + "\n" + path.read_text().splitlines()[1] + "\n")
    spoil(trained)
    with pytest.raises(InvalidInput, match="has 2 rows, the study 1 cells"):
        restate_study(*read_folder(trained))
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:2]))
    spoil(trained, error_upper="")
    with pytest.raises(InvalidInput, match="column error_upper is empty"):
        restate_study(*read_folder(trained))
    wrong = check_study(*read_folder(trained)).wrong
    assert any("column error_upper is empty" in text for text in wrong)
    (trained / "provenance.json").unlink()
    with pytest.raises(InvalidInput, match="missing or no JSON object"):
        restate_study(*read_folder(trained))
