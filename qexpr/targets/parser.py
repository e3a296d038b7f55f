"""A strict grammar for target expressions; nothing is ever evaluated as Python.

    expression := term (("+" | "-") term)*
    term       := factor (("*" | "/") factor)*
    factor     := ("+" | "-") factor | power
    power      := atom (("^" | "**") exponent)?
    exponent   := integer | "-" integer | "(" ["-"] integer ")"
    atom       := number | name | function "(" expression ("," expression)* ")" | "(" expression ")"

Numbers are exact: 0.1 is 1/10. Names are x0, x1, ..; x, y, z for the first three; pi.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from qexpr.core.numbers import MAX_TEXT
from qexpr.core.query import MAX_DIMENSION
from qexpr.errors import InvalidInput, shorten
from qexpr.targets.expressions import FUNCTIONS, Graph

__all__ = ["MAX_DEPTH", "MAX_EXPONENT", "Obligation", "Parsed", "parse", "variable", "variables"]

MAX_DEPTH = 40
MAX_EXPONENT = 64
_EXTREMES = ("max", "min")
_LETTERS = {"x": 0, "y": 1, "z": 2}
_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z_0-9]*)|(?P<symbol>\*\*|[-+*/^(),]))",
    re.ASCII,
)
_VARIABLE = re.compile(r"x(0|[1-9][0-9]?)", re.ASCII)
_ALLOWED = (
    "allowed are + - * / ^, integer powers, numbers, x0, x1, .. (or x, y, z), pi, "
    + ", ".join((*FUNCTIONS, *_EXTREMES))
)


@dataclass(frozen=True, slots=True)
class Obligation:
    """What has to be proven on the whole domain before the expression means anything."""

    kind: str  # "positive" (log), "nonnegative" (sqrt), "nonzero" (division)
    node: int
    what: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """The root of an expression in its graph, and what must be proven for it."""

    root: int
    obligations: tuple[Obligation, ...]


def _tokens(text: str) -> list[tuple[str, str, int]]:
    if not isinstance(text, str):
        raise InvalidInput(f"a target must be an expression in text, got {shorten(text)}")
    if len(text) > MAX_TEXT:
        raise InvalidInput(
            f"a target must be written in at most {MAX_TEXT} characters, got {len(text)}"
        )
    tokens, position, end = [], 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            bad = text[position:].lstrip()[:1]
            raise InvalidInput(
                f"unexpected character {bad!a} at position {position} of target {shorten(text)}; "
                + _ALLOWED
            )
        kind = match.lastgroup or ""
        tokens.append((kind, match[kind], match.start(kind)))
        position = match.end()
    if not tokens:
        raise InvalidInput("a target must be an expression such as sin(3*x0)/3, got empty text")
    return [*tokens, ("end", "", len(text))]


def variable(name: str) -> int | None:
    """The coordinate that a name stands for, if it is a variable."""
    if name in _LETTERS:
        return _LETTERS[name]
    match = _VARIABLE.fullmatch(name)
    return int(match[1]) if match else None


def variables(text: str) -> int:
    """The least d that an expression's variables allow, at least 1."""
    used = (variable(token) for kind, token, _ in _tokens(text) if kind == "name")
    return 1 + max((k for k in used if k is not None), default=0)


class _Reader:
    """Recursive descent over the tokens; depth is limited, so hostile nesting ends at once."""

    def __init__(self, text: str, graph: Graph, coordinates: list[int]) -> None:
        self.text = text
        self.graph = graph
        self.coordinates = coordinates
        self.tokens = _tokens(text)
        self.place = 0
        self.depth = 0
        self.obligations: list[Obligation] = []

    def refuse(self, what: str) -> InvalidInput:
        position = self.tokens[self.place][2]
        return InvalidInput(f"{what} at position {position} of target {shorten(self.text)}")

    def peek(self) -> str:
        kind, token, _ = self.tokens[self.place]
        return token if kind == "symbol" else ""

    def take(self, symbol: str) -> None:
        if self.peek() != symbol:
            found = self.tokens[self.place][1] or "the end"
            raise self.refuse(f"expected '{symbol}', found {shorten(found)}")
        self.place += 1

    def expression(self) -> int:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.refuse(f"nesting deeper than {MAX_DEPTH}")
        result = self.term()
        while (symbol := self.peek()) in ("+", "-") and symbol:
            self.place += 1
            result = self.graph.sum([(1, result), (1 if symbol == "+" else -1, self.term())])
        self.depth -= 1
        return result

    def term(self) -> int:
        result = self.factor()
        while (symbol := self.peek()) in ("*", "/") and symbol:
            self.place += 1
            right = self.factor()
            if symbol == "*":
                result = self.graph.multiply(result, right)
            else:
                self.require("nonzero", right, "the divisor")
                result = self.graph.divide(result, right)
        return result

    def factor(self) -> int:
        signs = 0
        while self.peek() in ("+", "-"):
            signs += self.peek() == "-"
            self.place += 1
        result = self.power()
        return self.graph.scale(-1, result) if signs % 2 else result

    def power(self) -> int:
        base = self.atom()
        if self.peek() not in ("^", "**"):
            return base
        self.place += 1
        exponent = self.exponent()
        if self.peek() in ("^", "**"):
            raise self.refuse("a tower of powers is ambiguous: use parentheses")
        if exponent <= 0:
            self.require("nonzero", base, "the base of a power with exponent <= 0")
        return self.graph.power(base, exponent)

    def exponent(self) -> int:
        bracket = self.peek() == "("
        self.place += bracket
        sign = -1 if self.peek() == "-" else 1
        self.place += sign < 0
        kind, token, _ = self.tokens[self.place]
        if kind != "number" or not token.isdigit() or len(token) > 9 or int(token) > MAX_EXPONENT:
            raise self.refuse(f"an exponent must be an integer of at most {MAX_EXPONENT} in size")
        self.place += 1
        if bracket:
            self.take(")")
        return sign * int(token)

    def atom(self) -> int:
        kind, token, _ = self.tokens[self.place]
        if kind == "number":
            exponent = re.split("[eE]", token)[1:]
            if exponent and (len(exponent[0]) > 5 or abs(int(exponent[0])) > 300):
                raise self.refuse("a decimal exponent must be at most 300 in size")
            self.place += 1
            return self.graph.const(Fraction(token))
        if kind == "name":
            return self.name(token)
        self.take("(")
        result = self.expression()
        self.take(")")
        return result

    def name(self, token: str) -> int:
        coordinate = variable(token)
        if coordinate is not None:
            if coordinate >= len(self.coordinates):
                d = len(self.coordinates)
                raise self.refuse(f"{token} needs d >= {coordinate + 1}, got d = {d},")
            self.place += 1
            return self.coordinates[coordinate]
        if token == "pi":
            self.place += 1
            return self.graph.pi()
        if token not in FUNCTIONS and token not in _EXTREMES:
            raise InvalidInput(
                f"unknown name {shorten(token)} in target {shorten(self.text)}; {_ALLOWED}"
            )
        self.place += 1
        self.take("(")
        arguments = [self.expression()]
        while self.peek() == ",":
            self.place += 1
            arguments.append(self.expression())
        self.take(")")
        if (len(arguments) == 1) != (token in FUNCTIONS):
            count = "one argument" if token in FUNCTIONS else "two arguments or more"
            raise self.refuse(f"{token} takes {count}, got {len(arguments)},")
        if token in _EXTREMES:
            result = arguments[0]
            for argument in arguments[1:]:
                result = self.graph.extreme(token, result, argument)
            return result
        if token in ("log", "sqrt"):
            kind = "positive" if token == "log" else "nonnegative"
            self.require(kind, arguments[0], f"the argument of {token}")
        return self.graph.call(token, arguments[0])

    def require(self, kind: str, node: int, what: str) -> None:
        value = self.graph.constant_value(node)
        if value is None:
            self.obligations.append(Obligation(kind, node, what))
        elif (value < 0 and kind != "nonzero") or (value == 0 and kind != "nonnegative"):
            raise self.refuse(f"{what} must be {kind}, got {shorten(value)},")


def parse(text: str, graph: Graph, coordinates: list[int]) -> Parsed:
    """Read an expression into `graph`; the variable x_k stands for the node coordinates[k].

    Raises
    ------
    InvalidInput
        For anything outside the grammar, with the position.
    """
    if not 1 <= len(coordinates) <= MAX_DIMENSION:
        raise InvalidInput(f"d must satisfy 1 <= d <= {MAX_DIMENSION}, got {len(coordinates)}")
    reader = _Reader(text, graph, coordinates)
    root = reader.expression()
    if reader.tokens[reader.place][0] != "end":
        raise reader.refuse(f"unexpected {shorten(reader.tokens[reader.place][1])}")
    return Parsed(root, tuple(reader.obligations))
