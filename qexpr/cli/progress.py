"""Progress of long work: a bar on a terminal, nothing in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from qexpr.core.progress import Progress

__all__ = ["bar", "count_line", "search_line"]

_STEPS = 1000
_LINE = 78


@contextmanager
def bar(label: str, note: Callable[[], str] = str) -> Iterator[Progress | None]:
    """A bar on stderr for work that reports (done, in all); None where stderr is no terminal.

    What `note` says stands behind it.
    """
    if not sys.stderr.isatty():
        yield None
        return
    with click.progressbar(
        length=_STEPS, label=label.ljust(16), file=sys.stderr, item_show_func=lambda item: item
    ) as shown:

        def tell(done: int, whole: int) -> None:
            shown.update(_STEPS * done // max(whole, 1) - shown.pos, note())  # type: ignore[arg-type]

        yield tell


@contextmanager
def search_line() -> Iterator[Callable[[float, float, int], None] | None]:
    """A line on stderr that shows a search's two ends and is wiped at its end; None in a pipe."""
    if not sys.stderr.isatty():
        yield None
        return

    def show(lower: float, upper: float, boxes: int) -> None:
        line = f"{boxes} boxes: {max(lower, 0.0):.6g} <= sup |f - f~| <= {upper:.6g}"
        click.echo(f"\r{line:<{_LINE}}", nl=False, err=True)

    try:
        yield show
    finally:
        click.echo(f"\r{'':<{_LINE}}\r", nl=False, err=True)


@contextmanager
def count_line(label: str) -> Iterator[Callable[[int, int, int], None] | None]:
    """A bar on stderr for counted work: done, failed, time left; None where it is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    failed = 0
    with click.progressbar(
        length=1,
        label=label,
        file=sys.stderr,
        show_pos=True,
        item_show_func=lambda _: f"{failed} failed" if failed else None,
    ) as shown:

        def tell(done: int, wrong: int, whole: int) -> None:
            nonlocal failed
            failed, shown.length = wrong, whole
            shown.update(done - shown.pos)

        yield tell
