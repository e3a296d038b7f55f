"""``qexpr cite``: BibTeX of bounds and papers."""

from __future__ import annotations

import click

from qexpr.cli.complete import complete_bounds
from qexpr.cli.output import deliver
from qexpr.errors import InvalidInput, shorten

__all__ = ["cite_command"]


@click.command(name="cite", short_help="BibTeX of bounds or papers.")
@click.argument("ids", nargs=-1, required=True, metavar="ID...", shell_complete=complete_bounds)
@click.option("--output", metavar="FILE", help="Write to a file.")
def cite_command(ids: tuple[str, ...], output: str | None) -> None:
    """Print the BibTeX entries of bounds (ding2018.theorem1), of all bounds of a paper (ding2018)
    or of BibTeX keys (ding2019universal), each once.
    """
    entries: dict[str, str] = {}
    for id in ids:
        entries |= _entries(id)
    deliver("\n".join(entries.values()), output)


def _entries(name: str) -> dict[str, str]:
    from qexpr.bounds.registry import all_bounds
    from qexpr.core.suggest import suggest

    known = {bound.source.key: bound.bibtex for bound in all_bounds()}
    if name in known:
        return {name: known[name]}
    named = [b for b in all_bounds() if b.id == name or b.id.startswith(f"{name.rstrip('.')}.")]
    if not named:
        near = suggest(name, [*known, *(bound.id for bound in all_bounds())])
        raise InvalidInput(
            f"there is no bound, paper or BibTeX key {shorten(name)}{near}; "
            "`qexpr bound --list` names all bounds"
        )
    return {bound.source.key: bound.bibtex for bound in named}
