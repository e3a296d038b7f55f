"""Whole packed networks, end to end: points, calls, witnesses, loading and size.

A random ternary ReLU network 2-64-64-64-1 against PyTorch float32 in eager inference mode, at many
points and at one (the call included); a witness circuit against SciPy's CSR products, layer by
layer over nodes sorted by depth, in float64; layers of residual levels and logarithms; a file of
about 10 MB from opening to the first value; and the size of a packed dense network. One thread, in
turns, CPU time; `load` is that of the machine, on which figures depend.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

from record import alternate, one_thread, write

one_thread()

import numpy as np  # noqa: E402
import qexpr_runtime as rt  # noqa: E402
import scipy.sparse as sp  # noqa: E402
import torch  # noqa: E402

from qexpr.circuits import construct  # noqa: E402
from qexpr.export import write_packed  # noqa: E402

torch.set_num_threads(1)
DIMS = (2, 64, 64, 64, 1)
Row = dict[str, Any]


def ternary(folder: Path) -> tuple[rt.Network, torch.nn.Module]:
    """The packed network, and the same in PyTorch."""
    rng = np.random.default_rng(0)
    relu = rt.ActivationData("relu")
    layers, modules = [], []
    for a, b in pairwise(DIMS):
        codes, scale = rng.integers(-1, 2, (b, a)), float(np.float32(a**-0.5))
        bias = rng.standard_normal(b).astype(np.float32)
        last = b == DIMS[-1]
        layers.append(rt.LayerData("dense", codes=codes, scale=scale, bias=bias.tolist(),
                                   activation=None if last else relu))  # fmt: skip
        linear = torch.nn.Linear(a, b)
        linear.weight.data = torch.tensor(codes * scale, dtype=torch.float32)
        linear.bias.data = torch.from_numpy(bias)
        modules += [linear] if last else [linear, torch.nn.ReLU()]
    rt.save(folder / "t.qxr", rt.NetworkData((2,), tuple(layers)))
    return rt.load(folder / "t.qxr"), torch.nn.Sequential(*modules).eval()


def rows_of(
    question: str, work: int, runs: dict[str, Callable[[], Any]], targets: dict[str, float],
    at_least: float = 0.0,
) -> list[Row]:  # fmt: skip
    """Time contestants; the first one is the peer."""
    load = os.getloadavg()[0]
    times = alternate(runs, rounds=7, at_least=at_least, clock=time.process_time)
    base = next(iter(times.values())).median
    out = []
    for name, t in times.items():
        ratio, target = base / t.median, targets.get(name)
        out.append({
            "question": question, "points": work, "contestant": name, **t.row(),
            "ratio": round(ratio, 2), "target": target or "",
            "met": "" if target is None else "yes" if ratio >= target else "no",
            "load": round(load, 1), "note": "",
        })  # fmt: skip
    return out


def networks(folder: Path) -> list[Row]:
    """Many points, and one."""
    net, model = ternary(folder)
    out: list[Row] = []
    for points in (1, 8, 64, 10**3, 10**4, 10**5, 10**6):
        x = np.random.default_rng(1).random((points, 2)).astype(np.float32)
        given = torch.from_numpy(x)
        with torch.inference_mode():
            error = np.abs(model(given).numpy()[:, 0] - net(x)).max()
            assert error <= 2 * net.rounding_bound(1.0, dtype="float32")
            runs = {
                "torch float32": lambda g=given: model(g),
                "packed float32": lambda x=x: net(x),
                "packed float64": lambda x=x: net(x, dtype="float64"),
            }
            targets = {1: {"packed float32": 20.0}, 10**6: {"packed float32": 5.0}}
            question = "call" if points == 1 else "ternary 2-64-64-64-1"
            out += rows_of(question, points, runs, targets.get(points, {}), 0.005)
    return out


def csr_layers(circuit: Any) -> list[tuple[Any, Any, slice]]:
    """A circuit as CSR matrices, one for each depth, over all nodes before it."""
    depth = circuit.layers
    weights = np.array([float(v) for v in circuit.alphabet])[circuit.codes]
    order = np.argsort(depth, kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    rows, columns = place[circuit.targets], place[circuit.sources]
    counts = np.concatenate([[0], np.cumsum(np.bincount(depth))])
    whole = sp.csr_matrix((weights, (rows, columns)), shape=(len(order), len(order)))
    return [(whole[a:b, :a].tocsr(), b < len(order), slice(a, b)) for a, b in pairwise(counts[1:])]


def csr_run(circuit: Any, layers: list[tuple[Any, Any, slice]], x: Any, block: int) -> Any:
    """Layer by layer, over blocks of points."""
    out = np.empty(len(x))
    for start in range(0, len(x), block):
        part = x[start : start + block]
        values = np.empty((circuit.output + 1, len(part)))
        values[: circuit.d], values[circuit.d] = part.T, 1.0
        for matrix, hidden, place in layers:
            y = matrix @ values[: place.start]
            values[place] = np.maximum(y, 0, out=y) if hidden else y
        out[start : start + block] = values[-1]
    return out


def witnesses(folder: Path) -> list[Row]:
    """Circuits of growing size."""
    out: list[Row] = []
    for eps, points in (("1/8", 10**4), ("1/64", 4096), ("1/512", 512)):
        circuit = construct("shared_bitplane", None, 1, eps, alphabet="nonlinear:3", d=2)
        write_packed(folder / "w.qxr", circuit)
        net, layers = rt.load(folder / "w.qxr"), csr_layers(circuit)
        x = np.sort(np.random.default_rng(2).random((points, 2)), axis=0)
        block = max(16, min(512, 2**22 // circuit.output))
        error = np.abs(csr_run(circuit, layers, x, block) - net(x)).max()
        assert error <= 2 * net.rounding_bound(1.0)
        runs = {
            "scipy csr": lambda c=circuit, s=layers, x=x, b=block: csr_run(c, s, x, b),
            "packed float64": lambda n=net, x=x: n(x),
            "packed float32": lambda n=net, x=x: n(x, dtype="float32"),
        }
        target = {"packed float64": 5.0} if circuit.weights >= 10**4 else {}
        out += rows_of(f"witness of {circuit.weights} edges", points, runs, target)
    return out


def levels(folder: Path) -> list[Row]:
    """One layer of 1024 x 1024 from 256 rows of reals: quantized, then summed digit by digit."""
    rng, n, m = np.random.default_rng(4), 1024, 256
    signs, shifts = rng.choice([-1, 1], (n, n)), 2 ** rng.integers(0, 15, (n, n))
    powers = tuple(2.0**k for k in range(-14, 1))
    middles = tuple((a + b) / 2 for a, b in pairwise((0.0, *powers)))
    half_wave = (0.0, 0.31771637, 1.00010605, 1.89359481)  # HWGQ, two bits
    kinds = {
        "one level": ((0.0,), (-1.0, 1.0), signs),
        "2 residual levels": ((-0.71, 0.0, 0.71), (-1.01, -0.41, 0.41, 1.01), signs),
        "half wave": ((0.0, 0.65, 1.45), half_wave, signs),
        "4-bit logarithms, signs": (middles, (0.0, *powers), signs),
        "4-bit logarithms, both": (middles, (0.0, *powers), signs * shifts),
    }
    x = rng.standard_normal((m, n)).astype(np.float32)
    out: list[Row] = []
    for name, (thresholds, values, codes) in kinds.items():
        act = rt.ActivationData("steps", thresholds=thresholds, values=values)
        layers = (rt.LayerData("activate", activation=act), rt.LayerData("dense", codes=codes))
        rt.save(folder / "d.qxr", rt.NetworkData((n,), layers))
        net = rt.load(folder / "d.qxr")
        assert net.info()["layers"][1]["sums"] == "integer"
        given = torch.from_numpy(np.array(values, np.float32)[np.digitize(x, thresholds)])
        weight = torch.tensor(codes, dtype=torch.float32)
        runs = {
            "torch float32, quantized before": lambda g=given, w=weight: g @ w.T,
            "packed float32": lambda f=net: f(x),
        }
        out += rows_of(f"layer 1024, {name}", m, runs, {}, 0.005)
    return out


def files(folder: Path) -> list[Row]:
    """A file of about 10 MB to its first value; the size of dense networks."""
    rng = np.random.default_rng(3)
    n, relu = 4096, rt.ActivationData("relu")
    out: list[Row] = []
    for kind, bits, count in (("binary", 1, 5), ("ternary", 2, 2)):
        layers = []
        for _ in range(count):
            codes = rng.choice([-1, 1], (n, n)) if bits == 1 else rng.integers(-1, 2, (n, n))
            layers.append(rt.LayerData("dense", codes=codes, scale=rng.random(n), activation=relu))
        path = folder / f"{kind}.qxr"
        rt.save(path, rt.NetworkData((n,), tuple(layers)))
        size = path.stat().st_size
        x = rng.random((1, n)).astype(np.float32)
        times = alternate({"load": lambda p=path: rt.load(p), "load, first value":
                           lambda p=path, x=x: rt.load(p)(x)}, rounds=9)  # fmt: skip
        for name, t in times.items():
            first = name != "load"
            out.append({"question": f"file of {size / 1e6:.1f} MB, {kind}", "points": 1,
                        "contestant": name, **t.row(), "target": 0.05 if first else "",
                        "met": ("yes" if t.median < 0.05 else "no") if first else "",
                        "load": round(os.getloadavg()[0], 1), "note": "target in seconds",
                        })  # fmt: skip
        ideal = count * (n * n * bits / 8 + 8 * n)
        out.append({"question": "size", "contestant": kind, "ratio": round(size / ideal, 4),
                    "target": 1.03, "met": "yes" if size <= 1.03 * ideal else "no",
                    "note": "bytes over bits/8 + scales"})  # fmt: skip
    return out


def main() -> None:
    """Measure and write the CSV."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = [*networks(folder), *witnesses(folder), *levels(folder), *files(folder)]
    keys = dict.fromkeys(key for row in rows for key in row)
    write("runtime_networks", [{key: row.get(key, "") for key in keys} for row in rows],
          packages=("numpy", "scipy", "torch"))  # fmt: skip


if __name__ == "__main__":
    main()
