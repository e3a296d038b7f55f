"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

__all__ = ["write_bytes", "write_text"]


def write_bytes(path: str | os.PathLike[str], data: bytes, *, sync: bool = True) -> None:
    """Write a file through a neighbour that is renamed over it when it is complete.

    A reader, or a crash, sees the old content or the new, never a part. What is not a regular
    file (a pipe, /dev/stdout) is written to as it is. Without `sync` that holds for everything
    but the machine losing its power; thousands of small files are written many times faster.

    Raises
    ------
    OSError
        If the place cannot be written; nothing is left behind.
    """
    target = Path(os.path.realpath(path))  # a symbolic link keeps pointing where it did
    mode = None
    if target.exists():
        mode = target.stat().st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(21, "Is a directory", str(path))
        if not stat.S_ISREG(mode):
            with target.open("wb") as file:
                file.write(data)
            return
    neighbour = target.with_name(f".{target.name[:100]}.{os.getpid()}.tmp")
    try:
        with neighbour.open("xb") as file:
            file.write(data)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        if mode is not None:
            neighbour.chmod(stat.S_IMODE(mode))
        neighbour.replace(target)
    except BaseException:
        neighbour.unlink(missing_ok=True)
        raise


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """`write_bytes` of UTF-8 text; line ends stay as they are."""
    write_bytes(path, text.encode("utf-8"))
