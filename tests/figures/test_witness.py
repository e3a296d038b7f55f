"""Pictures of witnesses: the same bytes twice, the guarantee as a band, one and two variables."""

from fractions import Fraction

import numpy as np
import pytest

from qexpr.figures.witness import draw_witness

UNIT = (Fraction(0), Fraction(1))


def _f(points):
    return np.sin(points.sum(axis=1))


def _near(points):
    return _f(points) + 1e-3 * np.cos(40 * points[:, 0])


def _draw(d, **changes):
    given = {
        "target": _f, "network": _near, "domain": (UNIT,) * d, "guarantee": Fraction(1, 500),
        "norm": Fraction(1), "title": "sin", "form": "svg",
    } | changes  # fmt: skip
    return draw_witness(**given)


@pytest.mark.parametrize("d", [1, 2])
def test_the_picture_is_reproducible_and_shows_what_it_is_given(d):
    first = _draw(d)
    assert first.startswith(b"<?xml")
    assert first == _draw(d)
    changes = [{"guarantee": Fraction(1, 100)}, {"domain": ((Fraction(2), Fraction(5)),) * d}]
    if d == 1:
        changes += [{"network": _f}, {"norm": Fraction(7)}, {"title": "cos"}]
    for change in changes:
        assert _draw(d, **change) != first


@pytest.mark.parametrize(("form", "start"), [("pdf", b"%PDF"), ("png", b"\x89PNG")])
def test_formats(form, start):
    assert _draw(1, form=form).startswith(start)


def test_long_titles_are_cut_and_dollars_are_no_formulas():
    assert _draw(1, title="$x" * 200).startswith(b"<?xml")
