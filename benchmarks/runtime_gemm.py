"""How fast are packed products, against what a user would pick instead?

One thread, peers and kernels in turns, CPU time of the process. The work is counted in
multiply-accumulates of the layer (m n k), packing of activations included unless the row says
"packed". Every result is checked against NumPy before it is timed. Where a target stands, `ratio`
is peer time over kernel time and `met` says whether it is reached.
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
from runtime_peers import (  # noqa: E402
    in_both_settings,
    onnxruntime_int8,
    openvino_binary,
    torch_dynamic_int8,
    torch_linear,
)

SHAPES = [  # m, n, k
    *((s, s, s) for s in (127, 129, 256, 1024)),
    *((1, s, s) for s in (1024, 4096)),
    *((m, 1024, 1024) for m in (8, 64, 512)),
    *((1024, 1024, k) for k in (9, 27, 64, 576)),
    (4096, 4096, 4096),
]
# work, against, target ratio, for which shapes
TARGETS: list[tuple[str, str, float, Callable[[int, int, int], bool]]] = [
    ("binary x binary", "torch float32", 10, lambda m, n, k: min(m, n, k) >= 1024),
    ("binary x binary", "openvino binary", 2, lambda m, n, k: min(m, n, k) >= 1024),
    ("binary x binary", "torch float32", 25, lambda m, n, k: m == 1 and n >= 1024),
    ("2-bit x 2-bit", "torch dynamic int8", 1.5, lambda m, n, k: min(m, n, k) >= 1024),
    ("4-bit x 4-bit", "torch dynamic int8", 1, lambda m, n, k: min(m, n, k) >= 1024),
    ("ternary x uint8", "torch float32", 3, lambda m, n, k: min(m, n, k) >= 1024),
    ("ternary x uint8", "onnxruntime int8", 1.2, lambda m, n, k: min(m, n, k) >= 1024),
    ("binary x float32", "torch float32", 2.2, lambda m, n, k: min(m, n, k) >= 1024),
    ("ternary x float32", "torch float32", 1.6, lambda m, n, k: min(m, n, k) >= 1024),
]


def contestants(m: int, n: int, k: int) -> dict[str, Callable[[], Any]]:
    """Peers and kernels on one shape, each checked against NumPy."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((m, k)).astype(np.float32)
    signs = np.where(x < 0, -1, 1)
    w1 = rng.choice(np.array([-1, 1], np.float32), (n, k))
    w3 = rng.integers(-1, 2, (n, k))
    u8 = rng.integers(0, 256, (m, k)).astype(np.uint8)
    c2, c4 = (rng.integers(0, 2**b, (m, k)).astype(np.uint8) for b in (2, 4))
    w2, w4 = (rng.integers(0, 2**b, (n, k)) for b in (2, 4))
    binary, ternary, packed = rt.pack(w1, "binary"), rt.pack(w3, "ternary"), rt.pack(x, "binary")
    two, four = rt.pack(w2, "k-bit", bits=2), rt.pack(w4, "k-bit", bits=4)
    f32, f64 = np.float32, np.float64  # float64 products of small integers are exact
    column = np.ascontiguousarray(x.T)[None, :, :, None]
    runs: dict[str, tuple[Callable[[], Any], Any]] = {
        "torch float32": (torch_linear(w1, x), x @ w1.T),
        "torch dynamic int8": (torch_dynamic_int8(w1, x), None),  # quantizes x: no exact reference
        "onnxruntime int8": (onnxruntime_int8(w3, u8), u8.astype(f64) @ w3.T.astype(f64)),
        "binary x binary": (lambda: rt.gemm(x, binary, "binary"), signs.astype(f32) @ w1.T),
        "binary x binary, packed": (lambda: rt.gemm(packed, binary), signs.astype(f32) @ w1.T),
        "ternary x binary": (
            lambda: rt.gemm(x, ternary, "binary"),
            signs.astype(f32) @ w3.T.astype(f32),
        ),
        "2-bit x 2-bit": (
            lambda: rt.gemm(c2, two, "k-bit", bits=2),
            c2.astype(f64) @ w2.T.astype(f64),
        ),
        "4-bit x 4-bit": (
            lambda: rt.gemm(c4, four, "k-bit", bits=4),
            c4.astype(f64) @ w4.T.astype(f64),
        ),
        "ternary x uint8": (
            lambda: rt.gemm(u8, ternary, "uint8"),
            u8.astype(f64) @ w3.T.astype(f64),
        ),
        "binary x uint8": (
            lambda: rt.gemm(u8, binary, "uint8"),
            u8.astype(f64) @ w1.T.astype(f64),
        ),
        "binary x float32": (lambda: rt.gemm(x, binary, "float32"), x @ w1.T),
        "ternary x float32": (lambda: rt.gemm(x, ternary, "float32"), x @ w3.T.astype(f32)),
    }
    try:
        runs["openvino binary"] = (
            openvino_binary(w1[:, :, None, None], column),
            (signs.astype(f32) @ w1.T).T[None, :, :, None],
        )
    except ImportError:
        print("openvino is not installed: its rows are missing", file=sys.stderr)
    for name, (run, want) in list(runs.items()):
        if want is None:
            continue
        exact = "float32" not in name
        tolerance = 0 if exact else 1e-4 * k**0.5 + 1e-3
        if name == "openvino binary" and (run() != want).any():
            del runs[name]  # seen where k is no multiple of 32; the row says so
            continue
        np.testing.assert_allclose(run(), want, rtol=0, atol=tolerance)
    return {name: run for name, (run, _) in runs.items()}


def measure(m: int, n: int, k: int) -> list[dict[str, Any]]:
    """One row for each contestant on one shape."""
    load = os.getloadavg()[0]
    runs = contestants(m, n, k)
    times = alternate(runs, rounds=7, warm_up=2, at_least=0.01, clock=time.process_time)
    rows = []
    for name, t in times.items():
        row = {"m": m, "n": n, "k": k, "kernel": name, **t.row()}
        row["gmac_per_s"] = round(m * n * k / t.median * 1e-9, 2)
        row["load"] = round(load, 1)
        aims = [a for a in TARGETS if a[0] == name and a[1] in times and a[3](m, n, k)]
        for _, against, target, _ in aims or [(name, "", 0.0, None)]:
            ratio = times[against].median / t.median if against else None
            rows.append(
                {
                    **row,
                    "against": against,
                    "ratio": "" if ratio is None else round(ratio, 2),
                    "target": target or "",
                    "met": "" if ratio is None else "yes" if ratio >= target else "no",
                    "note": "",
                }
            )
    if "openvino binary" not in times:
        blank = dict.fromkeys(rows[0], "") | {"m": m, "n": n, "k": k, "kernel": "openvino binary"}
        rows.append(blank | {"note": "not installed, or its result is wrong at this size"})
    return rows


def main() -> None:
    """Measure every shape in both settings and write the CSV."""
    if "--rows" in sys.argv:
        json.dump([row for shape in SHAPES for row in measure(*shape)], sys.stdout)
        return
    write(
        "runtime_gemm",
        in_both_settings(__file__),
        packages=("numpy", "torch", "onnxruntime", "openvino"),
    )


if __name__ == "__main__":
    main()
