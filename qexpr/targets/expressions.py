"""Expressions as one shared, hash-consed graph of nodes, with exact rational coefficients.

A node is an integer; nodes are numbered in topological order, equal expressions share a number,
and every walk is a loop. Constants fold exactly, powers of one base merge, and `select(c, a, b)`
(a where c >= 0, else b) carries the derivatives of kinks; its condition is kept up to a positive
factor with a positive leading coefficient, and selects on one condition merge.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from qexpr.errors import InvalidInput

__all__ = ["FUNCTIONS", "MAX_NODES", "Graph", "Node"]

MAX_NODES = 50_000
_MAX_BITS = 8192
_MAX_POWER = 4096
FUNCTIONS = ("sin", "cos", "exp", "log", "tanh", "sqrt", "abs", "relu")

_ZERO, _ONE = Fraction(0), Fraction(1)


@dataclass(frozen=True, slots=True)
class Node:
    """One operation: name, argument nodes, and what else it needs.

    ``const`` (value), ``pi``, ``var`` (coordinate), ``sum`` (constant and coefficients), ``mul``,
    ``pow`` (exponent), one of FUNCTIONS, ``max``, ``min``, ``select``, ``pick`` (opaque choice).
    """

    op: str
    args: tuple[int, ...] = ()
    value: Any = None


@dataclass(slots=True)
class Graph:
    """A growing set of nodes; every method returns the number of a simplified node."""

    nodes: list[Node] = field(default_factory=list)
    _numbers: dict[Node, int] = field(default_factory=dict)
    _derivatives: dict[tuple[int, int], int] = field(default_factory=dict)

    def _node(
        self,
        op: str,
        args: tuple[int, ...] = (),
        value: Any = None,
    ) -> int:
        node = Node(op, args, value)
        number = self._numbers.get(node)
        if number is None:
            number = len(self.nodes)
            if number >= MAX_NODES:
                raise InvalidInput(
                    f"the expression and its derivatives need more than {MAX_NODES} operations; "
                    "use a simpler expression or a smaller n"
                )
            self.nodes.append(node)
            self._numbers[node] = number
        return number

    # Leaves ------------------------------------------------------------------------------

    def const(self, value: Fraction | int) -> int:
        """A rational constant."""
        value = Fraction(value)
        if max(value.numerator.bit_length(), value.denominator.bit_length()) > _MAX_BITS:
            raise InvalidInput(
                f"a constant in the expression has more than {_MAX_BITS} bits; use smaller numbers"
            )
        return self._node("const", (), value)

    def pi(self) -> int:
        """The constant pi."""
        return self._node("pi")

    def var(self, coordinate: int) -> int:
        """The variable x_coordinate."""
        return self._node("var", (), coordinate)

    def constant_value(self, number: int) -> Fraction | None:
        """The value of a rational constant, else None."""
        node = self.nodes[number]
        return Fraction(node.value) if node.op == "const" else None

    # Sums and products -------------------------------------------------------------------

    def scaled(self, number: int) -> tuple[Fraction, int]:
        """Write a node as factor * node."""
        node = self.nodes[number]
        if node.op == "sum":
            constant, coefficients = node.value
            if constant == 0 and len(coefficients) == 1:
                return coefficients[0], node.args[0]
        return _ONE, number

    def sum(self, terms: Iterable[tuple[Fraction | int, int]], constant: Fraction | int = 0) -> int:
        """constant + sum of coefficient * node."""
        total = Fraction(constant)
        collected: dict[int, Fraction] = {}
        for coefficient, number in terms:
            factor, inner = self.scaled(number)
            factor *= coefficient
            value = self.constant_value(inner)
            if value is not None:
                total += factor * value
            else:
                collected[inner] = collected.get(inner, _ZERO) + factor
        collected = self._merge_selects_of_sum(
            {number: factor for number, factor in collected.items() if factor}
        )
        if not collected:
            return self.const(total)
        if total == 0 and list(collected.values()) == [_ONE]:
            return next(iter(collected))
        self.const(total)  # checks the size
        numbers = tuple(sorted(collected))
        return self._node("sum", numbers, (total, tuple(collected[number] for number in numbers)))

    def _merge_selects_of_sum(self, terms: dict[int, Fraction]) -> dict[int, Fraction]:
        groups: dict[int, list[int]] = {}
        for number in terms:
            if self.nodes[number].op == "select":
                groups.setdefault(self.nodes[number].args[0], []).append(number)
        for condition, members in groups.items():
            if len(members) < 2:
                continue
            branches = [
                self.sum((terms[m], self.nodes[m].args[branch]) for m in members)
                for branch in (1, 2)
            ]
            for member in members:
                del terms[member]
            merged = self.select(condition, *branches)
            factor, inner = self.scaled(merged)
            if self.constant_value(inner) != 0:
                terms[inner] = terms.get(inner, _ZERO) + factor
        return {number: factor for number, factor in terms.items() if factor}

    def add(self, a: int, b: int) -> int:
        """a + b."""
        return self.sum([(1, a), (1, b)])

    def subtract(self, a: int, b: int) -> int:
        """a - b."""
        return self.sum([(1, a), (-1, b)])

    def scale(self, factor: Fraction | int, a: int) -> int:
        """factor * a."""
        return self.sum([(factor, a)])

    def product(self, factors: Iterable[tuple[int, int]]) -> int:
        """The product of node ** exponent."""
        scalar = _ONE
        collected: dict[int, int] = {}
        pending = list(factors)
        while pending:
            number, exponent = pending.pop()
            factor, inner = self.scaled(number)
            scalar *= self._rational_power(factor, exponent)
            node = self.nodes[inner]
            if node.op == "const":
                scalar *= self._rational_power(node.value, exponent)
            elif node.op == "mul":
                pending.extend((arg, exponent) for arg in node.args)
            elif node.op == "pow":
                pending.append((node.args[0], node.value * exponent))
            else:
                collected[inner] = collected.get(inner, 0) + exponent
        if scalar == 0:
            return self.const(0)
        groups: dict[int, list[int]] = {}
        for number, exponent in collected.items():
            if exponent > 0 and self.nodes[number].op == "select":
                groups.setdefault(self.nodes[number].args[0], []).append(number)
        for condition, members in groups.items():
            powers = [(m, collected.pop(m)) for m in members]
            if len(powers) == 1 and powers[0][1] == 1:
                collected[powers[0][0]] = 1
                continue
            branches = [
                self.product((self.nodes[m].args[branch], k) for m, k in powers)
                for branch in (1, 2)
            ]
            merged = self.select(condition, *branches)
            rest = [(number, exponent) for number, exponent in collected.items() if exponent]
            return self.scale(scalar, self.product([*rest, (merged, 1)]))
        parts = tuple(
            sorted(self._power_node(number, k) for number, k in collected.items() if k != 0)
        )
        if not parts:
            return self.const(scalar)
        core = parts[0] if len(parts) == 1 else self._node("mul", parts)
        return self.scale(scalar, core)

    def _power_node(self, number: int, exponent: int) -> int:
        if exponent == 1:
            return number
        if abs(exponent) > _MAX_POWER:
            raise InvalidInput(f"an exponent in the expression exceeds {_MAX_POWER} in size")
        if self.nodes[number].op == "abs" and exponent > 0 and exponent % 2 == 0:
            return self._node("pow", self.nodes[number].args, exponent)
        return self._node("pow", (number,), exponent)

    def _rational_power(self, value: Fraction, exponent: int) -> Fraction:
        if value == 0 and exponent < 0:
            raise InvalidInput("the expression divides by zero")
        size = max(value.numerator.bit_length(), value.denominator.bit_length())
        if abs(value) != 1 and size * abs(exponent) > _MAX_BITS:
            raise InvalidInput(
                f"a constant in the expression has more than {_MAX_BITS} bits; use smaller numbers"
            )
        return value**exponent

    def multiply(self, a: int, b: int) -> int:
        """a * b."""
        return self.product([(a, 1), (b, 1)])

    def divide(self, a: int, b: int) -> int:
        """a / b."""
        return self.product([(a, 1), (b, -1)])

    def power(self, a: int, exponent: int) -> int:
        """a ** exponent, for an integer; a ** 0 is 1."""
        return self.product([(a, exponent)])

    # Functions ---------------------------------------------------------------------------

    def call(self, name: str, a: int) -> int:
        """A function of one argument; values at rationals fold where they are rational."""
        value = self.constant_value(a)
        if value is not None:
            if name == "abs":
                return self.const(abs(value))
            if name == "relu":
                return self.const(max(value, _ZERO))
            if value == 0 and name in ("sin", "tanh", "sqrt"):
                return self.const(0)
            if value == 0 and name in ("cos", "exp"):
                return self.const(1)
            if value == 1 and name in ("log", "sqrt"):
                return self.const(0 if name == "log" else 1)
        return self._node(name, (a,))

    def extreme(self, name: str, a: int, b: int) -> int:
        """max or min of two nodes."""
        if a == b:
            return a
        left, right = self.constant_value(a), self.constant_value(b)
        if left is not None and right is not None:
            return self.const(max(left, right) if name == "max" else min(left, right))
        return self._node(name, (a, b))

    def canonical(self, number: int) -> tuple[int, int]:
        """Write a node as sign * positive factor * node', node' canonical: (sign, node')."""
        factor, inner = self.scaled(number)
        sign = 1 if factor > 0 else -1
        node = self.nodes[inner]
        if node.op == "sum":
            constant, coefficients = node.value
            lead = coefficients[0]
            if lead != 1:
                inner = self.sum(
                    zip((c / lead for c in coefficients), node.args, strict=True), constant / lead
                )
                sign = sign if lead > 0 else -sign
        return sign, inner

    def select(self, condition: int, a: int, b: int) -> int:
        """a where condition >= 0, else b; equal to either almost everywhere it is 0."""
        if a == b:
            return a
        value = self.constant_value(condition)
        if value is not None:
            return a if value >= 0 else b
        sign, condition = self.canonical(condition)
        if sign < 0:
            a, b = b, a
        if self.nodes[a].op == "select" and self.nodes[a].args[0] == condition:
            a = self.nodes[a].args[1]
        if self.nodes[b].op == "select" and self.nodes[b].args[0] == condition:
            b = self.nodes[b].args[2]
        return a if a == b else self._node("select", (condition, a, b))

    def pick(self, condition: int, a: int, b: int) -> int:
        """An opaque choice between a and b: equal picks are equal for every choice."""
        return a if a == b else self._node("pick", (a, b), condition)

    # Walks -------------------------------------------------------------------------------

    def reachable(self, roots: Sequence[int]) -> list[int]:
        """The nodes that the roots depend on, in topological order."""
        seen = set(roots)
        stack = list(seen)
        while stack:
            for arg in self.nodes[stack.pop()].args:
                if arg not in seen:
                    seen.add(arg)
                    stack.append(arg)
        return sorted(seen)

    def derivative(self, root: int, coordinate: int) -> int:
        """The partial derivative; almost everywhere, where there are kinks."""
        from qexpr.targets.differentiation import rule

        memo = self._derivatives
        for number in self.reachable([root]):
            if (number, coordinate) not in memo:
                memo[number, coordinate] = rule(self, number, coordinate, memo)
        return memo[root, coordinate]
