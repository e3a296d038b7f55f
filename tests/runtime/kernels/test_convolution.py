"""Convolution and pooling equal their definitions."""

import numpy as np
import pytest
import qexpr_runtime as rt
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_reference import SEEDS, codes_of, convolve, signs, unaligned

quick = settings(max_examples=30, deadline=None)


@st.composite
def geometries(draw):
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    channels = draw(st.sampled_from([1, 2, 3, 7, 8, 9, 16])) * groups
    out = draw(st.integers(1, 5)) * groups
    kernel = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    padding = (draw(st.integers(0, 2)), draw(st.integers(0, 2)))
    size = tuple(
        max(1, k + draw(st.integers(0, 6)) - 2 * p) for k, p in zip(kernel, padding, strict=False)
    )
    stride = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    return (
        (draw(st.integers(0, 2)), channels, *size),
        (out, channels // groups, *kernel),
        {
            "stride": stride,
            "padding": padding,
            "groups": groups,
            "pad_value": draw(st.sampled_from([0, 1])),
        },
    )


def weights(rng, kind, shape):
    if kind == "binary":
        return rng.choice([-1, 1], shape), {}
    if kind == "ternary":
        return rng.integers(-1, 2, shape), {}
    if kind == "int8":
        return rng.integers(-128, 128, shape), {}
    grid = ["unsigned", "signed", "odd"][rng.integers(3)]
    return codes_of(rng, 3, grid, shape), {"bits": 3, "grid": grid}


@quick
@given(
    geometries(),
    SEEDS,
    st.sampled_from(["binary", "ternary", "k-bit", "int8"]),
    st.sampled_from(["binary", "ternary", "k-bit", "int8", "uint8", "float32"]),
)
def test_convolutions(geometry, seed, kind, activations):
    x_shape, w_shape, options = geometry
    rng = np.random.default_rng(seed)
    w, packing = weights(rng, kind, w_shape)
    if activations == "binary":
        x = rng.standard_normal(x_shape).astype(np.float32)
        codes = signs(x)
    elif activations == "float32":
        codes = rng.integers(-50, 50, x_shape)  # so that float sums are exact
        x = codes.astype(np.float32)
    else:
        lo, hi = {"ternary": (-1, 1), "k-bit": (0, 7), "int8": (-128, 127), "uint8": (0, 255)}[
            activations
        ]
        x = codes = rng.integers(lo, hi + 1, x_shape)
    packed = rt.pack_conv(w, kind, groups=options["groups"], **packing)
    calls = {key: options[key] for key in ("stride", "padding", "pad_value")}
    bits = 3 if activations == "k-bit" else None
    refused = activations == "float32" and kind in ("k-bit", "int8")
    if refused and x_shape[0]:
        with pytest.raises(ValueError, match="weights"):
            rt.conv2d(x, packed, activations, bits=bits, **calls)
        return
    y = rt.conv2d(x, packed, activations, bits=bits, **calls)
    np.testing.assert_array_equal(y, convolve(codes, w, **options))
    for other in (np.asfortranarray(x), unaligned(x)):
        again = rt.conv2d(other, packed, activations, bits=bits, threads=2, **calls)
        np.testing.assert_array_equal(again, y)


@pytest.mark.parametrize(
    ("x_shape", "w_shape", "options"),
    [
        ((1, 70, 9, 17), (33, 70, 3, 3), {"padding": (1, 1)}),  # pairs with a partner, and without
        ((1, 24, 7, 7), (40, 24, 3, 3), {"padding": (1, 1)}),
        ((2, 9, 11, 20), (5, 9, 2, 3), {"stride": (3, 2), "padding": (0, 2)}),
        ((1, 8, 5, 6), (3, 8, 2, 1), {"stride": (4, 1)}),  # rows of the image that no window sees
        ((1, 3, 4, 2), (64, 3, 3, 3), {"padding": (4, 5)}),  # windows wholly outside
        ((1, 1, 1, 8190), (34, 1, 1, 8186), {}),  # a row of taps beyond what 16 bits can sum
        ((1, 1, 3, 3010), (1, 1, 3, 3000), {}),  # three that pass it together
    ],
)
@pytest.mark.parametrize("kind", ["binary", "ternary", "k-bit"])
def test_signs_on_every_instruction_set(isa, x_shape, w_shape, options, kind):
    rng = np.random.default_rng(3)
    w, packing = weights(rng, kind, w_shape)
    x = rng.standard_normal(x_shape).astype(np.float32)
    x[..., -1] = 1  # where a lane is full, sums are largest
    packed = rt.pack_conv(w, kind, **packing)
    defaults = {"stride": (1, 1), "padding": (0, 0)}
    for pad_value in (0, 1):
        y = rt.conv2d(x, packed, "binary", pad_value=pad_value, **options)
        want = convolve(signs(x), w, **(defaults | options), groups=1, pad_value=pad_value)
        np.testing.assert_array_equal(y, want)


def test_the_largest_sums_of_a_convolution(isa):
    x, w = np.ones((1, 16, 1, 4200), np.float32), np.ones((2, 16, 1, 4100))
    assert (rt.conv2d(x, rt.pack_conv(w, "binary"), "binary") == 16 * 4100).all()
    assert (rt.conv2d(x, rt.pack_conv(-w, "binary"), "binary") == -16 * 4100).all()


def test_every_instruction_set_packs_pixels_alike(isa):
    rng = np.random.default_rng(0)
    for channels in (1, 7, 8, 9, 64, 70):
        for side in (1, 3, 8, 11):
            x = rng.choice(np.array([-1, -0.0, 0, 2], np.float32), (2, channels, side, side))
            w = rng.choice([-1, 1], (3, channels, 1, 1))
            y = rt.conv2d(x, rt.pack_conv(w, "binary"), "binary")
            np.testing.assert_array_equal(y, np.einsum("nchw,oc->nohw", signs(x), w[:, :, 0, 0]))
            x[-1, -1, -1, -1] = np.nan
            with pytest.raises(ValueError, match="NaN"):
                rt.conv2d(x, rt.pack_conv(w, "binary"), "binary")


def test_a_padded_tap_counts_nothing_or_one():
    # The commonest error of packed convolutions: a zero that becomes a sign.
    x = -np.ones((1, 8, 1, 1), dtype=np.float32)
    w = rt.pack_conv(np.ones((1, 8, 3, 3)), "binary")
    assert rt.conv2d(x, w, "binary", padding=1).item() == -8
    assert rt.conv2d(x, w, "binary", padding=1, pad_value=1).item() == -8 + 8 * 8


@quick
@given(geometries(), SEEDS, st.booleans(), st.sampled_from([np.int32, np.float32]))
def test_pooling(geometry, seed, maximum, dtype):
    x_shape, (_, _, *kernel), options = geometry
    padding = tuple(min(p, k - 1) for p, k in zip(options["padding"], kernel, strict=True))
    if any(s + 2 * p < k for s, p, k in zip(x_shape[2:], padding, kernel, strict=True)):
        return
    x = np.random.default_rng(seed).integers(-99, 99, x_shape).astype(dtype)
    stride = options["stride"]
    pool = rt.max_pool2d if maximum else rt.avg_pool2d
    y = pool(x, tuple(kernel), stride=stride, padding=padding)
    fill = np.iinfo(np.int32).min if maximum else 0
    (top, left), (h, w) = padding, x_shape[2:]
    wide = np.full((*x_shape[:2], h + 2 * top, w + 2 * left), fill, dtype=np.float64)
    wide[:, :, top : top + h, left : left + w] = x
    for i in range(y.shape[2]):
        for j in range(y.shape[3]):
            taps = wide[:, :, i * stride[0] :, j * stride[1] :][:, :, : kernel[0], : kernel[1]]
            want = taps.max(axis=(2, 3)) if maximum else taps.sum(axis=(2, 3))
            if not maximum and dtype is np.float32:
                want = want.astype(np.float32) / np.float32(kernel[0] * kernel[1])
            np.testing.assert_array_equal(y[:, :, i, j], want.astype(dtype))


def test_xnor_scale():
    x = np.random.default_rng(4).integers(-9, 9, (2, 4, 6, 5)).astype(np.float32)
    k = rt.xnor_scale(x, 3, stride=2, padding=1)
    mean = np.abs(x).mean(axis=1, keepdims=True)
    box = np.ones((1, 1, 3, 3))
    want = convolve(mean.astype(np.float64), box, (2, 2), (1, 1), 1, 0) / 9
    assert k.shape == want.shape == (2, 1, 3, 3)
    np.testing.assert_allclose(k, want, rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: rt.pack_conv(np.ones((2, 2)), "binary"), "must have shape"),
        (lambda: rt.pack_conv(np.ones((2, 2, 0, 1)), "binary"), "must have shape"),
        (lambda: rt.pack_conv(np.ones((3, 2, 1, 1)), "binary", groups=2), "do not divide"),
        (lambda: rt.pack_conv(np.ones((3, 2, 1, 1)), "binary", groups=0), "groups"),
        (lambda: conv(x=np.ones((2, 3, 3))), "must have shape"),
        (lambda: conv(x=np.ones((1, 5, 3, 3))), "5 channels"),
        (lambda: conv(stride=0), "stride"),
        (lambda: conv(padding=-1), "padding"),
        (lambda: conv(stride=(1, 2, 3)), "stride"),
        (lambda: conv(pad_value=2), "pad_value"),
        (lambda: conv(x=np.ones((1, 4, 1, 9))), "does not fit"),
        (lambda: conv(x=np.ones((1, 4, 3, 3), np.uint8)), "no signs"),
        (lambda: rt.max_pool2d(np.ones((1, 1, 2, 2)), 2), "int32 or float32"),
        (lambda: rt.max_pool2d(np.ones((1, 1, 2, 2), np.int32), 2, padding=2), "beyond"),
        (lambda: rt.avg_pool2d(np.full((1, 1, 2, 2), 2**30, np.int32), 2), "32-bit"),
        (lambda: rt.xnor_scale(np.ones((1, 0, 2, 2)), 1), "no channels"),
    ],
)
def test_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def conv(x=None, **options):
    x = np.ones((1, 4, 3, 3), np.float32) if x is None else x
    return rt.conv2d(x, rt.pack_conv(np.ones((2, 4, 3, 3)), "binary"), "binary", **options)
