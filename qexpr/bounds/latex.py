"""Formula texts as LaTeX, in the papers' symbols."""

from __future__ import annotations

import ast

from qexpr.bounds.formula import Formula

__all__ = ["to_latex"]

_NAMES = {
    "lam": r"\lambda",
    "eps": r"\varepsilon",
    "kappa": r"\kappa",
}
_ADD, _MULTIPLY, _POWER, _ATOM = range(4)
_SIGNS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: r"\le",
    ast.Gt: ">",
    ast.GtE: r"\ge",
    ast.Eq: "=",
}


def to_latex(formula: Formula) -> str:
    """The formula as LaTeX, without dollar signs."""
    return _write(formula.tree)[0]


def _name(name: str) -> str:
    head, _, tail = name.partition("_")
    text = _NAMES.get(head, head if len(head) == 1 else rf"\mathrm{{{head}}}")
    return f"{text}_{{{_name(tail)}}}" if tail else text


def _grouped(node: ast.expr, least: int) -> str:
    text, level = _write(node)
    return text if level >= least else rf"\left({text}\right)"


def _write(node: ast.expr) -> tuple[str, int]:
    match node:
        case ast.Constant(value=value):
            return str(value), _ATOM
        case ast.Name(id=name):
            return _name(name), _ATOM
        case ast.UnaryOp(operand=operand):
            return f"-{_grouped(operand, _MULTIPLY)}", _ADD
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            return rf"\frac{{{_write(left)[0]}}}{{{_write(right)[0]}}}", _POWER
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return f"{_grouped(left, _ATOM)}^{{{_exponent(right)}}}", _POWER
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            sign = r" \cdot " if isinstance(right, ast.Constant) else r" \, "
            return f"{_grouped(left, _MULTIPLY)}{sign}{_grouped(right, _MULTIPLY)}", _MULTIPLY
        case ast.BinOp(left=left, op=op, right=right):
            sign = "+" if isinstance(op, ast.Add) else "-"
            least = _ADD if isinstance(op, ast.Add) else _MULTIPLY
            return f"{_grouped(left, _ADD)} {sign} {_grouped(right, least)}", _ADD
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return _call(name, arguments)
        case ast.Compare(left=left, ops=[sign_node], comparators=[right]):
            return f"{_write(left)[0]} {_SIGNS[type(sign_node)]} {_write(right)[0]}", _ADD
    raise TypeError(f"no LaTeX for {ast.dump(node)}")


def _exponent(node: ast.expr) -> str:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):  # d/n, not a tall fraction
        return f"{_grouped(node.left, _MULTIPLY)}/{_grouped(node.right, _ATOM)}"
    return _write(node)[0]


def _call(name: str, arguments: list[ast.expr]) -> tuple[str, int]:
    inner = [_write(argument)[0] for argument in arguments]
    match name:
        case "ceil":
            return rf"\left\lceil {inner[0]} \right\rceil", _ATOM
        case "floor":
            return rf"\left\lfloor {inner[0]} \right\rfloor", _ATOM
        case "abs":
            return rf"\left| {inner[0]} \right|", _ATOM
        case "sqrt":
            return rf"\sqrt{{{inner[0]}}}", _ATOM
        case "binomial":
            return rf"\binom{{{inner[0]}}}{{{inner[1]}}}", _ATOM
        case "factorial":
            return rf"{_grouped(arguments[0], _ATOM)}!", _ATOM
        case "log":
            return rf"\log_2\!\left({inner[0]}\right)", _ATOM
    return rf"\{name}\!\left({', '.join(inner)}\right)", _ATOM
