"""``qexpr calc``: calculators that take widths, sizes or precisions; one subcommand each."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import click

from qexpr.cli.output import columns, deliver, paragraph
from qexpr.core.claim import Explicit, Order
from qexpr.errors import InvalidInput, shorten

if TYPE_CHECKING:
    from qexpr.bounds.calculators.calculator import Calculator, Line, Parameter

__all__ = ["calc_command", "spellings"]


class _Calculators(click.Group):
    """The registry of calculators as subcommands, each made when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        from qexpr.bounds.calculators import names

        return names()

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        from qexpr.bounds.calculators import get

        return _command(get(cmd_name))  # a wrong name raises, with the nearest ones

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from qexpr.bounds.calculators import get, names

        with formatter.section("Calculators"):
            formatter.write_dl([(name, get(name).title) for name in names()])


def _command(calculator: Calculator) -> click.Command:
    options = [
        click.Option(
            [*spellings(parameter.name), parameter.name],
            metavar="LIST" if parameter.kind == "integers" else "NUMBER",
            help=f"{parameter.text} ({_range(parameter)}"
            f"{'' if parameter.required else '; may be left out'}).",
        )
        for parameter in calculator.parameters
    ]
    own = [
        click.Option(["--format", "form"], metavar="FORMAT", default="table", help="table or json"),
        click.Option(["--output"], metavar="FILE", help="Write to a file."),
    ]

    if calculator.curves is not None:
        own.append(
            click.Option(["--plot"], metavar="FILE", help="Also draw it: .svg, .pdf or .png.")
        )

    def callback(
        form: str, output: str | None, plot: str | None = None, **given: str | None
    ) -> None:
        if form not in ("table", "json"):
            raise InvalidInput(f"--format must be table or json, got {shorten(form)}")
        values = {name: text for name, text in given.items() if text is not None}
        lines = calculator(**values)
        if plot is not None:
            _draw(calculator, values, plot)
        deliver((_json if form == "json" else _table)(calculator, values, lines), output)

    return click.Command(
        name=calculator.name,
        params=[*options, *own],
        callback=callback,
        help=f"{calculator.title}\n\n{calculator.text}",
        short_help=calculator.title,
    )


def _draw(calculator: Calculator, given: dict[str, str], path: str) -> None:
    from importlib import import_module

    from qexpr.figures.style import figure_format

    form = figure_format(path)
    assert calculator.curves is not None  # only such calculators have the option
    curves = calculator.curves(**calculator.read(given))
    deliver(import_module(f"qexpr.figures.{calculator.name}").draw(curves, form), path)


def _range(parameter: Parameter) -> str:
    ends = " to ".join(map(_end, (parameter.least, parameter.most)))
    return f"each {ends}" if parameter.kind == "integers" else ends


def spellings(name: str) -> list[str]:
    """The options that give a parameter: --lambda as in other commands, hyphens in long names."""
    return ["--lambda"] if name == "lam" else [f"--{name.replace('_', '-')}"]


def _end(limit: int | Fraction) -> str:
    """One end of a range, exactly: 2^64, 1e-300, 0.999, 1000000."""
    from qexpr.core.decimals import short

    if isinstance(limit, int) and limit > 10**9 and limit & (limit - 1) == 0:
        return f"2^{limit.bit_length() - 1}"
    return short(Fraction(limit))


def _kind(value: object) -> str:
    if isinstance(value, Explicit):
        return f"explicit, {value.side} bound"
    if isinstance(value, Order):
        return "order, unit constant"
    return "exact" if isinstance(value, int | Fraction) else ""


def _number(value: Any) -> str:
    from qexpr.cli.table import number
    from qexpr.core.decimals import digits_of, short

    if isinstance(value, Explicit | Order):
        return number(value)
    if isinstance(value, int):
        return f"{value:,}" if abs(value) < 10**15 else digits_of(value)
    return short(value) if isinstance(value, Fraction) else str(value)


def _table(calculator: Calculator, given: dict[str, str], lines: list[Line]) -> str:
    asked = ", ".join(f"{name} {shorten(text).strip(chr(39))}" for name, text in given.items())
    cells = [("what", "value", "kind", "trust", "source")]
    for line in lines:
        value, kind = _number(line.value), _kind(line.value)
        cells.append((line.label, value, kind, str(line.source.trust), str(line.source)))
    widths = [max(len(row[i]) for row in cells) for i in range(5)]
    text = [f"{calculator.title}: {asked}", ""]
    text += columns(cells, (False, True, False, False, False), widths)
    notes = dict.fromkeys((line.label, line.note) for line in lines if line.note)
    said = {note for _, note in notes}
    caveats = dict.fromkeys(
        (str(line.source), line.source.note)
        for line in lines
        if line.source.note and line.source.note not in said
    )
    if notes or caveats:
        text += ["", "NOTES"]
        for term, note in [*notes, *caveats]:
            text += paragraph(term, note, hang=32)
    return "\n".join(text) + "\n"


def _json(calculator: Calculator, given: dict[str, str], lines: list[Line]) -> str:
    from qexpr.bounds.rows import quotient
    from qexpr.cli.records import dump

    def entry(line: Line) -> dict[str, Any]:
        value: Any = line.value
        lower = upper = None
        if isinstance(value, Explicit):
            lower, upper, value = quotient(value.lower), quotient(value.upper), value.value
        elif isinstance(value, Order):
            value = value.value
        elif isinstance(value, Fraction):
            value = quotient(value)
        return {
            "what": line.label,
            "kind": _kind(line.value),
            "value": value,
            "lower": lower,
            "upper": upper,
            "note": line.note,
            "source": str(line.source),
            "trust": str(line.source.trust),
        }

    return dump({"calculator": calculator.name, "given": given, "lines": [*map(entry, lines)]})


def _list(ctx: click.Context) -> None:
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


calc_command = _Calculators(
    name="calc",
    callback=click.pass_context(_list),
    invoke_without_command=True,
    help="""Calculators that take widths, sizes or precisions, and stay out of the table of bounds.

    \b
    Examples:
      qexpr calc regions --widths 2,64,64,1
      qexpr calc vc --help
    """,
    short_help="Calculators that take widths, not an accuracy.",
)
