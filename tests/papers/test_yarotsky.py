"""Yarotsky 2017, 2018; Yarotsky and Zhevnerchuk 2020."""

import math
from fractions import Fraction

import pytest

from qexpr.bounds import calculators, get
from qexpr.bounds.calculators.square import error_of_pieces, most_pieces
from qexpr.bounds.yarotsky2017 import theorem_4b
from qexpr.errors import InvalidInput, OutOfRegime

L = math.log2(1000)


def values(id, **query):
    return {name: float(value) for name, value in get(id).evaluate(**query).items()}


@pytest.mark.parametrize(
    ("id", "query", "expected"),
    [
        ("yarotsky2017.theorem1", {"d": 2, "n": 3}, {"depth": L, "weights": 100 * L}),
        ("yarotsky2017.theorem2", {"d": 1, "n": 1}, {"depth": 6, "weights": 1000 / L}),
        ("yarotsky2017.theorem3", {"d": 2, "n": 3}, {"weights": 100}),
        ("yarotsky2017.theorem4a", {"d": 2, "n": 3}, {"weights": 10}),
        ("yarotsky2017.theorem4b", {"d": 2, "n": 3}, {"weights": 100 / L**3}),
        ("yarotsky2017.theorem5", {"d": 3, "n": 1}, {"weights": 10}),
        ("yarotsky2018.shallow", {"d": 2, "n": 1}, {"depth": 1, "weights": 10**6}),
        ("yarotsky2018.deep", {"d": 2, "n": 1}, {"depth": 1000, "weights": 1000, "width": 1}),
        ("yarotsky2018.limit", {"d": 2, "n": 1}, {"weights": 1000}),
        ("yarotsky2020.deep", {"d": 2, "n": 3}, {"depth": 10, "weights": 10, "width": 1}),
    ],
)
def test_values_at_a_thousandth(id, query, expected):
    assert values(id, **query, eps="1e-3") == pytest.approx(expected)


@pytest.mark.parametrize("id", ["yarotsky2018.shallow", "yarotsky2018.deep", "yarotsky2018.limit"])
def test_moduli_of_continuity_are_read_for_one_derivative(id):
    with pytest.raises(OutOfRegime, match="n == 1"):
        get(id).evaluate(d=1, n=2, eps="1e-3")


def test_theorem_4b_at_other_powers_of_the_depth():
    """W >= c eps^(-d/n) ln^(-2p-1)(1/eps) for depth <= c ln^p(1/eps)."""
    value = theorem_4b(2).evaluate(d=1, n=1, eps="1e-6").weights
    assert float(value) == pytest.approx(1e6 / math.log2(1e6) ** 5)
    with pytest.raises(InvalidInput, match="p must be"):
        theorem_4b(0)


def test_theorem_4b_is_refused_where_it_decreases():
    """d/n ln(1/eps) = 2p + 1 is its minimum: e^-3 = 0.0498 for d = n, p = 1."""
    with pytest.raises(OutOfRegime, match="falls"):
        get("yarotsky2017.theorem4b").evaluate(d=1, n=1, eps="0.05")
    assert get("yarotsky2017.theorem4b").evaluate(d=1, n=1, eps="0.049")


def lines(name, **given):
    return {line.label: line for line in calculators.get(name)(**given)}


def test_proposition_2_and_the_pieces_of_a_square():
    found = lines("square", digits=3, widths="1,2,3,1")
    assert found["error of the sawtooth network"].value == Fraction(1, 256)
    assert found["linear pieces, at most"].value == 12
    assert found["sup error, at least"].value == Fraction(1, 8 * 144)


def test_proposition_2_is_the_interpolation_error():
    """x^2 minus its interpolant at the multiples of 2^-m is 2^(-2m-2) between two of them."""
    for m in range(1, 6):
        h = Fraction(1, 2**m)
        middle = [(k + Fraction(1, 2)) * h for k in range(2**m)]
        chord = [(k * h) ** 2 / 2 + ((k + 1) * h) ** 2 / 2 for k in range(2**m)]
        worst = max(c - x**2 for c, x in zip(chord, middle, strict=True))
        assert lines("square", digits=m)["error of the sawtooth network"].value == worst


def test_no_line_is_closer_to_a_square_than_the_piece_bound():
    """On [0, h] every line is h^2/8 away somewhere: three points decide (equioscillation)."""
    for p in (1, 2, 5):
        h = Fraction(1, p)
        best = h**2 / 8
        for slope in (h / 2, h, h * 2):
            for offset in (-(h**2) / 8, Fraction(0), h**2 / 3):
                errors = [abs(x * x - slope * x - offset) for x in (Fraction(0), h / 2, h)]
                assert max(errors) >= best
        assert error_of_pieces(p) == best


def test_pieces_multiply_by_layers():
    assert most_pieces((3, 4)) == 20


def test_theorem_6():
    """W >= c eps^(-1/(2(L-2))) at depth L."""
    found = lines("square", depth=5, eps="1e-6")
    assert float(found["weights at that depth, lower"].value) == pytest.approx(10)


@pytest.mark.parametrize(
    ("p", "phase"), [("1/2", "continuous"), ("0.51", "discontinuous"), ("1", "discontinuous")]
)
def test_phases_in_two_variables(p, phase):
    found = lines("phase", d=2, p=p, weights=100)
    assert found["phase"].value == phase
    assert float(found["error"].value) == pytest.approx(100 ** -float(Fraction(p)))


def test_the_deep_phase_needs_depth():
    found = lines("phase", d=2, p=1, weights=256)
    assert float(found["depth, lower"].value) == pytest.approx(256 / 8)
    assert lines("phase", d=2, p="1.01", weights=256)["phase"].value == "impossible"
    assert lines("phase", d=2, r=2, p="1.5", weights=256)["phase"].value == "discontinuous"
