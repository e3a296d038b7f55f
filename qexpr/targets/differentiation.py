"""The rules of differentiation, exact, and true almost everywhere where there are kinks.

On the zero set of u the gradient of u vanishes almost everywhere (Stampacchia), so relu(u), |u|,
max and min may take the derivative of either branch there: `select` is written without a case
for equality.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qexpr.targets.expressions import Graph

__all__ = ["rule"]


def rule(graph: Graph, number: int, coordinate: int, memo: dict[tuple[int, int], int]) -> int:
    """Differentiate one node by one coordinate, its arguments' derivatives being in `memo`."""
    node = graph.nodes[number]
    inner = [memo[arg, coordinate] for arg in node.args]
    if node.op in ("const", "pi"):
        return graph.const(0)
    if node.op == "var":
        return graph.const(1 if node.value == coordinate else 0)
    if node.op == "sum":
        _, coefficients = node.value
        return graph.sum(zip(coefficients, inner, strict=True))
    if node.op == "mul":
        terms = []
        for position, derivative in enumerate(inner):
            rest = [(arg, 1) for k, arg in enumerate(node.args) if k != position]
            terms.append((1, graph.product([*rest, (derivative, 1)])))
        return graph.sum(terms)
    if node.op == "pow":
        base = graph.nodes[node.args[0]]
        kink = memo[base.args[0], coordinate] if base.op in ("abs", "relu") else None
        return _power(graph, node.args[0], node.value, inner[0], kink)
    if node.op in ("max", "min"):
        left, right = node.args
        ahead = graph.subtract(left, right)
        return graph.select(ahead, *(inner if node.op == "max" else inner[::-1]))
    if node.op == "select":
        return graph.select(node.args[0], inner[1], inner[2])
    return _chain(graph, node.op, number, node.args[0], inner[0])


def _power(graph: Graph, base: int, exponent: int, inner: int, argument: int | None) -> int:
    """Powers; relu(u)^k and |u|^k for k >= 2 are continuously differentiable, with no select.

    `argument` is the derivative of u.
    """
    if argument is not None and exponent >= 2:
        u = graph.nodes[base].args[0]
        if graph.nodes[base].op == "abs":  # k is odd, since even powers lose the abs
            factors = [(u, 1), (base, exponent - 2), (argument, 1)]
        else:
            factors = [(base, exponent - 1), (argument, 1)]
        return graph.scale(exponent, graph.product(factors))
    return graph.scale(exponent, graph.product([(base, exponent - 1), (inner, 1)]))


def _chain(graph: Graph, op: str, number: int, argument: int, inner: int) -> int:
    if op == "abs":
        return graph.select(argument, inner, graph.scale(-1, inner))
    if op == "relu":
        return graph.select(argument, inner, graph.const(0))
    if op == "sin":
        outer = graph.call("cos", argument)
    elif op == "cos":
        outer = graph.scale(-1, graph.call("sin", argument))
    elif op == "exp":
        outer = number
    elif op == "log":
        outer = graph.power(argument, -1)
    elif op == "tanh":
        outer = graph.sum([(-1, graph.power(number, 2))], 1)
    else:  # sqrt
        outer = graph.product([(number, -1), (graph.const(2), -1)])
    return graph.multiply(outer, inner)
