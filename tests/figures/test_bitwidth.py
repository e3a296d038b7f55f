"""The figure of the optimal bit width draws what the calculator says."""

from __future__ import annotations

from fractions import Fraction

import pytest

from qexpr.bounds import calculators
from qexpr.bounds.calculators.bitwidth import (
    best_lambda,
    best_power_of_two,
    threshold,
    threshold_of_bits,
)
from qexpr.figures.bitwidth import draw

CALCULATOR = calculators.get("bitwidth")


def curves(**given):
    return CALCULATOR.curves(**CALCULATOR.read(given))


@pytest.mark.parametrize(("lam", "T"), [(2, 5.65), (3, 22.7), (4, 87), (5, 328)])
def test_thresholds_are_the_published_ones(lam, T):
    assert threshold(lam) == pytest.approx(T, rel=5e-3)


@pytest.mark.parametrize(("bits", "T"), [(1, 8), (2, 3**5.25)])
def test_thresholds_of_whole_bits(bits, T):
    assert threshold_of_bits(bits) == pytest.approx(T, rel=1e-12)


def test_steps_are_where_the_exact_minimizers_change():
    found = curves(T=100)
    assert [lam for lam, _ in found["steps"]] == [2, 3, 4, 5, 6]
    assert [bits for bits, _ in found["steps_of_bits"]] == [1, 2, 3]
    for lam, start in found["steps"][1:]:
        below, above = Fraction(start * 0.999), Fraction(start * 1.001)
        assert (best_lambda(below), best_lambda(above)) == (lam - 1, lam)
    for bits, start in found["steps_of_bits"][1:]:
        below, above = Fraction(start * 0.999), Fraction(start * 1.001)
        powers = (best_power_of_two(below), best_power_of_two(above))
        assert powers == (2 ** (bits - 1), 2**bits)


def test_the_marks_are_the_lowest_of_the_drawn_costs():
    for T in (2, 15, 400, 5000):
        found = curves(T=T)
        costs = dict(found["costs"])
        assert found["best"] == min(costs, key=costs.get)
        powers = [lam for lam in costs if lam & (lam - 1) == 0]
        assert found["power"] == min(powers, key=costs.get)
        assert found["T"] < found["last"]


def test_the_query_gives_its_T():
    assert curves(d=2, n=3, eps="1e-3")["T"] == pytest.approx(15.1357, rel=1e-5)


@pytest.mark.parametrize("form", ["svg", "pdf", "png"])
def test_the_file_is_the_same_on_every_run(form):
    found = curves(T=15)
    content = draw(found, form)
    assert content == draw(found, form)
    assert content.startswith({"svg": b"<?xml", "pdf": b"%PDF", "png": b"\x89PNG"}[form])
    assert content != draw(curves(T=100), form)
