"""What each method reaches on sin(3x)cos(2y)/27 with the same bits of weights.

Networks 2-w-w-w-1, w the largest width whose weights take at most the bits of the ternary
2-64-64-64-1 network: real weights count 32 bits each, scales and biases come on top for all (the
packed file has everything). By every method's own recipe, of the `steps` given (the recipe's own
3000 without an argument), three seeds; both ends of the largest error are proven, to a gap of a
tenth or as far as 4000 boxes of the search go (`closed` says which). Single precision, one thread;
`cpu_s` is training alone, on a machine of the `load` given.
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

from qexpr import certificates, targets, training  # noqa: E402
from qexpr.core.decimals import round_decimal, spell  # noqa: E402
from qexpr.export import write_packed  # noqa: E402

TARGET = targets.get("waves")
DATA = training.sample_target(TARGET, 4096)
BITS = 16_768  # of 8384 ternary weights
SEEDS = range(3)
BOXES = 4000  # of a search: unlike seconds, the same on every machine
SETTINGS: tuple[tuple[str, int | None], ...] = (
    *((method, None) for method in training.methods() if method != "post-training"),
    *(("post-training", bits) for bits in (2, 4, 8)),
)


def _weight_bits(recipe: training.Recipe, w: int) -> int:
    """Of a network 2-w-w-w-1."""
    inner = 32
    if recipe.after is not None:
        inner = recipe.after.bits
    elif recipe.weights is not None:
        inner = (len(recipe.weights.codes) - 1).bit_length()
    first, last = (inner if end == "quantized" else 32 for end in (recipe.first, recipe.last))
    return 2 * w * w * inner + 2 * w * first + w * last


def main() -> None:
    """Train all of them."""
    rows: list[dict[str, Any]] = []
    changes = {"steps": int(sys.argv[1])} if len(sys.argv) > 1 else {}
    for method, bits in SETTINGS:
        recipe = training.get_recipe(method, bits=bits, **changes)
        width = max(w for w in range(2, 256) if _weight_bits(recipe, w) <= BITS)
        for seed in SEEDS:
            start = time.process_time()
            run = training.train(DATA, recipe, [width] * 3, seed, dtype="float32")
            cpu = time.process_time() - start
            network = run.freeze()
            found = certificates.enclose(network, TARGET, "1e-1", budget=None, boxes=BOXES)
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "net.qxr"
                write_packed(path, network)
                size = path.stat().st_size
            counts = network.counts()
            rows.append({
                "method": method, "bits": bits or "", "width": width,
                "weight_bits": _weight_bits(recipe, width), "seed": seed, "steps": run.steps,
                "dense_error": run.error,
                "error_lower": spell(*round_decimal(found.lower, 6, up=False)),
                "error_upper": spell(*round_decimal(found.upper, 6, up=True)),
                "closed": "yes" if found.closed else "no",
                "bits_scales": counts.bits_scales, "file_bytes": size,
                "cpu_s": round(cpu, 1), "load": round(os.getloadavg()[0], 1),
            })  # fmt: skip
            print(rows[-1], file=sys.stderr)
    write("training_waves", rows, ("numpy", "torch"))


if __name__ == "__main__":
    main()
