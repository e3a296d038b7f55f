"""Forests of halvings: text and boxes, and what is no forest."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qexpr.certificates.splits import Boxes, Forest, leaves, unit_cube
from qexpr.errors import CertificateError


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 4), st.integers(1, 3), st.integers(0, 2**32))
def test_leaves_of_the_text_are_the_boxes_of_the_search(d, roots, seed):
    rng = np.random.default_rng(seed)
    lower = np.sort(rng.random((roots, 1)), axis=0) + np.zeros((roots, d))
    boxes = Boxes(lower, lower + rng.random((roots, d)), np.arange(roots))
    start, forest, numbers = boxes, Forest(roots), np.arange(roots)
    for _ in range(5):
        chosen = rng.random(len(boxes)) < 0.5
        if not chosen.any():
            continue
        axes = rng.integers(0, d, int(chosen.sum()))
        new = forest.split(numbers[chosen], axes)
        boxes = boxes[~chosen].joined(boxes[chosen].halved(axes))
        numbers = np.concatenate([numbers[~chosen], new])
    found = leaves(forest.text(), start)

    def rows(some):
        return sorted(map(tuple, np.hstack([some.lower, some.upper, some.root[:, None]])))

    assert rows(found) == rows(boxes)


def test_halves_cover_and_do_not_overlap():
    found = leaves("ab..b..", unit_cube(2))
    assert np.prod(found.upper - found.lower, axis=1).tolist() == [0.25] * 4
    assert sorted(map(tuple, found.lower)) == [(0, 0), (0, 0.5), (0.5, 0), (0.5, 0.5)]


@pytest.mark.parametrize("text", ["", "a", "a.", "...", "a...", "c..", "A..", "a.\u00e9", "b"])
def test_what_is_no_forest_is_refused(text):
    with pytest.raises(CertificateError, match="tree of splits"):
        leaves(text, unit_cube(2))


def test_boxes_are_not_halved_without_end():
    with pytest.raises(CertificateError, match="below the smallest box"):
        leaves("a" * 60 + "." * 61, unit_cube(1))


def test_middles_contain_their_boxes():
    rng = np.random.default_rng(0)
    lower = rng.random((1000, 2))
    lower[:20] = -(10.0 ** -np.arange(20, 40))[:, None]  # both signs: centre - lower is rounded
    boxes = Boxes(
        lower,
        lower + rng.random((1000, 2)) * 10.0 ** rng.integers(-17, 1, (1000, 1)),
        np.zeros(1000),
    )
    centre, radius = boxes.middles()
    assert (boxes.lower <= centre).all()
    assert (centre <= boxes.upper).all()
    from fractions import Fraction

    for k in range(200):
        for i in range(2):
            c, r = Fraction(centre[k, i]), Fraction(radius[k, i])
            assert c - r <= Fraction(boxes.lower[k, i])
            assert c + r >= Fraction(boxes.upper[k, i])
