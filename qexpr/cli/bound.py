"""``qexpr bound``: the table of bounds, at a query or a grid, or the inverse question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from qexpr.cli.complete import complete_bounds
from qexpr.cli.output import deliver
from qexpr.errors import InvalidInput, shorten

if TYPE_CHECKING:
    from qexpr.bounds.rows import Table

__all__ = ["bound_command"]

FORMATS = ("table", "json", "csv", "latex")
# The options that say what is asked; the others say how it is shown.
_QUERY = ("d", "n", "lambda", "alphabet", "eps", "weights", "bits", "only", "quantity")


@click.command(name="bound", short_help="Bounds on depth, weights and bits: a table.")
@click.option("--d", metavar="D", help="Input dimension, 1 to 1000 (default 1).")
@click.option("--n", metavar="N", help="Bounded derivatives, 1 to 1000 (default 1).")
@click.option(
    "--lambda",
    "lam",
    metavar="LAMBDA",
    help="Number of distinct weight values, 2 to 2^64 (default 2). A list or range is a grid.",
)
@click.option(
    "--eps",
    metavar="EPS",
    help="Sup error, 1e-300 <= eps < 1, read exactly. A grid: 1e-1,1e-2 or 1e-1:1e-6:6 "
    "(log-spaced).",
)
@click.option(
    "--alphabet", metavar="KIND:SIZE", help="nonlinear:LAMBDA or linear:BITS, in place of --lambda."
)
@click.option("--weights", metavar="W", help="Inverse question: the least eps with W weights.")
@click.option("--bits", metavar="B", help="Inverse question: the least eps with B bits.")
@click.option(
    "--only",
    metavar="ID",
    multiple=True,
    shell_complete=complete_bounds,
    help="Only this bound, or all of a paper (ding2018); may be repeated.",
)
@click.option(
    "--quantity",
    metavar="NAME",
    multiple=True,
    help="Only depth, weights, bits, free_bits or width; may be repeated.",
)
@click.option(
    "--format",
    "form",
    metavar="FORMAT",
    default="table",
    help="table (default), json, csv or latex.",
)
@click.option("--cite", is_flag=True, help="Add the BibTeX of what is shown (table, latex).")
@click.option(
    "--plot",
    metavar="FILE",
    help="Also draw weights and bits against eps (a grid): .svg, .pdf or .png.",
)
@click.option(
    "--output",
    metavar="FILE",
    help="Write to a file; the BibTeX of latex goes to a .bib beside it.",
)
@click.option(
    "--explain",
    metavar="ID",
    shell_complete=complete_bounds,
    help="Statement, regime, formula, source and trust of one bound.",
)
@click.option("--list", "list_ids", is_flag=True, help="The ids of all bounds.")
def bound_command(**options: Any) -> None:
    """What is known about the size of networks that bring F(d,n) within eps.

    F(d,n) holds the functions on [0,1]^d whose derivatives up to order n are at most 1 in size.
    The table has depth, weights and bits of every bound that applies, upper and lower apart, the
    kind of each number, and why a bound does not apply where it does not.

    \b
    Examples:
      qexpr bound --d 2 --n 3 --lambda 3 --eps 1e-3
      qexpr bound --d 1 --n 2 --eps 1e-1:1e-6:26 --plot bounds.svg
      qexpr bound --d 2 --n 3 --weights 100000
      qexpr bound --explain ding2018.theorem1
    """
    options["lambda"] = options.pop("lam")
    alone = [f"--{name}" for name in ("explain", "list_ids") if options[name] not in (None, False)]
    if alone:
        _check_alone(alone[0].replace("_ids", ""), options)
        from qexpr.cli.explain import explain_bound, listing

        named = options["explain"]
        deliver(explain_bound(named) if named is not None else listing(), options["output"])
        return
    form = options["form"]
    if form not in FORMATS:
        raise InvalidInput(f"--format must be one of {', '.join(FORMATS)}, got {shorten(form)}")
    if options["cite"] and form not in ("table", "latex"):
        raise InvalidInput(
            f"--cite goes with --format table or latex, got {form}; `qexpr cite ID` prints BibTeX"
        )
    plot = options["plot"]
    if plot is not None:
        from qexpr.figures.style import figure_format

        picture = figure_format(plot)
    table, remarks = _ask(options)
    if plot is not None:
        from qexpr.figures.bounds import draw_bounds

        deliver(draw_bounds(table, picture), plot)
    deliver(_written(table, options, form, remarks), options["output"])


def _check_alone(name: str, options: dict[str, Any]) -> None:
    others = [
        f"--{key}" for key in (*_QUERY, "cite", "plot") if options[key] not in (None, (), False)
    ]
    both = options["explain"] and options["list_ids"]
    if others or both or options["form"] != "table":
        other = "--list" if both else others[0] if others else "--format"
        raise InvalidInput(f"{name} stands alone (with --output at most), got {other} beside it")


def _ask(options: dict[str, Any]) -> tuple[Table, list[str]]:
    """The rows that answer the question, and remarks on its grids."""
    from qexpr.cli.grids import MAX_POINTS, read_grid, read_list

    asked = [name for name in ("eps", "weights", "bits") if options[name] is not None]
    if len(asked) != 1:
        given = " and ".join(f"--{name}" for name in asked) or "none of them"
        raise InvalidInput(
            f"give exactly one of --eps, --weights and --bits, got {given}; "
            "such as qexpr bound --d 2 --n 3 --lambda 3 --eps 1e-3"
        )
    remarks = []
    query: dict[str, Any] = {"d": _or(options["d"], 1), "n": _or(options["n"], 1)}
    for name, key in (("lambda", "lam"), ("eps", "eps")):
        if options[name] is not None:
            query[key], remark = read_grid(options[name], name, integers=name == "lambda")
            remarks += [remark] * bool(remark)
    if options["alphabet"] is not None:
        query["alphabet"] = read_list(options["alphabet"], "alphabet")
    points = len(query.get("lam", "1")) * len(query.get("eps", "1"))
    points *= len(query.get("alphabet", "1"))
    if points > MAX_POINTS:
        raise InvalidInput(f"a grid has at most {MAX_POINTS} points, got {points}")
    query["only"] = options["only"] or None
    if asked == ["eps"]:
        from qexpr.bounds.rows import table

        return table(**query, quantity=options["quantity"] or None), remarks
    if options["quantity"]:
        raise InvalidInput("--quantity goes with --eps; the inverse question has one quantity, eps")
    from qexpr.bounds.inverse import inverse_table

    return inverse_table(**query, **{asked[0]: options[asked[0]]}), remarks


def _or(value: Any, default: Any) -> Any:
    return default if value is None else value


def _written(table: Table, options: dict[str, Any], form: str, remarks: list[str]) -> str:
    if form == "table":
        from qexpr.cli.table import render

        text = render(table, remarks)
        return f"{text}\n{table.bibtex}" if options["cite"] else text
    if form == "latex":
        text = table.to_latex()
        if not options["cite"]:
            return text
        if options["output"] is None:
            return f"{text}\n{table.bibtex}"
        from pathlib import Path

        deliver(table.bibtex, str(Path(options["output"]).with_suffix(".bib")))
        return text
    from qexpr.cli.records import to_csv, to_json

    if form == "csv":
        return to_csv(table)
    query = {name: options[name] for name in _QUERY if options[name] not in (None, ())}
    return to_json(
        {
            name: value if isinstance(value, str) else ",".join(value)
            for name, value in query.items()
        },
        table,
    )
