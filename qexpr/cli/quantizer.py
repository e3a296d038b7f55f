"""``qexpr quantizer``: every quantizer with its paper, one described, or its map drawn."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from qexpr.cli.output import columns, deliver, paragraph
from qexpr.errors import InvalidInput, shorten

if TYPE_CHECKING:
    from qexpr.quantizers import Description, Quantizer

__all__ = ["quantizer_command"]


@click.command(name="quantizer", short_help="The quantizers, their formulas and plots.")
@click.argument("name", required=False)
@click.option(
    "--plot",
    metavar="[FILE]",
    is_flag=False,
    flag_value="",
    help="Draw the map and its gradient to a .svg, .pdf or .png (NAME.svg if no file is named).",
)
@click.option(
    "--format", "form", type=click.Choice(("text", "json")), default="text", show_default=True
)
@click.option(
    "--option",
    "options",
    multiple=True,
    metavar="KEY=VALUE",
    help="An option of the quantizer, such as bits=4 or gamma=0.7,0.3; may be repeated.",
)
@click.option("--output", metavar="FILE", help="Write to a file.")
def quantizer_command(
    name: str | None, plot: str | None, form: str, options: tuple[str, ...], output: str | None
) -> None:
    """List the quantizers with their papers, or describe the one called NAME: its map and gradient
    in LaTeX, its paper, and the defaults that the paper leaves to its code.
    """
    from qexpr import quantizers

    if name is None:
        if plot is not None or options:
            raise InvalidInput("--plot and --option need the NAME of a quantizer")
        listed = [quantizers.get(known).describe() for known in quantizers.names()]
        deliver(_json_list(listed) if form == "json" else _text_list(listed), output)
        return
    chosen = quantizers.get(name, **dict(_read_option(text) for text in options))
    description = chosen.describe()
    text = _json(description) if form == "json" else _text(description)
    if plot is not None:
        drawing = plot or f"{name}.svg"
        _draw(chosen, drawing)
        if form == "text":
            text += "\n".join(paragraph("drawing", drawing, indent=2)) + "\n"
    deliver(text, output)


def _read_option(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not (key and equals and value):
        raise InvalidInput(f"--option must be KEY=VALUE, such as bits=4, got {shorten(text)}")
    return key.strip().replace("-", "_"), _read_value(value.strip())


def _read_value(text: str) -> Any:
    """Return what a value spells: true, false, none, an integer, a number, a list, or the text."""
    words = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    if "," in text:
        return [_read_value(part.strip()) for part in text.split(",") if part.strip()]
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text


def _draw(chosen: Quantizer, path: str) -> None:
    from qexpr.figures.quantizer import quantizer_figure
    from qexpr.figures.style import figure_format

    form = figure_format(path)  # a bad name is told before anything is drawn
    deliver(quantizer_figure(chosen, form), path)


def _text_list(listed: list[Description]) -> str:
    rows = [("name", "bits", "map", "paper")]
    rows += [(d.name, str(d.bits), d.summary, _paper(d)) for d in listed]
    widths = [max(len(row[place]) for row in rows) for place in range(4)]
    return "\n".join(columns(rows, (False, True, False, False), widths)) + "\n"


def _paper(description: Description) -> str:
    fields = dict(description.sources[0].reference.fields)
    authors = fields["author"].split(" and ")
    first = authors[0].split(",")[0]
    names = first if len(authors) == 1 else f"{first} et al."
    number = f", arXiv:{fields['eprint']}" if "eprint" in fields else ""
    return f"{names} {fields['year']}{number}"


def _text(description: Description) -> str:
    options = ", ".join(f"{key}={value}" for key, value in description.options) or "none"
    lines = [f"{description.name}: {description.summary}"]
    lines += paragraph("options", options, indent=2)
    lines += paragraph(
        "levels",
        f"{description.levels}; bits {description.bits}; a stored code takes "
        f"{description.code_bits} bits",
        indent=2,
    )
    lines += paragraph("forward", description.forward, indent=2)
    lines += paragraph("backward", description.backward, indent=2)
    lines += paragraph("optimality", description.optimality, indent=2)
    for text in description.defaults:
        lines += paragraph("default", text, indent=2)
    for source in description.sources:
        note = f"; {source.note}" if source.note else ""
        lines += paragraph(
            "source",
            f"{source.reference} {source.statement} [{source.trust}{note}]",
            indent=2,
        )
    return "\n".join(lines) + "\n"


def _json(description: Description) -> str:
    return json.dumps(description.to_dict(), indent=2, ensure_ascii=False) + "\n"


def _json_list(listed: list[Description]) -> str:
    document = {"quantizers": [description.to_dict() for description in listed]}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
