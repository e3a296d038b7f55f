"""NaN, zeros, tiny groups, denormals, huge numbers, a million entries, collapse."""

import sys
import warnings
from fractions import Fraction

import numpy as np
import pytest
from quantizer_specification import VARIANTS, admitted, encode, label, make, seeded

from qexpr import quantizers
from qexpr.errors import InvalidInput, Unsupported
from qexpr.quantizers.backend import NUMPY
from qexpr.quantizers.power import nearest_exponent

EVERY = pytest.mark.parametrize("variant", VARIANTS, ids=label)
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@EVERY
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_not_finite_is_refused(variant, bad):
    q = make(variant)
    x = np.array([1.0, bad])
    for call in (q.encode, q.quantize, q.measure):
        with pytest.raises(InvalidInput, match="finite, got 1 entries"):
            call(x, **seeded(q))
    with pytest.raises(InvalidInput, match="finite"):
        q.gradient(x, np.ones(2))


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.array([1, 2]), "float32 or float64, got int64"),
        (np.array([1, 2], np.float16), "got float16"),
        (np.array([1j]), "got complex128"),
        (["a"], "float32 or float64"),
        (np.zeros((0, 3)), "at least one entry"),
    ],
)
def test_other_arrays_are_refused(bad, message):
    with pytest.raises(InvalidInput, match=message):
        quantizers.get("twn").encode(bad)


def test_lists_and_numbers_are_float64():
    assert quantizers.get("bwn").quantize([1, -3]).tolist() == [2.0, -2.0]
    assert quantizers.get("twn").quantize(2.0).shape == ()


ZEROS_STAY = (
    "twn",
    "bwn",
    "uniform",
    "power-of-two",
    "log",
    "linear",
    "hwgq",
    "lsq",
    "pact",
    "ttq",
)


@EVERY
@DTYPES
def test_groups_of_zeros(variant, dtype):
    q = make(variant)
    x = np.zeros((2, 3), dtype)
    values = q.quantize(x, **seeded(q))
    assert np.isfinite(values).all()
    assert not q.collapsed(x, **seeded(q)).any()
    gradient = q.gradient(x, np.ones_like(x))
    assert np.isfinite(gradient[0] if isinstance(gradient, tuple) else gradient).all()
    codes, scale = encode(q, x)
    if q.name in ZEROS_STAY or q.options.get("role") == "gradient":
        assert not values.any()
    if q.name == "bwn" or variant == ("dorefa", {"bits": 1}):
        assert np.all(codes == 1)
        assert not np.any(scale)
    if q.name == "twn":
        assert not codes.any()
        assert not np.any(scale)


def test_dorefa_weights_have_no_zero():
    q = quantizers.get("dorefa", bits=3)
    assert q.quantize(np.zeros(4)) == pytest.approx(np.full(4, 1 / 7))
    # the sign of tiny weights is kept, where tanh(w)/(2 max) + 1/2 in floats would lose it
    tiny = q.quantize(np.array([1.0, -1e-30, 1e-30]))
    assert tiny == pytest.approx([1, -1 / 7, 1 / 7])


def test_dorefa_rounds_halves_as_asked():
    even = quantizers.get("dorefa", role="activation", bits=1)
    away = quantizers.get("dorefa", role="activation", bits=1, rounding="away")
    below = np.nextafter(0.5, 0)
    assert even.quantize([below, 0.5, 0.51]).tolist() == [0, 0, 1]
    assert away.quantize([below, 0.5, 0.51]).tolist() == [0, 1, 1]
    # gradients g/(2m) + 1/2 in steps of 1/3, with m = 3: g = 2, 0, -2 are halves
    g = np.array([3.0, 2.0, 0.0, -2.0, 2.001, -2.001])
    even = quantizers.get("dorefa", role="gradient", deterministic=True)
    away = quantizers.get("dorefa", role="gradient", deterministic=True, rounding="away")
    assert even.quantize(g) == pytest.approx([3, 1, 1, -3, 3, -3])
    assert away.quantize(g) == pytest.approx([3, 3, 1, -1, 3, -3])


@EVERY
@DTYPES
def test_a_single_weight(variant, dtype):
    q = make(variant)
    for value in (0.75, -0.75, 0.0):
        x = admitted(q, np.array([value], dtype))
        assert np.isfinite(q.quantize(x, **seeded(q))).all()
        codes, scale = encode(q, x)
        assert np.array_equal(q.decode(codes, scale), q.quantize(x, **seeded(q)))


def test_what_a_single_weight_becomes():
    for name, options in (("bwn", {}), ("twn", {}), ("twn", {"threshold": "exact"})):
        assert quantizers.get(name, **options).quantize([-0.75]).tolist() == [-0.75]


@EVERY
@DTYPES
def test_denormals_and_huge_numbers(variant, dtype):
    q = make(variant)
    info = np.finfo(dtype)
    for unit in (info.smallest_subnormal, info.tiny, info.max / 4):
        x = admitted(q, (unit * np.array([1.0, -2.0, 3.0, 0.0])).astype(dtype))
        values = q.quantize(x, **seeded(q))
        assert np.isfinite(values).all()
        codes, scale = encode(q, x)
        assert np.array_equal(q.decode(codes, scale), values)
        gradient = q.gradient(x, np.ones_like(x))
        assert np.isfinite(gradient[0] if isinstance(gradient, tuple) else gradient).all()
        if q.name in ("bwn", "twn", "uniform") and q.options.get("symmetric", True):
            assert np.any(values != 0)  # scales neither overflow nor vanish


def test_means_of_denormals_and_of_huge_numbers_are_right():
    tiny = 5e-324
    assert quantizers.get("bwn").quantize([tiny, -3 * tiny]).tolist() == [2 * tiny, -2 * tiny]
    huge = np.finfo(np.float64).max
    assert quantizers.get("bwn").quantize([huge, -huge]).tolist() == [huge, -huge]
    exact = quantizers.get("twn", threshold="exact")
    assert exact.quantize([2 * tiny, -4 * tiny]).tolist() == [3 * tiny, -3 * tiny]
    assert exact.quantize([huge, -huge, 1.0]).tolist() == [huge, -huge, 0.0]


def test_evenly_spaced_levels_keep_the_sign_of_denormals():
    q = quantizers.get("continuous-discrete", levels=2, w_max=2.0)
    assert q.quantize([5e-324, -5e-324, 0.0, -0.0]).tolist() == [2, -2, 2, 2]
    # ties go up, at every midpoint
    q = quantizers.get("continuous-discrete", levels=5, w_max=2.0)
    assert q.quantize([-1.5, -0.5, 0.5, 1.5, -9, 9]).tolist() == [-1, 0, 1, 2, -2, 2]


LARGE = [
    v
    for v in VARIANTS
    if not v[1] or v[1] in ({"threshold": "exact"}, {"bits": 3, "scale": "mse"}, {"uniform": False})
]


def lines_of(call):
    """Python lines executed inside the package during a call."""
    seen = 0

    def trace(frame, event, argument):
        nonlocal seen
        if "qexpr" not in frame.f_code.co_filename:
            return None
        seen += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return seen


@pytest.mark.parametrize("variant", LARGE, ids=label)
def test_a_million_weights_without_a_loop(variant):
    q = make(variant)
    rng = np.random.default_rng(0)
    small, large = (admitted(q, rng.normal(size=n).astype(np.float32)) for n in (1000, 10**6))
    few = lines_of(lambda: q.quantize(small, **seeded(q)))
    many = lines_of(lambda: q.quantize(large, **seeded(q)))
    assert few > 0
    assert many <= few + 1200  # the search of a step has a fixed number of rounds
    assert q.quantize(large, **seeded(q)).shape == (10**6,)


# ---- collapse ----


def test_collapse_is_warned_of_and_counted():
    q = quantizers.get("twn", factor=1.5, per="channel")
    w = np.array([[1.0, 1.0, -1.0], [0.1, 0.1, 5.0], [0.0, 0.0, 0.0]])
    with pytest.warns(quantizers.CollapseWarning, match="twn: 1 of 3 groups collapsed"):
        codes, scale = q.encode(w)
    assert not codes[0].any()
    assert scale[0] == 0
    assert q.collapsed(w).tolist() == [True, False, False]
    measure = q.measure(w)
    assert measure.collapsed == 1
    assert "1 of 3 groups collapsed to all zeros" in str(measure)


@pytest.mark.parametrize(
    ("name", "options"),
    [("log", {}), ("linear", {}), ("lsq", {}), ("continuous-discrete", {"levels": 3})],
)
def test_small_weights_collapse_under_fixed_scales(name, options):
    q = quantizers.get(name, **options)
    with pytest.warns(quantizers.CollapseWarning, match=name):
        q.encode(np.full(5, 1e-9))


def test_the_papers_thresholds_do_not_collapse():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for threshold in ("approx", "exact"):
            quantizers.get("twn", threshold=threshold).encode(np.ones(5))
        quantizers.get("hwgq").encode(-np.ones(5))  # zeros of an activation are no failure


def test_measure():
    measure = quantizers.get("twn", threshold="exact").measure([3.0, -3.0, 1.0])
    assert (measure.size, measure.groups, measure.used, measure.collapsed) == (3, 1, 3, 0)
    assert measure.zeros == pytest.approx(1 / 3)
    assert measure.relative_error == pytest.approx(1 / 19)
    assert quantizers.get("twn").measure([0.0]).relative_error == 0


# ---- codes and scales ----


def test_decode_refuses_what_is_no_code():
    q = quantizers.get("bwn")
    _, scale = q.encode([1.0, -2.0])
    for bad, message in (
        ([0], r"must lie in range\(-1, 2, 2\), got 0"),
        ([3], "got 3"),
        ([1.0], "codes must be integers"),
    ):
        with pytest.raises(InvalidInput, match=message):
            q.decode(bad, scale)
    with pytest.raises(InvalidInput, match="that encode gave"):
        q.decode([1], "2")


def test_scales_are_frozen_and_compare():
    q = quantizers.get("ttq", positive=0.5, negative=2.0)
    _, scale = q.encode([1.0, -1.0])
    assert scale == q.encode([3.0, -3.0])[1]
    assert scale != quantizers.get("ttq").encode([1.0])[1]
    assert scale != 3
    with pytest.raises(AttributeError):
        scale.divisor = 3
    with pytest.raises(ValueError, match="read-only"):
        scale.negative[...] = 1


def test_scales_of_channels_broadcast():
    w = np.random.default_rng(0).normal(size=(4, 2, 3, 3)).astype(np.float32)
    codes, scale = quantizers.get("bwn").encode(w)
    assert scale.shape == (4, 1, 1, 1)
    assert np.array_equal(codes * scale, quantizers.get("bwn").quantize(w))
    assert quantizers.get("twn").encode(w)[1].shape == ()


def test_soft_weights_have_no_codes():
    q = quantizers.get("residual", role="weight", temperature=0.5)
    with pytest.raises(Unsupported, match="lower it to 0"):
        q.encode(np.ones(3))
    assert q.quantize(np.ones(3)) == pytest.approx(np.full(3, np.tanh(2)))
    cold = quantizers.get("residual", role="weight", temperature=1e-6).quantize([0.3, -0.2])
    assert cold == pytest.approx(quantizers.get("residual", role="weight").quantize([0.3, -0.2]))


# ---- powers of two ----


@DTYPES
@pytest.mark.parametrize("halves", [False, True])
def test_exponents_are_exact(dtype, halves):
    """round(log |x|) against exact rational comparison, beside every border and at the extremes."""
    info = np.finfo(dtype)
    step = 2 if halves else 1
    borders = [2.0 ** ((k + 0.5) / step) for k in range(-8, 8)]
    x = [info.smallest_subnormal, info.tiny, info.max, 1.0, 3 * info.smallest_subnormal]
    for border in borders:
        centre = dtype(border)
        x += [np.nextafter(centre, dtype(0)), centre, np.nextafter(centre, dtype(99))]
    x = np.array(x, dtype)
    found = nearest_exponent(NUMPY, x, halves).astype(int)
    for value, e in zip(x, found, strict=True):
        # e - 1/2 < step log2 x < e + 1/2, raised to the power 2 step
        square = Fraction(float(value)) ** (2 * step)
        assert Fraction(2) ** (2 * int(e) - 1) < square < Fraction(2) ** (2 * int(e) + 1)


def test_ap2():
    z = np.array([0.0, -0.0, 1.0, 1.4, 1.42, -3.0, 0.7, 0.71, 2.0**-1074, -(2.0**1023)])
    expected = [0, 0, 1, 1, 2, -4, 0.5, 1, 2.0**-1074, -(2.0**1023)]
    assert quantizers.ap2(z).tolist() == expected
    assert quantizers.ap2(z[:8].astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize(("base", "bound"), [("2", 2**0.5 - 1), ("sqrt2", 2**0.25 - 1)])
def test_log_quantizer_window(base, bound):
    q = quantizers.get("log", bits=4, fsr=1, base=base)
    beta = 2.0 if base == "2" else 2.0**0.5
    high = 1 if base == "2" else 2
    low = high - 16
    inside = np.geomspace(beta ** (low + 0.51), beta ** (high - 0.51), 1001)
    error = np.abs(q.quantize(inside) / inside - 1)
    assert np.max(error) <= bound
    assert np.max(error) > 0.99 * bound
    assert not q.quantize([beta ** (low + 0.49), 1e-30], generator=None).any()
    assert q.quantize([beta ** (high + 3.0)]) == pytest.approx([beta ** (high - 1)])
    if base == "2":
        assert q.quantize([1.0, -0.7, 0.71, 1000.0]).tolist() == [1, -0.5, 1, 1]


def test_log_and_linear_refuse_a_sign_they_cannot_store():
    for name in ("log", "linear"):
        with pytest.raises(InvalidInput, match="signed=False needs x >= 0, got -1"):
            quantizers.get(name, signed=False).quantize([1.0, -1.0])


def test_linear_quant():
    q = quantizers.get("linear", bits=2, fsr=1)
    assert q.step == 0.5
    values = q.quantize([0.1, 0.25, 0.26, 0.75, 9.0, -9.0]).tolist()
    assert values == [0, 0, 0.5, 1.0, 1.5, -1.5]
