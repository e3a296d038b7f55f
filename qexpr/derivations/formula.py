"""Formulas as text: one text is printed, and read as exact numbers, as balls or as symbols.

The syntax is Python's: ``x**2 - 1 <= sum(a[i] for i in range(n))``. What a sign means is decided
by a `Field`; a formula is compiled once and evaluated there.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from types import CodeType
from typing import Any

__all__ = ["Definition", "Field", "Meaning", "sides"]

_ARITHMETIC = {
    ast.Add: "add_",
    ast.Sub: "subtract_",
    ast.Mult: "multiply_",
    ast.Div: "divide_",
    ast.Pow: "power_",
}
_SIGNS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}


@dataclass(frozen=True)
class Definition:
    """A name with its parameters, and the formula that it stands for.

    Parameters
    ----------
    head : str
        ``"k(t)"`` or, for a constant, ``"D"``.
    body : str
    """

    head: str
    body: str

    @property
    def name(self) -> str:
        """The name that is defined."""
        return self.head.partition("(")[0]

    @property
    def parameters(self) -> str:
        """The parameters, between commas."""
        return self.head.partition("(")[2].rstrip(")")


@dataclass(frozen=True)
class Field:
    """What formulas are evaluated in.

    Parameters
    ----------
    names : Mapping
        Functions and constants, and those of ``add_ subtract_ multiply_ divide_ power_ negate_
        compare_`` whose sign is not Python's own.
    """

    names: Mapping[str, Any]


def sides(text: str) -> list[str]:
    """The sides of a chain of equations, as texts."""
    node = ast.parse(text, mode="eval").body
    if not isinstance(node, ast.Compare) or not all(isinstance(op, ast.Eq) for op in node.ops):
        raise ValueError(f"an identity is a chain of equations, not {text}")
    return [ast.unparse(side) for side in (node.left, *node.comparators)]


class _Rewriter(ast.NodeTransformer):
    """Signs become calls where the field has its own; decimals become exact."""

    def __init__(self, text: str, names: Mapping[str, Any], constants: dict[str, Any]) -> None:
        self.text, self.names, self.constants = text, names, constants

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if not isinstance(node.value, float):
            return node
        spelled = ast.get_source_segment(self.text, node) or repr(node.value)
        name = f"decimal{len(self.constants)}_"
        self.constants[name] = self.names["number_"](Fraction(spelled))
        return ast.copy_location(ast.Name(name, ast.Load()), node)

    def _call(self, name: str, arguments: list[ast.expr], node: ast.AST) -> ast.AST:
        call = ast.Call(ast.Name(name, ast.Load()), arguments, [])
        return ast.fix_missing_locations(ast.copy_location(call, node))

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        name = _ARITHMETIC.get(type(node.op), "")
        return self._call(name, [node.left, node.right], node) if name in self.names else node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, ast.USub) and "negate_" in self.names:
            return self._call("negate_", [node.operand], node)
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        if "compare_" not in self.names:
            return node
        signs: list[ast.expr] = [ast.Constant(_SIGNS[type(op)]) for op in node.ops]
        values = ast.List([node.left, *node.comparators], ast.Load())
        return self._call("compare_", [ast.List(signs, ast.Load()), values], node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if isinstance(node.ctx, ast.Load) and f"{node.id}_once_" in self.names:
            return self._call(f"{node.id}_once_", [], node)
        return node


@dataclass
class Meaning:
    """Formulas with some definitions, in one field."""

    reading: Field
    definitions: tuple[Definition, ...] = ()
    functions: tuple[tuple[str, Callable[..., Any]], ...] = ()
    _names: dict[str, Any] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._names.update(self.reading.names)
        self._names.update(self.functions)
        self._names["__builtins__"] = {}
        for definition in self.definitions:
            if not definition.parameters:
                self._names[f"{definition.name}_once_"] = _once(self, definition.body)
        for definition in self.definitions:
            if definition.parameters:
                text = f"lambda {definition.parameters}: {definition.body}"
                self._names[definition.name] = _remember(self.evaluate(self.compile(text)))

    def compile(self, text: str) -> CodeType:
        """A text for `evaluate`."""
        tree = _Rewriter(text, self._names, self._names).visit(ast.parse(text, mode="eval"))
        return compile(ast.fix_missing_locations(tree), "<formula>", "eval")

    def evaluate(self, code: CodeType | str, **variables: Any) -> Any:
        """The value, with values for the variables."""
        if isinstance(code, str):
            code = self.compile(code)
        # Only texts of this package are evaluated, and without builtins.
        return eval(code, {**self._names, **variables} if variables else self._names)


def _once(meaning: Meaning, body: str) -> Callable[[], Any]:
    found: list[Any] = []

    def value() -> Any:
        if not found:
            found.append(meaning.evaluate(body))
        return found[0]

    return value


def _remember(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with its values at integers kept: recursions over indices stay linear."""
    known: dict[tuple[Any, ...], Any] = {}

    def value(*arguments: Any) -> Any:
        if not all(type(argument) is int for argument in arguments):
            return function(*arguments)
        if arguments not in known:
            known[arguments] = function(*arguments)
        return known[arguments]

    return value
