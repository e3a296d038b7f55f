"""Rounding bounds hold where numbers are as small or as large as their type allows."""

import math
from fractions import Fraction

import numpy as np
import pytest
import qexpr_runtime as rt
from kernel_reference import chain

LEAST, LARGE = 2.0**-1074, 2.0**127


@pytest.mark.parametrize(("dtype", "scales", "x", "bits"), [
    ("float64", [LEAST, 2.0**1000, 2.0**74], 0.75, 2),  # 0.75 of the least number is that number
    ("float64", [LEAST, 2.0**1000, 2.0**74], 0.75, None),
    ("float64", [0.3 * 2.0**-1000, 2.0**-72, 2.0**1000, 2.0**72], 1.0, 0),
    ("float32", [0.75 * 2.0**-149, 2.0**100, 2.0**49], 1.0, 0),
    ("float32", [2.0**100, 2.0**100], 2.0**-200, 200),  # 0 as a float32
    ("float32", [2.0**100, 2.0**100], 2.0**-200, None),
    ("float32", [LARGE, 2.0, 0.25], 1.0, 0),
    ("float32", [1e30, 1e30, 1e-30], 1.0, None),
    ("float32", [1e39], 1.0, 0),
    ("float64", [1e300, 1e300, 0.0], 1.0, 0),  # 0 times infinity
])  # fmt: skip
def test_the_bound_is_no_less_than_the_error(dtype, scales, x, bits):
    units = [(scale, [k], []) for k, scale in enumerate(scales)]
    c = chain(1, units, np.zeros(len(units)), len(units))
    exact = Fraction(x)
    for scale in scales:
        exact *= Fraction(scale)
    (computed,) = c(np.array([[x]]), dtype=dtype)[0].tolist()
    bound = rt.rounding_bound(c, x, dtype=dtype, input_bits=bits)
    assert bound == np.inf or 0 < abs(Fraction(computed) - exact) <= Fraction(bound)
    assert np.isfinite(bound) == np.isfinite(computed)


def test_numbers_at_the_ends_of_the_type_may_be_exact():
    for dtype, small, large in (("float64", LEAST, 2.0**1000), ("float32", 2.0**-149, 2.0**126)):
        c = chain(1, [(small, [0], []), (large, [1], [])], np.zeros(2), 2)
        assert rt.rounding_bound(c, 1.0, dtype=dtype, input_bits=0) == 0
        assert c(np.ones((1, 1)), dtype=dtype).item() == small * large


@pytest.mark.parametrize(("dtype", "scales", "x", "bits"), [
    ("float32", [10**30, 10**30], 1.0, None), ("float32", [2**100, 2**100], 1.0, 0),
    ("float32", [2**100, 2**100], 2.0**-200, 200),
    ("float32", [Fraction(3, 2**151), 2**100, 2**49], 1.0, 0),
    ("float64", [Fraction(1, 2**600), Fraction(1, 2**600), 2**1000, 2**200], 1.0, 0),
])  # fmt: skip
def test_bounds_of_layers_likewise(dtype, scales, x, bits, tmp_path):
    one = np.ones((1, 1), dtype=int)
    layers = tuple(rt.LayerData("dense", codes=one, scale=Fraction(scale)) for scale in scales)
    rt.save(tmp_path / "n.qxr", rt.NetworkData((1,), layers))
    net = rt.load(tmp_path / "n.qxr")
    exact = Fraction(x) * math.prod(map(Fraction, scales))
    bound = net.rounding_bound(x, dtype=dtype, input_bits=bits)
    computed = net(np.array([[x]]), dtype=dtype).item()
    assert bound == np.inf or 0 < abs(Fraction(computed) - exact) <= Fraction(bound)
    assert np.isfinite(bound) == np.isfinite(computed)
