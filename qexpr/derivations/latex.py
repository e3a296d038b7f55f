"""Formulas and prose as LaTeX."""

from __future__ import annotations

import ast
import re

__all__ = ["formula_latex", "prose_latex"]

_GREEK = {
    "alpha": r"\alpha",
    "beta": r"\beta",
    "eps": r"\varepsilon",
    "gamma": r"\gamma",
    "infinity": r"\infty",
    "lam": r"\lambda",
    "phi": r"\varphi",
    "pi": r"\pi",
    "tail": r"\bar\Phi",
}
_ADD, _MULTIPLY, _POWER, _ATOM = range(4)
_SIGNS: dict[type[ast.cmpop], str] = {
    ast.Eq: "=",
    ast.NotEq: r"\ne",
    ast.Lt: "<",
    ast.LtE: r"\le",
    ast.Gt: ">",
    ast.GtE: r"\ge",
    ast.In: r"\in",
}
_BRACKETS = {
    "abs": (r"\left|", r"\right|"),
    "floor": (r"\left\lfloor ", r" \right\rfloor"),
    "ceil": (r"\left\lceil ", r" \right\rceil"),
    "sqrt": (r"\sqrt{", "}"),
    "len": (r"\left|", r"\right|"),
}
_LOGS = {"ln": r"\ln", "log2": r"\log_2", "cos": r"\cos", "sin": r"\sin"}
_BIG = {
    "sum": r"\sum",
    "product": r"\prod",
    "min": r"\min",
    "max": r"\max",
    "all": r"\text{for all }",
}
_ESCAPES = {
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"$<$",
    ">": r"$>$",
    "|": r"$|$",
    **{character: f"\\{character}" for character in "#$%&_{}"},
}


def formula_latex(text: str) -> str:
    """A formula as LaTeX, without dollar signs."""
    return _write(ast.parse(text, mode="eval").body)[0]


def prose_latex(text: str) -> str:
    """Prose with formulas between backticks as LaTeX."""
    parts = []
    for i, part in enumerate(text.split("`")):
        if i % 2 == 0:
            parts.append(escape(part))
            continue
        try:
            parts.append(f"${formula_latex(part)}$")
        except (SyntaxError, TypeError):
            parts.append(rf"\texttt{{{escape(part)}}}")
    return "".join(parts)


def escape(text: str) -> str:
    """Plain text that means the same to LaTeX."""
    return re.sub(r"[\\^~<>|#$%&_{}]", lambda match: _ESCAPES[match[0]], text)


def _name(name: str) -> str:
    head, _, tail = name.partition("_")
    letters = re.fullmatch(r"([A-Za-z])([0-9]+)", head)
    if head in _GREEK:
        text = _GREEK[head]
    elif letters:
        text = f"{letters[1]}_{{{letters[2]}}}"
    else:
        text = head if len(head) == 1 else rf"\mathrm{{{head}}}"
    return f"{text}_{{{_name(tail) if not tail.isdigit() else tail}}}" if tail else text


def _grouped(node: ast.expr, least: int) -> str:
    text, level = _write(node)
    return text if level >= least else rf"\left({text}\right)"


def _text(node: ast.expr) -> str:
    return _write(node)[0]


def _list(nodes: list[ast.expr]) -> str:
    return ", ".join(map(_text, nodes))


def _write(node: ast.expr) -> tuple[str, int]:
    match node:
        case ast.Constant(value=bool(value)):
            return rf"\text{{{str(value).lower()}}}", _ATOM
        case ast.Constant(value=value):
            return _number(str(value))
        case ast.Name(id=name):
            return _name(name), _ATOM
        case ast.Starred(value=value):
            return rf"{_text(value)}\ldots", _ATOM
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return f"-{_grouped(operand, _MULTIPLY)}", _ADD
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return rf"\text{{not }} {_grouped(operand, _MULTIPLY)}", _ADD
        case ast.BinOp(left=left, op=op, right=right):
            return _binary(left, op, right)
        case ast.Compare(left=left, ops=signs, comparators=others):
            parts = [_text(left)]
            for sign, other in zip(signs, others, strict=True):
                parts += [_SIGNS[type(sign)], _text(other)]
            return " ".join(parts), _ADD
        case ast.BoolOp(op=op, values=values):
            word = "and" if isinstance(op, ast.And) else "or"
            return rf" \quad\text{{{word}}}\quad ".join(map(_text, values)), _ADD
        case ast.IfExp():
            return _cases(node), _ATOM
        case ast.Subscript(value=value, slice=ast.Slice(lower=low, upper=high)):
            ends = [_text(end) if end is not None else "" for end in (low, high)]
            return f"{_grouped(value, _ATOM)}_{{{ends[0]}:{ends[1]}}}", _ATOM
        case ast.Subscript(value=value, slice=index):
            return f"{_grouped(value, _ATOM)}_{{{_text(index)}}}", _ATOM
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return rf"\left({_list(items)}\right)", _ATOM
        case (
            ast.ListComp(elt=body, generators=loops) | ast.GeneratorExp(elt=body, generators=loops)
        ):
            return rf"\left({_text(body)}\right)_{{{_loops(loops)}}}", _ATOM
        case ast.Lambda(args=arguments, body=body):
            names = ", ".join(_name(argument.arg) for argument in arguments.args)
            return rf"{names} \mapsto {_text(body)}", _ADD
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return _call(name, arguments)
    raise TypeError(f"no LaTeX for {ast.dump(node)}")


def _number(text: str) -> tuple[str, int]:
    mantissa, _, exponent = text.partition("e")
    if not exponent:
        return text, _ATOM
    factor = "" if mantissa == "1" else rf"{mantissa} \cdot "
    return f"{factor}10^{{{int(exponent)}}}", _MULTIPLY


def _binary(left: ast.expr, op: ast.operator, right: ast.expr) -> tuple[str, int]:
    match op:
        case ast.Div():
            return rf"\frac{{{_text(left)}}}{{{_text(right)}}}", _POWER
        case ast.FloorDiv():
            return rf"\left\lfloor \frac{{{_text(left)}}}{{{_text(right)}}} \right\rfloor", _ATOM
        case ast.Mod():
            return rf"{_grouped(left, _MULTIPLY)} \bmod {_grouped(right, _ATOM)}", _MULTIPLY
        case ast.Pow() | ast.BitXor():
            return f"{_grouped(left, _ATOM)}^{{{_exponent(right)}}}", _POWER
        case ast.Mult():
            numeric = isinstance(right, ast.Constant) or (
                isinstance(right, ast.BinOp) and isinstance(right.left, ast.Constant)
            )
            sign = r" \cdot " if numeric else r" \, "
            return f"{_grouped(left, _MULTIPLY)}{sign}{_grouped(right, _MULTIPLY)}", _MULTIPLY
        case ast.Add() | ast.Sub():
            sign = "+" if isinstance(op, ast.Add) else "-"
            return f"{_text(left)} {sign} {_grouped(right, _MULTIPLY)}", _ADD
    raise TypeError(f"no LaTeX for {op}")


def _exponent(node: ast.expr) -> str:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):  # d/n, not a tall fraction
        return f"{_grouped(node.left, _MULTIPLY)}/{_grouped(node.right, _ATOM)}"
    return _text(node)


def _cases(node: ast.expr) -> str:
    rows = []
    while isinstance(node, ast.IfExp):
        rows.append(rf"{_text(node.body)} & \text{{if }} {_text(node.test)}")
        node = node.orelse
    rows.append(rf"{_text(node)} & \text{{else}}")
    return r"\begin{cases}" + r" \\ ".join(rows) + r"\end{cases}"


def _call(name: str, arguments: list[ast.expr]) -> tuple[str, int]:
    first = arguments[0] if arguments else None
    if name in _BIG and len(arguments) == 1 and isinstance(first, ast.GeneratorExp):
        if name == "all":
            return rf"{_text(first.elt)} \quad\text{{for }} {_loops(first.generators)}", _ADD
        return (
            rf"{_BIG[name]}_{{{_loops(first.generators)}}} {_grouped(first.elt, _MULTIPLY)}",
            _ADD,
        )
    if name in _BRACKETS and len(arguments) == 1:
        opening, closing = _BRACKETS[name]
        return f"{opening}{_list(arguments)}{closing}", _ATOM
    match name:
        case "exp":
            return f"e^{{{_exponent(arguments[0])}}}", _POWER
        case "factorial":
            return f"{_grouped(arguments[0], _ATOM)}!", _POWER
        case "binomial":
            return rf"\binom{{{_text(arguments[0])}}}{{{_text(arguments[1])}}}", _ATOM
        case "derivative":
            order = f"^{{{_text(arguments[2])}}}" if len(arguments) > 2 else ""
            variable = _text(arguments[1])
            return (
                rf"\frac{{d{order}}}{{d{variable}{order}}}\left[{_text(arguments[0])}\right]",
                _MULTIPLY,
            )
        case "limit":
            return (
                rf"\lim_{{{_text(arguments[1])} \to {_text(arguments[2])}}} "
                rf"{_grouped(arguments[0], _MULTIPLY)}",
                _ADD,
            )
        case "min" | "max":
            return rf"\{name}\left({_list(arguments)}\right)", _ATOM
    if name in _LOGS:
        return rf"{_LOGS[name]}\left({_list(arguments)}\right)", _ATOM
    if name.endswith("_"):  # H_(k+1): an index
        return f"{_name(name[:-1])}_{{{_list(arguments)}}}", _ATOM
    head = _GREEK.get(name) or (name if len(name) == 1 else rf"\operatorname{{{escape(name)}}}")
    return rf"{head}\left({_list(arguments)}\right)", _ATOM


def _loops(loops: list[ast.comprehension]) -> str:
    parts = []
    for loop in loops:
        target = _text(loop.target)
        source = loop.iter
        if isinstance(source, ast.Call) and isinstance(source.func, ast.Name):
            if source.func.id == "range" and len(source.args) <= 2:
                low = _text(source.args[0]) if len(source.args) == 2 else "0"
                parts.append(rf"{low} \le {target} < {_text(source.args[-1])}")
            elif source.func.id == "zip":
                parts.append(rf"{target} \in {_list(source.args)}")
            else:
                parts.append(rf"{target} \in {_text(source)}")
        else:
            parts.append(rf"{target} \in {_text(source)}")
        parts += [_text(condition) for condition in loop.ifs]
    return r",\ ".join(parts)
