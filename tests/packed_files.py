"""What the tests of packed files draw, and where the sources of the runtime lie."""

import os
import struct
import subprocess
from fractions import Fraction
from pathlib import Path
from zlib import crc32

import numpy as np
import qexpr_runtime as rt
from hypothesis import strategies as st

RUNTIME = Path(__file__).parents[1] / "runtime"
CORPUS = sorted((RUNTIME / "fuzz" / "corpus").glob("*.qxr"))

KINDS = {
    "binary": lambda rng, shape: rng.choice([-1, 1], shape),
    "ternary": lambda rng, shape: rng.integers(-1, 2, shape),
    "unsigned": lambda rng, shape: rng.integers(0, 6, shape),
    "signed": lambda rng, shape: rng.integers(-8, 8, shape),
    "odd": lambda rng, shape: 2 * rng.integers(0, 8, shape) - 7,
    "int8": lambda rng, shape: rng.integers(-128, 128, shape),
    "wide": lambda rng, shape: rng.integers(-(2**40), 2**40, shape),
    "single": lambda rng, shape: rng.integers(-(2**23), 2**23, shape) * 2**20,
    "huge": lambda rng, shape: rng.integers(-(2**40), 2**40, shape).astype(object) * 3**40,
}
STEPS = {
    "sign": (0,),
    "two bits": (-1, 0, 1),
    "many": tuple(range(-9, 9)),
}


def steps(name, values=None):
    """A step function by name, with thresholds in halves."""
    thresholds = tuple(Fraction(t, 2) for t in STEPS[name])
    if values is None:
        count = len(thresholds) + 1
        values = (-1, 1) if count == 2 else range(count)
    return rt.ActivationData("steps", thresholds=thresholds, values=tuple(map(Fraction, values)))


@st.composite
def stacks(draw):
    """Dense stacks of every kind of codes, with step functions, ReLU and clips, on reals."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    width = draw(st.sampled_from([1, 7, 8, 9, 63, 64, 65]))
    layers = []
    for _ in range(draw(st.integers(1, 3))):
        rows = draw(st.sampled_from([1, 3, 16, 31, 32, 33, 64]))
        kind = draw(st.sampled_from(sorted(KINDS)))
        act = draw(st.sampled_from(["", "relu", "clip", "sign", "two bits", "many"]))
        activation = {
            "": None,
            "relu": rt.ActivationData("relu"),
            "clip": rt.ActivationData("clip", Fraction(-1, 2), Fraction(3, 2)),
        }.get(act) if act in ("", "relu", "clip") else steps(act)  # fmt: skip
        scale = draw(st.sampled_from([Fraction(1), Fraction(-1, 4), Fraction(1, 3), Fraction(0)]))
        each = [scale * int(k) for k in rng.integers(-2, 3, rows)]
        layers.append(
            rt.LayerData(
                "dense",
                codes=KINDS[kind](rng, (rows, width)),
                scale=each if draw(st.booleans()) else scale,
                bias=[Fraction(int(k), 4) for k in rng.integers(-3, 4, rows)],
                activation=activation,
            )
        )
        width = rows
    rule = draw(st.sampled_from([None, (Fraction(1, 2), Fraction(-3))]))
    return rt.NetworkData((layers[0].codes.shape[1],), tuple(layers), rule)


def reference(network, x):
    """The values of a stack of dense layers, in Fractions."""
    h = [[Fraction(v) for v in row] for row in x.tolist()]
    if network.input_rule is not None:
        scale, offset = network.input_rule
        h = [[offset + scale * min(max(round((v - offset) / scale), 0), 255) for v in row]
             for row in h]  # fmt: skip
    for layer in network.layers:
        rows = layer.codes.tolist()
        h = [
            [
                _activate(layer.activation, s * sum(map(lambda a, b: a * b, w, point)) + b)
                for w, s, b in zip(rows, layer.scales, layer.biases, strict=True)
            ]
            for point in h
        ]
    return h


def _activate(act, v):
    if act is None:
        return v
    if act.kind == "relu":
        return max(v, Fraction(0))
    if act.kind == "clip":
        return min(max(v, act.lower), act.upper)
    passed = [v >= t if c else v > t for t, c in zip(act.thresholds, act.closed, strict=True)]
    return act.values[sum(passed)]


def repaired(data):
    """The bytes with their checksums and length made right, so that deeper checks are reached."""
    data = bytearray(data)
    if len(data) < 64:
        return bytes(data)
    struct.pack_into("<Q", data, 16, len(data))
    (count,) = struct.unpack_from("<I", data, 24)
    if count <= (len(data) - 64) // 32:
        for i in range(count):
            offset, length = struct.unpack_from("<QQ", data, 64 + 32 * i + 8)
            if offset + length <= len(data):
                part = crc32(data[offset : offset + length])
                struct.pack_into("<I", data, 64 + 32 * i + 4, part)
        struct.pack_into("<I", data, 28, crc32(data[64 : 64 + 32 * count]))
    struct.pack_into("<I", data, 32, crc32(data[:32]))
    return bytes(data)


def c_sources(avx2):
    """The sources of the runtime in C, and those that are compiled for AVX2."""
    every = sorted((RUNTIME / "csrc").glob("*.c"))
    fast = [p for p in every if p.name.endswith(("_avx2.c", "_fma.c"))]
    return [p for p in every if p not in fast], fast if avx2 else []


def compile_c(folder, output, program, flags):
    """Compile a program with all of the runtime: every file, as the machine allows."""
    cc = os.environ.get("CC", "cc")
    avx2 = "avx2" in rt.available()
    plain, fast = c_sources(avx2)
    common = ["-std=c11", "-ffp-contract=off", *flags, *(["-DQK_HAVE_AVX2"] if avx2 else [])]
    jobs, objects = [], []
    for path in [*plain, *fast, program]:
        made = folder / f"{path.stem}.o"
        isa = ["-mavx2", "-mpopcnt"] if path in fast else []
        isa += ["-mfma", "-ffp-contract=fast"] if path.name.endswith("_fma.c") else []
        jobs.append(subprocess.Popen([cc, *common, *isa, "-c", path, "-o", made]))
        objects.append(made)
        if len(jobs) == 4:
            assert all(job.wait() == 0 for job in jobs)
            jobs.clear()
    assert all(job.wait() == 0 for job in jobs)
    subprocess.run([cc, *flags, *objects, "-o", output, "-lm"], check=True)
