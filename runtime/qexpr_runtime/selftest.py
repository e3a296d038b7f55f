"""The installed self-test: every kernel that this machine can run, against NumPy's integers."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from qexpr_runtime import _core
from qexpr_runtime.circuit import SparseCircuit
from qexpr_runtime.convolution import conv2d, pack_conv
from qexpr_runtime.data import ActivationData, CircuitData, LayerData, NetworkData
from qexpr_runtime.errors import FormatError
from qexpr_runtime.logarithms import shift_gemm
from qexpr_runtime.machine import available, isa
from qexpr_runtime.network import load, save
from qexpr_runtime.packing import pack, unpack
from qexpr_runtime.products import gemm
from qexpr_runtime.thresholds import fold

__all__ = ["self_test"]

_SIZES = ((1, 1, 1), (3, 5, 63), (5, 33, 64), (9, 17, 65), (4, 40, 129), (17, 70, 300))


def _weights(
    rng: np.random.Generator,
) -> Iterator[tuple[str, dict[str, Any], Callable[[int, int], Any]]]:
    yield "binary", {}, lambda n, k: rng.choice([-1, 1], (n, k))
    yield "ternary", {}, lambda n, k: rng.integers(-1, 2, (n, k))
    yield "int8", {}, lambda n, k: rng.integers(-128, 128, (n, k))
    for bits in range(1, 8):
        for grid in ("unsigned", "signed", "odd"):

            def draw(n: int, k: int, bits: int = bits, grid: str = grid) -> Any:
                codes = rng.integers(0, 2**bits, (n, k))
                if grid == "signed":
                    return codes - 2 ** (bits - 1)
                return 2 * codes - (2**bits - 1) if grid == "odd" else codes

            yield "k-bit", {"bits": bits, "grid": grid}, draw


def _products(rng: np.random.Generator) -> int:
    count = 0
    for kind, options, draw in _weights(rng):
        for m, n, k in _SIZES:
            w = draw(n, k)
            packed = pack(w, kind, **options)
            _equal(unpack(packed), w, f"packing of {kind} {options}")
            for name, x in (
                ("binary", rng.choice([-1, 1], (m, k))),
                ("ternary", rng.integers(-1, 2, (m, k))),
                ("int8", rng.integers(-128, 128, (m, k))),
                ("uint8", rng.integers(0, 256, (m, k))),
            ):
                given = x.astype(np.float32) if name == "binary" else x
                _equal(gemm(given, packed, name), x @ w.T, f"{kind} {options} x {name}")
                count += 1
            if kind in ("binary", "ternary"):
                for dtype in ("float32", "float64"):
                    x = rng.integers(-99, 100, (m, k)).astype(dtype)
                    _equal(gemm(x, packed, dtype), x @ w.T.astype(dtype), f"{kind} x {dtype}")
                    count += 1
    return count


def _convolutions(rng: np.random.Generator) -> int:
    for kind, channels in (("binary", 16), ("ternary", 3), ("int8", 5)):
        w = rng.choice([-1, 1], (4, channels, 3, 3))
        x = rng.choice([-1, 1], (2, channels, 6, 5))
        padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
        wanted = np.einsum("ncijab,ocab->noij", windows, w)
        got = conv2d(x.astype(np.float32), pack_conv(w, kind), "binary", padding=1)
        _equal(got, wanted, f"convolution of {kind} weights")
    return 3


def _others(rng: np.random.Generator) -> int:
    w, e = rng.integers(-8, 8, (5, 37)), rng.integers(0, 12, (4, 37))
    sign = rng.integers(-1, 2, (4, 37))
    sums, least = shift_gemm(e, sign, w)
    _equal(sums * 2**least, (sign * 2**e) @ w.T, "products by shifts")
    y = rng.integers(-50, 50, (6, 3)).astype(np.int32)
    slopes = [Fraction(1, 3), Fraction(-2, 7), Fraction(0)]
    codes = fold(slopes, [Fraction(1, 2)] * 3, [Fraction(-1), Fraction(2)])(y)
    z = [[Fraction(int(v)) * s + Fraction(1, 2) for v, s in zip(row, slopes, strict=True)]
         for row in y]  # fmt: skip
    _equal(codes, np.array([[(v >= -1) + (v >= 2) for v in row] for row in z]), "thresholds")
    circuit = SparseCircuit(
        2, np.array([0, 1, 2]), np.array([0, 1, 2, 3, 4]), np.array([0, 1, 2, 1], np.uint32),
        np.array([0.5, 2.0]), np.array([0.25, -1.0]), np.array([1, 0], np.uint8),
        np.array([3], np.uint32),
    )  # fmt: skip
    x = rng.integers(-8, 9, (70, 2)) / 4
    unit = np.maximum(0.25 + 0.5 * (x[:, 0] - x[:, 1]), 0)
    for dtype in ("float64", "float32"):
        _equal(circuit(x, dtype=dtype)[:, 0], -1 + 2 * (unit - x[:, 1]), "a sparse circuit")
    knots = np.arange(100) / 4  # ramps, every second one subtracted: a wide sum, mostly of zeros
    wide = SparseCircuit(
        1, np.arange(102), np.r_[np.repeat(np.arange(101), 2)[1:], 150, 200],
        np.r_[np.zeros(100), np.arange(1, 101, 2), np.arange(2, 101, 2)].astype(np.uint32),
        np.ones(101), np.r_[-knots, 0], np.r_[np.ones(100), 0].astype(np.uint8),
        np.array([101], np.uint32),
    )  # fmt: skip
    line = np.arange(-20, 300)[:, None] / 8
    ramps = np.maximum(line - knots, 0)
    for dtype in ("float64", "float32"):
        sums = ramps[:, ::2].sum(axis=1) - ramps[:, 1::2].sum(axis=1)
        _equal(wide(line, dtype=dtype)[:, 0], sums, "a wide sum")
    return 5


def _files(rng: np.random.Generator) -> int:
    half = Fraction(1, 2)
    sign = ActivationData("steps", thresholds=(0,), values=(-1, 1))
    network = NetworkData(
        (5,),
        (
            LayerData("activate", activation=sign),
            LayerData("dense", codes=rng.choice([-1, 1], (70, 5)), activation=sign),
            LayerData("dense", codes=rng.integers(-1, 2, (33, 70)), scale=half,
                      activation=ActivationData("relu")),
            LayerData("dense", codes=rng.integers(-3, 4, (2, 33)), bias=(half, -half)),
        ),
    )  # fmt: skip
    x = rng.integers(-4, 5, (40, 5)).astype(np.float64)
    h = np.where(x < 0, -1, 1) @ network.layers[1].codes.T
    h = np.maximum(np.where(h < 0, -1, 1) @ network.layers[2].codes.T * 0.5, 0)
    wanted = h @ network.layers[3].codes.T + [0.5, -0.5]
    circuit = CircuitData(1, 2, np.array([0, 1, 2]), np.array([2, 2, 3]), np.array([1, 0, 0]),
                          (-half, half))  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "test.qxr"
        save(path, network)
        _equal(load(path)(x), wanted, "a packed network")
        whole = path.read_bytes()
        path.write_bytes(whole[:-1])
        try:
            load(path)
        except FormatError:
            pass
        else:
            raise AssertionError("a truncated file was read")
        save(path, circuit)
        net = load(path)
        _equal(net(x[:, :1]), -0.5 * np.maximum(0.5 * x[:, 0] - 0.5, 0), "a packed circuit")
    return 3


def _digits(rng: np.random.Generator) -> int:
    """Residual levels against weights that are signs, and powers of two against such."""
    g = [Fraction(3, 4), Fraction(5, 2**30)]
    sums = (-g[0] - g[1], g[1] - g[0], g[0] - g[1], g[0] + g[1])
    levels = ActivationData("steps", thresholds=(-g[0], 0, g[0]), values=sums)
    powers = ActivationData("steps", thresholds=tuple(range(15)),
                            values=(0, *(2**k for k in range(15))))  # fmt: skip
    shifts = rng.choice([-1, 1], (40, 33)) * 2 ** rng.integers(0, 15, (40, 33))
    count = 0
    for act, codes in ((levels, rng.choice([-1, 1], (40, 33))), (powers, shifts)):
        network = NetworkData(
            (33,),
            (LayerData("activate", activation=act), LayerData("dense", codes=codes)),
        )
        x = rng.integers(-2, 17, (20, 33)) * 0.75
        passed = np.digitize(x, [float(t) for t in act.thresholds])
        exact = np.array(act.values, dtype=object)[passed] @ codes.T.astype(object)
        with tempfile.TemporaryDirectory() as folder:
            save(Path(folder) / "test.qxr", network)
            net = load(Path(folder) / "test.qxr")
        if net.info()["layers"][1]["sums"] != "integer":
            raise AssertionError("a layer of digits does not sum integers")
        _equal(net(x), exact.astype(np.float64), "a layer of digits")
        count += 1
    return count


def _equal(got: Any, wanted: Any, what: str) -> None:
    if got.shape != np.shape(wanted) or not (got == wanted).all():
        raise AssertionError(f"{what} differs from its reference on {isa()} kernels")


def self_test(report: Callable[[str], None]) -> bool:
    """Run every check on every instruction set; a line each. True if all are right."""
    chosen, fine = isa(), True
    try:
        for name in available():
            _core.select(name)
            rng = np.random.default_rng(20)
            for title, check in (
                ("products", _products),
                ("convolutions", _convolutions),
                ("shifts, thresholds, circuits", _others),
                ("packed files", _files),
                ("packed layers of digits", _digits),
            ):
                try:
                    report(f"{name:8s}{title}: {check(rng)} checks, all equal")
                except AssertionError as error:
                    report(f"{name:8s}{title}: FAILED: {error}")
                    fine = False
    finally:
        _core.select(chosen)
    return fine
