"""Reading numbers: exactly or not at all."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qexpr.core.numbers import MAX_TEXT, read_integer, read_rational
from qexpr.errors import InvalidInput


@given(st.integers(-(10**30), 10**30), st.integers(-400, 400))
def test_decimals_are_read_as_the_number_they_spell(mantissa, exponent):
    assert read_rational(f"{mantissa}e{exponent}", "x") == Fraction(mantissa) * Fraction(10) ** (
        exponent
    )


@given(st.fractions())
def test_quotients_and_rationals_are_read_exactly(x):
    assert read_rational(f"{x.numerator}/{x.denominator}", "x") == x
    assert read_rational(x, "x") == x


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_is_its_shortest_decimal(x):
    assert read_rational(x, "x") == Fraction(repr(x))
    assert read_rational(np.float64(x), "x") == Fraction(repr(x))
    assert float(read_rational(x, "x")) == x


@given(st.integers(-(2**100), 2**100))
def test_integers_are_read_from_text_and_from_anything_that_is_one(x):
    assert read_integer(str(x), "x", -(2**100), 2**100) == x
    assert read_integer(x, "x", -(2**100), 2**100) == x
    assert read_rational(x, "x") == x


def test_numpy_integers_are_integers():
    assert read_integer(np.int32(7), "d", 1, 10) == 7
    assert type(read_integer(np.int32(7), "d", 1, 10)) is int
    assert read_rational(np.int64(3), "x") == 3


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            "abc",
            "1e",
            "e3",
            ".",
            "1.2.3",
            "--1",
            "1/2/3",
            "1/-2",
            "1.5/2",
            "0x10",
            "1_000",
        ),
        *("nan", "inf", "-inf", "1e-1001", "1e400000000", "1/0", "٣", "１", "1e٣", "1 2", "1,5"),
        "1" * (MAX_TEXT + 1),
    ],
)
def test_other_text_is_refused_and_quoted(text):
    with pytest.raises(InvalidInput, match=r"^x must be a number .*got ") as caught:
        read_rational(text, "x", "0 < x")
    assert "(0 < x)" in str(caught.value)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(
    "value",
    [None, True, [1], object(), b"1", 1j, 2**8192, Fraction(1, 2**8192), Decimal("NaN")],
    ids=lambda v: type(v).__name__,
)
def test_other_things_are_refused(value):
    with pytest.raises(InvalidInput, match=r"^x must "):
        read_rational(value, "x")


@pytest.mark.parametrize(
    "value",
    [
        2.0,
        "2.0",
        "1e3",
        True,
        None,
        "٣",
        "1_0",
        0,
        11,
        "9" * 401,
        pytest.param(10**10**4, id="huge"),
    ],
)
def test_other_integers_are_refused_with_the_range(value):
    with pytest.raises(InvalidInput, match=r"^d must be an integer from 1 to 10, got ") as caught:
        read_integer(value, "d", 1, 10)
    assert len(str(caught.value)) < 150


def test_the_upper_end_is_written_for_people():
    with pytest.raises(InvalidInput, match=r"from 2 to 2\^64, got 1$"):
        read_integer(1, "lam", 2, 2**64, "2^64")


def test_long_text_is_refused_before_it_is_parsed(monkeypatch):
    # Parsing it would take minutes, or the interpreter would refuse with its own words.
    import qexpr.core.numbers as numbers

    class Never:
        def fullmatch(self, text):
            raise AssertionError("parsed")

    for name in ("_DECIMAL", "_QUOTIENT", "_INTEGER"):
        monkeypatch.setattr(numbers, name, Never())
    for text in ("1" * 10**6, "1/" + "7" * 10**6):
        with pytest.raises(InvalidInput, match="characters"):
            read_rational(text, "x")
        with pytest.raises(InvalidInput):
            read_integer(text, "x", 0, 1)


def test_spaces_around_a_number_do_no_harm():
    assert read_rational(" 1e-3\n", "x") == Fraction(1, 1000)
    assert read_integer(" 7 ", "d", 1, 10) == 7
