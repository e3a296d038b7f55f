"""Nodes as sympy expressions, for formulas in reports and as a second opinion in tests."""

from __future__ import annotations

from typing import Any

from qexpr.targets.expressions import Graph, Node

__all__ = ["to_sympy"]


def to_sympy(graph: Graph, root: int) -> Any:
    """The node as a sympy expression in the real symbols x0, x1, ..; unsimplified."""
    import sympy

    values: dict[int, Any] = {}
    for number in graph.reachable([root]):
        node = graph.nodes[number]
        values[number] = _convert(sympy, node, [values[arg] for arg in node.args])
    return values[root]


def _convert(sympy: Any, node: Node, args: list[Any]) -> Any:
    if node.op == "const":
        return sympy.Rational(node.value.numerator, node.value.denominator)
    if node.op == "pi":
        return sympy.pi
    if node.op == "var":
        return sympy.Symbol(f"x{node.value}", real=True)
    if node.op == "sum":
        constant, coefficients = node.value
        terms = [
            sympy.Rational(c.numerator, c.denominator) * arg
            for c, arg in zip(coefficients, args, strict=True)
        ]
        return sympy.Add(sympy.Rational(constant.numerator, constant.denominator), *terms)
    if node.op == "mul":
        return sympy.Mul(*args)
    if node.op == "pow":
        return args[0] ** node.value
    if node.op in ("max", "min"):
        return (sympy.Max if node.op == "max" else sympy.Min)(*args)
    if node.op == "relu":
        return sympy.Max(args[0], 0)
    if node.op == "abs":
        return sympy.Abs(args[0])
    if node.op == "select":
        return sympy.Piecewise((args[1], args[0] >= 0), (args[2], True))
    return getattr(sympy, node.op)(args[0])
