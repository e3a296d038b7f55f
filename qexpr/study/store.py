"""What is done is kept: one file for each cell, named by what it was computed from."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qexpr.core.atomic import write_bytes
from qexpr.core.canonical import canonical_json

__all__ = ["Store"]

_HEAD, _END = b'{"record":', b',"sha256":"%b"}'  # around the canonical JSON of a record
_TAIL = len(_END % bytes(64))


class Store:
    """The folder ``cells/`` of a study: records, and the files that cells have made.

    A record appears whole or not at all, after the files that it names. It carries its own hash:
    what a power cut or a hand has damaged is not there, and is computed again.
    """

    def __init__(self, folder: Path) -> None:
        self.cells = folder / "cells"
        self.files = self.cells / "files"
        self._home = os.fspath(self.cells)  # joining texts: a Path of each cell costs more than it

    def open(self) -> None:
        """Make the folders.

        Raises
        ------
        OSError
            Where that cannot be done.
        """
        self.files.mkdir(parents=True, exist_ok=True)

    def names(self) -> set[str]:
        """The names of all records, unread."""
        with os.scandir(self.cells) as entries:
            return {e.name[:-5] for e in entries if e.name.endswith(".json")}

    def write(self, name: str, record: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
        """Keep the record of a cell, and its files."""
        named = {}
        for file, data in files.items():
            digest = hashlib.sha256(data).hexdigest()
            named[file] = {"sha256": digest, "bytes": len(data)}
            place = self.files / self._file_name(file, digest)
            if not place.exists() or place.stat().st_size != len(data):
                write_bytes(place, data, sync=False)
        text = canonical_json({**record, "files": named})
        digest = hashlib.sha256(text).hexdigest()
        write_bytes(self._record(name), b"".join((_HEAD, text, _END % digest.encode())), sync=False)

    def read(self, name: str) -> dict[str, Any] | None:
        """The record of a cell; None where there is none, or a damaged one."""
        try:
            with open(self._record(name), "rb") as file:
                data = file.read()
        except FileNotFoundError:
            return None
        text, tail = data[len(_HEAD) : -_TAIL], data[-_TAIL:]
        digest = hashlib.sha256(text).hexdigest()
        if not data.startswith(_HEAD) or tail != _END % digest.encode():
            return None
        record: dict[str, Any] = json.loads(text)
        for part, kept in record["files"].items():
            place = self.files / self._file_name(part, kept["sha256"])
            if not place.exists() or place.stat().st_size != kept["bytes"]:
                return None
        return record

    def _record(self, name: str) -> str:
        return f"{self._home}/{name}.json"

    def file(self, name: str, digest: str) -> Path:
        """Where the file of a cell lies."""
        return self.files / self._file_name(name, digest)

    @staticmethod
    def _file_name(file: str, digest: str) -> str:
        return f"{digest}{Path(file).suffix}"
