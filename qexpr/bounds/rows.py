"""Rows: what a table of bounds says, one row for each bound and quantity."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

from qexpr.bounds.bound import Bound
from qexpr.bounds.registry import all_bounds, get
from qexpr.core.claim import QUANTITIES, Claim, Explicit
from qexpr.core.decimals import digits_of
from qexpr.core.query import Query
from qexpr.core.record import Record
from qexpr.errors import InvalidInput, OutOfRegime, shorten

__all__ = ["KEYS", "Row", "Table", "rows_of", "select", "table"]


KEYS = (
    *("d", "n", "lambda", "alphabet", "eps", "id", "quantity", "side", "kind", "quantifier"),
    *("applies", "reason", "value", "lower", "upper", "expression", "source", "trust"),
)
"""The keys of a row as a dictionary: the columns of CSV."""


class Row(Record):
    """One bound, one quantity, one query.

    `claim` is None where the bound says nothing there; `reason` then says why. In the inverse
    question `eps` is None and the claim is about eps.
    """

    bound: Bound
    quantity: str
    query: Query
    eps: Fraction | None
    claim: Claim | None
    reason: str | None = None

    @property
    def applies(self) -> bool:
        """Whether there is a value."""
        return self.claim is not None

    @property
    def value(self) -> int | float | None:
        """The integer of an exact count, the double of an order value, else None."""
        if self.claim is None:
            return None
        return self.claim.value.value

    @property
    def expression(self) -> str:
        """The formula text of the bound."""
        if self.quantity in self.bound.quantities:
            return self.bound.stated(self.quantity).text
        return "; ".join(f"{s.quantity}: {s.text}" for s in self.bound.statements)

    @property
    def quantifier(self) -> str:
        """For which functions and with which freedom of structure."""
        if self.claim is not None:
            return str(self.claim.quantifier)
        if self.quantity in self.bound.quantities:
            return str(self.bound.stated(self.quantity).quantifier or self.bound.quantifier)
        return str(self.bound.quantifier)

    def to_dict(self) -> dict[str, Any]:
        """The row with the documented keys, ready for JSON."""
        explicit = self.claim.value if self.claim is not None else None
        ends = (
            (quotient(explicit.lower), quotient(explicit.upper))
            if isinstance(explicit, Explicit)
            else (None, None)
        )
        return {
            "d": self.query.d,
            "n": self.query.n,
            "lambda": self.query.lam,
            "alphabet": str(self.query.alphabet),
            "eps": None if self.eps is None else quotient(self.eps),
            "id": self.bound.id,
            "quantity": self.quantity,
            "side": str(self.bound.side),
            "kind": str(self.bound.kind),
            "quantifier": self.quantifier,
            "applies": self.applies,
            "reason": self.reason,
            "value": self.value,
            "lower": ends[0],
            "upper": ends[1],
            "expression": self.expression,
            "source": str(self.bound.source),
            "trust": str(self.bound.source.trust),
        }


def quotient(value: Fraction) -> str:
    """A rational as p/q."""
    return f"{digits_of(value.numerator)}/{digits_of(value.denominator)}"


class Table(list[Row]):
    """A list of rows that can be written for papers and programs."""

    def to_dicts(self) -> list[dict[str, Any]]:
        """One dictionary for each row, with the documented keys."""
        return [row.to_dict() for row in self]

    def to_dataframe(self) -> Any:
        """The rows as a pandas DataFrame (needs the extra ``tables``)."""
        try:
            import pandas as pd
        except ModuleNotFoundError:
            raise InvalidInput("data frames need pandas: pip install 'qexpr[tables]'") from None
        return pd.DataFrame(self.to_dicts())

    def to_latex(self) -> str:
        """The rows as a booktabs table; order values are marked as such."""
        from qexpr.bounds.paper import latex_table

        return latex_table(self)

    @property
    def bibtex(self) -> str:
        """The BibTeX entries of all bounds in the table, each once."""
        entries = {row.bound.source.key: row.bound.bibtex for row in self}
        return "\n".join(entries.values())


def select(only: Iterable[str] | str | None) -> tuple[Bound, ...]:
    """The bounds named by `only`, or all of them.

    A name that ends in a dot or names a paper ("ding2018", "entropy") stands for all of it.
    """
    if only is None:
        return all_bounds()
    chosen: dict[str, Bound] = {}
    for name in (only,) if isinstance(only, str) else only:
        family = [b for b in all_bounds() if b.id.startswith(f"{str(name).rstrip('.')}.")]
        for bound in family or [get(name)]:
            chosen[bound.id] = bound
    return tuple(chosen.values())


def check_quantities(quantities: Sequence[str] | str | None) -> tuple[str, ...]:
    """The quantities asked for, checked; all of them for None."""
    if quantities is None:
        return QUANTITIES[:-1]
    chosen = (quantities,) if isinstance(quantities, str) else tuple(quantities)
    for quantity in chosen:
        if quantity not in QUANTITIES[:-1]:  # eps is the answer of the inverse question only
            raise InvalidInput(
                f"quantity must be one of {', '.join(QUANTITIES[:-1])}, got {shorten(quantity)}"
            )
    return chosen


def rows_of(bound: Bound, query: Query, quantities: Sequence[str]) -> list[Row]:
    """The rows of one bound: values where it applies, the reason where it does not."""
    wanted = [quantity for quantity in bound.quantities if quantity in quantities]
    if not wanted:
        return []
    try:
        claims = {claim.quantity: claim for claim in bound.claims(query)}
    except OutOfRegime as error:
        return [Row(bound, quantity, query, query.eps, None, str(error)) for quantity in wanted]
    return [Row(bound, quantity, query, query.eps, claims[quantity]) for quantity in wanted]


def table(
    d: Any = 1,
    n: Any = 1,
    lam: Any = None,
    eps: Any = None,
    *,
    alphabet: Any = None,
    only: Iterable[str] | str | None = None,
    quantity: Sequence[str] | str | None = None,
) -> Table:
    """Every bound at one query, or at a grid: any argument may be a list.

    Parameters
    ----------
    d, n, lam, eps, alphabet
        As in `Query`, or a list or tuple of such values.
    only : str or list of str
        Ids of bounds, or of whole papers; all by default.
    quantity : str or list of str
        depth, weights, bits, free_bits, width; all by default.

    Returns
    -------
    Table
        A list of rows, query by query, in the order of the registry.

    Raises
    ------
    InvalidInput
        If a value is outside its range, or an id or a quantity does not exist.
    """
    bounds, quantities = select(only), check_quantities(quantity)
    result = Table()
    for query in grid(d, n, lam, eps, alphabet):
        for bound in bounds:
            result.extend(rows_of(bound, query, quantities))
    return result


def grid(d: Any, n: Any, lam: Any, eps: Any, alphabet: Any) -> list[Query]:
    """All queries of a grid, the last argument changing fastest."""

    def several(value: Any) -> Sequence[Any]:
        return value if isinstance(value, list | tuple) else (value,)

    return [
        Query(one_d, one_n, one_lam, one_eps, alphabet=one_alphabet)
        for one_d in several(d)
        for one_n in several(n)
        for one_alphabet in several(alphabet)
        for one_lam in several(lam)
        for one_eps in several(eps)
    ]
