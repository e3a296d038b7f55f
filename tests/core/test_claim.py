"""Claims: values that know their kind, and what may be held against what."""

from __future__ import annotations

import math
import operator
from dataclasses import FrozenInstanceError, replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qexpr import bounds
from qexpr.core.claim import (
    Claim,
    Explicit,
    Kind,
    Order,
    Quantifier,
    Scope,
    Side,
    comparable,
    double_below,
)
from qexpr.core.query import Query
from qexpr.core.source import Reference, Source, Trust
from qexpr.errors import InvalidInput

SOURCE = Source(Reference("key", "misc", ()), "Theorem 1", Trust("DERIVED"))
ORDER = Order(2.0)
EXPLICIT = Explicit(Fraction(1, 3), Fraction(1, 2), Side.UPPER)
rationals = st.fractions()
OPERATORS = (
    *(operator.add, operator.sub, operator.mul, operator.truediv),
    *(operator.lt, operator.le, operator.gt, operator.ge),
)


@st.composite
def explicits(draw, side=None):
    ends = sorted((draw(rationals), draw(rationals)))
    return Explicit(*ends, side or draw(st.sampled_from(Side)))


# --- kinds never mix -----------------------------------------------------------------------------


@pytest.mark.parametrize("apply", OPERATORS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("other", [EXPLICIT, ORDER, 1, 1.5, Fraction(1, 2)], ids=repr)
def test_an_order_mixes_with_nothing(apply, other):
    for pair in ((ORDER, other), (other, ORDER)):
        with pytest.raises(InvalidInput, match="order value holds up to an unnamed constant"):
            apply(*pair)


@pytest.mark.parametrize("apply", [operator.eq, operator.ne], ids=lambda f: f.__name__)
def test_equality_of_unlike_kinds_raises(apply):
    for pair in ((ORDER, EXPLICIT), (EXPLICIT, ORDER)):
        with pytest.raises(InvalidInput, match="cannot compare or mix"):
            apply(*pair)


@pytest.mark.parametrize("apply", OPERATORS[:4], ids=lambda f: f.__name__)
def test_guarantees_are_not_calculated_with(apply):
    for pair in ((EXPLICIT, EXPLICIT), (EXPLICIT, 1), (1, EXPLICIT)):
        with pytest.raises(InvalidInput, match="cannot compare or mix"):
            apply(*pair)


@pytest.mark.parametrize("other", [0.5, True, "1/2"])
@pytest.mark.parametrize("apply", OPERATORS[4:], ids=lambda f: f.__name__)
def test_a_guarantee_is_compared_with_exact_numbers_only(apply, other):
    with pytest.raises(InvalidInput):
        apply(EXPLICIT, other)


def test_sums_and_sorting_of_mixed_values_raise():
    for attempt in (sum, sorted, max, min):
        with pytest.raises(InvalidInput):
            attempt([EXPLICIT, ORDER])


def test_an_order_is_flagged_and_gives_its_number_when_asked():
    assert (str(Order(9438.2)), float(ORDER), ORDER.value) == (
        "9438 (order, unit constant)",
        2.0,
        2.0,
    )
    assert Order(2.0) == ORDER
    assert len({Order(2.0), ORDER}) == 1


# --- guarantees ----------------------------------------------------------------------------------


@given(explicits(), explicits())
def test_order_is_that_of_the_guarantees(a, b):
    for apply in OPERATORS[4:]:
        assert apply(a, b) is apply(a.guarantee, b.guarantee)
        assert apply(a, b.guarantee) is apply(a.guarantee, b.guarantee)


@given(explicits())
def test_doubles_and_text_are_rounded_outward(value):
    double = Fraction(float(value))
    sign, text = str(value).split()
    if value.side is Side.UPPER:
        assert (value.guarantee, sign) == (value.upper, "<=")
        assert double >= value.upper
        assert Fraction(text) >= value.upper
    else:
        assert (value.guarantee, sign) == (value.lower, ">=")
        assert double <= value.lower
        assert Fraction(text) <= value.lower


@given(st.one_of(rationals, st.fractions().map(lambda x: x * 10**400)))
def test_double_below_is_the_largest_double_below(value):
    double = double_below(value)
    if double == -math.inf:
        assert value < -Fraction(math.nextafter(math.inf, 0))
        return
    assert Fraction(double) <= value
    above = math.nextafter(double, math.inf)
    assert above == math.inf or Fraction(above) > value


@given(st.integers(), st.sampled_from(Side))
def test_an_exact_integer_is_one(number, side):
    value = Explicit.exact(number, side)
    assert value.value == number
    assert value == number
    assert hash(value) == hash(number)
    assert str(number) in str(value)
    assert Explicit.exact(Fraction(2 * number + 1, 2), side).value is None
    assert Explicit(Fraction(number), Fraction(number + 1), side).value is None


def test_equality_is_of_the_whole_enclosure():
    same = Explicit(Fraction(1, 3), Fraction(1, 2), Side.UPPER)
    assert same == EXPLICIT
    assert hash(EXPLICIT) == hash(same)
    assert replace(EXPLICIT, side=Side.LOWER) != EXPLICIT
    assert replace(EXPLICIT, lower=Fraction(1, 2)) != EXPLICIT
    assert Fraction(1, 2) != EXPLICIT  # the end of an enclosure is not its value
    assert EXPLICIT != "1/2"


def test_an_enclosure_is_the_right_way_round_and_frozen():
    with pytest.raises(InvalidInput, match="lower <= upper"):
        Explicit(Fraction(2), Fraction(1), Side.UPPER)
    with pytest.raises(FrozenInstanceError):
        EXPLICIT.lower = Fraction(0)


@given(explicits(Side.UPPER), explicits(Side.LOWER))
def test_a_ratio_is_guarantee_over_guarantee(upper, lower):
    if lower.lower > 0:
        assert upper.ratio(lower) == upper.upper / lower.lower
    else:
        with pytest.raises(InvalidInput, match="positive lower bound"):
            upper.ratio(lower)


@pytest.mark.parametrize(
    ("upper", "lower"),
    [
        (EXPLICIT, EXPLICIT),
        (replace(EXPLICIT, side=Side.LOWER), replace(EXPLICIT, side=Side.LOWER)),
        (EXPLICIT, ORDER),
        (EXPLICIT, 1),
    ],
)
def test_a_ratio_of_anything_else_is_refused(upper, lower):
    with pytest.raises(InvalidInput):
        upper.ratio(lower)


# --- claims --------------------------------------------------------------------------------------

FLOOR = Claim(
    *("floor", "free_bits", Side.LOWER, Quantifier.CLASS_FIXED),
    *(Explicit.exact(10, Side.LOWER), SOURCE),
)
UPPER = replace(FLOOR, id="upper", side=Side.UPPER, value=Explicit.exact(30, Side.UPPER))


def test_a_claim_knows_its_kind():
    assert FLOOR.kind is Kind.EXPLICIT
    assert replace(FLOOR, value=ORDER).kind is Kind.ORDER
    assert FLOOR.scope is Scope.NETWORK


def test_like_claims_are_comparable():
    assert comparable(UPPER, FLOOR)
    assert comparable(FLOOR, UPPER)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"value": Order(30.0)}, "upper is an order at unit constant"),
        ({"source": replace(SOURCE, trust=Trust("RECALLED", 0.9))}, "upper is RECALLED 0.9"),
        ({"quantity": "weights"}, "weights is not free_bits"),
        ({"scope": Scope.DESCRIPTION}, "of a description are not those of a network"),
        ({"quantifier": Quantifier.CLASS_ANY}, "'class any' is not 'class fixed'"),
        ({"quantifier": Quantifier.FUNCTION_FIXED}, "'function fixed' is not 'class fixed'"),
    ],
    ids=lambda x: str(x)[:24],
)
def test_unlike_claims_are_refused_with_the_reason(change, reason):
    for pair in ((replace(UPPER, **change), FLOOR), (FLOOR, replace(UPPER, **change))):
        with pytest.raises(InvalidInput) as caught:
            comparable(*pair)
        words = str(caught.value)
        assert "are not comparable" in words
        if pair[1] is FLOOR:
            assert reason in words


def test_all_bits_of_a_network_hold_its_free_bits():
    whole = replace(UPPER, quantity="bits")
    assert comparable(whole, FLOOR)
    assert comparable(FLOOR, whole)
    # The other way round it says nothing: free bits may lie below a floor on all bits.
    with pytest.raises(InvalidInput, match="not comparable"):
        comparable(UPPER, replace(FLOOR, quantity="bits"))
    with pytest.raises(InvalidInput, match="not comparable"):
        comparable(replace(whole, quantifier=Quantifier.CLASS_ANY), FLOOR)


def test_the_floor_of_a_description_meets_codes_and_no_network():
    query = Query(1, 1, eps="1e-3", lam=2)
    free, described = bounds.get("entropy.floor").claims(query)
    (code,) = bounds.get("entropy.code_lipschitz").claims(query)
    assert (free.scope, described.scope, code.scope) == (
        Scope.NETWORK,
        Scope.DESCRIPTION,
        Scope.DESCRIPTION,
    )
    assert comparable(code, described)
    # One edge of one bit gives five functions of one variable: a free graph's bits may be fewer.
    network = replace(code, id="network", value=Explicit.exact(1, Side.UPPER), scope=Scope.NETWORK)
    with pytest.raises(InvalidInput, match="of a network are not those of a description"):
        comparable(network, described)
    with pytest.raises(InvalidInput):
        comparable(code, free)


def test_no_firm_explicit_bound_counts_real_weights():
    """`comparable` does not ask what the weights are, so none of these may be firm."""
    for bound in map(bounds.get, bounds.ids()):
        if bound.kind is Kind.EXPLICIT and bound.source.trust.is_firm:
            counted = {"weights", "bits", "free_bits"} & set(bound.quantities)
            assert not (counted and bound.setting.startswith("real weights")), bound.id
