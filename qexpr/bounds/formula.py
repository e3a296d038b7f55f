"""Formula texts: one text, read as floats, arrays, balls, symbols and LaTeX.

The grammar is Python's arithmetic (+ - * / ** and parentheses) over integers, names and the
functions of `FUNCTIONS`; ``log`` is base 2. A text is parsed once, checked against that grammar,
and walked under a *reading*, which says what numbers and functions are.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

from qexpr.errors import InvalidInput, shorten

__all__ = ["FUNCTIONS", "Formula", "Reading", "parse"]

FUNCTIONS = ("abs", "binomial", "ceil", "factorial", "floor", "ln", "log", "max", "min", "sqrt")

_OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "**",
}
_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
}


class Reading(NamedTuple):
    """What the parts of a formula mean.

    Parameters
    ----------
    number : callable
        Turns an integer literal into a value.
    operate : callable
        ``operate(symbol, left, right)`` for + - * / **.
    functions : mapping
        From each name of `FUNCTIONS` to a callable.
    """

    number: Callable[[int], Any]
    operate: Callable[[str, Any, Any], Any]
    functions: Mapping[str, Callable[..., Any]]


class Formula(NamedTuple):
    """A checked formula."""

    tree: ast.expr

    @property
    def text(self) -> str:
        """The formula in one spelling."""
        return ast.unparse(self.tree)

    @property
    def names(self) -> frozenset[str]:
        """The free variables."""
        nodes = ast.walk(self.tree)
        return frozenset(n.id for n in nodes if isinstance(n, ast.Name)).difference(FUNCTIONS)

    def evaluate(self, reading: Reading, values: Mapping[str, Any]) -> Any:
        """The value under a reading, with `values` for the names."""
        return _walk(self.tree, reading, values)

    @property
    def comparison(self) -> tuple[Formula, str, Formula]:
        """The two sides and the sign of a condition such as ``eps < 1/2``."""
        if not isinstance(self.tree, ast.Compare):
            raise InvalidInput(f"{shorten(self.text)} is not a comparison")
        left, right = self.tree.left, self.tree.comparators[0]
        return Formula(left), _COMPARISONS[type(self.tree.ops[0])], Formula(right)


def _check(node: ast.expr, text: str, top: bool = False) -> None:
    match node:
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            _check(left, text)
            _check(right, text)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            _check(operand, text)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in FUNCTIONS:
            for argument in args:
                _check(argument, text)
        case ast.Compare(left=left, ops=[op], comparators=[right]) if top and (
            type(op) in _COMPARISONS
        ):
            _check(left, text)
            _check(right, text)
        case ast.Name(id=name) if name not in FUNCTIONS:
            pass
        case ast.Constant(value=value) if type(value) is int:
            pass
        case _:
            raise InvalidInput(f"a formula may not contain {ast.unparse(node)!r}: {text}")


@cache
def parse(text: str) -> Formula:
    """Parse and check a formula text.

    Raises
    ------
    InvalidInput
        If the text is not in the grammar.
    """
    try:
        tree = ast.parse(text, mode="eval").body
    except SyntaxError:
        raise InvalidInput(f"not a formula: {shorten(text)}") from None
    _check(tree, text, top=True)
    return Formula(tree)


def _walk(node: ast.expr, reading: Reading, values: Mapping[str, Any]) -> Any:
    if isinstance(node, ast.BinOp):
        left = _walk(node.left, reading, values)
        right = _walk(node.right, reading, values)
        return reading.operate(_OPERATORS[type(node.op)], left, right)
    if isinstance(node, ast.Name):
        return values[node.id]
    if isinstance(node, ast.Constant):
        assert isinstance(node.value, int)  # _check let nothing else pass
        return reading.number(node.value)
    if isinstance(node, ast.Call):
        assert isinstance(node.func, ast.Name)
        arguments = [_walk(argument, reading, values) for argument in node.args]
        return reading.functions[node.func.id](*arguments)
    if isinstance(node, ast.UnaryOp):
        return reading.operate("-", reading.number(0), _walk(node.operand, reading, values))
    raise InvalidInput("a comparison has no value; read its two sides")
