"""What the shell may complete."""

from __future__ import annotations

import click

__all__ = ["complete_bounds"]


def complete_bounds(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Ids of bounds that begin so."""
    from qexpr.bounds.registry import ids

    return [id for id in ids() if id.startswith(incomplete)]
