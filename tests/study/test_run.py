"""Studies run for real: one table, whatever ran it and however often it was stopped."""

from __future__ import annotations

import csv
import json
import re
from fractions import Fraction
from pathlib import Path

import pytest

from qexpr.errors import InvalidInput
from qexpr.study import cells, kinds
from qexpr.study.cells import code_digest
from qexpr.study.kind import Result
from qexpr.study.kinds import get_kind
from qexpr.study.rows import encode_values


@pytest.fixture
def serial(small, run):
    """The table of a serial run."""
    return run(small, "serial")


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


def test_two_workers_give_the_same_bytes(small, run, serial):
    _, table = run(small, "pool", "local")
    assert table == serial[1]


def test_measured_times_stand_beside_the_table(steps, run, tmp_path):
    _, table = run(steps("k = [0, 1]\nms = 4\nlines = 0\n[[block]]\nk = 2\nms = 5\n"), "out")
    lines = (tmp_path / "out" / "times.csv").read_text().splitlines()
    assert lines[0] == "cell,seconds,nap_s"
    assert [line.split(",")[2] for line in lines[1:]] == ["", "", "", "", "0.005", "0.005"]
    assert all(float(line.split(",")[1]) >= 0.004 for line in lines[1:])
    assert b"nap" not in table


def test_provenance_names_what_the_table_was_made_from(serial, tmp_path):
    document = json.loads((tmp_path / "serial" / "provenance.json").read_text())
    assert document["rows"] == {"ok": 5, "excluded": 1, "outside": 2}
    assert len(document["code_sha256"]) == len(document["results_sha256"]) == 64
    assert document["capability"]["packages"]["numpy"]


def test_another_specification_is_refused_with_what_changed(small, serial, run):
    small.write_text(small.read_text().replace("n = [1, 2]", "n = [1, 2, 3]"))
    with pytest.raises(
        InvalidInput, match=r"n was \[1, 2\], is \[1, 2, 3\]\); choose another folder"
    ):
        run(small, "serial")
    outcome, _ = run(small, "serial", replace=True)
    assert sum(outcome.statuses.values()) == 12


def rows_of(table):
    return list(csv.DictReader(table.decode().splitlines()))


def test_a_failing_cell_is_a_row_and_can_be_tried_again(steps, run, monkeypatch):
    path = steps('k = [0, 1]\nact = ["work", "fail", "outside"]\n')
    outcome, table = run(path, "out")
    assert outcome.statuses == {"ok": 4, "failed": 4, "outside": 4}
    rows = rows_of(table)
    assert rows[2]["error"] == "ZeroDivisionError: it had to be"
    assert rows[2]["draw"] == rows[2]["note_sha256"] == ""
    monkeypatch.setenv("TRIAL_MENDED", "1")
    assert run(path, "out")[1] == table
    outcome, table = run(path, "out", retry_failed=True)
    assert outcome.statuses == {"ok": 8, "outside": 4}
    assert rows_of(table)[2]["error"] == ""


def test_what_is_stored_is_not_run_again(steps, run, tmp_path, monkeypatch):
    log = tmp_path / "log"
    monkeypatch.setenv("TRIAL_LOG", str(log))
    path = steps("k = [0, 1, 2]\n")
    run(path, "out")
    assert len(log.read_text().splitlines()) == 6
    run(path, "out")
    assert len(log.read_text().splitlines()) == 6
    victims = sorted((tmp_path / "out" / "cells").glob("*.json"))[:3]
    victims = [v for v in victims if v.name != "origin.json"]
    victims[0].write_bytes(victims[0].read_bytes()[:50])  # torn
    victims[1].write_bytes(victims[1].read_bytes().replace(b'"ok"', b'"no"'))  # changed by hand
    _, table = run(path, "out")
    assert len(log.read_text().splitlines()) == 8
    assert run(path, "fresh")[1] == table


def test_draws_depend_on_the_cell_alone(steps, run):
    _, one = run(steps("k = [0, 1, 2]\n"), "one")
    _, two = run(steps("k = [2, 7, 0]\n", "other"), "two")
    draws = {(r["k"], r["seed"]): r["draw"] for r in rows_of(one)}
    again = {(r["k"], r["seed"]): r["draw"] for r in rows_of(two)}
    assert len(set(draws.values())) == 6
    assert all(again[key] == draws[key] for key in draws if key in again)


@pytest.mark.parametrize("engine", ["serial", "local"])
def test_numerical_libraries_have_one_thread(steps, run, engine):
    import torch

    torch.set_num_threads(2)
    rows = rows_of(run(steps('k = [0, 1]\nact = "threads"\n'), "out", engine)[1])
    assert [row["draw"] for row in rows] == ["1"] * 4


def test_values_keep_their_kind(steps, run):
    rows = rows_of(run(steps("k = [0, 4]\n"), "out")[1])
    assert rows[0]["third"] == "1/3"
    assert float(rows[0]["third_lower"]) < float(rows[0]["third_upper"])
    assert Fraction(rows[0]["third_lower"]) <= Fraction(1, 3) <= Fraction(rows[0]["third_upper"])
    assert rows[2]["root"] == "2.0"
    assert rows[0]["root"] == "0.0"


def test_a_violation_is_named(steps, run):
    outcome, _ = run(steps('k = 3\nact = ["work", "violate"]\n'), "out")
    assert len(outcome.violations) == 2
    assert outcome.violations[0].startswith("row 3 (k=3, act=violate,")


def test_networks_are_kept_up_to_a_size_and_then_named(steps, run, tmp_path, monkeypatch):
    monkeypatch.setattr("qexpr.study.run.KEPT_BYTES", 100)
    outcome, table = run(steps("k = [0, 1, 2]\nlines = 2\n"), "out")
    assert outcome.kept + outcome.named == 6
    assert 0 < outcome.kept < 6
    kept = list((tmp_path / "out" / "networks").iterdir())
    assert len(kept) == outcome.kept
    listed = json.loads((tmp_path / "out" / "provenance.json").read_text())["networks"]
    assert [n["sha256"] for n in listed] == [r["note_sha256"] for r in rows_of(table)]
    assert {p.stem for p in kept} == {n["sha256"] for n in listed if n["kept"]}
    assert sum(p.stat().st_size for p in kept) <= 100


@pytest.mark.parametrize(
    ("value", "part"),
    [
        ({"root": float("nan")}, "root holds float values, got nan"),
        ({"draw": 1.0}, "draw holds int values"),
        ({"draw": True}, "draw holds int values"),
        ({"third_lower": 0.5}, "third_lower holds lower values"),
        ({"claim_verdict": "good"}, "claim_verdict holds verdict values"),
        ({"other": 1}, "other, which is none of its columns"),
    ],
)
def test_a_value_of_another_type_is_refused(value, part):
    with pytest.raises(InvalidInput, match=part):
        encode_values(get_kind("trial_kinds.steps"), Result(value))


def test_the_code_that_counts_is_that_of_the_kind():
    assert code_digest("witness") != code_digest("trial_kinds.steps")
    assert code_digest(None) != code_digest("witness")


def test_every_module_that_a_kind_computes_with_is_in_its_code():
    """Of the machinery of studies, what a kind imports at all, other than for its report."""
    home = Path(kinds.__file__).parents[1]
    seen, left = set(), [p for p in (home / "kinds").glob("*.py") if "_summary" not in p.name]
    while left:
        for name in re.findall(r"from qexpr\.study\.(\w+) import", left.pop().read_text()):
            if name not in seen and name != "kinds":
                seen.add(name)
                left.append(home / f"{name}.py")
    assert seen >= {"trained", "packed", "fits", "kind"}
    assert seen <= set(cells._VALUES)


def test_a_folder_of_other_code_is_refused(steps, run, tmp_path):
    path = steps("k = 0\n")
    run(path, "out")
    origin = tmp_path / "out" / "cells" / "origin.json"
    origin.write_text(origin.read_text().replace('"code": "', '"code": "0'))
    with pytest.raises(InvalidInput, match=r"computed by other code .* --replace"):
        run(path, "out")
    assert run(path, "out", replace=True)[0].statuses == {"ok": 2}


def test_a_folder_of_another_version_is_refused(steps, run, tmp_path):
    path = steps("k = 0\n")
    run(path, "out")
    origin = tmp_path / "out" / "cells" / "origin.json"
    origin.write_text(origin.read_text().replace('"format": 1', '"format": 2'))
    with pytest.raises(InvalidInput, match=r"another version of qexpr \(its cells have format 2"):
        run(path, "out")


def test_a_folder_of_something_else_is_refused(steps, run, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "diary.txt").write_text("dear")
    with pytest.raises(InvalidInput, match="holds other files and no study"):
        run(steps("k = 0\n"), "out")
    assert (tmp_path / "out" / "diary.txt").read_text() == "dear"
