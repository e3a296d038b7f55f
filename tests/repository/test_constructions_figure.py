"""The figures of docs/theory/no-logarithm.md: their numbers are today's."""

import csv
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROWS = list(
    csv.DictReader((ROOT / "benchmarks/results/constructions.csv").read_text().splitlines())
)


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    yield __import__("constructions")
    del sys.modules["constructions"]


def test_the_csv_is_what_the_bounds_say(script):
    for row in ROWS[:: len(ROWS) // 60]:
        name = "weights" if row["quantity"] == "weights" else "free_bits"
        bound = script.get(row["bound"])
        value = bound.evaluate(int(row["d"]), int(row["n"]), 2, row["eps"])
        value = value[name if name in bound.quantities else "bits"]
        assert f"{float(value):.12g}" == row["value"], row


def test_every_curve_has_its_points(script):
    for quantity, found in script.CURVES.items():
        for id in found:
            points = [r for r in ROWS if (r["quantity"], r["bound"]) == (quantity, id)]
            cases = {(int(r["d"]), int(r["n"])) for r in points}
            wanted = set(script.CASES)
            if id == "witness.cones":
                wanted = {(d, n) for d, n in wanted if n <= 2}
            if id == "witness.bubbles":
                wanted = {(d, n) for d, n in wanted if n == 3}
            assert cases == wanted, id
            assert len(points) == len(wanted) * len(script.EPSILONS)


def test_the_figures_are_there_and_drawn_alike(script):
    pytest.importorskip("matplotlib")
    for quantity in script.CURVES:
        name = f"no-logarithm-{quantity.replace(' ', '-')}.svg"
        assert (ROOT / "docs/theory" / name).read_text(encoding="utf-8").startswith("<?xml")
        assert script.draw(script.read(), quantity).startswith(b"<?xml")
