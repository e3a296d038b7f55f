"""What does XNOR-Net's K cost at inference?

A binary 3 x 3 convolution as packed networks run it, alone (`fixed_scale`: alpha only) and with K:
the mean of |x| over the channels, the box filter and the product with every output. One thread, in
turns, CPU time. Values are checked against PyTorch before they are timed.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Any

from record import alternate, one_thread, write

one_thread()

import numpy as np  # noqa: E402
import qexpr_runtime as rt  # noqa: E402
import torch  # noqa: E402

from qexpr import quantizers, training  # noqa: E402
from qexpr.export import write_packed  # noqa: E402

torch.set_num_threads(1)
SHAPES = [(16, 28), (64, 14), (128, 14), (256, 7)]  # channels, side of the image
BATCH = 8


def packed(channels: int, side: int, fixed: bool, folder: Path) -> tuple[rt.Network, Any]:
    """The convolution as a packed network, and in PyTorch."""
    torch.manual_seed(0)
    inputs = quantizers.get("xnor", fixed_scale=fixed)
    layer = training.QuantConv2d(
        channels, channels, 3, padding=1, weights="bwn", inputs=inputs, bias=False
    ).eval()
    path = folder / f"{channels}-{fixed}.qxr"
    write_packed(path, training.freeze(layer, (channels, side, side)))
    return rt.load(path), layer


def measure(channels: int, side: int, folder: Path) -> list[dict[str, Any]]:
    """One row with K and one without."""
    x = np.random.default_rng(0).standard_normal((BATCH, channels, side, side)).astype(np.float32)
    points = x.reshape(BATCH, -1)
    runs = {}
    for name, fixed in (("without K", True), ("with K", False)):
        net, layer = packed(channels, side, fixed, folder)
        with torch.no_grad():
            want = layer(torch.from_numpy(x)).numpy().reshape(BATCH, -1)
        np.testing.assert_allclose(net(points), want, rtol=1e-4, atol=1e-4 * np.abs(want).max())
        runs[name] = lambda net=net: net(points)
    load = os.getloadavg()[0]
    times = alternate(runs, rounds=7, warm_up=2, at_least=0.02, clock=time.process_time)
    return [
        {
            "channels": channels,
            "side": side,
            "batch": BATCH,
            "network": name,
            **t.row(),
            "times_without_k": round(t.median / times["without K"].median, 2),
            "load": round(load, 1),
        }
        for name, t in times.items()
    ]


def main() -> None:
    """Measure every shape and write the CSV."""
    with tempfile.TemporaryDirectory() as folder:
        rows = [row for shape in SHAPES for row in measure(*shape, Path(folder))]
    write("xnor_scale", rows, packages=("numpy", "torch"))


if __name__ == "__main__":
    main()
