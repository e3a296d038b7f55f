"""Tables for papers: LaTeX with booktabs, every number with its kind."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from qexpr.core.claim import Explicit, Kind, Side

if TYPE_CHECKING:
    from qexpr.bounds.rows import Row, Table

__all__ = ["latex_number", "latex_table"]

_SPECIAL = str.maketrans(
    {"_": r"\_", "%": r"\%", "&": r"\&", "#": r"\#", "$": r"\$", "{": r"\{", "}": r"\}"}
)
_HEAD = r"""\begin{tabular}{llllrl}
\toprule
bound & quantity & side & holds for & value & kind \\
\midrule
"""


def latex_number(value: float) -> str:
    """A double to four digits as LaTeX math."""
    mantissa, _, exponent = f"{value:.4g}".partition("e")
    return f"${mantissa}$" if not exponent else rf"${mantissa} \cdot 10^{{{int(exponent)}}}$"


def _value(row: Row) -> str:
    if row.claim is None:
        return "--"
    value = row.claim.value
    if not isinstance(value, Explicit):
        return latex_number(value.value)
    sign = r"\le" if value.side is Side.UPPER else r"\ge"
    if value.value is not None and value.value < 10**9:
        return rf"${sign} {value.value:,}$".replace(",", r"\,")
    return f"${sign}$ {latex_number(float(value))}"


def latex_table(table: Table) -> str:
    """A booktabs table of the rows that apply, with the query and the caveats as comments."""
    lines = []
    for query in dict.fromkeys((row.query, row.eps) for row in table):
        asked, eps = query
        accuracy = "eps asked for" if eps is None else f"eps = {Fraction(eps)}"
        lines.append(f"% d = {asked.d}, n = {asked.n}, alphabet {asked.alphabet}, {accuracy}")
    lines.append(_HEAD.rstrip("\n"))
    for row in table:
        if row.applies:
            kind = "order, unit constant" if row.bound.kind is Kind.ORDER else "explicit"
            trust = row.bound.source.trust
            cells = (
                rf"\texttt{{{row.bound.id}}}~\cite{{{row.bound.source.key}}}".translate(
                    {95: r"\_"}
                ),
                row.quantity.translate(_SPECIAL),
                str(row.bound.side),
                row.quantifier,
                _value(row),
                kind if trust.is_firm else f"{kind} ({str(trust).lower()})",
            )
            lines.append(" & ".join(cells) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])
