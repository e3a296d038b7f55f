"""A check finds every number that was changed, and says what it could not check."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest

from qexpr.cli.main import run as qexpr
from qexpr.errors import InvalidInput
from qexpr.study.check import check_study
from qexpr.study.folder import read_folder


@pytest.fixture
def exact(small, run, tmp_path):
    """A finished study of exact cells."""
    run(small, "out")
    return tmp_path / "out"


@pytest.fixture
def drawn(steps, run, tmp_path):
    """A finished study of cells that draw, with files."""
    run(steps('k = [0, 1, 2]\nact = ["work", "outside"]\n'), "out")
    return tmp_path / "out"


def check(place, budget=None):
    return check_study(*read_folder(place), budget)


def change(place, row, column, text):
    """Change one field of the table, and the digest that provenance.json names."""
    path = place / "results.csv"
    rows = list(csv.reader(path.read_text().splitlines()))
    rows[row][rows[0].index(column)] = text
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    path.write_text(out.getvalue())


def test_a_sound_study_stands(exact):
    checked = check(exact)
    assert checked.wrong == checked.open == []
    assert checked.cells == checked.whole == 8
    assert checked.stands > 100


@pytest.mark.parametrize(
    ("row", "column", "text"),
    [
        (1, "weights", "185"),
        (1, "error_upper", "0.0001"),
        (2, "floor_verdict", "violates"),
        (2, "ding_order_weights", "1.0"),
        (3, "eps", "1/11"),
        (4, "reason", "no reason"),
        (7, "status", "ok"),
        (7, "reason", "another"),
        (1, "status", "outside"),
    ],
)
def test_every_change_is_found(exact, row, column, text):
    change(exact, row, column, text)
    checked = check(exact)
    assert checked.wrong[0] == (
        "provenance: results.csv is not the table that provenance.json names"
    )
    assert any(said.startswith(f"row {row} (") for said in checked.wrong[1:])


@pytest.mark.parametrize("status", ["excluded", "fine", "OK", ""])
def test_a_row_is_not_let_off_by_its_status(drawn, status):
    """No other field changes: neither values nor a reason are what gives it away."""
    change(drawn, 1, "status", status)
    assert any(said.startswith("row 1 (") for said in check(drawn).wrong)


def test_a_cell_that_ran_is_not_excluded(drawn):
    kind = read_folder(drawn)[1].kind
    kept = {"seed", *(parameter.name for parameter in kind.parameters)}
    for column in kind.all_columns:
        if column.name not in kept:
            change(drawn, 1, column.name, "excluded" if column.name == "status" else "")
    assert any("does not exclude the cell" in said for said in check(drawn).wrong)


def test_cells_that_draw_are_checked_by_their_files_and_a_sample(drawn):
    checked = check(drawn)
    assert checked.wrong == checked.open == []
    assert checked.again == 1


def test_a_changed_network_does_not_stand(drawn):
    victim = next((drawn / "networks").iterdir())
    victim.write_bytes(b"cell 0 forged")
    assert any("note.txt has not the digest" in said for said in check(drawn).wrong)


def test_a_network_that_was_not_kept_is_open(drawn):
    next((drawn / "networks").iterdir()).unlink()
    checked = check(drawn)
    assert checked.wrong == []
    assert any("was not kept" in said for said in checked.open)


def test_a_changed_claim_is_found_without_running_again(drawn):
    change(drawn, 1, "third", "1/4")
    assert any("row 1 " in said and "third" in said for said in check(drawn).wrong)


def test_another_machine_does_not_compare_last_digits(drawn):
    path = drawn / "provenance.json"
    document = json.loads(path.read_text())
    document["capability"]["instruction_sets"] = ["sse9"]
    path.write_text(json.dumps(document))
    checked = check(drawn)
    assert checked.wrong == []
    assert checked.again == 0
    assert checked.open == [
        "no cell was run again, since last digits may differ here (other instruction sets there)"
    ]


def test_what_a_budget_leaves_undone_is_said(drawn):
    folder, study = read_folder(drawn)
    dear = replace(study, kind=replace(study.kind, cost=lambda cell: 50.0))
    checked = check_study(folder, dear, 30)
    assert checked.wrong == []
    assert checked.again == 0
    (said,) = checked.open
    assert said.startswith("1 of a sample of 1 cells were not run again: the budget has ")
    assert "the least of them takes about 50 s" in said
    assert check_study(folder, dear, 3000).again == 1
    assert check_study(folder, dear).again == 1


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"python": "2.7"}, "python 2.7 there, "),
        ({"packages": {}}, "numpy None there, "),
        ({"machine": "vax"}, "machine vax there, "),
    ],
)
def test_what_differs_is_named(drawn, change, part):
    path = drawn / "provenance.json"
    document = json.loads(path.read_text())
    document["capability"] |= change
    path.write_text(json.dumps(document))
    (said,) = check(drawn).open
    assert part in said
    path.write_text(json.dumps({**document, "capability": None}))
    assert "does not say what it was computed on" in check(drawn).open[0]


def test_a_budget_takes_a_sample(exact):
    checked = check(exact, 1e-6)
    assert checked.cells == 1
    assert checked.wrong == []


def test_a_missing_row_is_found(exact):
    path = exact / "results.csv"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    assert "the table has 7 rows, the study 8 cells" in check(exact).wrong


def test_a_table_of_another_kind_is_refused(exact):
    path = exact / "results.csv"
    path.write_text(path.read_text().replace("weights", "heights", 1))
    with pytest.raises(InvalidInput, match="has other columns than kind witness: heights, weights"):
        check(exact)


def test_the_command_ends_as_the_numbers_stand(exact, capsys):
    assert qexpr(["study", "check", str(exact)]) == 0
    assert "0 do not" in capsys.readouterr().out
    change(exact, 1, "weights", "1")
    assert qexpr(["study", "check", str(exact), "--budget", "20"]) == 1
    assert "does not stand: row 1 " in capsys.readouterr().err
    assert qexpr(["study", "check", str(exact / "nowhere")]) == 2
    assert "holds no study" in capsys.readouterr().err
