"""One page for each derivation, with the verdict of every step, generated from the registry."""

from __future__ import annotations

from pathlib import Path

from qexpr import derivations
from qexpr.core.atomic import write_text
from qexpr.derivations.writing import to_markdown

__all__ = ["derivation_pages"]


def derivation_pages(directory: str | Path) -> list[Path]:
    """Run every derivation and write the index and the pages (MyST Markdown).

    Raises
    ------
    CertificateError
        If a step of any derivation fails: nothing is published that does not hold.
    """
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    pages = []
    for name in derivations.names():
        derivation = derivations.get(name)
        page = folder / f"{name}.md"
        write_text(page, to_markdown(derivation, derivation.prove()))
        pages.append(page)
    rows = "\n".join(
        f"| [{name}]({name}.md) | {derivations.get(name).title} | "
        f"{len(derivations.get(name).steps)} |"
        for name in derivations.names()
    )
    names = "\n".join(derivations.names())
    index = folder / "index.md"
    write_text(
        index,
        "# Derivations\n\n"
        "Why a quantizer or a gadget is the best one, and where the constants come from: steps "
        "that are checked by running them, with `qexpr derive NAME` or "
        "`qexpr.derivations.get(NAME).prove()`. A check is a symbolic identity, an inequality or "
        "an enclosure by balls, or an exhaustion of finitely many cases in exact arithmetic; what "
        "is tried in finitely many cases says in how many.\n\n"
        f"| derivation | what is derived | steps |\n|---|---|---|\n{rows}\n\n"
        f"```{{toctree}}\n:maxdepth: 1\n:hidden:\n\n{names}\n```\n",
    )
    return [index, *pages]
