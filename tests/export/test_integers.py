"""Residual levels, half waves, powers of two and XNOR-Net's K run packed, in integers where they
are integers, and give what the exact evaluator gives."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
import qexpr_runtime as rt
from hypothesis import given, settings
from hypothesis import strategies as st

from qexpr.export import read_packed, write_packed
from qexpr.networks import (
    Activate,
    Conv2d,
    Dense,
    Flatten,
    MaxPool2d,
    Multiply,
    QuantizedNetwork,
    Relu,
    Steps,
    sign,
)


def residual(gammas):
    """Residual levels: r_0 = x, r_(e+1) = r_e - gamma_e sign(r_e), as a step function."""
    sizes = [Fraction(float(np.float32(g))) for g in gammas]
    sums, thresholds = [Fraction(0)], set()
    for size in sizes:
        thresholds.update(sums)
        sums = [s + e * size for s in sums for e in (-1, 1)]

    def value(x):
        rest = x
        for size in sizes:
            rest -= size if rest >= 0 else -size
        return x - rest

    ordered = tuple(sorted(thresholds))
    return Steps(ordered, (value(ordered[0] - 1), *map(value, ordered)))


def logarithmic(bits, base=2.0, top=1):
    """0 and powers of the base, 2^bits - 1 of them below 2^top."""
    root = Fraction(2.0**0.5)
    exponents = range(-(2 ** (bits + 1)), 9)
    if base == 2:
        powers = [Fraction(2) ** e for e in exponents]
    else:
        powers = [Fraction(2) ** (e // 2) * (root if e % 2 else 1) for e in exponents]
    powers = [p for p in powers if p <= 2**top][-(2**bits - 1) :]
    middles = [(a + b) / 2 for a, b in itertools.pairwise([Fraction(0), *powers])]
    return Steps(tuple(middles), (Fraction(0), *powers))


HALF_WAVE = Steps(
    (Fraction(0), Fraction(0.65), Fraction(1.45)),
    (Fraction(0), Fraction(0.31771637), Fraction(1.00010605), Fraction(1.89359481)),
    (False, False, False),
)
ACTIVATIONS = {
    "residual 2": residual([0.7123, 0.3001]),
    "residual 3": residual([0.7123, 0.3001, 0.09]),
    "residual crossed": residual([0.2, 0.5]),
    "half wave": HALF_WAVE,
    "log 3": logarithmic(3),
    "log 4": logarithmic(4),
    "log sqrt 2": logarithmic(4, 2**0.5),
}
THIRD = Fraction(1, 3)


def draw_codes(kind, rng, shape):
    if kind == "binary":
        return rng.choice([-1, 1], shape)
    if kind == "ternary":
        return rng.integers(-1, 2, shape)
    if kind == "signed":
        return rng.integers(-8, 8, shape)
    powers = 2 ** rng.integers(0, {"log": 15, "wide log": 31}[kind], shape)
    return rng.choice([-1, 0, 1], shape) * powers


def packed(tmp_path, net):
    path = tmp_path / "n.qxr"
    write_packed(path, net)
    assert read_packed(path).digest() == net.digest()
    return rt.load(path)


def held_to_the_exact_values(net, file, x, x_max=8.0):
    wanted = np.array(net.evaluate_exact(x.tolist()), dtype=object).reshape(len(x), -1)
    for isa, dtype in itertools.product(rt.available(), ("float64", "float32")):
        before = rt.isa()
        rt._core.select(isa)
        try:
            got = file(x, dtype=dtype).reshape(len(x), -1)
        finally:
            rt._core.select(before)
        bound = file.rounding_bound(x_max, input_bits=2, dtype=dtype)
        assert bound < 1e-2
        errors = [
            abs(Fraction(float(a)) - b) for a, b in zip(got.ravel(), wanted.ravel(), strict=True)
        ]
        assert max(errors) <= bound


@pytest.mark.parametrize("act", sorted(ACTIVATIONS))
@pytest.mark.parametrize("kind", ["binary", "ternary", "signed", "log", "wide log"])
@pytest.mark.parametrize("rows", [3, 40])
def test_dense_layers_of_digits_are_exact(tmp_path, act, kind, rows):
    rng = np.random.default_rng(rows)
    steps = ACTIVATIONS[act]
    scales = tuple(THIRD * int(k) / 2**20 for k in rng.integers(-3, 4, rows))
    if "log" not in kind:
        scales = tuple(2**20 * s / 8 for s in scales)
    bias = tuple(Fraction(int(k), 7) for k in rng.integers(-9, 10, rows))
    net = QuantizedNetwork((21,), (
        Activate(activation=steps),
        Dense(draw_codes(kind, rng, (rows, 21)), scales, bias, activation=steps),
        Dense(draw_codes(kind, rng, (4, rows)), THIRD / 2**25, bias[:1] * 4),
    ))  # fmt: skip
    file = packed(tmp_path, net)
    layers = file.info()["layers"][1:]
    assert [layer["sums"] for layer in layers] == ["integer"] * 2
    assert {layer["codes"] for layer in layers} <= {kind, "book", "signed"}
    if "log" in kind:
        assert max(layer["bits"] for layer in layers) <= 6
    held_to_the_exact_values(net, file, rng.integers(-16, 17, (9, 21)) / 4)


@pytest.mark.parametrize("act", sorted(ACTIVATIONS))
@pytest.mark.parametrize(("kind", "pad"), [("binary", 0), ("binary", 1), ("log", 0)])
@pytest.mark.parametrize("channels", [3, 7, 16])
def test_convolutions_of_digits_are_exact(tmp_path, act, kind, pad, channels):
    rng = np.random.default_rng(5)
    steps = ACTIVATIONS[act]
    codes = draw_codes(kind, rng, (12, channels, 3, 2))
    scale = Fraction(1, 5) / (2**10 if kind == "log" else 4)
    net = QuantizedNetwork((channels, 5, 6), (
        Activate(activation=steps),
        Conv2d(codes, scale, (THIRD,) * 12, padding=(1, 1), stride=(1, 2), padding_value=pad,
               activation=steps),
        MaxPool2d(kernel=(2, 2), stride=(1, 1)),
        Flatten(),
        Dense(rng.choice([-1, 1], (3, 12 * 4 * 3)), Fraction(1, 9)),
    ))  # fmt: skip
    file = packed(tmp_path, net)
    assert [layer["sums"] for layer in file.info()["layers"][1:]] == ["integer"] * 4
    held_to_the_exact_values(net, file, rng.integers(-16, 17, (3, channels * 30)) / 4)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.fractions(-3, 3, max_denominator=10**9), min_size=2, max_size=9, unique=True),
       st.booleans(), st.integers(0, 2**32 - 1))  # fmt: skip
def test_any_few_values_are_summed_exactly(tmp_path_factory, values, wide, seed):
    rng = np.random.default_rng(seed)
    steps = Steps(tuple(map(Fraction, range(len(values) - 1))), tuple(values))
    weights = rng.choice([3, -(2**40) - 1, 2**30], (6, 9)) if wide else rng.integers(-7, 8, (6, 9))
    net = QuantizedNetwork((9,), (
        Activate(activation=steps), Dense(weights, Fraction(1, 2**40), activation=sign()),
        Dense(rng.choice([-1, 1], (2, 6))),
    ))  # fmt: skip
    file = packed(tmp_path_factory.mktemp("q"), net)
    x = rng.integers(-2, 10, (4, 9)) / 2
    if file.info()["layers"][1]["sums"] == "integer":
        wanted = [[float(v) for v in row] for row in net.evaluate_exact(x.tolist())]
        np.testing.assert_array_equal(file(x), wanted)


def k_network(rng, shape, size, stride, padding):
    """x -> sign(x) conv binary, times K, plus a layer that reads the product."""
    c = shape[0]
    eye = np.eye(c, dtype=np.int64)
    both = np.concatenate([eye, -eye])
    ones = np.ones((1, 2 * c), dtype=np.int64)
    if len(shape) == 1:
        return QuantizedNetwork(shape, (
            Dense(both, activation=Relu(), source="input"),
            Dense(ones, Fraction(1, c), name="k"),
            Activate(source="input", activation=sign()),
            Dense(rng.choice([-1, 1], (1, c)), Fraction(3, 7)),
            Multiply(other="k"),
        ))  # fmt: skip
    return QuantizedNetwork(shape, (
        Conv2d(both[:, :, None, None], activation=Relu(), source="input"),
        Conv2d(np.ones((1, 2 * c, size, size), dtype=np.int64), Fraction(1, c * size * size),
               stride=stride, padding=padding, name="k"),
        Activate(source="input", activation=sign()),
        Conv2d(rng.choice([-1, 1], (9, c, size, size)), Fraction(3, 7), stride=stride,
               padding=padding),
        Multiply(other="k"),
        Conv2d(np.ones((9, 1, 1, 1), dtype=np.int64), Fraction(2, 3), (THIRD,) * 9, groups=9),
    ))  # fmt: skip


@pytest.mark.parametrize(("shape", "size", "stride", "padding"), [
    ((5,), 1, 1, 0), ((5, 4, 6), 3, 1, 1), ((8, 5, 5), 3, 2, 0), ((1, 4, 4), 2, 1, 1)])  # fmt: skip
def test_k_is_one_layer_without_weights(tmp_path, shape, size, stride, padding):
    rng = np.random.default_rng(2)
    net = k_network(rng, shape, size, stride, padding)
    file = packed(tmp_path, net)
    layers = file.info()["layers"]
    assert layers[0]["op"] == "mean_abs"
    assert len(layers) == len(net.layers) - 1
    assert "weights" not in layers[0]
    assert layers[2]["sums"] == "integer"
    held_to_the_exact_values(net, file, rng.integers(-16, 17, (5, int(np.prod(shape)))) / 4)


def test_what_is_almost_k_stays_as_it_is(tmp_path):
    rng = np.random.default_rng(2)
    right = k_network(rng, (3, 4, 4), 3, 1, 1)
    box = right.layers[1]
    for wrong in (
        Conv2d(box.codes, Fraction(1, 26), padding=1, name="k"),
        Conv2d(2 * box.codes, box.scale, padding=1, name="k"),
        Conv2d(box.codes, box.scale, padding=1, padding_value=1, name="k"),
        Conv2d(box.codes, box.scale, (Fraction(1),), padding=1, name="k"),
    ):
        net = QuantizedNetwork((3, 4, 4), (right.layers[0], wrong, *right.layers[2:]))
        file = packed(tmp_path, net)
        assert file.info()["layers"][0]["op"] == "conv2d"
        held_to_the_exact_values(net, file, rng.integers(-16, 17, (5, 48)) / 4)
