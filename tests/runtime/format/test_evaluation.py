"""A loaded network gives what its layers say, whatever the kernels, layouts, types and threads."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
import qexpr_runtime as rt
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_reference import unaligned
from packed_files import KINDS, reference, stacks, steps
from qexpr_runtime import _core


@pytest.fixture(scope="module", params=rt.available())
def isa(request):
    before = rt.isa()
    _core.select(request.param)
    yield request.param
    _core.select(before)


@settings(deadline=None, max_examples=60)
@given(stacks(), st.integers(0, 2**32 - 1))
def test_stacks_equal_the_exact_values(isa, tmp_path_factory, network, seed):
    path = tmp_path_factory.mktemp("q") / "n.qxr"
    rt.save(path, network)
    net = rt.load(path)
    rng = np.random.default_rng(seed)
    x = rng.integers(-16, 17, (3, net.inputs)) / 4
    wanted = np.array([[float(v) for v in row] for row in reference(network, x)])
    got = net(x).reshape(wanted.shape)
    bound = net.rounding_bound(4.0, input_bits=2)
    if bound < np.inf:
        assert (np.abs(got - wanted) <= bound + 2.0**-52 * np.abs(wanted)).all()
    assert net.rounding_bound(4.0) >= bound or net.rounding_bound(4.0) == np.inf


@pytest.mark.parametrize(("weights", "act", "inputs"), list(itertools.product(
    ["binary", "ternary", "unsigned", "signed", "odd", "int8"], ["sign", "two bits"],
    [1, 8, 15, 64, 100])))  # fmt: skip
def test_codes_are_summed_as_integers_exactly(isa, tmp_path, weights, act, inputs):
    rng = np.random.default_rng(inputs)
    layers = (
        rt.LayerData("activate", activation=steps(act)),
        rt.LayerData("dense", codes=KINDS[weights](rng, (40, inputs)), activation=steps("many")),
        rt.LayerData("dense", codes=KINDS["signed"](rng, (5, 40)), scale=Fraction(1, 8)),
    )
    network = rt.NetworkData((inputs,), layers)
    rt.save(tmp_path / "n.qxr", network)
    net = rt.load(tmp_path / "n.qxr")
    assert [layer["sums"] for layer in net.info()["layers"]][1:] == ["integer"] * 2
    x = rng.integers(-4, 5, (70, inputs)) / 2
    h = np.digitize(x, [float(t) for t in layers[0].activation.thresholds])
    h = np.array([float(v) for v in layers[0].activation.values])[h] @ layers[1].codes.T
    h = np.digitize(h, [float(t) for t in layers[1].activation.thresholds])
    np.testing.assert_array_equal(net(x), h @ layers[2].codes.T / 8)
    np.testing.assert_array_equal(net(x.astype(np.float32)), (h @ layers[2].codes.T / 8))
    assert net.rounding_bound(2.0, input_bits=1) == 0.0


def relu_net(tmp_path, dims=(3, 40, 17, 2)):
    rng = np.random.default_rng(1)
    layers = [
        rt.LayerData("dense", codes=KINDS["ternary"](rng, (b, a)), scale=rng.random(b),
                     bias=rng.standard_normal(b), activation=rt.ActivationData("relu"))
        for a, b in itertools.pairwise(dims)
    ]  # fmt: skip
    rt.save(tmp_path / "r.qxr", rt.NetworkData((dims[0],), tuple(layers)))
    return rt.load(tmp_path / "r.qxr")


def test_layout_block_and_threads_change_nothing(isa, tmp_path):
    net = relu_net(tmp_path)
    x = np.random.default_rng(2).random((1003, 3))
    wanted = net(x)
    assert wanted.dtype == np.float64
    for points in (np.asfortranarray(x), x[:, ::-1][:, ::-1], x.tolist(), np.repeat(x, 2, 0)[::2],
                   unaligned(x)):  # fmt: skip
        np.testing.assert_array_equal(net(points), wanted)
    for dtype in ("float64", "float32"):
        whole = net(x, dtype=dtype)
        for threads in (1, 2, 3, 7):
            np.testing.assert_array_equal(net(x, dtype=dtype, threads=threads), whole)
        one = np.concatenate([net(x[i : i + 1], dtype=dtype) for i in range(100)])
        np.testing.assert_array_equal(one, whole[:100])


@pytest.mark.parametrize("size", [1.0, 1e-300, 1e30, 1e300])
@pytest.mark.parametrize("act", ["", "relu", "clip"])
def test_points_side_by_side_are_as_alone(isa, tmp_path, act, size):
    """Small ternary stacks take 64 points at a time and leave out zeros, unless sums overflow."""
    rng = np.random.default_rng(3)
    activation = {"": None, "relu": rt.ActivationData("relu"),
                  "clip": rt.ActivationData("clip", -0.75, size)}[act]  # fmt: skip
    layers = [
        rt.LayerData("dense", codes=KINDS["ternary"](rng, (b, a)), scale=rng.random(b) * 3,
                     bias=rng.standard_normal(b), activation=activation)
        for a, b in itertools.pairwise((5, 33, 70, 2))
    ]  # fmt: skip
    rt.save(tmp_path / "r.qxr", rt.NetworkData((5,), tuple(layers)))
    net = rt.load(tmp_path / "r.qxr")
    x = rng.uniform(-1, 1, (200, 5)) * size
    for dtype in ("float64", "float32"):
        if dtype == "float32" and size > 1e38:
            continue
        points = x.astype(dtype)
        points[7] *= 1e7  # some sums of its overflow, not those of its neighbours
        points = points[np.isfinite(points).all(axis=1)]
        alone = np.concatenate([net(p[None]) for p in points])
        np.testing.assert_array_equal(net(points), alone)


def test_kernels_agree_bit_for_bit(tmp_path):
    net = relu_net(tmp_path, (5, 300, 260, 64, 3))
    x = np.random.default_rng(2).random((50, 5))
    before, values = rt.isa(), []
    try:
        for name in rt.available():
            _core.select(name)
            values.append((net(x), net(x.astype(np.float32))))
    finally:
        _core.select(before)
    for other in values[1:]:
        for a, b in zip(values[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_types_follow_the_points(tmp_path):
    net = relu_net(tmp_path)
    x = np.random.default_rng(2).integers(0, 9, (4, 3))
    assert net(x).dtype == np.float64
    assert net(x.astype(np.float32)).dtype == np.float32
    assert net(x.astype(np.float32), dtype="float64").dtype == np.float64
    assert net(x.astype(np.uint8)).dtype == np.float64
    np.testing.assert_array_equal(net(x.astype(np.uint8)), net(x))
    np.testing.assert_array_equal(net(x.astype(">f8")), net(x))
    assert net(np.zeros((0, 3))).shape == (0, 2)
    error = np.abs(net(x.astype(np.float32)).astype(float) - net(x)).max()
    assert 0 < error <= net.rounding_bound(8.0, dtype="float32")


def test_bytes_follow_the_input_rule(isa, tmp_path):
    rng = np.random.default_rng(4)
    codes = rng.integers(-8, 8, (20, 6))
    layer = rt.LayerData("dense", codes=codes, scale=Fraction(1, 4))
    scale, offset = Fraction(1, 128), Fraction(-1)
    rt.save(tmp_path / "b.qxr", rt.NetworkData((6,), (layer,), (scale, offset)))
    net = rt.load(tmp_path / "b.qxr")
    assert net.info()["layers"][0]["sums"] == "integer"
    q = rng.integers(0, 256, (33, 6)).astype(np.uint8)
    wanted = (q / 128 - 1) @ codes.T / 4
    np.testing.assert_array_equal(net(q), wanted)
    np.testing.assert_array_equal(net(q / 128 - 1), wanted)
    np.testing.assert_array_equal(net(q / 128 - 1 + 0.003), wanted)  # rounded to the grid
    np.testing.assert_array_equal(net(np.full((1, 6), 9.0)), net(np.full((1, 6), 255, np.uint8)))


@pytest.mark.parametrize(("pad_value", "size"), [(0, 2), (1, 2), (0, 1), (1, 1)])
@pytest.mark.parametrize("kind", ["binary", "ternary", "signed"])
@pytest.mark.parametrize(("channels", "groups"), [(8, 1), (16, 2), (3, 1), (4, 4)])
def test_padded_convolutions_of_signs(isa, tmp_path, kind, channels, groups, pad_value, size):
    rng = np.random.default_rng(5)
    codes = KINDS[kind](rng, (20, channels // groups, 3, 2))
    layers = (
        rt.LayerData("activate", activation=steps("sign", (-size, size))),
        rt.LayerData("conv2d", codes=codes, stride=(1, 2), padding=(1, 1), groups=groups,
                     padding_value=pad_value),
    )  # fmt: skip
    rt.save(tmp_path / "c.qxr", rt.NetworkData((channels, 5, 4), layers))
    net = rt.load(tmp_path / "c.qxr")
    x = rng.standard_normal((3, channels, 5, 4))
    h = np.where(x < 0, -size, size).astype(float)
    h = np.pad(h, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=pad_value)
    windows = np.lib.stride_tricks.sliding_window_view(h, (3, 2), axis=(2, 3))[:, :, :, ::2]
    parts = windows.reshape(3, groups, channels // groups, *windows.shape[2:])
    per = codes.reshape(groups, 20 // groups, channels // groups, 3, 2)
    wanted = np.einsum("ngcijab,gocab->ngoij", parts, per).reshape(3, -1)
    np.testing.assert_array_equal(net(x), wanted)
    # a tap of 1 is no multiple of 2: a digit of its own
    assert net.info()["layers"][1]["sum_bits"] == (64 if pad_value < size and pad_value else 32)


@pytest.mark.parametrize(("x", "message"), [
    (np.zeros((2, 4)), r"shape \(m, 3\)"), (np.zeros(3), "shape"),
    (np.array([["a"] * 3]), "must hold"),
    (np.full((1, 3), np.nan), "not finite"), (np.full((300, 3), np.inf), "not finite"),
    (np.zeros((1, 3), complex), "hold"), (np.full((1, 3), 2**60 + 1), "2\\^53")])  # fmt: skip
def test_bad_points_are_refused(tmp_path, x, message):
    with pytest.raises(ValueError, match=message):
        relu_net(tmp_path)(x)


def test_bad_options_are_refused(tmp_path):
    net = relu_net(tmp_path)
    x = np.zeros((1, 3))
    for options in ({"dtype": "float16"}, {"threads": 0}, {"threads": True}, {"threads": 1.5}):
        with pytest.raises(ValueError, match="must be"):
            net(x, **options)
    with pytest.raises(ValueError, match="finite"):
        net(np.full((1, 3), 1e300), dtype="float32")
    with pytest.raises(ValueError, match="x_max"):
        net.rounding_bound(-1.0)
    with pytest.raises(ValueError, match="input_bits"):
        net.rounding_bound(1.0, input_bits=-1)


def test_classes_are_the_largest_outputs(tmp_path):
    net = relu_net(tmp_path)
    x = np.random.default_rng(0).random((9, 3))
    np.testing.assert_array_equal(net.classes(x), net(x).argmax(axis=1))
    one = relu_net(tmp_path, (3, 1))
    with pytest.raises(ValueError, match="two outputs"):
        one.classes(x)
