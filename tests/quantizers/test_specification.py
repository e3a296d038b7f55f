"""The predicates, over every quantizer with every option."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from quantizer_specification import (
    VARIANTS,
    admitted,
    codes_fit_their_bits,
    codes_round_trip,
    encode,
    is_homogeneous,
    is_monotone,
    is_permutation_equivariant,
    is_projection,
    is_sign_of_zero_plus,
    keeps_dtype_and_shape,
    keeps_its_codes,
    label,
    make,
)

EVERY = pytest.mark.parametrize("variant", VARIANTS, ids=label)
FEW = settings(max_examples=12, deadline=None)


@st.composite
def arrays(draw, min_dims=1):
    """float32 and float64 weights of one to three axes, zeros and equal magnitudes among them."""
    dtype, width = draw(st.sampled_from(((np.float32, 32), (np.float64, 64))))
    shape = draw(hnp.array_shapes(min_dims=min_dims, max_dims=3, max_side=6))
    entries = st.floats(-4, 4, width=width) | st.sampled_from((0.0, -0.0, 1.0, -1.0, 0.5))
    return draw(hnp.arrays(dtype, shape, elements=entries))


@st.composite
def dyadic(draw):
    """One axis of multiples of 1/16, so that all sums are exact."""
    entries = draw(st.lists(st.integers(-64, 64), min_size=1, max_size=12))
    return np.array(entries) / 16


@EVERY
@FEW
@given(x=arrays())
def test_codes_and_values(variant, x):
    q = make(variant)
    x = admitted(q, x)
    assert keeps_dtype_and_shape(q, x)
    assert codes_fit_their_bits(q, x)
    assert codes_round_trip(q, x)


@pytest.mark.parametrize("variant", [v for v in VARIANTS if make(v).projection], ids=label)
@FEW
@given(x=arrays())
def test_projection(variant, x):
    q = make(variant)
    x = admitted(q, x)
    assert is_projection(q, x)
    if q.options.get("scale") != "mse":  # another grid may hold the same values
        assert keeps_its_codes(q, x)


@pytest.mark.parametrize("variant", [v for v in VARIANTS if make(v).homogeneous], ids=label)
@FEW
@given(x=arrays(), power=st.integers(-20, 20))
def test_homogeneity(variant, x, power):
    x = np.where(np.abs(x) < 1e-20, 0, x).astype(x.dtype)  # c x must not lose digits
    assert is_homogeneous(make(variant), x, x.dtype.type(2.0**power))


@pytest.mark.parametrize("variant", [v for v in VARIANTS if not make(v).is_stochastic], ids=label)
@FEW
@given(x=dyadic(), data=st.data())
def test_permutations(variant, x, data):
    q = make(variant)
    order = np.array(data.draw(st.permutations(range(x.size))))
    assert is_permutation_equivariant(q, admitted(q, x), order)


CHANNELS = [v for v in VARIANTS if make(v).group == "channel" and not make(v).is_stochastic]


@pytest.mark.parametrize("variant", CHANNELS, ids=label)
def test_channels_do_not_see_each_other(variant):
    q = make(variant)
    w = np.random.default_rng(0).normal(size=(4, 3, 2)) * np.array([1, 10, 0.1, 3])[:, None, None]
    order = np.array([2, 0, 3, 1])
    assert np.array_equal(q.quantize(w[order]), q.quantize(w)[order])
    rows = np.stack([q.quantize(channel[None])[0] for channel in w])
    assert np.array_equal(rows, q.quantize(w))


@pytest.mark.parametrize("variant", [v for v in VARIANTS if make(v).monotone], ids=label)
@FEW
@given(x=dyadic())
def test_monotone(variant, x):
    q = make(variant)
    assert is_monotone(q, admitted(q, x))


def test_what_is_not_monotone_says_so():
    q = make(("residual", {"gamma": [0.5, 0.8]}))
    assert not q.monotone
    assert not is_monotone(q, np.linspace(-2, 2, 101))


def test_what_is_no_projection_says_so():
    rng = np.random.default_rng(3)
    for variant in (
        ("dorefa", {"bits": 6}),
        ("uniform", {"bits": 3, "scale": "percentile", "percentile": 80.0}),
        ("residual", {"gamma": [0.5, 0.8]}),
    ):
        q = make(variant)
        assert not q.projection
        assert not all(is_projection(q, rng.normal(size=9)) for _ in range(50)), variant


@pytest.mark.parametrize("variant", [v for v in VARIANTS if make(v).codes == range(-1, 2, 2)])
def test_the_sign_of_zero_is_plus(variant):
    q = make(variant)
    if not q.is_stochastic and variant[0] != "dorefa":
        assert is_sign_of_zero_plus(q)


def test_zero_in_stochastic_and_k_bit_forms():
    assert is_sign_of_zero_plus(make(("dorefa", {"bits": 1})))
    for bits in range(2, 9):
        codes, scale = make(("dorefa", {"bits": bits})).encode(np.array([1.0, 0.0, -0.0]))
        assert codes[1] == codes[2] == 1
        assert scale.divisor == 2**bits - 1


@given(bits=st.integers(1, 8), base=st.sampled_from(("2", "sqrt2")), fsr=st.integers(-3, 3))
@settings(deadline=None, max_examples=40)
def test_every_code_of_a_fixed_scale_is_met(bits, base, fsr):
    for variant in (
        ("log", {"bits": bits, "base": base, "fsr": fsr}),
        ("linear", {"bits": bits, "fsr": fsr}),
        ("hwgq", {"bits": bits, "uniform": False}),
        ("hwgq", {"bits": bits}),
        ("dorefa", {"role": "activation", "bits": bits}),
        ("pact", {"bits": bits, "alpha": 0.3}),
        ("continuous-discrete", {"levels": 2**bits + 1, "w_max": 0.7}),
        ("lsq", {"bits": bits + 1, "step": 0.3}),
    ):
        q = make(variant)
        _, scale = encode(q, np.linspace(0.1, 1, 3))
        every = np.array(q.codes)
        again, _ = encode(q, q.decode(every, scale))
        assert np.array_equal(again, every), variant
