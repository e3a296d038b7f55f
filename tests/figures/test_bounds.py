"""The figure of bounds: what is drawn, and how it is told apart."""

from __future__ import annotations

import pytest

from qexpr import bounds
from qexpr.core.claim import Kind
from qexpr.errors import InvalidInput
from qexpr.figures.bounds import PANELS, curves, draw_bounds
from qexpr.figures.style import FORMATS, figure_format

GRID = ["1e-1", "1e-2", "1e-3"]


@pytest.fixture(scope="module")
def table():
    only = ["ding2018.theorem1", "ding2018.theorem3", "entropy.floor"]
    return bounds.table(d=1, n=1, lam=[2, 4], eps=GRID, only=only)


def test_curves_have_the_points_of_the_table(table):
    found = curves(table, "weights")
    assert {curve.id for curve in found} == {"ding2018.theorem1", "ding2018.theorem3"}
    first = next(c for c in found if c.id == "ding2018.theorem1" and "nonlinear:4" in c.where)
    expected = [
        (float(row.eps), row.claim.value.value)
        for row in table
        if row.bound.id == "ding2018.theorem1" and row.quantity == "weights" and row.query.lam == 4
    ]
    assert list(first.points) == sorted(expected)
    assert first.kind is Kind.ORDER


def test_free_bits_stand_in_where_nothing_is_said_of_bits(table):
    assert {c.quantity for c in curves(table, "bits")} == {"bits"}
    only_free = [row for row in table if row.quantity != "bits"]
    found = curves(only_free, "bits")
    assert {c.quantity for c in found} == {"free_bits"}
    assert all("(free bits)" in c.label for c in found)


def test_no_grid_no_plot():
    with pytest.raises(InvalidInput, match="at least two eps"):
        draw_bounds(bounds.table(eps="0.1"), "svg")
    only = bounds.table(eps=GRID, quantity="depth")
    with pytest.raises(InvalidInput, match="nothing to plot"):
        draw_bounds(only, "svg")


def test_names_say_the_format():
    assert [figure_format(f"a.b.{name.upper()}") for name in FORMATS] == list(FORMATS)
    with pytest.raises(InvalidInput, match=r"\.svg, \.pdf, \.png"):
        figure_format("figure")


def test_the_same_bytes_every_time(table):
    pytest.importorskip("matplotlib")
    first = draw_bounds(table, "svg")
    assert first == draw_bounds(table, "svg")
    assert b"<svg" in first


def test_orders_are_dashed_and_explicit_values_solid(table):
    pytest.importorskip("matplotlib")
    text = draw_bounds(table, "svg").decode()
    orders = [c for panel in PANELS for c in curves(table, panel) if c.kind is Kind.ORDER]
    # Each in its panel, and once in the legend.
    assert text.count("stroke-dasharray") == len(orders) + len({c.label for c in orders})


def test_what_is_recalled_is_flagged_in_the_legend(table):
    labels = {curve.id: curve.label for curve in curves(table, "bits")}
    assert labels["ding2018.theorem1"].endswith("[RECALLED 0.9]")
    assert "[" not in labels["entropy.floor"]


def test_bits_of_descriptions_are_told_from_bits_of_networks(table):
    labels = {curve.id: curve.label for curve in curves(table, "bits")}
    assert "entropy.floor (description), alphabet" in labels["entropy.floor"]
    assert "description" not in labels["ding2018.theorem1"]
