"""Verdicts: like with like, or not at all."""

from __future__ import annotations

from fractions import Fraction

import pytest

from qexpr import bounds
from qexpr.core.claim import Quantifier, Scope
from qexpr.core.query import Query
from qexpr.study.compare import compare, comparison_columns

CLASS, ONE = Quantifier.CLASS_FIXED, Quantifier.FUNCTION_ANY
QUERY = Query(2, 2, eps="1e-2")


def claim(id, quantity):
    (found,) = [c for c in bounds.get(id).claims(QUERY) if c.quantity == quantity]
    return found


FLOOR = claim("entropy.floor", "free_bits")  # >= 16
UPPER = claim("witness.cones", "weights")  # <= 755


@pytest.mark.parametrize(
    ("which", "measured", "verdict"),
    [
        (FLOOR, (16, 16), "consistent"),
        (FLOOR, (15, 15), "violates"),
        (FLOOR, (15, 17), "incomparable"),
        (FLOOR, None, "incomparable"),
        (UPPER, (755, 755), "consistent"),
        (UPPER, (756, 756), "violates"),
        (UPPER, (700, 756), "incomparable"),
    ],
)
def test_explicit_claims_about_the_same(which, measured, verdict):
    values = compare("x", which, measured, CLASS)
    assert values["x_verdict"] == verdict
    assert bool(values["x_why"]) == (verdict != "consistent")
    assert set(values) == {column.name for column in comparison_columns("x", "bits")}


@pytest.mark.parametrize("measured", [(0, 0), (10**6, 10**6)])
def test_one_function_never_violates_a_claim_about_the_class(measured):
    for which in (FLOOR, UPPER):
        values = compare("x", which, measured, ONE)
        assert values["x_verdict"] == "incomparable"
        assert "one function does not refute" in values["x_why"]


def test_an_order_and_a_recalled_claim_are_never_compared():
    order = claim("ding2018.theorem1", "weights")
    values = compare("x", order, (1, 1), CLASS)
    assert values["x_verdict"] == "incomparable"
    assert values["x_kind"] == "order"
    assert values["x_claimed_upper"] is None
    recalled = claim("shen2020.uniform", "weights")
    assert "RECALLED" in compare("x", recalled, (1, 1), CLASS)["x_why"]


def test_a_network_is_not_a_description():
    values = compare("x", FLOOR, (1, 1), CLASS, Scope.DESCRIPTION)
    assert values["x_verdict"] == "incomparable"
    assert values["x_measured_lower"] == Fraction(1)
