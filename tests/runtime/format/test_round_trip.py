"""What is written is what is read: numbers exactly, files whole, sizes small."""

import json
from fractions import Fraction

import numpy as np
import pytest
import qexpr_runtime as rt
from hypothesis import given, settings
from hypothesis import strategies as st
from packed_files import KINDS, stacks
from qexpr_runtime import coding, format


def same(a, b):
    assert a.input_shape == b.input_shape
    assert a.input_rule == b.input_rule
    for x, y in zip(a.layers, b.layers, strict=True):
        assert (x.op, x.scale, tuple(x.bias), x.activation) == (
            y.op, y.scale, tuple(y.bias), y.activation)  # fmt: skip
        assert (x.codes is None) == (y.codes is None)
        if x.codes is not None:
            np.testing.assert_array_equal(x.codes, y.codes)


@settings(deadline=None, max_examples=60)
@given(stacks())
def test_stacks_come_back_exactly(tmp_path_factory, network):
    path = tmp_path_factory.mktemp("q") / "net.qxr"
    rt.save(path, network)
    same(network, format.read(path))


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(1, 300), st.integers(1, 20))
def test_circuits_come_back_exactly(tmp_path_factory, seed, units, lam):
    rng = np.random.default_rng(seed)
    inputs = int(rng.integers(1, 4))
    edges = [
        (s, t)
        for t in range(inputs + 1, inputs + 1 + units)
        for s in sorted({int(v) for v in rng.integers(0, t, rng.integers(1, 6))})
    ]
    sources, targets = np.array(edges).T
    values = [Fraction(k, 16) for k in range(-lam, lam + 1) if k][:lam]
    codes = rng.integers(0, lam, len(edges))
    free = np.flatnonzero(rng.random(len(edges)) < 0.3)
    circuit = rt.CircuitData(inputs, units, sources, targets, codes, tuple(values), free, {"a": 1})
    path = tmp_path_factory.mktemp("q") / "c.qxr"
    rt.save(path, circuit)
    back = format.read(path)
    for name in ("sources", "targets", "codes", "free"):
        np.testing.assert_array_equal(getattr(back, name), getattr(circuit, name))
    assert (back.inputs, back.units, back.alphabet) == (inputs, units, tuple(values))
    assert back.notes == {"a": 1}
    x = rng.integers(-8, 9, (3, inputs)) / 4
    values = [*x.T, np.ones(3)]
    for u in range(units):
        chosen = targets == inputs + 1 + u
        total = sum(values[s] * float(back.alphabet[c])
                    for s, c in zip(sources[chosen], codes[chosen], strict=True))  # fmt: skip
        values.append(np.maximum(total, 0) if u < units - 1 else total)
    got, bound = rt.load(path)(x), rt.load(path).rounding_bound(2.0)
    assert (np.abs(got - values[-1]) <= 2 * bound).all()


@pytest.mark.parametrize("shape", [(5, 4, 3, 2), (32, 2, 3, 3), (6, 1, 1, 1)])
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_convolutions_come_back(tmp_path, kind, shape):
    rng = np.random.default_rng(3)
    groups = 1 if shape[0] == 5 else 2
    codes = KINDS[kind](rng, shape)
    layer = rt.LayerData("conv2d", codes=codes, stride=(1, 2), padding=(1, 0), groups=groups,
                         padding_value=1)  # fmt: skip
    network = rt.NetworkData((shape[1] * groups, 5, 6), (layer,))
    rt.save(tmp_path / "c.qxr", network)
    back = format.read(tmp_path / "c.qxr").layers[0]
    np.testing.assert_array_equal(back.codes, codes)
    assert (back.stride, back.padding, back.groups, back.padding_value) == (
        (1, 2),
        (1, 0),
        groups,
        1,
    )


def test_numbers_of_every_form_come_back():
    rows = [
        (Fraction(1, 3), Fraction(-(2**200), 7)),
        (Fraction(0.1), Fraction(0), Fraction(2) ** 1000, Fraction(1, 2**1074)),
        (Fraction(2) ** 1100,),
        (Fraction(3, 2**1074),) * 3,
        (),
    ]
    data = b"".join(coding.rationals(row) for row in rows)
    cursor = coding.Cursor(memoryview(data), 0)
    assert [cursor.rationals(()) for _ in rows] == rows
    cursor.end()


@given(st.lists(st.integers(0, 2**31)))
def test_varints_come_back(values):
    data = coding.varints(np.array(values, np.int64))
    assert data == b"".join(map(coding.varint, values))
    assert coding.read_varints(np.frombuffer(data, np.uint8)).tolist() == values


@given(st.integers(0, 16), st.integers(0, 70), st.integers(0, 2**32 - 1))
def test_packed_bits_come_back(bits, count, seed):
    codes = np.random.default_rng(seed).integers(0, 2**bits, count)
    data = coding.pack_bits(codes, bits)
    assert len(data) == -(-bits * count // 8)
    assert coding.unpack_bits(np.frombuffer(data, np.uint8), bits, count).tolist() == codes.tolist()


@pytest.mark.parametrize(
    ("kind", "bits"), [("binary", 1), ("ternary", 2), ("signed", 4), ("int8", 8)]
)
def test_the_file_of_a_dense_network_is_its_codes_and_scales(tmp_path, kind, bits):
    rng = np.random.default_rng(0)
    n = 1024
    act = rt.ActivationData("relu")
    layers = [
        rt.LayerData("dense", codes=KINDS[kind](rng, (n, n)), scale=rng.random(n), activation=act)
        for _ in range(2)
    ]
    rt.save(tmp_path / "n.qxr", rt.NetworkData((n,), tuple(layers)))
    size = (tmp_path / "n.qxr").stat().st_size
    assert size <= 1.03 * 2 * (n * n * bits / 8 + 8 * n)


@pytest.mark.parametrize(("kind", "bytes_"), [("float32", 4), ("float64", 8)])
def test_real_weights_take_the_bytes_of_their_floats(tmp_path, kind, bytes_):
    """Each float is a whole code times the smallest power of two in the layer."""
    n = 200
    weights = np.random.default_rng(0).normal(size=(n, n)).astype(kind)
    exact = [Fraction(float(w)) for w in weights.ravel()]
    unit = Fraction(1, max(w.denominator for w in exact))
    codes = np.array([int(w / unit) for w in exact], object).reshape(n, n)
    layer = rt.LayerData("dense", codes=codes, scale=unit, bias=np.arange(n) / 8)
    rt.save(tmp_path / "n.qxr", rt.NetworkData((n,), (layer,)))
    net = rt.load(tmp_path / "n.qxr")
    assert (net.info()["layers"][0]["codes"], net.info()["layers"][0]["bits"]) == (
        "wide",
        8 * bytes_,
    )
    assert net.info()["file_bytes"] <= 1.03 * (bytes_ * n * n + 8 * n)
    np.testing.assert_array_equal(format.read(tmp_path / "n.qxr").layers[0].codes, codes)
    x = np.random.default_rng(1).normal(size=(3, n))
    close = net.rounding_bound(float(np.abs(x).max()))
    assert np.abs(net(x) - (x @ weights.astype(float).T + np.arange(n) / 8)).max() <= 2 * close


def test_a_small_layer_on_reals_carries_no_book(tmp_path):
    codes = np.arange(-500, 500, 77)[:, None]  # 13 distinct codes: 4 bits each, and the book
    rt.save(tmp_path / "s.qxr", rt.NetworkData((1,), (rt.LayerData("dense", codes=codes),)))
    many = np.tile(codes, (1, 50))
    rt.save(tmp_path / "m.qxr", rt.NetworkData((50,), (rt.LayerData("dense", codes=many),)))
    kinds = [rt.load(tmp_path / f"{k}.qxr").info()["layers"][0] for k in "sm"]
    assert [(k["codes"], k["bits"]) for k in kinds] == [("wide", 32), ("book", 4)]


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "n.qxr"
    good = rt.NetworkData((1,), (rt.LayerData("dense", codes=np.array([[1]])),))
    rt.save(path, good)
    before = path.read_bytes()
    huge = rt.LayerData("dense", codes=np.array([[1]]), scale=Fraction(10) ** 400)
    with pytest.raises(ValueError, match="range of doubles"):
        rt.save(path, rt.NetworkData((1,), (huge,)))
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["n.qxr"]


def test_the_notes_are_kept_and_the_data_are_plain(tmp_path):
    notes = {"digest": "ab", "provenance": "a test, ε", "counts": {"weights": 1}}
    layer = rt.LayerData("dense", codes=np.array([[1]]))
    rt.save(tmp_path / "n.qxr", rt.NetworkData((1,), (layer,), None, notes))
    net = rt.load(tmp_path / "n.qxr")
    assert net.notes == notes
    assert json.dumps(net.info())  # plain values
    info = net.info()
    assert info["file_bytes"] == (tmp_path / "n.qxr").stat().st_size
    assert info["layers"][0]["codes"] == "binary"


def test_operations_and_shapes_are_counted(tmp_path):
    layers = (
        rt.LayerData("conv2d", codes=np.ones((4, 1, 3, 3), int), padding=(1, 1), groups=2),
        rt.LayerData("max_pool2d", kernel=(2, 2), stride=(2, 2)),
        rt.LayerData("flatten"),
        rt.LayerData("dense", codes=np.ones((3, 24), int)),
    )
    rt.save(tmp_path / "n.qxr", rt.NetworkData((2, 4, 6), layers))
    info = rt.load(tmp_path / "n.qxr").info()
    assert [layer["shape"] for layer in info["layers"]] == [[4, 4, 6], [4, 2, 3], [24], [3]]
    counts = [layer.get("multiply_accumulates") for layer in info["layers"]]
    assert counts == [4 * 4 * 6 * 9, None, None, 3 * 24]
    assert info["multiply_accumulates"] == 4 * 4 * 6 * 9 + 3 * 24
    assert info["weights"] == 4 * 9 + 3 * 24


def test_a_shape_that_is_none_and_a_folder_that_is_missing(tmp_path):
    layer = rt.LayerData("dense", codes=np.array([[1]]))
    for shape in (1, (1.5,), (), (0,), (1, 2)):
        with pytest.raises(ValueError, match="input_shape must be"):
            rt.NetworkData(shape, (layer,))
    path = tmp_path / "none" / "n.qxr"
    with pytest.raises(FileNotFoundError) as caught:
        rt.save(path, rt.NetworkData((1,), (layer,)))
    assert caught.value.filename == str(path)
