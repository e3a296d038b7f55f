"""One page for all calculators, from their registry."""

from __future__ import annotations

from pathlib import Path

from qexpr.bounds import calculators
from qexpr.core.atomic import write_text

__all__ = ["calculator_pages"]


def calculator_pages(directory: str | Path) -> list[Path]:
    """Write the page (MyST Markdown) and return it."""
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    parts = [
        "# Calculators\n",
        "Statements that take widths, sizes or precisions and not an accuracy: "
        "`qexpr calc NAME`, or `qexpr.bounds.calculators.get(NAME)`.\n",
    ]
    for name in calculators.names():
        calculator = calculators.get(name)
        parts += [f"## {name}\n", f"*{calculator.title[:1].upper()}{calculator.title[1:]}.*\n"]
        parts += [f"{calculator.text}\n", "| option | meaning | |", "|---|---|---|"]
        parts += [
            f"| `--{p.name}` | {p.text.replace('|', '/')} | {'' if p.required else 'optional'} |"
            for p in calculator.parameters
        ]
        sources = dict.fromkeys(
            f"{s.reference} {s.statement}: {s.trust}." for s in calculator.sources
        )
        parts += ["\nSources:\n", *(f"* {source}" for source in sources), ""]
    target = folder / "index.md"
    write_text(target, "\n".join(parts))
    return [target]
