"""References in NumPy, by the definitions, and what the tests draw."""

import numpy as np
import qexpr_runtime as rt
from hypothesis import strategies as st

SIZES = st.one_of(st.integers(0, 70), st.sampled_from([127, 128, 129, 255, 257]))
SHAPES = st.tuples(st.integers(0, 19), SIZES, SIZES)  # m, n, k
SEEDS = st.integers(0, 2**32 - 1)


def signs(x):
    return np.where(np.asarray(x) < 0, -1, 1).astype(np.int64)


def codes_of(rng, bits, grid, shape):
    codes = rng.integers(0, 2**bits, shape)
    if grid == "signed":
        return codes - 2 ** (bits - 1)
    return 2 * codes - (2**bits - 1) if grid == "odd" else codes


def unaligned(x):
    """The same array, its numbers at odd addresses: under UBSan a load that expects more fails."""
    room = np.empty(x.nbytes + 1, np.uint8)[1:].view(x.dtype).reshape(x.shape)
    room[:] = x
    return room


def convolve(x, w, stride, padding, groups, pad_value):
    """Cross-correlation in int64 or float64, tap by tap."""
    n, c, h, width = x.shape
    out, per, kh, kw = w.shape
    padded = np.full((n, c, h + 2 * padding[0], width + 2 * padding[1]), pad_value, dtype=x.dtype)
    padded[:, :, padding[0] : padding[0] + h, padding[1] : padding[1] + width] = x
    oh = (padded.shape[2] - kh) // stride[0] + 1
    ow = (padded.shape[3] - kw) // stride[1] + 1
    y = np.zeros((n, out, oh, ow), dtype=np.result_type(x, w))
    for g in range(groups):
        rows = slice(g * out // groups, (g + 1) * out // groups)
        part = padded[:, g * per : (g + 1) * per]
        for i in range(oh):
            for j in range(ow):
                top, left = i * stride[0], j * stride[1]
                taps = part[:, :, top : top + kh, left : left + kw]
                y[:, rows, i, j] = np.einsum("ncab,ocab->no", taps, w[rows])
    return y


def chain(inputs, units, bias, output):
    """A circuit of ReLU units of one run each, given as (scale, sources added, subtracted)."""
    lists = [part for _, more, less in units for part in (more, less)]
    return rt.SparseCircuit(
        inputs,
        np.arange(len(units) + 1),
        np.r_[0, np.cumsum([len(part) for part in lists])],
        np.array([v for part in lists for v in part], dtype=np.uint32),
        np.array([scale for scale, _, _ in units]),
        np.array(bias),
        np.ones(len(units), dtype=np.uint8),
        np.array([output], dtype=np.uint32),
    )
