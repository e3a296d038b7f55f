"""Products equal a NumPy reference, on every instruction set and for every size."""

import numpy as np
import pytest
import qexpr_runtime as rt
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_reference import SEEDS, SHAPES, codes_of, signs, unaligned
from qexpr_runtime import _core

quick = settings(max_examples=25, deadline=None)


def on_every_isa(compute):
    """The result of `compute` on each instruction set; they must not differ in a bit."""
    before = rt.isa()
    results = []
    try:
        for name in rt.available():
            _core.select(name)
            results.append(compute())
    finally:
        _core.select(before)
    for other in results[1:]:
        assert other.dtype == results[0].dtype
        assert other.tobytes() == results[0].tobytes()
    return results[0]


@quick
@given(SHAPES, SEEDS, st.sampled_from(["binary", "ternary", "int8"]))
def test_signs_times_packed_weights(shape, seed, kind):
    m, n, k = shape
    rng = np.random.default_rng(seed)
    values = {"binary": [-1, 1], "ternary": [-1, 0, 1], "int8": [-128, 3, 127]}[kind]
    w = rng.choice(values, (n, k))
    x = rng.choice(np.array([-2.5, -1e-30, -0.0, 0.0, 3.0], dtype=np.float32), (m, k))
    packed = rt.pack(w, kind)
    y = on_every_isa(lambda: rt.gemm(x, packed, "binary"))
    np.testing.assert_array_equal(y, signs(x) @ w.T)
    np.testing.assert_array_equal(rt.gemm(rt.pack(x, "binary"), packed), y)
    np.testing.assert_array_equal(rt.gemm(x.astype(np.float64), packed, "binary"), y)


@quick
@given(SHAPES, SEEDS, st.sampled_from(["binary", "ternary", "k-bit"]))
def test_ternary_activations(shape, seed, kind):
    m, n, k = shape
    rng = np.random.default_rng(seed)
    w = rng.choice([-1, 1] if kind == "binary" else [-1, 0, 1], (n, k))
    x = rng.integers(-1, 2, (m, k))
    packed = rt.pack(w, kind, bits=2, grid="signed") if kind == "k-bit" else rt.pack(w, kind)
    y = on_every_isa(lambda: rt.gemm(x, packed, "ternary"))
    np.testing.assert_array_equal(y, x @ w.T)
    np.testing.assert_array_equal(on_every_isa(lambda: rt.gemm(rt.pack(x, "ternary"), packed)), y)


@quick
@given(
    SHAPES,
    SEEDS,
    st.integers(1, 7),
    st.sampled_from(["unsigned", "signed", "odd"]),
    st.integers(1, 8),
)
def test_k_bit_weights_times_k_bit_activations(shape, seed, bits, grid, activation_bits):
    m, n, k = shape
    rng = np.random.default_rng(seed)
    w = codes_of(rng, bits, grid, (n, k))
    x = rng.integers(0, 2**activation_bits, (m, k))
    packed = rt.pack(w, "k-bit", bits=bits, grid=grid)
    np.testing.assert_array_equal(rt.unpack(packed), w)
    y = on_every_isa(lambda: rt.gemm(x, packed, "k-bit", bits=activation_bits))
    np.testing.assert_array_equal(y, x @ w.T)


@quick
@given(SHAPES, SEEDS, st.sampled_from(["binary", "ternary", "k-bit", "int8"]), st.booleans())
def test_eight_bit_activations(shape, seed, kind, signed):
    m, n, k = shape
    rng = np.random.default_rng(seed)
    x = rng.integers(-128, 128, (m, k)) if signed else rng.integers(0, 256, (m, k))
    if kind == "int8":
        w = rng.choice([-128, -127, -1, 0, 1, 127], (n, k))
    else:
        w = rng.choice([-1, 1] if kind == "binary" else [-1, 0, 1], (n, k))
    packed = rt.pack(w, kind, bits=2, grid="signed") if kind == "k-bit" else rt.pack(w, kind)
    y = on_every_isa(lambda: rt.gemm(x, packed, "int8" if signed else "uint8"))
    np.testing.assert_array_equal(y, x @ w.T)


@pytest.mark.parametrize("k", range(64))
def test_every_size_modulo_64_at_the_extremes(k):
    # All-extreme codes drive each counter to its largest value.
    w = np.ones((33, 1024 + k), dtype=np.int8)
    for kind, weight in (("binary", -1), ("ternary", -1), ("int8", -128), ("k-bit", 15)):
        options = {"bits": 4} if kind == "k-bit" else {}
        packed = rt.pack(w * np.int16(weight), kind, **options)
        for activations, value, extra in (
            ("int8", -128, {}), ("uint8", 255, {}), ("k-bit", 15, {"bits": 4}),
        ):  # fmt: skip
            x = np.full((2, 1024 + k), value)
            y = on_every_isa(
                lambda packed=packed, x=x, a=activations, e=extra: rt.gemm(x, packed, a, **e)
            )
            assert (y == value * weight * (1024 + k)).all()
        x = np.ones((2, 1024 + k), dtype=np.float32)
        y = on_every_isa(lambda packed=packed, x=x: rt.gemm(x, packed, "binary"))
        assert (y == weight * (1024 + k)).all()


@pytest.mark.parametrize("rows", [31, 32, 40, 65])
@pytest.mark.parametrize("kind", ["ternary", "k-bit"])
def test_many_rows(rows, kind):
    rng = np.random.default_rng(rows)
    for n, k in ((300, 513), (17, 4200), (64, 64)):
        bits = 4 if kind == "k-bit" else None
        w = rng.integers(-1, 2, (n, k)) if kind == "ternary" else rng.integers(0, 16, (n, k))
        packed = rt.pack(w, kind, bits=bits)
        x = rng.integers(-128, 128, (rows, k))
        np.testing.assert_array_equal(
            on_every_isa(lambda x=x, p=packed: rt.gemm(x, p, "int8")), x @ w.T
        )
        a = rng.integers(0, 16, (rows, k))
        np.testing.assert_array_equal(
            on_every_isa(lambda a=a, p=packed: rt.gemm(a, p, "k-bit", bits=4)), a @ w.T
        )


@quick
@given(SHAPES, SEEDS, st.sampled_from(["binary", "ternary"]), st.sampled_from(["32", "64"]))
def test_floats(shape, seed, kind, width):
    m, n, k = shape
    rng = np.random.default_rng(seed)
    w = rng.choice([-1, 1] if kind == "binary" else [-1, 0, 1], (n, k))
    x = (rng.standard_normal((m, k)) * 10.0 ** rng.integers(-8, 8, (m, k))).astype("f8")
    x = x.astype(f"float{width}")
    packed = rt.pack(w, kind)
    y = on_every_isa(lambda: rt.gemm(x, packed, f"float{width}"))
    reference = x.astype(np.float64) @ w.T
    size = np.abs(x.astype(np.float64)) @ np.abs(w).T
    # k/4 + 4 additions at most lie on the way of any term
    unit = 2.0**-24 if width == "32" else 2.0**-52
    assert (np.abs(y - reference) <= (k / 4 + 4) * unit * size).all()


def test_floats_that_are_integers_are_exact(isa):
    rng = np.random.default_rng(5)
    x = rng.integers(-100, 100, (9, 301)).astype(np.float32)
    for kind, values in (("binary", [-1, 1]), ("ternary", [-1, 0, 1])):
        w = rng.choice(values, (70, 301))
        np.testing.assert_array_equal(rt.gemm(x, rt.pack(w, kind), "float32"), x @ w.T)


@pytest.mark.parametrize("activations", ["binary", "int8", "float32", "float64"])
@pytest.mark.parametrize("kind", ["binary", "ternary"])
def test_results_do_not_depend_on_threads_or_layout(isa, activations, kind):
    rng = np.random.default_rng(3)
    w = rng.choice([-1, 1], (45, 203))
    packed = rt.pack(w, kind)
    x = rng.integers(-128, 128, (77, 203))
    x = x.astype(activations if activations != "binary" else np.float32)
    one = rt.gemm(x, packed, activations)
    for threads in (2, 3, 100):
        assert rt.gemm(x, packed, activations, threads=threads).tobytes() == one.tobytes()
    for other in (np.asfortranarray(x), np.repeat(x, 2, axis=1)[:, ::2], x[::-1][::-1],
                  unaligned(x)):  # fmt: skip
        assert rt.gemm(other, packed, activations).tobytes() == one.tobytes()


@pytest.mark.parametrize("kind", ["binary", "ternary", "k-bit", "int8"])
def test_packed_codes_round_trip(kind):
    rng = np.random.default_rng(8)
    for shape in ((0, 5), (5, 0), (1, 1), (33, 65), (7, 8)):
        w = rng.choice([-1, 1], shape) if kind == "binary" else rng.integers(-1, 2, shape)
        if kind == "k-bit":
            w = np.abs(w)
        packed = rt.pack(w, kind, bits=3 if kind == "k-bit" else None)
        np.testing.assert_array_equal(rt.unpack(packed), w)
        planes = {"binary": 1, "ternary": 2, "k-bit": 3}.get(kind)
        if planes:
            assert packed.nbytes == planes * shape[0] * -(-shape[1] // 8)
            again = rt.from_planes(packed.data, shape[1], kind, bits=packed.bits)
            np.testing.assert_array_equal(rt.unpack(again), w)
            assert again.data is packed.data


def test_binary_planes_are_those_of_packbits():
    x = np.random.default_rng(1).standard_normal((9, 77)).astype(np.float32)
    np.testing.assert_array_equal(
        rt.pack(x, "binary").data[0], np.packbits(x < 0, axis=1, bitorder="little")
    )


def test_bits_beyond_the_columns_are_ignored(isa):
    data = np.full((1, 3, 2), 0xFF, dtype=np.uint8)
    x = np.ones((2, 11), dtype=np.float32)
    assert (rt.gemm(x, rt.from_planes(data, 11, "binary"), "binary") == -11).all()
    assert (rt.gemm(x, rt.from_planes(data, 11, "binary"), "float32") == -11).all()
    wide = rt.from_planes(data, 11, "binary")
    assert (rt.gemm(wide, rt.pack(np.ones((4, 11)), "binary")) == -11).all()
