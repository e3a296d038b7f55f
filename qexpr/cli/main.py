"""The command ``qexpr``: a table of commands, each loaded when it is called.

Exit codes: 0 done, certified or accepted; 1 refuted, open or refused; 2 bad input, always with
one clear line on stderr; 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

import click

from qexpr.cli.output import complain
from qexpr.errors import QexprError

__all__ = ["COMMANDS", "main", "run"]

# name -> module, attribute, one line of help: `qexpr --help` imports none of them
COMMANDS = {
    "bound": ("qexpr.cli.bound", "bound_command", "Bounds on depth, weights and bits: a table."),
    "calc": ("qexpr.cli.calc", "calc_command", "Calculators that take widths, not an accuracy."),
    "cite": ("qexpr.cli.cite", "cite_command", "BibTeX of bounds or papers."),
    "doctor": ("qexpr.cli.doctor", "doctor_command", "Versions, extras and how to add them."),
}


class _Commands(click.Group):
    """A group that knows its commands' names and loads one only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from qexpr.core.suggest import suggest
            from qexpr.errors import shorten

            raise click.UsageError(
                f"there is no command {shorten(args[0])}{suggest(args[0], COMMANDS)}; "
                f"the commands are {', '.join(COMMANDS)}"
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][2]) for name in COMMANDS])


def _print_version(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from qexpr.cli.doctor import version  # metadata is slow to load: for this option only

        click.echo(f"qexpr {version('qexpr') or '(version unknown: not installed)'}")
        ctx.exit()


_group = _Commands(
    name="qexpr",
    help="""The expressivity of quantized neural networks, executable and checkable.

    Start with:  qexpr bound --d 2 --n 3 --lambda 3 --eps 1e-3
    """,
    params=[
        click.Option(
            ["--version"],
            is_flag=True,
            expose_value=False,
            is_eager=True,
            callback=_print_version,
            help="Show the version and exit.",
        )
    ],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code; no exception leaves it."""
    try:
        result = _group.main(
            None if arguments is None else list(arguments),
            prog_name="qexpr",
            standalone_mode=False,
        )
        sys.stdout.flush()
    except QexprError as error:
        return complain(str(error))
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return 2
    except click.ClickException as error:
        return complain(error.format_message(), usage=isinstance(error, click.UsageError))
    except (click.Abort, KeyboardInterrupt):
        complain("interrupted")
        return 130
    except BrokenPipeError:
        # The reader has what it wanted; keep the interpreter from flushing into it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:
        place = f" {error.filename!r}" if error.filename else ""
        return complain(f"cannot read or write{place}: {error.strerror or error}")
    return result if isinstance(result, int) else 0


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Entry point of the console script."""
    sys.exit(run(arguments))
