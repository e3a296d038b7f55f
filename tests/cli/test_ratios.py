"""Floors and ratios: only explicit, firm numbers about the same thing meet."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from qexpr.cli.ratios import best_floors, floor_lines, ratios
from qexpr.cli.table import number
from qexpr.core.claim import Claim, Explicit, Order, Quantifier, Side
from qexpr.core.source import Reference, Source, Trust

SOURCE = Source(Reference("key", "misc", ()), "here", Trust("DERIVED"))
FLOOR = Claim(
    "floor",
    "free_bits",
    Side.LOWER,
    Quantifier.CLASS_FIXED,
    Explicit.exact(100, Side.LOWER),
    SOURCE,
)
UPPER = replace(FLOOR, id="upper", side=Side.UPPER, value=Explicit.exact(301, Side.UPPER))
RECALLED = replace(SOURCE, trust=Trust("RECALLED", 0.9))


def test_the_ratio_is_rounded_up():
    third = replace(FLOOR, value=Explicit.exact(3, Side.LOWER))
    ten = replace(UPPER, value=Explicit.exact(10, Side.UPPER))
    assert ratios([ten], third) == [(ten, "3.34")]


@pytest.mark.parametrize(
    "change",
    [
        {"quantity": "bits"},
        {"quantifier": Quantifier.CLASS_ANY},
        {"value": Order(301.0)},
        {"source": RECALLED},
    ],
)
def test_unlike_claims_get_no_ratio(change):
    assert ratios([UPPER], FLOOR) == [(UPPER, "3.01")]
    assert ratios([replace(UPPER, **change)], FLOOR) == []


def test_the_best_floor_is_the_largest_firm_explicit_one():
    larger = replace(FLOOR, id="larger", value=Explicit.exact(Fraction(201, 2), Side.LOWER))
    recalled = replace(larger, id="recalled", source=RECALLED)
    order = replace(larger, id="order", value=Order(1e9))
    assert best_floors([FLOOR, larger, recalled, order, UPPER]) == [larger]


def test_the_lines_say_what_a_floor_is_about():
    class Row:
        def __init__(self, claim):
            self.claim = claim

    lines = floor_lines([Row(FLOOR), Row(UPPER)], "", number)
    assert lines[0].startswith("fixed structure: free bits")
    assert ">= 100  floor" in lines[0]
    assert "<= 301  upper: 3.01 times the floor" in lines[1]
    described = replace(FLOOR, quantity="bits", quantifier=Quantifier.CLASS_ANY)
    assert "complete description" in floor_lines([Row(described)], "", number)[0]


def test_numbers_are_rounded_to_the_safe_side():
    value = Fraction(123456, 1000)
    assert number(Explicit.exact(value, Side.UPPER)) == "123.46"
    assert number(Explicit.exact(value, Side.LOWER)) == "123.45"
    assert number(Explicit.exact(5155, Side.UPPER)) == "5,155"
    assert number(Order(123456.0)) == "123,500"
    assert number(Explicit.exact(10**300_000 + 1, Side.UPPER)) == "1.0001e300000"
