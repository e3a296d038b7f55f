"""What a name cites: a bound, a paper, a remark, a calculator or a BibTeX key."""

from __future__ import annotations

from qexpr.bounds import calculators
from qexpr.bounds.references import REFERENCES
from qexpr.bounds.registry import all_bounds
from qexpr.bounds.remarks import REMARKS
from qexpr.core.source import Reference
from qexpr.core.suggest import suggest
from qexpr.errors import InvalidInput, shorten

__all__ = ["cited"]


def cited(name: str) -> tuple[Reference, ...]:
    """The publications behind a name, each once.

    Parameters
    ----------
    name : str
        A BibTeX key, the id of a bound or of a remark, the first part of such ids ("ding2018"),
        or a calculator's name.

    Raises
    ------
    InvalidInput
        If it names nothing, with the nearest names.
    """
    by_key = {one.key: one for one in REFERENCES}
    if name in by_key:
        return (by_key[name],)
    sources = {bound.id: bound.source for bound in all_bounds()}
    sources |= {remark.id: remark.source for remark in REMARKS}
    family = f"{name.rstrip('.')}."
    found = [s.reference for id, s in sources.items() if id == name or id.startswith(family)]
    if name in calculators.names():
        found += [source.reference for source in calculators.get(name).sources]
    if found:
        return tuple(dict.fromkeys(found))
    near = suggest(name, [*by_key, *sources, *calculators.names()])
    raise InvalidInput(
        f"there is no bound, paper, calculator or BibTeX key {shorten(name)}{near}; "
        "`qexpr bound --list` names all bounds"
    )
