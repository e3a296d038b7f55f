"""What each method reaches on scikit-learn's digits, and what its network costs.

A convolutional network of 16 and 32 channels, first and last layer real, by every method's own
recipe over five seeds; the best network is chosen on the validation images and judged on the test
images, which no run sees. Beside it the same float network quantized after training. Each network
is written to a packed file and read back by the runtime: `agree` counts the test images on which
it predicts what torch predicts (all of them, or this script fails). Single precision, one thread;
`cpu_s` is a run's own CPU time, on a machine of the `load` given.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from record import one_thread, write

one_thread()

import numpy as np  # noqa: E402 - threads are set before NumPy is loaded
import qexpr_runtime as rt  # noqa: E402
import torch  # noqa: E402

from qexpr import training  # noqa: E402
from qexpr.export import write_packed  # noqa: E402

CHANNELS = (16, 32)
SEEDS = range(5)
AFTER = ((2, None), (3, None), (4, None), (4, 4), (8, 8))  # bits of weights and activations
DATA = training.digits(image=True)


def _row(method: str, bits: str, seed: int, run: Any, model: Any, cpu: float) -> dict[str, Any]:
    network = training.freeze(model, DATA.input_shape)
    counts = network.counts()
    x = torch.from_numpy(DATA.test_x).float()
    with torch.no_grad():
        expected = model(x).argmax(1).numpy()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.qxr"
        write_packed(path, network)
        size = path.stat().st_size
        found = np.asarray(rt.load(path)(DATA.test_x.reshape(len(x), -1))).argmax(axis=1)
    agree = int(np.sum(found == expected))
    if agree != len(x):
        sys.exit(f"{method} {bits}, seed {seed}: packed and torch differ on {len(x) - agree}")
    operations = counts.operations
    return {
        "method": method, "bits": bits, "seed": seed, "steps": run.steps,
        "valid_wrong": round(run.error * len(DATA.valid_y)) if model is run.model else "",
        "wrong": int(np.sum(found != DATA.test_y)), "test": len(x), "agree": agree,
        "parameters": counts.parameters, "bits_packed": counts.bits_packed,
        "bits_scales": counts.bits_scales, "file_bytes": size,
        **{name: getattr(operations, name) for name in operations.__slots__},
        "cpu_s": round(cpu, 1), "load": round(os.getloadavg()[0], 1),
    }  # fmt: skip


def _bits(recipe: training.Recipe) -> str:
    """Bits of weights / activations; 32 where they are real."""
    w, a = recipe.weights, recipe.activations
    if w is None:
        return "32/32"
    weight = (len(w.codes) - 1).bit_length()
    active = 32 if a is None else (len(a.codes) - 1).bit_length()
    return f"{weight}/{active}"


def main() -> None:
    """Train all of them."""
    rows = []
    for method in training.methods():
        if method == "post-training":
            continue  # made of the float runs
        recipe = training.get_recipe(method, "classes")
        for seed in SEEDS:
            start = time.process_time()
            run = training.train(DATA, recipe, CHANNELS, seed, dtype="float32")
            cpu = time.process_time() - start
            rows.append(_row(method, _bits(recipe), seed, run, run.model, cpu))
            if method != "float":
                continue
            for bits, active in AFTER:
                how = training.PostTraining(bits=bits, activation_bits=active)
                x = torch.from_numpy(DATA.x).float()
                made = training.post_training(run.model, x, how, first="real", last="real")
                rows.append(_row("post-training", f"{bits}/{active or 32}", seed, run, made, 0.0))
        print(method, [r["wrong"] for r in rows if r["method"] == method], file=sys.stderr)
    write("training_digits", rows, ("numpy", "torch", "scikit-learn"))


if __name__ == "__main__":
    main()
