"""How far a long piece of work is: what it tells whoever asked."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Progress"]

Progress = Callable[[int, int], None]
"""Called now and then with (done, in all); never on a result, which does not depend on it."""
