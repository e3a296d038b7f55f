"""The user's box and norm: values, derivatives, refusals."""

from fractions import Fraction

import pytest

from qexpr.errors import InvalidInput
from qexpr.targets import Target, read


def test_values_and_derivatives_scale():
    user = Target("x0^2*x1", domain=[(-1, 3), (0, "1/2")], norm=8)
    # F(-1 + 4u, v/2) / 8 = (4u - 1)^2 v / 16
    u, v = Fraction(1, 3), Fraction(2, 5)
    low, high = user.value([u, v])
    assert low <= (4 * u - 1) ** 2 * v / 16 <= high
    low, high = user.value([u, v], (1, 1))
    assert low <= Fraction(8, 16) * (4 * u - 1) <= high
    point = user.units.to_user([u, v])
    assert point == (4 * u - 1, v / 2)
    assert user.units.to_unit(point) == (u, v)
    exact = 2 * point[0]  # d^2 F / dx0 dx1
    assert user.units.derivative_to_user((1, 1), low) <= exact
    assert user.units.derivative_to_user((1, 1), high) >= exact


def test_errors_convert_both_ways():
    units = Target("x0", norm="5/2").units
    assert units.error_to_user(Fraction(1, 10)) == Fraction(1, 4)
    assert units.error_to_unit(Fraction(1, 4)) == Fraction(1, 10)
    assert not units.trivial
    assert Target("x0").units.trivial


def test_refusals_speak_the_users_units():
    with pytest.raises(InvalidInput, match=r"D\^\(1\) f.* near \[1\.[0-9]+, 2\]"):
        Target("abs(x0-2)/9", domain=[(0, 4)]).prove_membership(2)
    with pytest.raises(InvalidInput, match=r"nonzero at \(-0\.5\)"):
        Target("1/(x0+1/2)", domain=[(-1, 1)])


@pytest.mark.parametrize(
    ("domain", "norm"),
    [
        ([(0, 1), (0, 1)], 1),
        ([(1, 0)], 1),
        ([(0, 0)], 1),
        ([(0,)], 1),
        ("ab", 1),
        (["ab"], 1),
        ([("a", "b")], 1),
        ([(0, float("inf"))], 1),
        (5, 1),
        (None, 0),
        (None, -1),
        (None, "x"),
        (None, "1e400"),
        (None, "1e-400"),
        ([(0, "1e999")], 1),
    ],
)
def test_bad_units(domain, norm):
    with pytest.raises(InvalidInput):
        Target("x0", domain=domain, norm=norm)


def test_documents_round_trip():
    user = Target("x0^2*x1", domain=[(-1, 3), (0, "1/2")], norm=8)
    again = read(user.to_dict())
    assert again.to_dict() == user.to_dict()
    assert repr(again) == repr(user)
    assert "norm 8" in repr(user)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "sql"},
        {"kind": None},
        {"version": 2},
        {"extra": 1},
        {"units": 3},
        {"units": {}},
        {"d": "x"},
        {"expression": 7},
    ],
)
def test_bad_documents(change):
    with pytest.raises(InvalidInput):
        read(Target("x0").to_dict() | change)
    with pytest.raises(InvalidInput):
        read([])
