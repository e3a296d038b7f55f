"""What ``from qexpr import bounds`` gives, in a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction

import pytest

from qexpr import bounds
from qexpr.errors import InvalidInput

FRESH = """
from qexpr import bounds
print(float(bounds.entropy.floor_bits(1, 1, "1e-2")), bounds.calculators.names()[0])
"""


def test_subpackages_are_there_without_an_import_of_their_own():
    done = subprocess.run(
        [sys.executable, "-c", FRESH], capture_output=True, text=True, check=True, timeout=60
    )
    floor, name = done.stdout.split()
    assert 105.5 < float(floor) < 106.7
    assert name == "regions"


def test_everything_that_is_listed_is_there():
    assert all(getattr(bounds, name) is not None for name in bounds.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = bounds.nothing


@pytest.mark.parametrize("eps", ["1e-2", "0.01", 0.01, Fraction(1, 100), "1/100"])
def test_floors_read_accuracies_as_queries_do(eps):
    assert bounds.entropy.floor_bits(1, 1, eps) == bounds.entropy.floor_bits(1, 1, "1/100")
    assert bounds.entropy.code_bits(2, "2", eps) == bounds.entropy.code_bits(2, 2, "1/100")


@pytest.mark.parametrize(
    "arguments", [(0, 1, "1e-2"), (1, 1.5, "1e-2"), (1, 1, 2), (1, 1, "nan"), (1, 1, None)]
)
def test_floors_refuse_what_queries_refuse(arguments):
    for function in (bounds.entropy.floor_bits, bounds.entropy.code_bits):
        with pytest.raises(InvalidInput):
            function(*arguments)
