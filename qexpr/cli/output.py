"""What the command line writes: complaints, files, aligned columns."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence

import click

from qexpr.errors import InvalidInput, shorten

__all__ = ["columns", "complain", "deliver", "paragraph"]

_LONGEST_WORD = 100
_LONGEST_LINE = 600


def complain(message: str, usage: bool = False) -> int:
    """Write one line to stderr and return exit code 2."""
    text = " ".join("".join(c if c.isprintable() else " " for c in message).split())
    text = re.sub(rf"\S{{{_LONGEST_WORD},}}", lambda word: shorten(word[0]).strip("'"), text)
    if usage:
        text = f"{text.rstrip('.')}; see qexpr --help"
    if len(text) > _LONGEST_LINE:
        text = f"{text[: _LONGEST_LINE - 3]}..."
    print(f"qexpr: {text}", file=sys.stderr)
    return 2


def deliver(text: str | bytes, path: str | None) -> None:
    """Print, or write to a file that appears whole or not at all."""
    if path is None:
        click.echo(text, nl=False)
        return
    from qexpr.core.atomic import write_bytes

    try:
        write_bytes(path, text.encode("utf-8") if isinstance(text, str) else text)
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        reason = getattr(error, "strerror", None) or error
        raise InvalidInput(f"cannot write {shorten(path)}: {reason}") from None


def columns(
    rows: Sequence[Sequence[str]], right: Sequence[bool], widths: Sequence[int], indent: int = 0
) -> list[str]:
    """Lines of aligned cells: two blanks between columns, numbers to the right."""
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, to_right, width in zip(row, right, widths, strict=True)
        ]
        lines.append((" " * indent + "  ".join(cells)).rstrip())
    return lines


def paragraph(term: str, text: str, width: int = 118, indent: int = 0, hang: int = 18) -> list[str]:
    """A term and its explanation, wrapped with a hanging indent."""
    lines, line = [], (" " * indent + term).ljust(indent + hang)
    if len(" " * indent + term) >= indent + hang and term:  # no room beside it
        lines.append(line.rstrip())
        line = " " * (indent + hang)
    empty = True
    for word in text.split():
        if not empty and len(line) + 1 + len(word) > width:
            lines.append(line)
            line, empty = " " * (indent + hang), True
        line += word if empty else f" {word}"
        empty = False
    return [*lines, line.rstrip()]
