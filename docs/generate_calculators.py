"""One page for all calculators, from their registry."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from qexpr.bounds import calculators
from qexpr.cli.calc import spellings
from qexpr.core.atomic import write_bytes, write_text

__all__ = ["calculator_pages"]

_DRAWN = {"bitwidth": {"d": 2, "n": 3, "eps": "1e-3"}}
"""At what the calculators that have a figure are drawn."""


def _figure(calculator: calculators.Calculator, folder: Path) -> str:
    given = _DRAWN[calculator.name]
    draw = import_module(f"qexpr.figures.{calculator.name}").draw
    name = f"{calculator.name}.svg"
    write_bytes(folder / name, draw(calculator.curves(**calculator.read(given)), "svg"))
    asked = ", ".join(f"{parameter} {value}" for parameter, value in given.items())
    return f"![{calculator.title}, at {asked}]({name})\n"


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
            f"| `{spellings(p.name)[0]}` | {p.text.replace('|', '/')} | "
            f"{'' if p.required else 'optional'} |"
            for p in calculator.parameters
        ]
        if calculator.curves is not None:
            parts += [
                "| `--plot` | also draw it to a file | optional |\n",
                _figure(calculator, folder),
            ]
        sources = dict.fromkeys(
            f"{s.reference} {s.statement}: {s.trust}." for s in calculator.sources
        )
        parts += ["\nSources:\n", *(f"* {source}" for source in sources), ""]
    target = folder / "index.md"
    write_text(target, "\n".join(parts))
    return [target]
