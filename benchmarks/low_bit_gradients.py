"""Do low-bit gradients make the backward pass cheaper on the packed kernels?

The two backward products of a dense layer, dX = dY W and dW = dY' X, with gradients of k bits
(DoReFa) or logarithmic ones (5 bits, base sqrt 2), against PyTorch's float32 on the same work. One
thread, in turns, CPU time. "all" starts from the float32 gradient and ends with a float32 result:
noise and rounding, transposing and packing of both factors, the integer product, scaling.
"product" is the kernel on packed factors and the scaling, "pack" what comes before it. Every
result is checked against float64 products of the quantized values.

DoReFa's gradient has one maximum for each sample. In dX that scales a row; in dW the samples are
summed over, so that the maxima do not leave the sum and no integer product exists: the rows of dW
take one maximum for the batch, and say so.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from record import alternate, one_thread, write

one_thread()

import numpy as np  # noqa: E402
import qexpr_runtime as rt  # noqa: E402
from runtime_peers import in_both_settings, torch_linear  # noqa: E402

SHAPES = [(64, 64, 64), (128, 256, 256), (256, 1024, 1024)]  # samples, outputs, inputs
BITS = [(1, 2, 6), (1, 2, 4), (2, 2, 4), (1, 1, 2)]  # of weights, activations, gradients
LOG_WORK = 2**24  # products, beyond which the kernels of logarithms take too long to be timed
Run = Callable[[], Any]
Array = np.ndarray[Any, Any]
Parts = dict[str, tuple[Run, Array | None]]  # each with the result that it has to give


def codes_of(dy: Array, bits: int, axis: int | None, rng: Any) -> tuple[Array, Array]:
    """DoReFa's codes u, 0 .. 2^bits - 1, and m: the gradient is m (2 u - top) / top."""
    top = np.float32(2**bits - 1)
    m = np.abs(dy).max(axis=axis, keepdims=True)
    y = dy * (top / (2 * m)) + (top / 2 + rng.random(dy.shape, dtype=np.float32))
    return np.clip(np.floor(y), 0, top).astype(np.uint8), m


def packed(values: Array, bits: int, odd: bool) -> rt.Packed:
    """The second factor, whose codes are odd (weights) or count from 0 (activations)."""
    if bits == 1 and odd:
        return rt.pack(values, "binary")
    return rt.pack(values, "k-bit", bits=bits, grid="odd" if odd else "unsigned")


def dorefa(dy: Array, factor: Array, bits: tuple[int, int], odd: bool, axis: int | None) -> Parts:
    """Contestants of one product dY F', F of codes; axis None: one maximum for all of dY.

    dX: dY as it is and F = W'. dW: dY' and F = X', both handed over transposed by `turned`.
    """
    gradient, other = bits
    top, below = 2**gradient - 1, 2**other - 1
    turned = axis is None
    rng = np.random.default_rng(5)
    u, m = codes_of(dy, gradient, axis, rng)

    def prepare() -> tuple[Any, ...]:
        rows, scale = codes_of(dy, gradient, axis, rng)
        matrix = packed(np.ascontiguousarray(factor.T), other, odd)
        sums = matrix_sums(factor)
        return np.ascontiguousarray(rows.T) if turned else rows, scale, matrix, sums

    def matrix_sums(codes: Array) -> Array:
        return codes.sum(axis=0, dtype=np.int32)

    def multiply(rows: Array, scale: Array, matrix: rt.Packed, sums: Array) -> Array:
        found = rt.gemm(rows, matrix, "k-bit", bits=gradient)
        return (2 * found - top * sums).astype(np.float32) * (scale / np.float32(top * below))

    ready = (
        np.ascontiguousarray(u.T) if turned else u,
        m,
        packed(np.ascontiguousarray(factor.T), other, odd),
        matrix_sums(factor),
    )
    left = (u.T if turned else u).astype(np.float64)
    scale = m if not turned else m.reshape(1, 1)
    want = (2 * left - top) @ (factor / below) * (scale.astype(np.float64) / top)
    return {
        "all": (lambda: multiply(*prepare()), None),
        "product": (lambda: multiply(*ready), want),
        "pack": (prepare, None),
    }


def log_codes(values: Array, bits: int, base: int) -> tuple[Array, Array]:
    """Exponents (in halves for base 4: sqrt 2) and signs, 0 below the window; full scale 1."""
    steps = 2 if base == 4 else 1
    with np.errstate(divide="ignore"):
        e = np.rint(steps * np.log2(np.abs(values)))
    e = np.minimum(e, -1)
    sign = np.where(e > -(2**bits), np.sign(values), 0).astype(np.int8)
    return np.where(sign != 0, e, 0).astype(np.int64), sign


def logarithmic(dy: Array, factor: Array, turned: bool) -> Parts:
    """Both factors in logarithms: gradients of 5 bits in base sqrt 2, the other 4 bits in base 2.

    Even and odd half exponents are two products, the second one times sqrt 2.
    """

    def prepare() -> tuple[Any, ...]:
        e, s = log_codes(dy.T if turned else dy, 5, 4)
        w, t = log_codes(np.ascontiguousarray(factor.T), 4, 2)
        odd = e & 1
        return (e >> 1), np.where(odd == 0, s, 0), np.where(odd == 1, s, 0), w, t

    def multiply(e: Array, even: Array, odd: Array, w: Array, t: Array) -> Array:
        (a, p), (b, q) = rt.log_gemm(e, even, w, t), rt.log_gemm(e, odd, w, t)
        return (a * 2.0**p + b * (2.0**q * 2**0.5)).astype(np.float32)

    ready = prepare()
    e, even, odd, w, t = ready
    left = 2.0**e * (even + odd * 2**0.5)
    return {
        "all": (lambda: multiply(*prepare()), None),
        "product": (lambda: multiply(*ready), left @ (2.0**w * t).T),
        "pack": (prepare, None),
    }


def shifted(dy: Array, codes: Array, turned: bool) -> Parts:
    """Gradients as above, the other factor of 8-bit integers: products are shifts."""

    def prepare() -> tuple[Any, ...]:
        e, s = log_codes(dy.T if turned else dy, 5, 4)
        odd = e & 1
        columns = np.ascontiguousarray(codes.T, dtype=np.int8)
        return (e >> 1), np.where(odd == 0, s, 0), np.where(odd == 1, s, 0), columns

    def multiply(e: Array, even: Array, odd: Array, columns: Array) -> Array:
        (a, p), (b, q) = rt.shift_gemm(e, even, columns), rt.shift_gemm(e, odd, columns)
        return (a * 2.0**p + b * (2.0**q * 2**0.5)).astype(np.float32)

    ready = prepare()
    e, even, odd, columns = ready
    left = 2.0**e * (even + odd * 2**0.5)
    return {
        "all": (lambda: multiply(*prepare()), None),
        "product": (lambda: multiply(*ready), left @ columns.T.astype(np.float64)),
        "pack": (prepare, None),
    }


def measure(m: int, n: int, k: int) -> list[dict[str, Any]]:
    """One row for each contestant of both products on one shape."""
    rng = np.random.default_rng(1)
    dy = rng.standard_normal((m, n)).astype(np.float32) / 8
    weights = rng.standard_normal((n, k)).astype(np.float32) / 4
    inputs = np.abs(rng.standard_normal((m, k))).astype(np.float32) / 2
    rows = []
    for name, left, right, turned in (
        ("dX = dY W", dy, weights, False),
        ("dW = dY' X", np.ascontiguousarray(dy.T), inputs, True),
    ):
        runs: dict[tuple[str, str], Run] = {}
        runs["float32", "torch"] = torch_linear(np.ascontiguousarray(right.T), left)
        kinds: dict[str, Parts] = {}
        for w, a, g in BITS:
            bits = a if turned else w
            codes = rng.integers(0, 2**bits, right.shape)
            codes = codes if turned else 2 * codes - (2**bits - 1)
            kinds[f"dorefa {w}/{a}/{g}"] = dorefa(
                dy, codes.astype(np.int8), (g, bits), not turned, None if turned else 1
            )
        if m * n * k <= LOG_WORK:
            kinds["log 5 x log 4"] = logarithmic(dy, right, turned)
            small = rng.integers(-127, 128, right.shape)
            kinds["log 5 x int8"] = shifted(dy, small, turned)
        for kind, parts in kinds.items():
            for part, (run, want) in parts.items():
                if want is not None:
                    np.testing.assert_allclose(
                        run(), want, rtol=1e-4, atol=1e-4 * np.abs(want).max()
                    )
                runs[kind, part] = run
        load = os.getloadavg()[0]
        named = {f"{kind}|{part}": run for (kind, part), run in runs.items()}
        times = alternate(named, rounds=7, warm_up=1, at_least=0.01, clock=time.process_time)
        for (kind, part), t in zip(runs, times.values(), strict=True):
            ratio = times["float32|torch"].median / t.median
            note = "one maximum for the batch" if turned and kind.startswith("dorefa") else ""
            rows.append(
                {
                    "product": name,
                    "samples": m,
                    "outputs": n,
                    "inputs": k,
                    "gradients": kind,
                    "part": part,
                    **t.row(),
                    "gmac_per_s": "" if part == "pack" else round(m * n * k / t.median * 1e-9, 2),
                    "load": round(load, 1),
                    "ratio_to_float32": round(ratio, 2),
                    "note": note,
                }
            )
        if m * n * k > LOG_WORK:
            blank = dict.fromkeys(rows[0], "") | {"product": name, "samples": m, "outputs": n}
            said = {
                "inputs": k,
                "gradients": "log",
                "note": "not timed: more than half a second a product",
            }
            rows.append(blank | said)
    return rows


def main() -> None:
    """Measure every shape in both settings and write the CSV."""
    if "--rows" in sys.argv:
        json.dump([row for shape in SHAPES for row in measure(*shape)], sys.stdout)
        return
    write("low_bit_gradients", in_both_settings(__file__), packages=("numpy", "torch"))


if __name__ == "__main__":
    main()
