"""A page for each bound of the registry: statement, formula, regime, plot, BibTeX, trust."""

from __future__ import annotations

from pathlib import Path

from qexpr import bounds
from qexpr.bounds.bound import Bound
from qexpr.bounds.registry import all_bounds
from qexpr.bounds.rows import Table
from qexpr.cli.glossary import KINDS, QUANTIFIERS
from qexpr.core.atomic import write_bytes, write_text
from qexpr.core.claim import Kind, Side
from qexpr.figures.bounds import draw_bounds

__all__ = ["bound_pages", "page"]

_SIDES = {Side.UPPER: "so much is enough", Side.LOWER: "less is impossible"}

CLASSES = ((1, 1), (1, 2), (2, 1), (2, 3), (3, 2))
GRID = [f"{m}e-{k}" for k in range(1, 7) for m in ((1, "0.46", "0.215") if k < 6 else (1,))]


def bound_pages(directory: str | Path) -> list[Path]:
    """Write the index and a page (MyST Markdown) with a plot for every bound.

    Returns
    -------
    list of Path
        The pages, the index first; the plots lie beside them.
    """
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    pages = [folder / "index.md"]
    write_text(pages[0], _index())
    for bound in all_bounds():
        target = folder / f"{bound.id}.md"
        table = _sample(bound)
        drawing = f"{bound.id}.svg" if len({row.eps for row in table}) > 1 else ""
        if drawing:
            write_bytes(folder / drawing, draw_bounds(table, "svg", _panels(bound)))
        write_text(target, page(bound, table, drawing))
        pages.append(target)
    return pages


def _panels(bound: Bound) -> tuple[str, ...]:
    """The one or two quantities that matter most."""
    order = ("weights", "bits", "free_bits", "depth", "width")
    named = [quantity for quantity in order if quantity in bound.quantities]
    both = {"bits", "free_bits"} <= set(named)
    return tuple(q for q in named if not (both and q == "free_bits"))[:2]


def _sample(bound: Bound) -> Table:
    """Values over a grid of eps for a few classes in the regime, lambda = 4."""
    alphabet = "linear:2" if bound.alphabet == "linear" else "nonlinear:4"
    rows = Table()
    for d, n in CLASSES:
        table = bounds.table(d, n, eps=GRID, alphabet=alphabet, only=bound.id)
        rows.extend(row for row in table if row.applies)
    return rows


def _index() -> str:
    lines = [
        "# Bounds\n",
        "Every bound of the registry, with its statement, formula, regime, source and trust.",
        "The pages are generated from the same data that `qexpr bound` evaluates.\n",
    ]
    for side, title in ((Side.UPPER, "Upper bounds"), (Side.LOWER, "Lower bounds")):
        lines += [f"## {title}\n", "| bound | what | kind | trust |", "|---|---|---|---|"]
        lines += [
            f"| [`{b.id}`]({b.id}.md) | {b.title} | {b.kind} | {b.source.trust} |"
            for b in all_bounds()
            if b.side is side
        ]
        lines.append("")
    lines += ["```{toctree}", ":hidden:", "", *(bound.id for bound in all_bounds()), "```", ""]
    return "\n".join(lines)


def _facts(bound: Bound) -> list[tuple[str, str]]:
    holds = dict.fromkeys(str(s.quantifier or bound.quantifier) for s in bound.statements)
    return [
        ("side", f"{bound.side}: {_SIDES[bound.side]}"),
        ("kind", f"{bound.kind}: {KINDS[bound.kind]}"),
        ("holds for", "; ".join(f"*{name}*: {QUANTIFIERS[name]}" for name in holds)),
        ("weights", bound.setting or "of the alphabet asked for"),
        ("alphabet", f"{bound.alphabet} alphabets only" if bound.alphabet else "any"),
        ("source", f"{bound.source.reference} Place: {bound.source.statement}."),
        ("trust", str(bound.source.trust)),
        ("caveat", bound.source.note),
    ]


def page(bound: Bound, table: Table, drawing: str) -> str:
    """The page of one bound as MyST Markdown."""
    parts = [f"# {bound.id}\n", f"*{bound.title[:1].upper()}{bound.title[1:]}.*\n"]
    parts += ["| | |", "|---|---|"]
    parts += [f"| {name} | {_plain(text)} |" for name, text in _facts(bound) if text]
    parts += ["\n## Statement\n", f"{bound.statement}\n"]
    parts += ["## Formula\n", "```{math}", bound.latex(), "```\n"]
    parts.append("The logarithm is base 2. As text, the way it is evaluated:\n")
    parts.append("```text")
    parts += [f"{s.quantity:<10} {s.text}" for s in bound.statements]
    parts += [f"{name:<10} {text}" for name, text in bound.definitions]
    parts.append("```\n")
    if bound.parameters:
        parts.append("Found by search for each query; every choice is valid, the best is taken:\n")
        parts += [f"* `{name}`: {meaning}" for name, meaning in bound.parameters.items()]
        parts.append("")
    parts.append("## Regime\n")
    parts += [f"* `{c.text}`: {c.reason}" for c in bound.regime] or ["All d, n, lambda and eps."]
    parts.append("")
    if drawing:
        parts += ["## Plot\n", f"![{bound.id} against eps]({drawing})\n"]
        if bound.kind is Kind.ORDER:
            parts.append("Dashed: an order at unit constant. It shows growth, not size.\n")
    if table:
        query = table[0].query
        parts += [
            "## In use\n",
            "```pycon",
            ">>> from qexpr import bounds",
            f'>>> bound = bounds.get("{bound.id}")',
            f">>> print(bound.evaluate(d={query.d}, n={query.n}, lam={query.lam}, "
            f'eps="{table[0].eps}").{table[0].quantity})',
            str(table[0].claim.value) if table[0].claim else "",
            "```\n",
        ]
    parts += ["## BibTeX\n", "```bibtex", bound.bibtex.rstrip(), "```", ""]
    return "\n".join(parts)


def _plain(text: str) -> str:
    """Text safe inside a Markdown table."""
    return " ".join(text.split()).replace("|", r"\|").replace("$", r"\$").replace("<", r"\<")
