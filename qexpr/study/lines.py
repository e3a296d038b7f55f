"""Where in a TOML text a key stands: tomllib reads values and forgets their lines."""

from __future__ import annotations

import re

__all__ = ["Place", "find_line", "key_lines"]

Place = tuple[str | int, ...]
"""The path of a value: ``("block", 0, "eps")``."""

_HEADER = re.compile(r"\s*(\[\[?)\s*([A-Za-z0-9_.\-\"' ]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"\s*([A-Za-z0-9_\-]+|\"[^\"]*\"|'[^']*')((?:\s*\.\s*[A-Za-z0-9_\-]+)*)\s*=")
# What a value can hold that keeps it open beyond its line: strings, brackets, comments.
_TOKEN = re.compile(
    r"\"\"\"|'''|\"(?:\\.|[^\"\\])*\"|'[^']*'|\#[^\n]*|[\[\]{}]",
)


def key_lines(text: str) -> dict[Place, int]:
    """The line (from 1) of every key and table header of a TOML text that parses."""
    found: dict[Place, int] = {(): 1}
    table: Place = ()
    counts: dict[Place, int] = {}
    lines = text.split("\n")
    i = 0
    while i < len(lines):
        header, key = _HEADER.match(lines[i]), _KEY.match(lines[i])
        if header:
            table = tuple(_bare(part) for part in header[2].split("."))
            if header[1] == "[[":
                index = counts.get(table, 0)
                counts[table] = index + 1
                table = (*table, index)
            found.setdefault(table, i + 1)
        elif key:
            dotted = [_bare(part) for part in key[2].split(".")[1:]]
            path: Place = (*table, _bare(key[1]), *dotted)
            found.setdefault(path, i + 1)
            i = _end_of_value(lines, i, key.end())
        i += 1
    return found


def find_line(lines: dict[Place, int], place: Place) -> int:
    """The line of a place, or of the nearest thing around it."""
    while place not in lines:
        place = place[:-1]
    return lines[place]


def _bare(text: str) -> str:
    return text.strip().strip("\"'")


def _end_of_value(lines: list[str], i: int, column: int) -> int:
    """The last line of the value that begins at a column of line i."""
    depth, quotes = 0, ""
    while True:
        line = lines[i]
        while column < len(line):
            if quotes:
                end = line.find(quotes, column)
                while quotes == '"""' and end > 0 and line[end - 1] == "\\":
                    end = line.find(quotes, end + 1)
                if end < 0:
                    break
                column, quotes = end + 3, ""
                continue
            token = _TOKEN.search(line, column)
            if token is None:
                break
            column = token.end()
            if token[0] in ('"""', "'''"):
                quotes = token[0]
            elif token[0] in "[{":
                depth += 1
            elif token[0] in "]}":
                depth -= 1
        if (not quotes and depth <= 0) or i + 1 >= len(lines):
            return i
        i, column = i + 1, 0
