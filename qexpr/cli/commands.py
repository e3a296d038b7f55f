"""The group of all commands: it knows their names and loads one only to run it."""

from __future__ import annotations

from importlib import import_module

import click

from qexpr.cli.main import COMMANDS

__all__ = ["group"]


class _Commands(click.Group):
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


group = _Commands(
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
