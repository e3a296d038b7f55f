"""How fast is a binary 3 x 3 convolution, packing included, against float32 and OpenVINO's?

One image, as many output as input channels, padding 1 that counts 0; one thread, in turns, CPU
time. `xnor_scale` is the time that XNOR-Net's K adds. Results are checked against PyTorch's.
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
from runtime_peers import in_both_settings, openvino_binary  # noqa: E402

SHAPES = [(c, s) for c in (64, 128, 256, 512) for s in (56, 28, 14, 7) if c * s <= 7168]
TARGETS = {"torch float32": 8.0, "openvino binary": 1.5}


def contestants(channels: int, side: int) -> dict[str, Callable[[], Any]]:
    """Peers and kernels on one shape, checked against each other."""
    import torch

    torch.set_num_threads(1)
    rng = np.random.default_rng(1)
    x = rng.choice(np.array([-1, 1], np.float32), (1, channels, side, side))
    w = rng.choice(np.array([-1, 1], np.float32), (channels, channels, 3, 3))
    image, weights = torch.from_numpy(x), torch.from_numpy(w)

    def float32() -> Any:
        with torch.no_grad():
            return torch.nn.functional.conv2d(image, weights, padding=1).numpy()

    packed = rt.pack_conv(w, "binary")
    codes = x.astype(np.int8)
    ternary = rt.pack_conv(w * rng.integers(0, 2, w.shape), "ternary")
    runs = {
        "torch float32": float32,
        "binary x binary": lambda: rt.conv2d(x, packed, "binary", padding=1),
        "ternary x int8": lambda: rt.conv2d(codes, ternary, "int8", padding=1),
        "xnor_scale": lambda: rt.xnor_scale(x, 3, padding=1),
    }
    want = float32()
    np.testing.assert_array_equal(runs["binary x binary"](), want)
    try:
        peer = openvino_binary(w, x, padding=1)
    except ImportError:
        print("openvino is not installed: its rows are missing", file=sys.stderr)
    else:
        np.testing.assert_array_equal(peer(), want)
        runs["openvino binary"] = peer
    return runs


def measure(channels: int, side: int) -> list[dict[str, Any]]:
    """One row for each contestant on one shape."""
    runs = contestants(channels, side)
    load = os.getloadavg()[0]
    times = alternate(runs, rounds=7, warm_up=2, at_least=0.01, clock=time.process_time)
    work = channels**2 * 9 * side**2
    rows = []
    for name, t in times.items():
        aims = [a for a in TARGETS if a in times] if name == "binary x binary" else []
        for against in aims or [""]:
            ratio = times[against].median / t.median if against else None
            target = TARGETS[against] if against and channels >= 128 else None
            rows.append(
                {
                    "channels": channels,
                    "side": side,
                    "kernel": name,
                    **t.row(),
                    "gmac_per_s": "" if name == "xnor_scale" else round(work / t.median * 1e-9, 2),
                    "load": round(load, 1),
                    "against": against,
                    "ratio": "" if ratio is None else round(ratio, 2),
                    "target": target or "",
                    "met": "" if target is None else "yes" if ratio >= target else "no",
                }
            )
    return rows


def main() -> None:
    """Measure every shape in both settings and write the CSV."""
    if "--rows" in sys.argv:
        json.dump([row for shape in SHAPES for row in measure(*shape)], sys.stdout)
        return
    write("runtime_conv", in_both_settings(__file__), packages=("numpy", "torch", "openvino"))


if __name__ == "__main__":
    main()
