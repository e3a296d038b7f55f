"""How fast is a sparse circuit at many points, against SciPy's CSR products layer by layer?

A layered random ReLU circuit (every unit has ten sources in the layer before, weights +-1/2), of
10^3 to 10^6 edges. float64 on both sides. SciPy runs once over all points, as one would write it,
and in the blocks of points, `block`, that it is fastest with, which the target is against. In the
circuits that are `local` half of the units are hats, and the points are sorted along the first
input, so that most hats are zero on a block of points, as in a witness; "random order" has the
same points shuffled. One thread, in turns, CPU time; `exponent` is the fitted growth of time with
edges. The row of two threads is wall time and counts only on an idle machine.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from record import alternate, fastest_block, one_thread, write

one_thread()

import numpy as np  # noqa: E402
import qexpr_runtime as rt  # noqa: E402
import scipy.sparse as sp  # noqa: E402

FAN, POINTS, OUTPUTS = 10, 4096, 10


def layered(width: int, depth: int, local: bool) -> tuple[rt.SparseCircuit, list[Any], Any]:
    """A circuit, its layers as matrices, and the bias of each layer."""
    rng = np.random.default_rng(width)
    bias = np.zeros(width) if local else np.where(np.arange(width) % 2, 0.3, -0.3)
    matrices, sources = [], []
    for layer in range(depth):
        before = 2 if layer == 0 else width
        if local and layer:
            columns = (np.arange(width)[:, None] + np.arange(FAN)) % width
        else:
            columns = rng.integers(0, before, (width, FAN))
        first = 0 if layer == 0 else 2 + (layer - 1) * width
        sources.append(first + columns)
        values = np.tile(np.r_[np.full(FAN // 2, 0.5), np.full(FAN // 2, -0.5)], width)
        rows = np.repeat(np.arange(width), FAN)
        matrices.append(sp.csr_matrix((values, (rows, columns.ravel())), shape=(width, before)))
    units = width * depth
    run_edge = np.zeros(2 * units + 1, dtype=np.int64)
    run_edge[1::2] = np.arange(units) * FAN + FAN // 2
    run_edge[2::2] = (np.arange(units) + 1) * FAN
    biases = np.tile(bias, depth)
    if local:  # first layer: ramps that start at places spread over [-1, 1]
        biases[:width] = -np.linspace(0, 5, width)
    circuit = rt.SparseCircuit(
        2,
        np.arange(units + 1),
        run_edge,
        np.concatenate([s.ravel() for s in sources]).astype(np.uint32),
        np.full(units, 0.5),
        biases,
        np.ones(units, dtype=np.uint8),
        np.arange(2 + units - width, 2 + units, dtype=np.uint32)[:OUTPUTS],
    )
    return circuit, matrices, biases.reshape(depth, width, 1)


def scipy_run(matrices: list[Any], biases: Any, x: Any, block: int) -> Any:
    """Layer by layer on blocks of points."""
    out = np.empty((len(x), OUTPUTS))
    for start in range(0, len(x), block):
        h = np.ascontiguousarray(x[start : start + block].T)
        for matrix, bias in zip(matrices, biases, strict=True):
            h = matrix @ h
            h += bias
            np.maximum(h, 0, out=h)
        out[start : start + block] = h[:OUTPUTS].T
    return out


def main() -> None:
    """Time all sizes and write the CSV."""
    rows: list[dict[str, Any]] = []
    for local in (False, True):
        logs: dict[str, list[tuple[float, float]]] = {}
        for width, depth in ((10, 10), (50, 20), (500, 20), (2500, 40)):
            circuit, matrices, biases = layered(width, depth, local)
            edges = len(circuit.source)
            points = POINTS if edges < 10**6 else 1024
            x = np.sort(np.random.default_rng(0).uniform(-1, 1, (points, 2)), axis=0)
            block = fastest_block(lambda n, m=matrices, b=biases, x=x: scipy_run(m, b, x[:1024], n))
            expected = scipy_run(matrices, biases, x, block)
            np.testing.assert_allclose(circuit(x), expected, rtol=1e-9, atol=1e-12)
            if not expected.any():
                raise RuntimeError(f"width {width}: every output is zero at every point")
            shuffled = np.random.default_rng(1).permutation(x)
            runs: dict[str, Callable[[], Any]] = {
                "scipy csr": lambda m=matrices, b=biases, x=x: scipy_run(m, b, x, len(x)),
                "scipy csr, blocked": lambda m=matrices, b=biases, x=x, n=block: scipy_run(
                    m, b, x, n
                ),
                "float64": lambda c=circuit, x=x: c(x),
                "float64, random order": lambda c=circuit, x=shuffled: c(x),
                "float32": lambda c=circuit, x=x: c(x, dtype="float32"),
            }
            load = os.getloadavg()[0]
            times = alternate(runs, rounds=7, clock=time.process_time)
            two = alternate(
                {
                    "one": lambda c=circuit, x=x: c(x),
                    "two": lambda c=circuit, x=x: c(x, threads=2),
                },
                rounds=7,
            )
            for name, t in times.items():
                logs.setdefault(name, []).append((np.log(edges), np.log(t.median / points)))
                ratio = times["scipy csr, blocked"].median / t.median
                target = 5 if name == "float64" and edges >= 10**4 else 0
                rows.append(
                    {
                        "circuit": "local" if local else "dense",
                        "edges": edges,
                        "points": points,
                        "kernel": name,
                        "block": block if "blocked" in name else "",
                        **t.row(),
                        "gigaedges_per_s": round(edges * points / t.median * 1e-9, 3),
                        "load": round(load, 1),
                        "ratio": round(ratio, 2),
                        "ratio_to_whole": round(times["scipy csr"].median / t.median, 2),
                        "target": target or "",
                        "met": ("yes" if ratio >= target else "no") if target else "",
                        "two_threads_wall": round(two["one"].median / two["two"].median, 2)
                        if name == "float64"
                        else "",
                        "exponent": "",
                    }
                )
        for row in rows[-5:]:
            e, s = np.array(logs[row["kernel"]]).T
            row["exponent"] = round(float(np.polyfit(e, s, 1)[0]), 3)
    write("runtime_circuit", rows, packages=("numpy", "scipy"))


if __name__ == "__main__":
    main()
