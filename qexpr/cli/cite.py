"""``qexpr cite``: BibTeX of bounds and papers."""

from __future__ import annotations

import click

from qexpr.cli.complete import complete_bounds
from qexpr.cli.output import deliver

__all__ = ["cite_command"]


@click.command(name="cite", short_help="BibTeX of bounds or papers.")
@click.argument("ids", nargs=-1, required=True, metavar="ID...", shell_complete=complete_bounds)
@click.option("--output", metavar="FILE", help="Write to a file.")
def cite_command(ids: tuple[str, ...], output: str | None) -> None:
    """Print the BibTeX entries of bounds (ding2018.theorem1), of all bounds of a paper (ding2018),
    of calculators (vc), or of BibTeX keys (ding2019universal), each once.
    """
    entries: dict[str, str] = {}
    for id in ids:
        entries |= _entries(id)
    deliver("\n".join(entries.values()), output)


def _entries(name: str) -> dict[str, str]:
    from qexpr.bounds.citations import cited

    return {reference.key: reference.bibtex for reference in cited(name)}
