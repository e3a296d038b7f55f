"""`qexpr bound`: what each format holds, and that the formats say the same."""

from __future__ import annotations

import csv
import io
import json
import re
from fractions import Fraction

import pytest

from qexpr import bounds
from qexpr.bounds.registry import all_bounds
from qexpr.bounds.remarks import REMARKS
from qexpr.bounds.rows import KEYS
from qexpr.cli.records import dump

EXAMPLE = ("bound", "--d", "2", "--n", "3", "--lambda", "3", "--eps", "1e-3")
ROW_KEYS = [
    *("d", "n", "lambda", "alphabet", "eps", "id", "quantity", "side", "kind", "quantifier"),
    *("applies", "reason", "value", "lower", "upper", "expression", "source", "trust"),
]


@pytest.fixture
def rows(qexpr):
    """The rows of the JSON that some options give."""

    def call(*options):
        outcome = qexpr("bound", *options, "--format", "json")
        assert (outcome.code, outcome.err) == (0, "")
        return json.loads(outcome.out)["rows"]

    return call


def test_json_is_the_query_and_rows_with_exactly_the_documented_keys(qexpr):
    document = json.loads(qexpr(*EXAMPLE, "--only", "ding2018", "--format", "json").out)
    assert list(document) == ["query", "rows"]
    assert document["query"] == {
        "d": "2",
        "n": "3",
        "lambda": "3",
        "eps": "1e-3",
        "only": "ding2018",
    }
    assert document["rows"]
    for row in document["rows"]:
        assert sorted(row) == sorted(ROW_KEYS)
    assert list(KEYS) == ROW_KEYS


def test_every_row_is_of_the_documented_types(rows):
    seen = rows("--d", "2", "--n", "3", "--lambda", "3", "--eps", "1e-3")
    assert {row["id"] for row in seen} == set(bounds.ids())
    for row in seen:
        assert (row["d"], row["n"], row["lambda"]) == (2, 3, 3)
        assert (row["alphabet"], row["eps"]) == ("nonlinear:3", "1/1000")
        assert row["quantity"] in ("depth", "weights", "bits", "free_bits", "width")
        assert row["side"] in ("upper", "lower")
        assert row["kind"] in ("explicit", "order")
        assert row["quantifier"] in (
            *("class fixed", "class any"),
            *("function fixed", "function any"),
        )
        if not row["applies"]:
            assert row["reason"]
            assert (row["value"], row["lower"], row["upper"]) == (None, None, None)
        elif row["kind"] == "order":
            assert row["reason"] is None
            assert isinstance(row["value"], float)
            assert (row["lower"], row["upper"]) == (None, None)
        else:
            low, high = Fraction(row["lower"]), Fraction(row["upper"])
            assert re.fullmatch(r"-?\d+/\d+", row["lower"])
            assert low <= high
            assert row["value"] is None or low == high == row["value"]


def test_the_python_table_says_the_same(rows):
    table = bounds.table(d=2, n=3, lam=3, eps="1e-3")
    assert table.to_dicts() == rows("--d", "2", "--n", "3", "--lambda", "3", "--eps", "1e-3")


def test_csv_has_the_same_rows(qexpr, rows):
    options = ("--d", "1", "--eps", "0.1,1/50", "--lambda", "2,4")
    lines = list(csv.reader(io.StringIO(qexpr("bound", *options, "--format", "csv").out)))
    assert lines[0] == ROW_KEYS
    expected = [
        [
            "" if v is None else str(v).lower() if isinstance(v, bool) else str(v)
            for v in (row[key] for key in ROW_KEYS)
        ]
        for row in rows(*options)
    ]
    assert lines[1:] == expected


def test_a_linear_alphabet_is_another_question(rows):
    by_id = {row["id"]: row for row in rows("--alphabet", "linear:2", "--eps", "0.01")}
    assert by_id["ding2018.theorem2"]["applies"]
    assert by_id["ding2018.theorem2"]["lambda"] == 4
    assert not by_id["ding2018.theorem1"]["applies"]
    assert "nonlinear" in by_id["ding2018.theorem1"]["reason"]


def test_only_and_quantity_choose(rows):
    options = ("--eps", "0.01", "--only", "ding2018.theorem1", "--only", "yarotsky2017.theorem1")
    chosen = rows(*options, "--quantity", "depth", "--quantity", "weights")
    assert [(row["id"], row["quantity"]) for row in chosen] == [
        ("ding2018.theorem1", "depth"),
        ("ding2018.theorem1", "weights"),
        ("yarotsky2017.theorem1", "depth"),
        ("yarotsky2017.theorem1", "weights"),
    ]


def test_a_log_spaced_grid_has_exact_ends_and_short_decimals(qexpr, rows):
    options = ("--only", "yarotsky2017.theorem4a", "--eps")
    assert [row["eps"] for row in rows(*options, "1e-1:1e-6:6")] == [
        f"1/{10**k}" for k in range(1, 7)
    ]
    assert [row["eps"] for row in rows(*options, "1e-1:1e-2:3")] == ["1/10", "79/2500", "1/100"]
    assert "rounded to 3 digits" in qexpr("bound", *options, "1e-1:1e-2:3").out
    assert "rounded" not in qexpr("bound", *options, "1e-1:1e-6:6").out


def test_a_grid_of_lambda_is_of_integers(qexpr, rows):
    options = ("--only", "yarotsky2017.theorem4a", "--eps", "0.1", "--lambda")
    assert [row["lambda"] for row in rows(*options, "2:64:6")] == [2, 4, 8, 16, 32, 64]
    assert [row["lambda"] for row in rows(*options, "2:8:7")] == [2, 3, 4, 5, 6, 8]
    assert "rounded to integers" in qexpr("bound", *options, "2:8:7").out


def test_neighbours_of_a_fine_grid_stay_apart(rows):
    found = [
        Fraction(row["eps"])
        for row in rows("--only", "yarotsky2017.theorem4a", "--eps", "0.1:0.05:900")
    ]
    assert len(found) == 900
    assert found == sorted(found, reverse=True)
    assert len(set(found)) == 900


def test_the_table_has_every_bound_once_with_its_kind(qexpr):
    text = qexpr(*EXAMPLE).out
    upper, rest = text.split("UPPER BOUNDS")[1].split("LOWER BOUNDS")
    lower, rest = rest.split("FLOORS")
    out = rest.split("DO NOT APPLY HERE")[1].split("NOTES")[0]
    for bound in all_bounds():
        places = [
            len(re.findall(rf"(?<![\w.]){re.escape(bound.id)}(?![\w.])", part))
            for part in (upper, lower, out)
        ]
        assert sum(places) == 1, bound.id
        assert places[0 if bound.side == "upper" else 1] or places[2]
    for line in (upper + lower).splitlines():
        if "order, unit constant" in line:
            assert "explicit" not in line
    row = next(line for line in upper.splitlines() if line.startswith("ding2018.theorem1"))
    assert "order, unit constant" in row
    assert "RECALLED 0.9" in row
    assert row.split()[-4:] == ["fixed", "RECALLED", "0.9", "1"]


def test_only_the_words_that_are_used_are_explained(qexpr):
    options = ("bound", "--eps", "0.01", "--only")
    ding = qexpr(*options, "ding2018.theorem1").out.split("WORDS")[1]
    floor = qexpr(*options, "entropy.floor").out.split("WORDS")[1]
    assert ("both" in ding, "explicit" in ding, "RECALLED p" in ding) == (False, False, True)
    assert ("both" in floor, "explicit" in floor, "RECALLED p" in floor) == (True, True, False)


def test_the_table_is_at_most_124_wide(qexpr):
    for options in (EXAMPLE, ("bound", "--eps", "1e-3"), ("bound", "--weights", "1000")):
        assert max(map(len, qexpr(*options).out.splitlines())) <= 124


def test_the_inverse_question(qexpr, rows):
    seen = rows("--d", "1", "--n", "1", "--weights", "1000", "--only", "yarotsky2018.shallow")
    assert [(row["quantity"], row["eps"]) for row in seen] == [("eps", None)]
    assert seen[0]["value"] == pytest.approx(1e-3)
    floor = rows("--d", "1", "--n", "1", "--weights", "1000", "--only", "entropy.weights_fixed")
    eps = Fraction(floor[0]["lower"])
    # One step to either side of it, the forward question crosses 1000 weights.
    below = bounds.get("entropy.weights_fixed").evaluate(1, 1, 2, eps * Fraction(999, 1000))
    above = bounds.get("entropy.weights_fixed").evaluate(1, 1, 2, eps * Fraction(1001, 1000))
    assert below["weights"] > 1000 >= above["weights"].guarantee
    text = qexpr("bound", "--d", "1", "--weights", "1000").out
    assert "least eps" in text
    assert "every eps from here on is reached" in text


def test_explain_has_statement_regime_formula_source_and_trust(qexpr):
    text = qexpr("bound", "--explain", "ding2018.theorem3").out
    for part in (
        "lam*log(L)**(1/(lam-1)) + L",
        r"\log_2",
        "eps < 1/2",
        "log log(1/eps) has to be positive",
        "ding2019universal, Theorem 3",
        "RECALLED 0.8",
        "@inproceedings{ding2019universal",
        "structure may depend on",
    ):
        assert part in text


@pytest.mark.parametrize("id", bounds.ids())
def test_every_bound_can_be_explained(qexpr, id):
    outcome = qexpr("bound", "--explain", id)
    assert (outcome.code, outcome.err) == (0, "")
    bound = bounds.get(id)
    for part in (bound.title, str(bound.source.trust), bound.source.key, bound.side, bound.kind):
        assert part in outcome.out


def test_list_names_all(qexpr):
    listed = [line.split()[0] for line in qexpr("bound", "--list").out.splitlines()]
    assert listed == [*bounds.ids(), *(one.id for one in REMARKS)]


def test_cite_adds_each_entry_once(qexpr):
    text = qexpr(*EXAMPLE, "--only", "ding2018", "--cite").out
    assert text.count("@inproceedings{ding2019universal,") == 1
    assert "@" not in qexpr(*EXAMPLE, "--only", "ding2018").out


def test_output_of_latex_leaves_the_bibtex_beside_it(qexpr, tmp_path):
    target = tmp_path / "bounds.tex"
    outcome = qexpr(*EXAMPLE, "--format", "latex", "--cite", "--output", target)
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
    table, entries = target.read_text(), (tmp_path / "bounds.bib").read_text()
    assert table.startswith("% d = 2, n = 3")
    assert r"\end{tabular}" in table
    assert sorted(set(re.findall(r"\\cite\{(\w+)\}", table))) != []
    assert set(re.findall(r"\\cite\{(\w+)\}", table)) <= set(re.findall(r"@\w+\{(\w+),", entries))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bounds.bib", "bounds.tex"]


def test_a_latex_grid_has_a_column_for_eps(qexpr):
    options = ("--only", "yarotsky2017.theorem4a", "--eps", "1e-1,1e-2", "--format", "latex")
    lines = qexpr("bound", *options).out.splitlines()
    assert lines[0] == "% d = 1, n = 1, alphabet nonlinear:2"
    cells = [line.removesuffix(r" \\").split(" & ") for line in lines if " & " in line]
    column = cells[0].index(r"$\varepsilon$")
    assert [row[column] for row in cells[1:]] == ["$0.1$", "$0.01$"]
    assert any("no guarantee" in line for line in lines)


def test_plot_writes_a_figure_beside_the_table(qexpr, tmp_path):
    pytest.importorskip("matplotlib")
    target = tmp_path / "bounds.svg"
    options = ("--only", "ding2018.theorem1", "--eps", "1e-1:1e-4:4", "--plot", target)
    outcome = qexpr("bound", *options)
    assert (outcome.code, outcome.err) == (0, "")
    assert "UPPER BOUNDS" in outcome.out
    assert target.read_text().lstrip().startswith("<?xml")


def test_integers_of_any_size():
    count = 10**5000 + 7  # more digits than str() writes
    assert dump({"value": count}) == f'{{\n  "value": 1{"0" * 4999}7\n}}\n'
    with pytest.raises(ValueError, match="JSON"):
        dump({"value": float("nan")})


@pytest.mark.parametrize("one", REMARKS, ids=lambda one: one.id)
def test_a_statement_without_a_number_is_listed_and_explained(qexpr, one):
    assert one.id in qexpr("bound", "--list").out
    outcome = qexpr("bound", "--explain", one.id)
    text = " ".join(outcome.out.split())
    assert outcome.code == 0
    for part in (one.statement, one.reason, str(one.source.trust), str(one.source.reference)):
        assert " ".join(part.split()) in text
    assert one.source.bibtex.rstrip() in outcome.out
