"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import stat
from io import FileIO

__all__ = ["fresh", "write_bytes", "write_text"]


def fresh(path: str) -> FileIO:
    """A new file, unbuffered; what a killed process of the same number has left there goes."""
    try:
        return FileIO(path, "x")
    except FileExistsError:
        os.unlink(path)
        return FileIO(path, "x")


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
    target = os.fspath(path)
    mode = None
    try:
        if stat.S_ISLNK(os.lstat(target).st_mode):
            target = os.path.realpath(target)  # a symbolic link keeps pointing where it did
        mode = os.stat(target).st_mode
    except FileNotFoundError:
        pass
    if mode is not None and not stat.S_ISREG(mode):
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(21, "Is a directory", str(path))
        with open(target, "wb") as file:
            file.write(data)
        return
    place, name = os.path.split(target)
    neighbour = os.path.join(place, f".{name[:100]}.{os.getpid()}.tmp")
    try:
        with fresh(neighbour) as file:
            left = memoryview(data)
            while left:  # an unbuffered file may take less than it is given
                left = left[file.write(left) :]
            if sync:
                os.fsync(file.fileno())
        if mode is not None:
            os.chmod(neighbour, stat.S_IMODE(mode))
        os.replace(neighbour, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(neighbour)
        raise


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """`write_bytes` of UTF-8 text; line ends stay as they are."""
    write_bytes(path, text.encode("utf-8"))
