"""What weights * eps^(d/n) tends to, against exact counts at small eps."""

from fractions import Fraction

import pytest

from qexpr.bounds.registry import get
from qexpr.bounds.witness.limits import asymptotic
from qexpr.errors import InvalidInput

# what the cost model of a first study gave, to be met; for cones edges a node at the best digits
MODEL = {(1, 2): 10, (2, 1): 17, (2, 2): 18, (2, 3): 24, (3, 2): 58, (3, 3): 68}


def counted(id, d, n, nodes, lam):
    eps = Fraction(1, min(round(nodes ** (n / d)), 10**15))
    return float(get(id).evaluate(d, n, lam, eps).weights.guarantee) * float(eps) ** (d / n)


@pytest.mark.parametrize(("d", "n"), list(MODEL))
def test_multiresolution_is_below_the_cost_model(d, n):
    assert float(asymptotic("multiresolution", d, n)) < MODEL[d, n]


@pytest.mark.parametrize(
    ("d", "n", "lam"), [(1, 1, 2), (1, 2, 2), (2, 1, 2), (2, 2, 2), (2, 2, 3), (2, 3, 2)]
)
def test_counts_come_down_to_the_limit(d, n, lam):
    limit = float(asymptotic("multiresolution", d, n, lam))
    far = [counted("witness.multiresolution", d, n, nodes, lam) for nodes in (10**9, 2 * 10**10)]
    assert all(0.9 * limit < value < 1.12 * limit for value in far)


@pytest.mark.parametrize(("d", "n"), [(1, 1), (1, 2), (2, 1), (2, 2), (3, 2)])
def test_cones_come_down_to_the_limit(d, n):
    limit = float(asymptotic("cones", d, n))
    near, far = (counted("witness.cones", d, n, nodes, 2) for nodes in (10**6, 10**11))
    assert limit * (1 - 1e-4) < far < near
    assert far < 1.05 * limit


def test_the_limits_of_cones_in_closed_form():
    assert float(asymptotic("cones", 2, 2)) == pytest.approx(7 * (1 / 2 + 2 / 27), abs=1e-5)
    assert float(asymptotic("cones", 1, 2)) == pytest.approx(6 * (1 / 8 + 1 / 13) ** 0.5, abs=1e-5)


@pytest.mark.parametrize("name", ["cones", "shared_bitplane"])
def test_others_are_refused(name):
    with pytest.raises(InvalidInput, match="limits are known of"):
        asymptotic(name, 2, 3)


@pytest.mark.parametrize("d", [1, 2])
@pytest.mark.parametrize("quantity", ["weights", "free_bits"])
def test_bubbles_come_down_to_the_limit(d, quantity):
    """The octave is cut coarsely and blocks are not stacked as finely: a few percent."""
    limit = float(asymptotic("bubbles", d, 3, quantity=quantity))
    for eps in (Fraction(1, 10**14), Fraction(4, 10**15), Fraction(1, 10**15)):
        value = get("witness.bubbles").evaluate(d, 3, 2, eps)[quantity]
        scaled = float(value) * float(eps) ** (d / 3)
        assert (0.94 if quantity == "weights" else 0.96) * limit < scaled < 1.14 * limit


@pytest.mark.parametrize(
    ("name", "d", "n"),
    [("cones", 1, 2), ("cones", 2, 2), ("cones", 3, 2), ("multiresolution", 2, 2)],
)
def test_free_bits_are_fewer_than_those_of_the_smallest_network(name, d, n):
    free, weights = (asymptotic(name, d, n, quantity=q) for q in ("free_bits", "weights"))
    assert free < weights
    eps = Fraction(1, 10**10)
    value = float(get(f"witness.{name}").evaluate(d, n, 2, eps)["free_bits"])
    assert 0.97 * float(free) < value * float(eps) ** (d / n) < 1.15 * float(free)


def test_free_bits_of_cones_in_closed_form():
    for lam, times in ((2, 1), (3, 2)):
        free = asymptotic("cones", 2, 2, lam, quantity="free_bits")
        assert float(free) == pytest.approx(times * 4 * (1 / 2 + 2 / 11), abs=1e-5)
    # digits of two bits: 4^3 - 5, of the values +-1/4 and +-3/4
    free = asymptotic("cones", 2, 2, alphabet="linear:2", quantity="free_bits")
    assert float(free) == pytest.approx(2 * 2 * (1 / 2 + 2 / 11), abs=1e-5)


def test_quantities_are_two():
    with pytest.raises(InvalidInput, match="weights or free_bits"):
        asymptotic("cones", 2, 2, quantity="depth")
