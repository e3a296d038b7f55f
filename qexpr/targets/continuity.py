"""Whether a derivative with kinks is continuous: the two sides agree where the condition is 0.

A derivative D is built by sums and products out of continuous functions and of choices
`select(c, a, b)`. Fix one condition c. If replacing every select on c by its first branch, and by
its second, gives equal functions on {c = 0}, for every outcome of the other choices, then D does
not jump there. Doing this for every c, a point where several conditions vanish is reached by
flipping one choice at a time, so D is continuous, and, being one of finitely many Lipschitz
functions at every point, Lipschitz. Equality is established as identity of nodes after c, and
what c stands in, has been replaced by 0: it is never guessed from numbers.
"""

from __future__ import annotations

from qexpr.targets.expressions import Graph

__all__ = ["conditions", "sides"]


def conditions(graph: Graph, root: int) -> list[int]:
    """The conditions that a node's value switches on."""
    nodes = (graph.nodes[number] for number in graph.reachable([root]))
    return sorted({node.args[0] for node in nodes if node.op == "select"})


def sides(graph: Graph, root: int, condition: int) -> tuple[int, int]:
    """The two limits of a node on {condition = 0}; equal nodes are equal functions there."""
    return _side(graph, root, condition, 1), _side(graph, root, condition, 2)


def _side(graph: Graph, root: int, condition: int, branch: int) -> int:
    memo: dict[int, int] = {}
    zero = graph.const(0)
    for number in graph.reachable([root]):
        node = graph.nodes[number]
        args = [memo[arg] for arg in node.args]
        if number == condition or (node.op == "sum" and graph.canonical(number)[1] == condition):
            memo[number] = zero
        elif node.op in ("const", "pi", "var"):
            memo[number] = number
        elif node.op == "sum":
            constant, coefficients = node.value  # type: ignore[misc]
            memo[number] = graph.sum(zip(coefficients, args, strict=True), constant)
        elif node.op == "mul":
            memo[number] = graph.product((arg, 1) for arg in args)
        elif node.op == "pow":
            memo[number] = _power(graph, args[0], node.value, number)  # type: ignore[arg-type]
        elif node.op in ("max", "min"):
            ahead = graph.subtract(*node.args)
            tie = graph.canonical(ahead)[1] == condition
            memo[number] = args[1] if tie else graph.extreme(node.op, args[0], args[1])
        elif node.op == "select":
            if node.args[0] == condition:
                memo[number] = args[branch]
            else:
                memo[number] = graph.pick(node.args[0], args[1], args[2])
        else:
            memo[number] = graph.call(node.op, args[0])
    return memo[root]


def _power(graph: Graph, base: int, exponent: int, original: int) -> int:
    if exponent < 0 and graph.constant_value(base) == 0:
        return original  # 1 / c is kept: the domain proof shows that c = 0 does not happen
    return graph.power(base, exponent)
