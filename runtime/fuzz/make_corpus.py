"""Writes the corpus: small packed files that between them reach every branch of the reader."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import qexpr_runtime as rt


def _steps(thresholds: list[Fraction], values: list[Fraction]) -> rt.ActivationData:
    return rt.ActivationData("steps", thresholds=tuple(thresholds), values=tuple(values))


def corpus() -> dict[str, rt.NetworkData | rt.CircuitData]:
    """The files by name."""
    rng = np.random.default_rng(6)
    half, layer = Fraction(1, 2), rt.LayerData
    relu = rt.ActivationData("relu")
    sign = _steps([Fraction(0)], [Fraction(-1), Fraction(1)])
    two_bits = _steps([half, 3 * half, 5 * half], [Fraction(k, 3) for k in range(4)])
    uneven = _steps([Fraction(0)], [Fraction(-1, 3), Fraction(2, 7)])
    many = _steps([Fraction(k, 10) for k in range(20)], [Fraction(k * k, 7) for k in range(21)])

    levels = [Fraction(a, 7) + Fraction(b, 1999) for a in (-1, 1) for b in (-1, 1)]
    residual = _steps([Fraction(-1, 7), Fraction(0), Fraction(1, 7)], levels)
    powers = [Fraction(0), *(Fraction(1, 2**k) for k in range(14, -1, -1))]
    log = _steps([Fraction(k, 9) for k in range(15)], powers)

    def draw(lo: int, hi: int, *shape: int) -> Any:
        return rng.integers(lo, hi, shape)

    def signs(*shape: int) -> Any:
        return 2 * draw(0, 2, *shape) - 1

    def dense(n: int, k: int, lo: int, hi: int, **options: Any) -> rt.LayerData:
        return layer("dense", codes=draw(lo, hi, n, k), **options)

    def conv(codes: Any, **options: Any) -> rt.LayerData:
        return layer("conv2d", codes=codes, **options)

    return {
        "relu": rt.NetworkData((2,), (
            dense(32, 2, -1, 2, scale=half, bias=[half] * 32, activation=relu),
            dense(17, 32, -1, 2, scale=[Fraction(k, 3) for k in range(17)], activation=relu),
            dense(1, 17, -3, 4))),
        "binary": rt.NetworkData((9,), (
            layer("activate", activation=sign),
            layer("dense", codes=signs(32, 9), activation=sign),
            layer("dense", codes=signs(5, 32), scale=Fraction(1, 3), activation=two_bits),
            dense(3, 5, 0, 16, activation=rt.ActivationData("clip", -half, half)))),
        "images": rt.NetworkData((8, 5, 4), (
            layer("activate", activation=sign),
            conv(signs(32, 8, 3, 3), padding=(1, 1), activation=two_bits),
            layer("max_pool2d", kernel=(2, 2), stride=(1, 1)),
            conv(draw(-2, 3, 4, 16, 2, 1), groups=2, padding=(0, 1), activation=many),
            layer("avg_pool2d", kernel=(2, 2), stride=(2, 2), activation=uneven),
            layer("flatten"),
            dense(2, 4 * 1 * 2, -90, 128))),
        "joined": rt.NetworkData((3,), (
            dense(3, 3, -7, 8, activation=relu),
            layer("add", other=-1),
            layer("multiply", other=0, activation=many),
            dense(16, 3, -200, 201, activation=uneven),
            layer("dense", codes=2 * draw(0, 4, 2, 16) - 3))),
        "bytes": rt.NetworkData((1, 4, 4), (
            conv(draw(-100, 101, 16, 1, 2, 2), activation=relu),
            layer("flatten"),
            dense(16, 144, -1, 2)), input_rule=(Fraction(1, 255), Fraction(0))),
        "residual": rt.NetworkData((9,), (
            layer("activate", activation=residual),
            layer("dense", codes=signs(32, 9), scale=Fraction(2, 3), activation=residual),
            layer("dense", codes=signs(5, 32), bias=[Fraction(1, 3)] * 5, activation=residual),
            dense(2, 5, -1, 2))),
        "logarithms": rt.NetworkData((6,), (
            layer("activate", activation=log),
            layer("dense", codes=signs(17, 6) * 2 ** draw(0, 12, 17, 6), activation=log),
            layer("dense", codes=signs(2, 17) * 2 ** draw(0, 30, 2, 17), activation=log),
            layer("dense", codes=signs(2, 2) * 2**34 + 1, scale=half))),
        "scaled": rt.NetworkData((6, 5, 4), (
            layer("mean_abs", source=-1, kernel=(3, 3), padding=(1, 1)),
            layer("activate", source=-1, activation=residual),
            conv(signs(9, 6, 3, 3), padding=(1, 1), padding_value=1),
            layer("multiply", other=0),
            layer("activate", activation=log),
            conv(signs(8, 9, 2, 2) * 2 ** draw(0, 9, 8, 9, 2, 2), activation=sign),
            layer("max_pool2d", kernel=(2, 2), stride=(2, 1)),
            conv(signs(2, 8, 2, 1), scale=Fraction(1, 3)))),
        "circuit": rt.CircuitData(
            2, 4, np.array([0, 1, 2, 1, 3, 0, 3, 4, 5]), np.array([3, 3, 3, 4, 4, 5, 5, 6, 6]),
            np.array([0, 3, 1, 2, 2, 3, 0, 1, 3]),
            (-half, -Fraction(1, 4), Fraction(1, 8), half), np.array([1, 4]), {"plan": {}}),
        "floats": rt.NetworkData((3,), (
            dense(33, 3, -(2**23), 2**23, scale=half, activation=relu),
            dense(2, 33, -(2**50), 2**50, activation=relu),
            layer("dense", codes=draw(-9, 9, 2, 2).astype(object) * 3**50))),
        "wide": _wide(rng, 130, 3),
    }  # fmt: skip


def _wide(rng: np.random.Generator, narrow: int, readers: int) -> rt.CircuitData:
    """Units of two sources, and some that read nearly all units: their sums run in pieces."""
    pairs = []
    for node in range(2, 2 + narrow + readers + 1):
        unit = node - 2
        if unit < narrow:
            sources = rng.choice(node + 1 if unit else 3, 2, replace=False).tolist()
        else:
            sources = (2 + np.flatnonzero(rng.integers(0, 8, node - 1))).tolist()
        pairs += [(source, node + 1) for source in sorted(sources)]
    sources, targets = np.array(pairs).T
    quarter = Fraction(1, 4)
    return rt.CircuitData(2, narrow + readers + 1, sources, targets,
                          rng.integers(0, 4, len(pairs)),
                          (-1, -quarter, quarter, 1))  # fmt: skip


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in corpus().items():
        rt.save(folder / f"{name}.qxr", data)
