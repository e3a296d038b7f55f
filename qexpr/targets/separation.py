"""A product of functions of different variables: its supremum is the product of the suprema."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from qexpr.targets.expressions import Graph
from qexpr.targets.ranges import Range
from qexpr.targets.search import Supremum, supremum

__all__ = ["separate", "separate_supremum"]

_SHARP = 1 + 2.0**-26


def _variables(graph: Graph, root: int) -> frozenset[int]:
    nodes = (graph.nodes[number] for number in graph.reachable([root]))
    return frozenset(node.value for node in nodes if node.op == "var")


def separate(graph: Graph, root: int) -> tuple[Fraction, list[tuple[int, frozenset[int]]]]:
    """Write a node as a rational times nodes that share no variable."""
    factor, inner = graph.scaled(root)
    node = graph.nodes[inner]
    parts = node.args if node.op == "mul" else (inner,)
    groups: list[tuple[list[int], frozenset[int]]] = []
    for part in parts:
        members, variables = [part], _variables(graph, part)
        apart = []
        for group in groups:
            if group[1] & variables:
                members, variables = group[0] + members, group[1] | variables
            else:
                apart.append(group)
        groups = [*apart, (members, variables)]
    return factor, [(graph.product((m, 1) for m in members), on) for members, on in groups]


def separate_supremum(
    target: Range,
    d: int,
    enough: Callable[[float], float],
    refuted_above: float,
    known: dict[int, Supremum],
) -> tuple[Fraction, Supremum]:
    """The supremum of |g| with an exact upper bound: (upper, search).

    Several factors are searched one by one, sharply; if one of them does not close, or g does not
    separate, g is searched as a whole. `known` keeps the factors' suprema: derivatives share them.
    """
    factor, groups = separate(target.graph, target.root)
    if len(groups) > 1:
        for node, on in groups:
            if node not in known:
                known[node] = supremum(
                    Range.of(target.graph, node, d),
                    d,
                    lambda best: max(best * _SHARP, 2.0**-100),
                    active=tuple(sorted(on)),
                )
        found = [known[node] for node, _ in groups]
        if all(part.closed for part in found):
            upper, lower = abs(factor), abs(factor)
            place = [(0.0, 0.0)] * d
            for part, (_, on) in zip(found, groups, strict=True):
                upper *= Fraction(part.upper)
                lower *= Fraction(part.lower)
                for k in on:
                    place[k] = part.place[k]
            boxes = sum(part.boxes for part in found)
            return upper, Supremum(_below(lower), float(upper), boxes, True, tuple(place))
    whole = supremum(target, d, enough, refuted_above)
    upper = Fraction(whole.upper) if whole.upper < float("inf") else Fraction(0)
    return upper, whole


def _below(value: Fraction) -> float:
    from qexpr.core.claim import double_below

    return double_below(value)
