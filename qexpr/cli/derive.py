"""``qexpr derive``: every derivation, and the steps of one, each with its verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from qexpr.cli.output import columns, deliver
from qexpr.errors import InvalidInput

if TYPE_CHECKING:
    from qexpr.derivations import Derivation

__all__ = ["derive_command"]


@click.command(name="derive", short_help="Derivations, checked step by step.")
@click.argument("name", required=False)
@click.option(
    "--format",
    "form",
    type=click.Choice(("text", "latex", "json")),
    default="text",
    show_default=True,
    help="latex is an appendix that compiles.",
)
@click.option(
    "--fragment", is_flag=True, help="With latex: only the section, for \\input in a paper."
)
@click.option("--step", type=int, metavar="K", help="Run the check of step K alone.")
@click.option("--output", metavar="FILE", help="Write to a file.")
def derive_command(
    name: str | None, form: str, fragment: bool, step: int | None, output: str | None
) -> int:
    """List the derivations, or run and print the one called NAME: every step with its claim, the
    move that leads to it, and the verdict of its check.

    \b
    Examples:
      qexpr derive twn
      qexpr derive kuhn --format latex --output kuhn.tex
      qexpr derive hwgq --step 8
    """
    from qexpr import derivations

    if fragment and form != "latex":
        raise InvalidInput("--fragment goes with --format latex")
    if name is None:
        if step is not None or form == "latex":
            raise InvalidInput("--step and --format latex need the NAME of a derivation")
        listed = [derivations.get(known) for known in derivations.names()]
        deliver(_json_list(listed) if form == "json" else _text_list(listed), output)
        return 0
    chosen = derivations.get(name)
    if step is None:
        verdicts = list(chosen.verdicts())
    else:
        chosen.step(step)  # a step that does not exist is bad input, not a failure
        verdicts = [chosen.verdict(step)]
    deliver(_write(chosen, verdicts, form, fragment, whole=step is None), output)
    return 0 if all(verdict.passed for verdict in verdicts) else 1


def _write(chosen: Derivation, verdicts: list, form: str, fragment: bool, whole: bool) -> str:
    from qexpr.derivations import writing

    if form == "json":
        from qexpr.cli.records import dump

        return dump(writing.to_record(chosen, verdicts))
    if form == "latex":
        section = writing.to_latex(chosen, verdicts)
        return section if fragment else writing.to_document(section)
    return writing.to_text(chosen, verdicts, whole)


def _text_list(listed: list[Derivation]) -> str:
    rows = [
        (", ".join([d.name, *d.aliases]), str(len(d.steps)), d.title, str(d.source)) for d in listed
    ]
    rows.insert(0, ("name", "steps", "what is derived", "source"))
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    return "\n".join(columns(rows, (False, True, False, False), widths)) + "\n"


def _json_list(listed: list[Derivation]) -> str:
    from qexpr.cli.records import dump

    entries = [
        {
            "name": d.name,
            "aliases": list(d.aliases),
            "title": d.title,
            "steps": len(d.steps),
            "source": str(d.source),
            "trust": str(d.source.trust),
        }
        for d in listed
    ]
    return dump({"derivations": entries})
