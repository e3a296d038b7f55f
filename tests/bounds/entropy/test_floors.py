"""Laws of the floors and the codes, and their public face."""

import itertools
import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import epsilons

from qexpr import bounds
from qexpr.bounds.entropy import best_floor, code_bits, floor_bits
from qexpr.bounds.entropy.floors import CODES, DECODERS, FLOORS, best_code
from qexpr.core.claim import Explicit, Quantifier, Side
from qexpr.errors import InvalidInput, OutOfRegime

IDS = tuple(id for id in bounds.ids() if id.startswith("entropy."))
GRID = [Fraction(m, 10**k) for k in (1, 2, 3, 5, 8, 12) for m in (9, 5, 1)]


def applicable(family, d, n, eps):
    for bound in family:
        try:
            yield bound, bound.evaluate(d, n, eps=eps)["bits"]
        except OutOfRegime:
            continue


@pytest.mark.parametrize("d", [1, 2, 3, 4, 7, 10])
@pytest.mark.parametrize("n", [1, 2, 3, 5, 12])
def test_no_floor_exceeds_a_code(d, n):
    for eps in GRID:
        floors, codes = (list(applicable(family, d, n, eps)) for family in (FLOORS, CODES))
        lowest = min(code.upper for _, code in codes)
        assert all(floor.lower <= lowest for _, floor in floors)
        if d < 4 and eps in GRID[::7]:  # networks are searched for
            assert floors[0][1].lower <= code_bits(d, n, eps).upper <= lowest
        assert floor_bits(d, n, eps).lower == max(floor.lower for _, floor in floors)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(IDS), st.integers(1, 10), st.integers(1, 12), epsilons(), epsilons())
def test_every_bound_falls_as_eps_grows(id, d, n, one, other):
    small, large = sorted((one, other))
    try:
        at_large = bounds.get(id).evaluate(d, n, 3, large)
        at_small = bounds.get(id).evaluate(d, n, 3, small)
    except OutOfRegime:
        return
    for quantity, value in at_large.items():
        assert at_small[quantity].guarantee >= value.guarantee * (1 - Fraction(1, 2**50))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 9), st.integers(1, 11), epsilons())
def test_floors_grow_with_the_class(d, n, eps):
    assert floor_bits(d + 1, n, eps) >= floor_bits(d, n, eps).guarantee * (1 - Fraction(1, 2**50))
    assert floor_bits(d, n, eps) >= floor_bits(d, n + 1, eps)


@pytest.mark.parametrize(("d", "n"), list(itertools.product((1, 2, 10), (1, 3, 12))))
@pytest.mark.parametrize("eps", ["0.9", "1e-2", "1e-12"])
def test_whole_bits_are_the_ceiling_of_the_lower_end(d, n, eps):
    whole = bounds.get("entropy.floor").evaluate(d, n, eps=eps)
    assert whole.bits.value == whole.free_bits.value == math.ceil(floor_bits(d, n, eps).lower)


def test_floor_and_code_are_guarantees_of_their_side():
    floor, code = floor_bits(2, 3, "1e-3"), code_bits(2, 3, "1e-3")
    assert isinstance(floor, Explicit)
    assert floor.side is Side.LOWER
    assert code.side is Side.UPPER
    assert Fraction(float(floor)) <= floor.lower <= floor.upper
    assert Fraction(float(code)) >= code.upper >= code.lower
    assert floor.upper - floor.lower <= floor.upper / 2**59
    assert code.ratio(floor) > 1


def test_a_floor_says_for_whom_it_holds():
    for bound in (*FLOORS, bounds.get("entropy.floor")):
        quantifiers = {s.quantity: s.quantifier or bound.quantifier for s in bound.statements}
        assert quantifiers == {
            "free_bits": Quantifier.CLASS_FIXED,
            "bits": Quantifier.CLASS_ANY,
        }
        assert "complete description" in bound.statement


def test_the_best_floor_names_its_bound():
    assert best_floor(1, 1, "1e-3")[1].id == "entropy.dp"
    assert best_floor(2, 1, "1e-3")[1].id == "entropy.ice"
    assert best_floor(3, 1, "1e-3")[1].id == "entropy.checkerboard"
    assert best_floor(1, 2, "1e-4")[1].id == "entropy.volume1"
    assert best_floor(2, 2, "1e-3")[1].id == "entropy.volume_spline"
    assert best_floor(3, 2, "1e-3")[1].id == "entropy.bump"
    assert best_floor(5, 12, "0.9")[1].id == "entropy.bump"


@pytest.mark.parametrize(
    "arguments", [(0, 1, "0.1"), (1, 0, "0.1"), (1, 1, "1"), (1, 1, "nan"), (1.5, 1, "0.1")]
)
def test_malformed_questions_are_refused(arguments):
    for function in (floor_bits, code_bits):
        with pytest.raises(InvalidInput):
            function(*arguments)


@pytest.mark.parametrize(
    ("d", "n", "eps"),
    [
        (1000, 1000, "1e-300"),
        (1000, 1, "0.5"),
        (1, 1000, "1e-300"),
        (7, 33, "1e-150"),
        (1, 1, "1e-300"),
    ],
)
def test_extreme_questions_are_answered(d, n, eps):
    assert 1 <= floor_bits(d, n, eps).lower <= code_bits(d, n, eps).upper


@pytest.mark.parametrize(("d", "n", "eps"), [(1000, 1, "1e-300"), (1000, 2, "1e-12")])
def test_values_too_long_to_give_are_refused(d, n, eps):
    for function in (floor_bits, code_bits):
        with pytest.raises(OutOfRegime, match=f"d = {d} and eps = .*12288 binary digits"):
            function(d, n, eps)


@pytest.mark.parametrize("id", IDS)
def test_every_extreme_is_a_value_or_a_refusal(id):
    for d, n, lam, eps in itertools.product(
        (1, 30, 1000), (1, 40, 1000), (2, 2**64), ("0.999", "1e-20", "1e-300")
    ):
        try:  # any other error fails the test
            values = bounds.get(id).evaluate(d, n, lam, eps)
        except OutOfRegime as error:
            values, reason = {}, str(error)
            assert len(reason) < 500, reason
        assert all(v.lower >= 0 for v in values.values())


def test_the_free_bits_of_a_fixed_graph_are_a_code():
    """Cones at (2, 2): 2.7 bits over eps in the limit, against 7.1 of the path's code."""
    for d, n, eps, id in (
        (2, 2, "1e-5", "witness.cones"),
        (1, 1, "1e-3", "entropy.code_lipschitz"),
        (3, 2, "1e-3", "witness.cones"),
    ):
        value, bound = best_code(d, n, eps)
        assert bound.id == id
        if id.startswith("witness"):
            assert value == bounds.get(id).evaluate(d, n, 2, eps)["free_bits"]
            assert value < bounds.get("entropy.code").evaluate(d, n, eps=eps)["bits"]
    assert 2.6 < float(code_bits(2, 2, "1e-5")) * 1e-5 < 3.2
    assert set(DECODERS) >= {"witness.cones", "witness.multiresolution"}
