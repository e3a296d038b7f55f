"""Floors and ratios: only explicit, firm numbers about the same thing meet."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace

import pytest

from qexpr.cli.ratios import best_floors, floor_lines, ratios
from qexpr.cli.table import number
from qexpr.core.claim import Claim, Explicit, Order, Quantifier, Scope, Side
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
        {"quantity": "weights"},
        {"scope": Scope.DESCRIPTION},
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
    lines = lines_of(FLOOR, UPPER)
    assert lines[0].startswith("fixed structure: free bits")
    assert ">= 100  floor" in lines[0]
    assert "<= 301  upper: 3.01 times the floor" in lines[1]


def lines_of(*claims):
    return floor_lines([SimpleNamespace(claim=claim) for claim in claims], "", number)


def test_all_bits_of_one_graph_stand_above_its_floor_of_free_bits():
    whole = replace(UPPER, id="whole", quantity="bits")
    assert lines_of(FLOOR, whole)[1].endswith("whole: 3.01 times the floor (bits of all weights)")


DESCRIBED = replace(
    FLOOR, quantity="bits", quantifier=Quantifier.CLASS_ANY, scope=Scope.DESCRIPTION
)


def test_bits_of_a_network_meet_no_floor_of_a_description():
    network = replace(UPPER, quantity="bits", quantifier=Quantifier.CLASS_ANY)
    (line,) = lines_of(DESCRIBED, network)
    assert line.startswith("any graph: bits of a complete description, graph included >= 100")


def test_a_code_is_called_a_code():
    code = replace(DESCRIBED, id="code", side=Side.UPPER, value=UPPER.value)
    assert lines_of(DESCRIBED, code)[1].endswith("3.01 times the floor (a code, not a network)")


def test_floors_of_a_network_and_of_a_description_stand_apart():
    network = replace(DESCRIBED, scope=Scope.NETWORK)
    assert best_floors([DESCRIBED, network]) == [DESCRIBED, network]


def test_numbers_are_rounded_to_the_safe_side():
    value = Fraction(123456, 1000)
    assert number(Explicit.exact(value, Side.UPPER)) == "123.46"
    assert number(Explicit.exact(value, Side.LOWER)) == "123.45"
    assert number(Explicit.exact(5155, Side.UPPER)) == "5,155"
    assert number(Order(123456.0)) == "123,500"
    assert number(Explicit.exact(10**300_000 + 1, Side.UPPER)) == "1.0001e300000"
