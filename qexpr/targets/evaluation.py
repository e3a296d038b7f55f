"""Evaluating nodes of a graph: rigorous double intervals over many boxes, balls, plain doubles."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from qexpr.rigor import balls
from qexpr.rigor.balls import arb
from qexpr.targets import floats
from qexpr.targets.expressions import Graph, Node
from qexpr.targets.floats import Interval

__all__ = ["ball_of", "balls_of", "intervals", "plain"]

Array = NDArray[np.float64]
_CHUNK = 1 << 15  # boxes a pass: what fits the cache at some fifty live nodes


def intervals(graph: Graph, roots: Sequence[int], lower: Array, upper: Array) -> list[Interval]:
    """Enclose every root over the boxes [lower[i], upper[i]], arrays of shape (m, d)."""
    order = graph.reachable(roots)
    parts = [
        _pass(graph, order, roots, lower[start : start + _CHUNK], upper[start : start + _CHUNK])
        for start in range(0, max(len(lower), 1), _CHUNK)
    ]
    if len(parts) == 1:
        return parts[0]
    return [
        Interval(*(np.concatenate([part[k][end] for part in parts]) for end in (0, 1)))
        for k in range(len(roots))
    ]


def _pass(
    graph: Graph, order: Sequence[int], roots: Sequence[int], lower: Array, upper: Array
) -> list[Interval]:
    values: dict[int, Interval] = {}
    shape = (len(lower),)
    last = {arg: number for number in order for arg in graph.nodes[number].args}
    keep = set(roots)
    with np.errstate(all="ignore"):
        for number in order:
            node = graph.nodes[number]
            values[number] = _interval(node, [values[arg] for arg in node.args], lower, upper)
            for arg in node.args:
                if last[arg] == number and arg not in keep:
                    values.pop(arg, None)
        results = [floats.finish(values[root]) for root in roots]
    return [Interval(*(np.broadcast_to(end, shape).copy() for end in r)) for r in results]


def _interval(node: Node, args: list[Interval], lower: Array, upper: Array) -> Interval:
    if node.op == "const":
        return floats.constant(node.value)
    if node.op == "pi":
        return floats.PI
    if node.op == "var":
        return Interval(lower[:, node.value], upper[:, node.value])
    if node.op == "sum":
        constant, coefficients = node.value
        terms = [floats.scale(c, arg) for c, arg in zip(coefficients, args, strict=True)]
        return reduce(floats.add, terms if constant == 0 else [floats.constant(constant), *terms])
    if node.op == "mul":
        result = args[0]
        for arg in args[1:]:
            result = floats.multiply(result, arg)
        return result
    if node.op == "pow":
        return floats.power(args[0], node.value)
    if node.op == "max":
        return Interval(*(np.maximum(args[0][end], args[1][end]) for end in (0, 1)))
    if node.op == "min":
        return Interval(*(np.minimum(args[0][end], args[1][end]) for end in (0, 1)))
    if node.op == "select":
        condition, a, b = args
        both = floats.hull(a, b)
        # A box that touches the kink from one side has that side's values almost everywhere;
        # one that lies in it has both.
        ahead = (condition.lower >= 0) & (condition.upper > 0)
        behind = (condition.upper <= 0) & (condition.lower < 0)
        return Interval(
            *(np.where(ahead, a[end], np.where(behind, b[end], both[end])) for end in (0, 1))
        )
    if node.op == "pick":
        return floats.hull(*args)
    return floats.function(node.op, args[0])


# Balls ------------------------------------------------------------------------------------------


def balls_of(graph: Graph, roots: Sequence[int], point: Sequence[arb]) -> list[arb]:
    """Enclose every root over a box of balls at the working precision."""
    values: dict[int, arb] = {}
    for number in graph.reachable(roots):
        node = graph.nodes[number]
        if node.op == "var":
            values[number] = point[node.value]
        else:
            values[number] = ball_of(node, [values[arg] for arg in node.args])
    return [values[root] for root in roots]


def ball_of(node: Node, args: Sequence[arb]) -> arb:
    """One operation on balls; a ball that is not finite where nothing can be said."""
    if node.op == "const":
        return balls.ball(node.value)
    if node.op == "pi":
        return arb.pi()
    if node.op == "sum":
        constant, coefficients = node.value
        total = balls.ball(constant)
        for coefficient, arg in zip(coefficients, args, strict=True):
            total = total + (arg if coefficient == 1 else arg * balls.ball(coefficient))
        return total
    if node.op == "mul":
        result = args[0]
        for arg in args[1:]:
            result = result * arg
        return result
    if node.op == "pow":
        return balls.power(args[0], node.value)
    if node.op == "max":
        return args[0].max(args[1])
    if node.op == "min":
        return args[0].min(args[1])
    if node.op == "select":
        if args[0] > 0:
            return args[1]
        return args[2] if args[0] < 0 else args[1].union(args[2])
    if node.op == "pick":
        return args[0].union(args[1])
    return _ball_function(node.op, args[0])


def _ball_function(name: str, x: arb) -> arb:
    if name in ("sin", "cos"):
        return _ball_sine(name, x) if x.rad() > _NARROW else (x.sin() if name == "sin" else x.cos())
    if name == "abs":
        return abs(x)
    if name == "relu":
        return x.max(arb(0))
    if name in ("exp", "tanh", "log"):  # increasing: the ends enclose the range
        return _monotone(name, x)
    if x < 0 or not x.contains(0):
        return x.sqrt()
    return arb(0).union(x.upper().sqrt())  # the argument is proven nonnegative beforehand


_NARROW = 2.0**-20


def _monotone(name: str, x: arb) -> arb:
    if not balls.is_finite(x) or x.rad() <= _NARROW:
        return getattr(x, name)()
    return getattr(x.lower(), name)().union(getattr(x.upper(), name)())


def _ball_sine(name: str, x: arb) -> arb:
    """The range over a wide ball: the ends, and +-1 where a crest or a trough may lie inside."""
    whole = arb(0, 1)
    if not balls.is_finite(x):
        return whole
    low, high = x.lower(), x.upper()
    ends = low.sin().union(high.sin()) if name == "sin" else low.cos().union(high.cos())
    quarter = 2 / arb.pi()
    offset = 0 if name == "sin" else 1
    first = balls.lower_end(low * quarter + offset)
    last = balls.upper_end(high * quarter + offset)
    for turn, value in ((1, 1), (3, -1)):
        if (last - turn) // 4 >= -((turn - first) // 4):
            ends = ends.union(arb(value))
    return ends.intersection(whole)


def plain(graph: Graph, root: int, x: Array) -> Array:
    """The expression in ordinary doubles at points of shape (m, d): for plots, no guarantee."""
    values: dict[int, Array] = {}
    with np.errstate(all="ignore"):
        for number in graph.reachable([root]):
            node = graph.nodes[number]
            values[number] = _plain(node, [values[arg] for arg in node.args], x)
    return np.broadcast_to(values[root], (len(x),)).astype(np.float64)


def _plain(node: Node, args: list[Array], x: Array) -> Array:
    if node.op == "const":
        return np.asarray(_nearest(node.value))
    if node.op == "pi":
        return np.asarray(np.pi)
    if node.op == "var":
        return x[:, node.value]
    if node.op == "sum":
        constant, coefficients = node.value
        terms = [_nearest(c) * a for c, a in zip(coefficients, args, strict=True)]
        return reduce(np.add, terms, np.asarray(_nearest(constant)))
    if node.op == "mul":
        result = args[0]
        for arg in args[1:]:
            result = result * arg
        return result
    if node.op == "pow":
        return args[0] ** float(node.value)
    if node.op in ("max", "min"):
        return (np.maximum if node.op == "max" else np.minimum)(*args)
    if node.op in ("select", "pick"):
        return np.where(args[0] >= 0, args[1], args[2])
    if node.op == "relu":
        return np.maximum(args[0], 0.0)
    return np.asarray(getattr(np, node.op)(args[0]))


def _nearest(value: Fraction) -> float:
    return value.numerator / value.denominator
