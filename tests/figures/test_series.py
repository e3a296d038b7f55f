"""Curves in panels: no two look alike, and the legend says what each of them is."""

from __future__ import annotations

import re

import pytest

from qexpr.errors import InvalidInput
from qexpr.figures import series
from qexpr.figures.series import Line, Panel, draw_panels


def shown(form, *lines, **options):
    """The bytes of a figure, and the figure that matplotlib was asked to save."""
    return draw_panels([Panel("panel", lines)], "x", "y", form, **options)


@pytest.fixture
def drawn(monkeypatch):
    """The figures that are drawn, before they become bytes."""
    kept = []
    plain = series.to_bytes

    def keep(figure, form):
        data = plain(figure, form)
        kept.append(figure)
        return data

    monkeypatch.setattr(series, "to_bytes", keep)
    return kept


def test_no_two_of_many_curves_look_alike(drawn):
    shown("svg", *(Line(f"method {k}", (1, 2), (k + 1, k + 2), "proven") for k in range(30)))
    looks = {(one.get_color(), one.get_marker()) for one in drawn[0].axes[0].lines}
    assert len(looks) == 30


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("explicit", "(explicit)"),
        ("order", "(order, unit constant)"),
        ("proven", "(proven ends)"),
        ("estimate", "(estimate, 95 % interval)"),
        ("counted", "(counted exactly)"),
        ("points", "(measured)"),
    ],
)
def test_the_legend_says_what_a_curve_is(drawn, kind, words):
    shown("svg", Line("a", (1, 2), (3, 4), kind, (2, 3), (4, 5)))
    assert [text.get_text() for text in drawn[0].legends[0].get_texts()] == [f"a {words}"]
    joined = drawn[0].axes[0].lines[0].get_linestyle() not in ("None", " ", "")
    assert joined == (kind in ("explicit", "order"))


def test_a_curve_of_no_kind_is_refused():
    with pytest.raises(InvalidInput, match="a line is explicit, order"):
        Line("a", (1,), (1,), "guess")


@pytest.mark.parametrize(
    ("ends", "named"),
    [
        ((20_000, 48_000), {2, 3, 4}),
        ((1500, 9000), {2, 3, 5}),
        ((1500, 90_000), {2, 5}),
        ((1, 10**5), set()),
    ],
)
def test_labels_between_decades_do_not_crowd(drawn, ends, named):
    shown("svg", Line("a", ends, (1, 10)))
    axis = drawn[0].axes[0].xaxis
    texts = [label.get_text() for label in axis.get_ticklabels(minor=True)]
    seen = {int(found[1]) for text in texts if (found := re.search(r"\{(\d)\\times", text))}
    assert named <= seen <= named | {5, 7}


def test_the_same_curves_give_the_same_bytes():
    line = Line("a", (1, 2), (3, 4))
    assert shown("svg", line) == shown("svg", line)
    assert shown("pdf", line)[:4] == b"%PDF"
