"""A file of 10^8 binary weights: mapped, not copied."""

import re
from pathlib import Path

import numpy as np
import qexpr_runtime as rt
from qexpr_runtime import format

N = 10_000


def private() -> int:
    """Bytes of this process's memory that no file backs: a mapped file does not count."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(r"RssAnon:\s+(\d+) kB", status)[1])


def test_1e8_binary_weights_load_without_a_copy(tmp_path):
    rng = np.random.default_rng(0)
    codes = np.tile(np.array([-1, 1], np.int8), N * N // 2).reshape(N, N)
    chosen = {k: rng.choice(np.array([-1, 1], np.int8), N) for k in (0, 4321, N - 1)}
    for k, row in chosen.items():
        codes[k] = row
    path = tmp_path / "large.qxr"
    format.write(path, rt.NetworkData((N,), (rt.LayerData("dense", codes=codes, scale=1),)))
    assert 12_500_000 <= path.stat().st_size < 12_700_000
    del codes
    x = rng.integers(-4, 5, N).astype(np.float64)
    before = private()
    net = rt.load(path)
    assert private() - before < 2_000_000
    y = net(x[None])[0]
    assert private() - before < 6_000_000
    alternating = x[1::2].sum() - x[::2].sum()
    wanted = np.full(N, alternating)
    for k, row in chosen.items():
        wanted[k] = row @ x
    np.testing.assert_array_equal(y, wanted)  # sums of small integers: exact
