"""Affine enclosures of a network over boxes, in float64 with proven rounding bounds.

Over a box with centre c and radii r, write x = c + r t, t in [-1, 1]^d. Every node is carried as

    z(x) = z_c + sum_i a_i t_i + e,   |e| <= noise + rounding,

and an activation with range [l, u] as ``act(z) = lam z + mid + e', |e'| <= radius``. Since that is
linear in the errors, a reverse sweep gives the output's error as sum_j |g_j| radius_j with g_j the
derivative through the slopes lam (for ReLU the zonotope of Singh et al. 2018, "Fast and effective
robustness certification", evaluated backwards), and no node holds more than d + 3 numbers a unit.
A product of two nodes is linear in both, with the other's middle as slope, plus the product of
their radii.

Rounding: a computed sum of k products is off by at most gamma_k = k u / (1 - k u) times the sum of
absolute values, in any order, fused or not, u = 2^-53 (Higham, Accuracy and Stability of Numerical
Algorithms, 2nd ed., section 3.1); the matrices themselves are rounded once. The reverse sweep is
off by at most sum_l gamma_l |A_L| .. |A_l| noise_(l-1), and the forward pass adds just that to
`rounding`, since gamma there has room for the sums of both directions. Underflow adds less than
`_TINY` to a sum.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qexpr.certificates import kernel
from qexpr.certificates.program import INPUT, PRODUCT, Node, Program
from qexpr.certificates.relaxation import Bounds, multiply, relax
from qexpr.networks.floating import apply

__all__ = ["FloatProgram", "Forms", "affine_forms", "float_program", "plain", "ranges"]

U = 2.0**-53
_TINY = 2.0**-900
_FLOOR = 2.0**-800  # times gamma, still far above what underflow can take away
_UP = 1.0 + 2.0**-44  # covers the roundings of a bound's own computation, with room


@dataclass(frozen=True, eq=False)
class FloatNode:
    """A node in float64: each entry within 3 u of the exact one, relatively."""

    sources: tuple[int, ...]
    matrices: tuple[np.ndarray, ...]
    sizes: tuple[np.ndarray, ...]  # absolute values
    offset: np.ndarray
    gamma: float
    node: Node


@dataclass(frozen=True, eq=False)
class FloatProgram:
    """The program in float64."""

    d: int
    nodes: tuple[FloatNode, ...]


@dataclass(frozen=True, eq=False)
class Forms:
    """The output over boxes: ``centre + slopes . t + e, |e| <= error``; slopes hold r already."""

    centre: np.ndarray  # (m,)
    slopes: np.ndarray  # (m, d)
    error: np.ndarray  # (m,)
    blame: np.ndarray  # (m, d): the part of the error that goes with each coordinate


def _to_float(values: np.ndarray, denominator: int) -> np.ndarray:
    if values.dtype != object and denominator < 2**53:
        return values.astype(np.float64) / float(denominator)
    flat = values.ravel().tolist()
    table = {value: value / denominator for value in set(flat)}  # correctly rounded
    return np.array([table[value] for value in flat]).reshape(values.shape)


def _sizes(matrix: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """Absolute values, never so small that the rounding of an entry is not relative."""
    return np.where(exact != 0, np.maximum(np.abs(matrix), _FLOOR), 0.0)


def float_program(program: Program) -> FloatProgram:
    """Round a program once.

    Raises
    ------
    OverflowError
        If a weight is beyond the range of doubles.
    """
    nodes = []
    for node in program.nodes:
        matrices = tuple(_to_float(matrix, node.denominator) for matrix in node.matrices)
        pairs = list(zip(matrices, node.matrices, strict=True))
        # of the sums forwards and backwards, and of the sums of these over sources and sinks
        terms = sum(matrix.shape[1] + 1 for matrix in matrices) + node.sums
        terms += len(program.nodes) + 16
        nodes.append(
            FloatNode(
                node.sources,
                matrices,
                tuple(_sizes(matrix, exact) for matrix, exact in pairs),
                _to_float(node.offset, node.denominator),
                terms * U * 1.01,
                node,
            )
        )
    return FloatProgram(program.d, tuple(nodes))


@dataclass
class _State:
    rows: np.ndarray  # (m, d + 1, n): slopes, then the centre
    noise: np.ndarray  # (m, n)
    rounding: np.ndarray  # (m, n)


def _affine(p: FloatNode, states: dict[int, _State]) -> _State:
    rows = noise = rounding = None
    with np.errstate(all="ignore"):
        for source, matrix, size in zip(p.sources, p.matrices, p.sizes, strict=True):
            state = states[source]
            m, width, n = state.rows.shape
            part = kernel.product(state.rows.reshape(m * width, n), matrix.T)
            part = part.reshape(m, width, -1)
            both = np.empty((2, m, n))
            both[0] = state.noise
            magnitude = np.abs(state.rows).sum(axis=1)
            both[1] = state.rounding + p.gamma * (magnitude + state.noise + state.rounding)
            spread = kernel.product(both.reshape(2 * m, n), size.T).reshape(2, m, -1)
            rows = part if rows is None else rows + part
            noise = spread[0] if noise is None else noise + spread[0]
            rounding = spread[1] if rounding is None else rounding + spread[1]
        if rows is None:  # a constant: it reads nothing
            some = states[INPUT].rows
            rows = np.zeros((some.shape[0], some.shape[1], p.node.sums))
            noise = np.zeros((len(some), p.node.sums))
            rounding = noise
        rows[:, -1] += p.offset
        up = 1.0 + 4 * p.gamma
        noise = noise * up + _TINY
        rounding = (rounding + p.gamma * np.abs(p.offset)) * up + _TINY
    return _State(rows, noise, rounding)


def _range(state: _State) -> tuple[np.ndarray, np.ndarray]:
    centre = state.rows[:, -1]
    radius = np.abs(state.rows[:, :-1]).sum(axis=1) + state.noise + state.rounding
    radius = radius * _UP + np.abs(centre) * (4 * U) + _TINY
    return centre - radius, centre + radius


def _activated(state: _State, bounds: Bounds) -> _State:
    slope = bounds.slope
    size = np.abs(state.rows).sum(axis=1)
    with np.errstate(all="ignore"):
        rows = state.rows * slope[:, None, :]
        rows[:, -1] += bounds.middle
        steep = np.abs(slope)
        noise = (state.noise * steep + bounds.radius) * _UP
        inexact = (bounds.middle != 0) | ((slope != 0) & (steep != 1))
        slack = (4 * U) * (size * steep + np.abs(bounds.middle))
        rounding = (state.rounding * steep + np.where(inexact, slack, 0.0)) * _UP
    return _State(rows, noise, rounding)


def _multiplied(state: _State, bounds: Bounds) -> _State:
    """The product of the two halves; every number of it is rounded at most five times."""

    def joined(values: np.ndarray, slope: np.ndarray) -> np.ndarray:
        first, second = np.split(values * slope, 2, axis=-1)
        return first + second

    steep = np.abs(bounds.slope)
    size = np.abs(state.rows).sum(axis=1)
    with np.errstate(all="ignore"):
        rows = joined(state.rows, bounds.slope[:, None, :])
        rows[:, -1] += bounds.middle
        spread = joined(state.noise, steep)
        noise = (spread + bounds.radius) * _UP
        slack = (8 * U) * (joined(size, steep) + np.abs(bounds.middle) + spread)
        rounding = (joined(state.rounding, steep) + slack) * _UP + _TINY
    return _State(rows, noise, rounding)


def _forward(
    program: FloatProgram, centre: np.ndarray, radius: np.ndarray
) -> tuple[list[_State], list[Bounds | None], _State]:
    m, d = centre.shape
    rows = np.zeros((m, d + 1, d))
    rows[:, np.arange(d), np.arange(d)] = radius
    rows[:, -1] = centre
    zero = np.zeros((m, d))
    states = {INPUT: _State(rows, zero, zero)}
    before: list[_State] = []
    relaxed: list[Bounds | None] = []
    for k, p in enumerate(program.nodes):
        state = _affine(p, states)
        before.append(state)
        bounds = None
        if p.node.activation is PRODUCT:
            bounds = multiply(*_range(state))
            state = _multiplied(state, bounds)
        elif p.node.activation is not None:
            bounds = relax(p.node.activation, *_range(state))
            state = _activated(state, bounds)
        relaxed.append(bounds)
        states[k] = state
    return before, relaxed, states[len(program.nodes) - 1]


def plain(program: FloatProgram, points: np.ndarray) -> np.ndarray:
    """The output at points (m, d) in ordinary float64: no guarantee."""
    values = {INPUT: points}
    for k, p in enumerate(program.nodes):
        y = np.zeros((len(points), p.node.sums)) + p.offset
        for source, matrix in zip(p.sources, p.matrices, strict=True):
            y += values[source] @ matrix.T
        if p.node.activation is PRODUCT:
            y = np.multiply(*np.split(y, 2, axis=1))
        elif p.node.activation is not None:
            y = apply(p.node.activation, y)
        values[k] = y
    return values[len(program.nodes) - 1][:, 0]


def ranges(
    program: FloatProgram, centre: np.ndarray, radius: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """The range of every node before its activation."""
    before, _, _ = _forward(program, centre, radius)
    return [_range(state) for state in before]


def affine_forms(program: FloatProgram, centre: np.ndarray, radius: np.ndarray) -> Forms:
    """Enclose the output over the boxes ``centre +- radius`` (doubles, taken exactly).

    Entries that overflow come out as infinities or nan: the caller treats both as no bound.
    """
    before, relaxed, output = _forward(program, centre, radius)
    m, d = centre.shape
    grads = [None] * len(program.nodes)
    grads[-1] = np.ones((m, 1))
    error = np.zeros(m)
    blame = np.zeros((m, d))
    with np.errstate(all="ignore"):
        for k in range(len(program.nodes) - 1, -1, -1):
            grad, p, bounds = grads[k], program.nodes[k], relaxed[k]
            if grad is None:
                continue
            if bounds is not None:
                share = np.abs(grad) * bounds.radius
                error += share.sum(axis=1)
                if p.node.activation is PRODUCT:  # both factors are to blame alike
                    share, grad = np.tile(share / 2, 2), np.tile(grad, 2)
                state = before[k]
                slopes = np.abs(state.rows[:, :-1])
                total = slopes.sum(axis=1) + _TINY
                blame += np.einsum("mn,mdn->md", share / total, slopes)
                grad = grad * bounds.slope
            for source, matrix in zip(p.sources, p.matrices, strict=True):
                if source != INPUT:
                    part = kernel.product(grad, matrix)
                    grads[source] = part if grads[source] is None else grads[source] + part
            grads[k] = None
        units = sum(p.node.size for p in program.nodes)
        error = error * (1.0 + 2 * units * U + 2.0**-44)
        error = np.minimum(error, output.noise[:, 0]) + output.rounding[:, 0]
    return Forms(output.rows[:, -1, 0], output.rows[:, :-1, 0], error * _UP + _TINY, blame)
