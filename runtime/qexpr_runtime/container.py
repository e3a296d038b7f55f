"""The container of a packed file: header, table of sections, checksums; written atomically."""

from __future__ import annotations

import contextlib
import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

__all__ = ["KINDS", "MAGIC", "VERSION", "Section", "sections", "write_sections"]

MAGIC = b"\x89QXR\r\n\x1a\n"
VERSION = 2
KINDS = {"network": 1, "circuit": 2}
_HEADER, _ENTRY = 64, 32


class Section(NamedTuple):
    """A section: its tag, its place in the file and its bytes."""

    tag: str
    offset: int
    data: Any


def _pad(n: int) -> int:
    return -n % 64


def _layout(kind: str, parts: list[tuple[str, Any]]) -> Iterator[Any]:
    end = _HEADER + _ENTRY * len(parts)
    table, views = b"", []
    for tag, data in parts:
        view = memoryview(data).cast("B") if len(memoryview(data)) else memoryview(b"")
        start = end + _pad(end)
        table += struct.pack("<4sIQQ8x", tag.encode("ascii"), crc32(view), start, len(view))
        views.append((b"\0" * (start - end), view))
        end = start + len(view)
    head = MAGIC + struct.pack("<IIQII", VERSION, KINDS[kind], end, len(parts), crc32(table))
    yield head + struct.pack("<I28x", crc32(head))
    yield table
    for gap, view in views:
        yield gap
        yield view


def write_sections(
    path: str | os.PathLike[str],
    kind: str,
    parts: list[tuple[str, Any]],
    check: Callable[[Path], object],
) -> None:
    """Write a file through a neighbour that is renamed over it when it is complete and checked."""
    target = Path(os.path.realpath(path))
    neighbour = target.with_name(f".{target.name[:100]}.{os.getpid()}.tmp")
    try:
        with neighbour.open("xb") as file:
            for piece in _layout(kind, parts):
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        check(neighbour)
        if target.exists():
            neighbour.chmod(target.stat().st_mode & 0o7777)
        neighbour.replace(target)
    except BaseException as error:
        with contextlib.suppress(OSError):
            neighbour.unlink(missing_ok=True)
        if isinstance(error, OSError):  # in terms of the file that was asked for
            raise OSError(error.errno, error.strerror, os.fspath(path)) from None
        raise


def sections(data: Any) -> list[Section]:
    """The sections of a file whose header and table the reader in C has checked."""
    view = memoryview(data)
    (count,) = struct.unpack_from("<I", view, 24)
    found = []
    for i in range(count):
        tag, _, start, length = struct.unpack_from("<4sIQQ", view, _HEADER + _ENTRY * i)
        found.append(Section(tag.decode("ascii"), start, view[start : start + length]))
    return found
