"""``qexpr targets``: the library of named functions, their proofs and their pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from qexpr.cli.output import columns, deliver
from qexpr.errors import InvalidInput, shorten

if TYPE_CHECKING:
    from qexpr.targets.library import Entry

__all__ = ["targets_command"]

_FORMATS = ("table", "json")
_HEADER = ("name", "d", "n", "norm <=", "boxes", "what it is")


@click.command(name="targets", short_help="Named targets: list, prove, plot.")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--prove", is_flag=True, help="Prove membership in F(d,n) now, and print the norm.")
@click.option(
    "--plot",
    metavar="FILE",
    help="Draw one target (.svg, .pdf or .png); NAME may be an expression.",
)
@click.option("--format", "form", default="table", metavar="FORMAT", help="table or json.")
@click.option("--output", metavar="FILE", help="Write to a file.")
def targets_command(
    names: tuple[str, ...], prove: bool, plot: str | None, form: str, output: str | None
) -> None:
    """List the named targets with the n for which membership in F(d,n) is proven.

    \b
    qexpr targets                       the whole library
    qexpr targets waves --prove         prove one now
    qexpr targets --plot w.svg waves    draw one
    """
    if form not in _FORMATS:
        raise InvalidInput(f"--format must be table or json, got {shorten(form)}")
    if plot is not None:
        _plot(plot, names)
        return
    from qexpr.targets.library import LIBRARY, entry

    entries = [entry(name) for name in names] if names else list(LIBRARY)
    rows = [_row(item, prove) for item in entries]
    if form == "json":
        import json

        deliver(json.dumps({"targets": rows}, indent=2) + "\n", output)
    else:
        deliver(_table(rows, prove), output)


def _row(item: Entry, prove: bool) -> dict[str, Any]:
    function = item.build()
    row: dict[str, Any] = {
        "name": item.name,
        "d": item.d,
        "n": item.n,
        "summary": item.summary,
        "text": function.text,
    }
    if prove:
        proof = function.prove_membership(item.n)
        row |= {"norm": str(proof.norm), "boxes": proof.boxes}
    return row


def _table(rows: list[dict[str, Any]], prove: bool) -> str:
    from fractions import Fraction

    from qexpr.core.decimals import round_decimal, spell

    cells = []
    for row in rows:
        what = f"{row['summary']}: {row['text']}"
        what = what if len(what) <= 84 else f"{what[:81]}..."
        proof = (
            [spell(*round_decimal(Fraction(row["norm"]), 9, up=True)), str(row["boxes"])]
            if prove
            else []
        )
        cells.append([row["name"], str(row["d"]), str(row["n"]), *proof, what])
    header = list(_HEADER) if prove else [*_HEADER[:3], _HEADER[-1]]
    right = [False, True, True, True, True, False] if prove else [False, True, True, False]
    table = [header, *cells]
    widths = [max(len(row[k]) for row in table) for k in range(len(header))]
    lines = columns(table, right, widths)
    if not prove:
        lines += ["", "  n: |D^a f| <= 1 for every |a| <= n on [0,1]^d; --prove proves it again."]
    return "\n".join(lines) + "\n"


def _plot(path: str, names: tuple[str, ...]) -> None:
    if len(names) != 1:
        raise InvalidInput(f"--plot FILE draws one NAME, got {len(names)}")
    from qexpr.figures.style import figure_format
    from qexpr.figures.target import draw_target
    from qexpr.targets import find

    form = figure_format(path)
    function = find(names[0])
    title = names[0] if names[0] == function.text else f"{names[0]}: {function.text}"
    units = function.units
    deliver(draw_target(function, units.domain, units.norm, title, form), path)
    click.echo(f"wrote {path}")
