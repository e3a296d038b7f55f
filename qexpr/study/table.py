"""results.csv: one row for each cell in the order of the study, and the way back."""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from io import BufferedWriter, TextIOWrapper
from pathlib import Path
from typing import Any

from qexpr.core.atomic import fresh
from qexpr.errors import InvalidInput
from qexpr.study.kind import Cell, Kind, Row
from qexpr.study.rows import cell_row, parse_field, render_field

__all__ = ["read_rows", "to_dataframe", "write_csv"]


def write_csv(path: Path, kind: Kind, cells: Iterable[tuple[Cell, Row]]) -> None:
    """Write rows as they come, so that their number costs no memory; the file appears whole.

    Integers are exact, floats are their repr, rationals p/q, lower and upper ends decimals
    rounded outward; lines end in a line feed.
    """

    def texts() -> Iterator[dict[str, str]]:
        for cell, record in cells:
            row = cell_row(kind, cell, record)
            yield {c.name: render_field(c, row[c.name]) for c in kind.all_columns}

    write_texts(path, kind, texts())


def write_texts(path: Path, kind: Kind, rows: Iterable[Mapping[str, str]]) -> None:
    """`write_csv` of rows that are texts already."""
    names = [column.name for column in kind.all_columns]
    neighbour = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with TextIOWrapper(BufferedWriter(fresh(str(neighbour))), "utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(names)
            for row in rows:
                writer.writerow([row[name] for name in names])
            file.flush()
            os.fsync(file.fileno())
        neighbour.replace(path)
    except BaseException:
        neighbour.unlink(missing_ok=True)
        raise


def digest_of(path: Path) -> str:
    """The SHA-256 of a table."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_texts(path: Path, kind: Kind) -> Iterator[dict[str, str]]:
    """The rows of results.csv as texts.

    Raises
    ------
    InvalidInput
        Where the file is missing or is not a table of this kind.
    """
    names = [column.name for column in kind.all_columns]
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.reader(file)
            header = next(reader, [])
            if header != names:
                wrong = sorted(set(header) ^ set(names))[:5]
                raise InvalidInput(
                    f"{path} has other columns than kind {kind.name}: {', '.join(wrong) or 'order'}"
                )
            for fields in reader:
                if len(fields) != len(names):
                    raise InvalidInput(f"{path}, line {reader.line_num}: {len(fields)} fields")
                yield dict(zip(names, fields, strict=True))
    except FileNotFoundError:
        raise InvalidInput(f"{path} does not exist; finish the study first") from None
    except UnicodeDecodeError:
        raise InvalidInput(f"{path} is not a text in UTF-8") from None


def read_rows(path: Path, kind: Kind) -> Iterator[Row]:
    """The rows of results.csv in the types of their columns."""
    columns = kind.all_columns
    for texts in read_texts(path, kind):
        yield {column.name: parse_field(column, texts[column.name]) for column in columns}


def to_dataframe(path: str | Path) -> Any:
    """results.csv as a pandas DataFrame: integers that may be missing, floats, and text.

    Rationals stay text, since a double is not what they say.
    """
    try:
        import pandas as pd
    except ModuleNotFoundError:
        raise InvalidInput("data frames need pandas: pip install 'qexpr[study]'") from None
    return pd.read_csv(path, float_precision="round_trip").convert_dtypes()
