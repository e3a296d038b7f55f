"""Networks for the certificates' tests: random features with quantized weights, fitted once."""

from fractions import Fraction

import numpy as np

from qexpr import networks as nets

KINDS = {
    "ternary": np.array([-1, 0, 1]),
    "binary": np.array([-1, 1]),
    "2-bit": np.array([-3, -1, 1, 3]),
    "4-bit": np.arange(-15, 16, 2),
}


def fitted(f, kind, d, widths=(64, 64, 64), seed=0, gain=1.5):
    """d-widths-1 with weights of a few values: random hidden layers, a fitted and rounded last."""
    rng = np.random.default_rng(seed)
    values = KINDS[kind]
    weights, biases, h = [], [], rng.random((4000, d))
    y = f(h)
    for a, b in zip((d, *widths), widths, strict=False):
        w = rng.choice(values, (b, a)) * 1.0
        w *= gain / np.sqrt(max((w**2).mean(), 0.1) * a)
        bias = np.round(rng.uniform(-0.5, 0.5, b) * 64) / 64
        weights.append(w)
        biases.append(bias)
        h = np.maximum(h @ w.T + bias, 0)
    gram = h.T @ h + 1e-2 * np.eye(widths[-1])
    last = np.linalg.solve(gram, h.T @ (y - y.mean()))
    step = np.abs(last).max() / values.max()
    codes = values[np.abs(last[:, None] / step - values).argmin(axis=1)]
    shift = float((y - h @ (codes * step)).mean())
    return nets.from_arrays([*weights, (codes * step)[None]], [*biases, [shift]])


def tents(levels):
    """The `levels`-fold tent map: 2^levels pieces on [0, 1]."""
    first = nets.Dense([[2], [4]], 1, [0, -2], activation=nets.Relu())
    again = nets.Dense([[2, -2], [4, -4]], 1, [0, -2], activation=nets.Relu())
    return nets.QuantizedNetwork((1,), (first, *([again] * (levels - 1)), nets.Dense([[1, -1]])))


def square(r):
    """sq_r, the interpolant of x^2 at the multiples of 2^-r, with sup |sq_r - x^2| = 4^-(r+1).

    g_i = 4^-i times the i-fold tent, sq_r = x - sum g_i (Yarotsky 2017, Proposition 2).
    """
    common = 4**r
    layers = [nets.Dense([[1], [2], [4]], 1, [0, 0, -2], activation=nets.Relu())]
    for i in range(1, r):
        rest = common // 4**i  # the first unit loses g_i = 4^-i (tent parts)
        codes = [[common, -rest, rest], [0, 2 * common, -2 * common], [0, 4 * common, -4 * common]]
        layers.append(nets.Dense(codes, Fraction(1, common), [0, 0, -2], activation=nets.Relu()))
    return nets.QuantizedNetwork(
        (1,), (*layers, nets.Dense([[common, -1, 1]], Fraction(1, common)))
    )
