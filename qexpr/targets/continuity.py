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

__all__ = ["branch", "conditions", "sides"]


def conditions(graph: Graph, root: int) -> list[int]:
    """The conditions that a node's value switches on."""
    nodes = (graph.nodes[number] for number in graph.reachable([root]))
    return sorted({node.args[0] for node in nodes if node.op == "select"})


def sides(graph: Graph, root: int, condition: int, opaque: bool = True) -> tuple[int, int]:
    """The two limits of a node on {condition = 0}; equal nodes are equal functions there.

    The choices on other conditions are opaque for a proof, and not, to evaluate a jump.
    """
    first, second = (_side(graph, root, condition, side, opaque) for side in (1, 2))
    return first, second


def branch(graph: Graph, root: int, sides_of: dict[int, int]) -> int:
    """The node with its selects on some conditions replaced by their branch 1 or 2."""
    memo: dict[int, int] = {}
    for number in graph.reachable([root]):
        node = graph.nodes[number]
        if node.op == "select" and node.args[0] in sides_of:
            memo[number] = memo[node.args[sides_of[node.args[0]]]]
        else:
            memo[number] = _rebuilt(graph, number, [memo[arg] for arg in node.args])
    return memo[root]


def _rebuilt(graph: Graph, number: int, args: list[int]) -> int:
    """The node with other arguments."""
    node = graph.nodes[number]
    if not node.args or args == list(node.args):
        return number
    if node.op == "sum":
        constant, coefficients = node.value
        return graph.sum(zip(coefficients, args, strict=True), constant)
    if node.op == "mul":
        return graph.product((arg, 1) for arg in args)
    if node.op == "pow":
        return _power(graph, args[0], node.value, number)
    if node.op in ("max", "min"):
        return graph.extreme(node.op, args[0], args[1])
    if node.op == "select":
        return graph.select(*args)
    if node.op == "pick":
        return graph.pick(node.value, *args)
    return graph.call(node.op, args[0])


def _side(graph: Graph, root: int, condition: int, side: int, opaque: bool) -> int:
    memo: dict[int, int] = {}
    zero = graph.const(0)
    for number in graph.reachable([root]):
        node = graph.nodes[number]
        args = [memo[arg] for arg in node.args]
        if number == condition or (node.op == "sum" and graph.canonical(number)[1] == condition):
            memo[number] = zero
        elif node.op in ("max", "min"):
            tie = graph.canonical(graph.subtract(*node.args))[1] == condition
            memo[number] = args[1] if tie else _rebuilt(graph, number, args)
        elif node.op == "select" and node.args[0] == condition:
            memo[number] = args[side]
        elif node.op == "select":  # its own condition may vanish with this one: left open
            choose = graph.pick if opaque else graph.select
            memo[number] = choose(node.args[0], args[1], args[2])
        else:
            memo[number] = _rebuilt(graph, number, args)
    return memo[root]


def _power(graph: Graph, base: int, exponent: int, original: int) -> int:
    if exponent < 0 and graph.constant_value(base) == 0:
        return original  # 1 / c is kept: the domain proof shows that c = 0 does not happen
    return graph.power(base, exponent)
