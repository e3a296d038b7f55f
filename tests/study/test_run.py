"""Studies run for real: one table, whatever ran it and however often it was stopped."""

from __future__ import annotations

import csv
import json

import pytest

from qexpr.errors import InvalidInput
from qexpr.study.engine import open_engine
from qexpr.study.folder import Folder
from qexpr.study.run import run_study
from qexpr.study.spec import read_study


def run(path, place, engine="serial", **options):
    opened = open_engine(engine, 2 if engine == "local" else None)
    try:
        outcome = run_study(read_study(path), Folder(place), opened, **options)
    finally:
        opened.close()
    return outcome, (place / "results.csv").read_bytes()


@pytest.fixture
def serial(small, tmp_path):
    """The table of a serial run."""
    return run(small, tmp_path / "serial")


def test_rows_are_in_order_and_say_what_they_are(serial):
    outcome, table = serial
    rows = list(csv.DictReader(table.decode().splitlines()))
    assert outcome.statuses == {"ok": 5, "excluded": 1, "outside": 2}
    assert [(r["construction"], r["n"], r["eps"]) for r in rows[:3]] == [
        ("cones", "1", "1/10"),
        ("cones", "1", "1/20"),
        ("cones", "2", "1/10"),
    ]
    assert rows[3]["status"] == "excluded"
    assert rows[3]["reason"] == "one that is left out"
    assert rows[3]["weights"] == ""
    assert rows[6]["status"] == "outside"
    assert "n == 1" in rows[6]["reason"] or "n = 1" in rows[6]["reason"]
    assert {r["floor_verdict"] for r in rows if r["status"] == "ok"} == {"consistent"}
    assert table.endswith(b"\n")
    assert b"\r" not in table


def test_two_workers_give_the_same_bytes(small, tmp_path, serial):
    _, table = run(small, tmp_path / "pool", "local")
    assert table == serial[1]


def test_provenance_names_what_the_table_was_made_from(serial, tmp_path):
    document = json.loads((tmp_path / "serial" / "provenance.json").read_text())
    assert document["rows"] == {"ok": 5, "excluded": 1, "outside": 2}
    assert len(document["code_sha256"]) == len(document["results_sha256"]) == 64
    assert document["capability"]["packages"]["numpy"]


def test_another_specification_is_refused_with_what_changed(small, serial, tmp_path):
    small.write_text(small.read_text().replace("n = [1, 2]", "n = [1, 2, 3]"))
    with pytest.raises(
        InvalidInput, match=r"n was \[1, 2\], is \[1, 2, 3\]\); choose another folder"
    ):
        run(small, tmp_path / "serial")
    outcome, _ = run(small, tmp_path / "serial", replace=True)
    assert sum(outcome.statuses.values()) == 12
