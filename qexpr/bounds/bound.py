"""A bound is data: formula texts, regime, kind, side, quantifier and source.

A file of this package holds one paper: its `Reference`, and one `Bound` value for each statement.
Adding a bound is writing that value and naming the file in `registry.MODULES`.

An order bound's text is read as floats at unit constant (as balls near eps = 1, where floats are
too coarse); an explicit bound's text as exact rationals and balls, rounded outward. A bound found
by search names its parameters; `search` chooses their values (any choice it may make is valid, so
it may be clever), and the text is evaluated at them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from qexpr.bounds.evaluation import Parameters, enclose, exact, exact_values
from qexpr.bounds.formula import Formula, parse
from qexpr.bounds.readings import FLOATS, arrays, balls, symbols
from qexpr.bounds.statement import Condition, Rate, Statement, Values
from qexpr.core.claim import QUANTITIES, Claim, Explicit, Kind, Order, Quantifier, Side
from qexpr.core.query import Query
from qexpr.core.record import Record
from qexpr.core.source import Source
from qexpr.errors import InvalidInput, OutOfRegime, Unsupported, shorten

__all__ = ["Bound", "Condition", "Parameters", "Rate", "Statement", "Values"]

_VARIABLES = ("d", "n", "lam", "eps")

# Above it log(1/eps) < 2 and its logarithm come close to 0, where a double eps is too coarse.
_CONDITIONED = Fraction(1, 4)


class Bound(Record):
    """One published or own statement about what a network needs.

    Parameters
    ----------
    id : str
        ``paper.theorem``.
    title : str
        One line for tables.
    statement : str
        The statement in words and LaTeX, complete with its assumptions.
    kind, side, quantifier : Kind, Side, Quantifier
    statements : tuple of Statement
        One for each quantity.
    source : Source
    regime : tuple of Condition
        Where the expression is real and means something.
    definitions : tuple of (name, text)
        Abbreviations, such as L = log(1/eps), in the order in which they build on each other.
    setting : str
        What the weights are: "real weights", "lambda distinct values", ...
    alphabet : str or None
        "nonlinear" or "linear" where the statement is about that family of values only.
    parameters : mapping of str to str
        For a bound found by search: what each parameter is.
    search : callable or None
        ``search(query)`` gives the parameters' values: int, Fraction, or an enclosure as a pair.
    """

    id: str
    title: str
    statement: str
    kind: Kind
    side: Side
    quantifier: Quantifier
    statements: tuple[Statement, ...]
    source: Source
    regime: tuple[Condition, ...] = ()
    definitions: tuple[tuple[str, str], ...] = ()
    setting: str = ""
    alphabet: str | None = None
    parameters: Mapping[str, str] = MappingProxyType({})
    search: Callable[[Query], Parameters] | None = None

    @property
    def quantities(self) -> tuple[str, ...]:
        """The quantities it speaks of."""
        return tuple(statement.quantity for statement in self.statements)

    @property
    def bibtex(self) -> str:
        """The BibTeX entry of its publication."""
        return self.source.bibtex

    def __getattr__(self, name: str) -> Any:
        if name in QUANTITIES:
            for statement in self.statements:
                if statement.quantity == name:
                    return self._symbolic(statement)
            raise AttributeError(
                f"{self.id} says nothing of {name}; it speaks of {', '.join(self.quantities)}"
            )
        raise AttributeError(f"a bound has no attribute {name!r}")

    def stated(self, quantity: str) -> Statement:
        """What it says of one quantity.

        Raises
        ------
        InvalidInput
            If it says nothing of it.
        """
        for statement in self.statements:
            if statement.quantity == quantity:
                return statement
        raise InvalidInput(
            f"{self.id} says nothing of {shorten(quantity)}; "
            f"it speaks of {', '.join(self.quantities)}"
        )

    def formula(self, quantity: str) -> Formula:
        """The formula text of one quantity, parsed."""
        return parse(self.stated(quantity).text)

    def latex(self, quantity: str | None = None) -> str:
        """LaTeX of one quantity's formula, or of all of them with the abbreviations."""
        from qexpr.bounds.latex import to_latex

        if quantity is not None:
            return to_latex(self.formula(quantity))
        lines = []
        for statement in self.statements:
            name = statement.quantity.replace("_", r"\ ")
            formula = to_latex(parse(statement.text))
            lines.append(rf"\mathrm{{{name}}} &{self._relation(formula)}")
        lines += [f"{name} &= {to_latex(parse(text))}" for name, text in self.definitions]
        return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"

    def _relation(self, formula: str) -> str:
        if self.kind is Kind.ORDER:
            landau = "O" if self.side is Side.UPPER else r"\Omega"
            return rf"= {landau}\!\left({formula}\right)"
        return rf"\{'le' if self.side is Side.UPPER else 'ge'} {formula}"

    def _symbolic(self, statement: Statement) -> Any:
        import sympy as sp

        # Plain symbols, so that .subs("lam", 3) and sympy.symbols("d n lam eps") match them.
        names: dict[str, Any] = {k: sp.Symbol(k) for k in (*_VARIABLES, *self.parameters)}
        for name, text in self.definitions:
            names[name] = parse(text).evaluate(symbols(), names)
        return parse(statement.text).evaluate(symbols(), names)

    def check(self, query: Query) -> None:
        """Raise OutOfRegime, with the reason, where the statement says nothing about `query`."""
        if self.alphabet not in (None, query.alphabet.kind):
            hint = "linear:BITS" if self.alphabet == "linear" else "nonlinear:LAMBDA"
            raise OutOfRegime(
                f"it is about {self.alphabet} alphabets, the query has {query.alphabet}; "
                f"choose alphabet {hint}"
            )
        self._check_regime(query)

    def _check_regime(self, query: Query) -> None:
        for condition in self.regime:
            if not condition.holds(query):
                raise OutOfRegime(f"it needs {condition.text}: {condition.reason}")

    def find(self, query: Query) -> Parameters:
        """The searched parameters at `query`; empty for a closed formula."""
        return self.search(query) if self.search else {}

    def evaluate(
        self, d: Any = 1, n: Any = 1, lam: Any = None, eps: Any = None, alphabet: Any = None
    ) -> Values:
        """Values of all quantities.

        Parameters
        ----------
        d, n, lam, eps, alphabet
            As in `Query`. A bare `lam` counts the values of the bound's own kind of alphabet.

        Returns
        -------
        Values
            Explicit values (guarantees) or Order values (unit constant), by quantity.

        Raises
        ------
        InvalidInput
            If the query is malformed.
        OutOfRegime
            If the statement says nothing there.
        """
        query = Query(d, n, lam, eps, alphabet=alphabet)
        if alphabet is None:
            self._check_regime(query)
        else:
            self.check(query)
        return self._values(query)

    def claims(self, query: Query) -> list[Claim]:
        """One claim for each quantity; raises OutOfRegime like `check`."""
        self.check(query)
        values = self._values(query)
        return [
            Claim(
                self.id,
                s.quantity,
                self.side,
                s.quantifier or self.quantifier,
                values[s.quantity],
                self.source,
                s.scope,
            )
            for s in self.statements
        ]

    def _values(self, query: Query) -> Values:
        found = self.find(query)
        if self.kind is Kind.ORDER:
            return Values({s.quantity: self._order(s, query, found) for s in self.statements})
        texts = {s.text: s for s in self.statements}  # floors say the same of two quantities
        found_values = {t: self._explicit(s, query, found) for t, s in texts.items()}
        return Values({s.quantity: found_values[s.text] for s in self.statements})

    def _order(self, statement: Statement, query: Query, found: Parameters) -> Order:
        try:
            if query.eps > _CONDITIONED:
                value = float(sum(self._ends(statement, query, found)) / 2)
            else:
                value = self._float(statement, query, found)
        except OverflowError:
            value = math.inf
        except (ValueError, ZeroDivisionError):
            raise OutOfRegime("the expression is not real here") from None
        if not math.isfinite(value):
            raise OutOfRegime("the value is beyond the range of a double")
        return Order(value)

    def _float(self, statement: Statement, query: Query, found: Parameters) -> float:
        names = {"d": query.d, "n": query.n, "lam": query.lam, "eps": query.eps}
        floats = {k: float(v) for k, v in (names | dict(found)).items()}  # type: ignore[arg-type]
        for name, text in self.definitions:
            floats[name] = parse(text).evaluate(FLOATS, floats)
        return float(parse(statement.text).evaluate(FLOATS, floats))

    def _explicit(self, statement: Statement, query: Query, found: Parameters) -> Explicit:
        return Explicit(*self._ends(statement, query, found), self.side)

    def _ends(
        self, statement: Statement, query: Query, found: Parameters
    ) -> tuple[Fraction, Fraction]:
        def compute() -> Any:
            names = exact_values(query) | {k: exact(v) for k, v in found.items()}
            for name, text in self.definitions:
                names[name] = parse(text).evaluate(balls(), names)
            return parse(statement.text).evaluate(balls(), names)

        return enclose(compute)

    def lambdify(self, quantity: str) -> Callable[..., Any]:
        """A vectorised float64 function of d, n, lam, eps: for drawings, never a guarantee.

        Points outside the regime become nan where the expression is not real; the regime
        itself is not checked.

        Raises
        ------
        Unsupported
            For a bound found by search.
        """
        formula = self.formula(quantity)
        if self.search is not None:
            raise Unsupported(
                f"{self.id} is found by search and is no function of d, n, lam, eps alone; "
                "its formula over its parameters is in its attributes, .evaluate() gives values"
            )
        definitions = [(name, parse(text)) for name, text in self.definitions]

        def function(d: Any = 1, n: Any = 1, lam: Any = 2, eps: Any = None) -> Any:
            import numpy as np

            arguments = {"d": d, "n": n, "lam": lam, "eps": eps}
            with np.errstate(all="ignore"):
                names = {k: np.asarray(v, dtype=np.float64) for k, v in arguments.items()}
                for name, definition in definitions:
                    names[name] = definition.evaluate(arrays(), names)
                shape = np.broadcast_shapes(*(names[k].shape for k in _VARIABLES))
                return np.broadcast_to(formula.evaluate(arrays(), names), shape) + 0.0

        return function
