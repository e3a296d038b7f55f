"""Did you mean: the nearest names to one that does not exist."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["suggest"]


def suggest(given: object, known: Iterable[str]) -> str:
    """``"; did you mean a or b?"``, or nothing where no known name is near."""
    from difflib import get_close_matches  # 5 ms that only a mistake has to pay

    near = get_close_matches(str(given)[:80], list(known), n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(near)}?" if near else ""
