"""What is said of the training methods is what was measured."""

from __future__ import annotations

import importlib
import statistics
from pathlib import Path

import pytest

from qexpr import training

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def generator(monkeypatch):
    monkeypatch.syspath_prepend(DOCS)
    return importlib.import_module("generate_training")


def test_digits_are_learned_as_well_as_stated(generator):
    found = generator.groups("training_digits")
    assert {method for method, _ in found} == set(training.methods())

    def wrong(method):
        ((_, rows),) = [item for item in found.items() if item[0][0] == method]
        assert [int(row["seed"]) for row in rows] == [0, 1, 2, 3, 4]
        return statistics.fmean(100 * int(row["wrong"]) / int(row["test"]) for row in rows)

    real = wrong("float")
    for method, points in (
        *((method, 2) for method in ("twn", "dorefa", "hwgq", "residual", "log")),
        *((method, 4) for method in ("bnn", "xnor")),
    ):
        assert wrong(method) <= real + points
    bits = dict(found.keys())
    assert (bits["dorefa"], bits["residual"], bits["bnn"]) == ("2/2", "1/2", "1/1")
    assert all(row["agree"] == row["test"] for rows in found.values() for row in rows)


def test_the_page_says_what_the_files_hold(generator, tmp_path):
    (page,) = generator.training_pages(tmp_path)
    text = page.read_text("utf-8")
    for name in ("training_digits", "training_waves"):
        for (method, bits), rows in generator.groups(name).items():
            assert f"| {method} | {bits} |" in text
            assert any(f"| {row['file_bytes']} |" in text for row in rows)


def test_a_ternary_network_is_proven_three_times_below_the_zero_function(generator):
    rows = generator.groups("training_waves")[("twn", "")]
    assert {row["width"] for row in rows} == {"64"}
    for row in rows:
        assert row["closed"] == "yes"
        assert float(row["dense_error"]) <= float(row["error_upper"]) * (1 + 1e-6)
        assert float(row["error_upper"]) < 1 / 27 / 3
