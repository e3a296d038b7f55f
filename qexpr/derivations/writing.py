"""A derivation on paper: readable text, a LaTeX appendix, a record for programs, Markdown."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from typing import Any

from qexpr.derivations.derivation import Derivation, Verdict
from qexpr.derivations.latex import escape, formula_latex, prose_latex
from qexpr.errors import QexprError

__all__ = ["to_document", "to_latex", "to_markdown", "to_record", "to_text"]

_WIDTH = 100
_DIGITS = 15


def plain(formula: str) -> str:
    """A formula the way people type it."""
    return formula.replace("**", "^").replace("==", "=")


def _prose(text: str) -> str:
    return plain(text).replace("`", "")


def _fill(text: str, first: str, rest: str) -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _mark(verdict: Verdict) -> str:
    return "PROVEN" if verdict.passed else "FAILED"


def _constants(derivation: Derivation) -> list[tuple[str, str, list[str]]]:
    """Name, meaning and digits; a constant that cannot be computed says so."""
    found = []
    for constant in derivation.constants:
        try:
            digits = derivation.digits(constant.name, _DIGITS)
        except (QexprError, ArithmeticError, LookupError, ValueError, TypeError) as error:
            digits = [f"not computed: {error}"]
        found.append((constant.name, constant.meaning, digits))
    return found


def to_text(derivation: Derivation, verdicts: Sequence[Verdict], whole: bool = True) -> str:
    """Readable text; without the statement and the constants where it is not `whole`."""
    lines: list[str] = []
    if whole:
        lines += [f"{derivation.name}: {derivation.title}", ""]
        lines += _fill(_prose(derivation.statement), "  ", "  ")
        note = f"; {derivation.source.note}" if derivation.source.note else ""
        source = f"{derivation.source.reference} {derivation.source.statement}"
        lines += ["", *_fill(f"Source: {source} [{derivation.source.trust}{note}]", "  ", "  ")]
        if derivation.definitions:
            lines += ["", "  Where"]
        for definition in derivation.definitions:
            lines += _fill(f"{definition.head} = {plain(definition.body)}", "    ", "      ")
        lines.append("")
    for verdict in verdicts:
        step = verdict.step
        lines += _fill(_prose(step.claim), f"  {verdict.number:>2}. ", "      ")
        lines += _fill(plain(step.formula), "        ", "          ")
        if step.check.scope:
            lines += _fill(f"for {step.check.scope}", "        ", "          ")
        lines += _fill(f"by: {_prose(step.by)}", "      ", "          ")
        lines += _fill(
            f"{_mark(verdict)} ({step.check.kind}): {verdict.detail}", "      ", "          "
        )
        lines.append("")
    if whole and derivation.constants:
        lines.append("  Constants, correctly rounded")
        for name, meaning, digits in _constants(derivation):
            lines += _fill(f"{name}: {_prose(meaning)}", "    ", "      ")
            lines += _fill(" ".join(digits), "      ", "      ")
        lines.append("")
    if whole:
        passed = sum(verdict.passed for verdict in verdicts)
        lines.append(f"  {passed} of {len(verdicts)} steps proven")
    return "\n".join(lines).rstrip() + "\n"


def to_record(derivation: Derivation, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Everything as JSON's types."""
    return {
        "name": derivation.name,
        "aliases": list(derivation.aliases),
        "title": derivation.title,
        "statement": _prose(derivation.statement),
        "source": str(derivation.source),
        "trust": str(derivation.source.trust),
        "bibtex": derivation.source.bibtex,
        "definitions": {d.head: d.body for d in derivation.definitions},
        "steps": [
            {
                "step": verdict.number,
                "claim": _prose(verdict.step.claim),
                "claim_latex": prose_latex(verdict.step.claim),
                "formula": verdict.step.formula,
                "formula_latex": formula_latex(verdict.step.formula),
                "transformation": _prose(verdict.step.by),
                "check": verdict.step.check.kind,
                "scope": verdict.step.check.scope,
                "passed": verdict.passed,
                "detail": verdict.detail,
            }
            for verdict in verdicts
        ],
        "constants": {name: digits for name, _, digits in _constants(derivation)},
        "proven": all(verdict.passed for verdict in verdicts),
    }


def to_latex(derivation: Derivation, verdicts: Sequence[Verdict]) -> str:
    """A section for a paper's appendix; it needs amsmath."""
    lines = [
        rf"\section{{{escape(derivation.title)}}}",
        "",
        prose_latex(derivation.statement),
        rf"\par Source: {escape(str(derivation.source.reference))} "
        rf"{escape(derivation.source.statement)} ({escape(str(derivation.source.trust))}).",
    ]
    if derivation.definitions:
        lines += ["", r"\paragraph{Where}", r"\begin{itemize}"]
        lines += [
            rf"\item ${formula_latex(d.head)} = {formula_latex(d.body)}$"
            for d in derivation.definitions
        ]
        lines.append(r"\end{itemize}")
    lines += ["", r"\paragraph{Proof}", r"\begin{enumerate}"]
    for verdict in verdicts:
        step = verdict.step
        lines += [
            rf"\item {prose_latex(step.claim)}",
            r"\begin{quote}\raggedright",
            rf"$\displaystyle {formula_latex(step.formula)}$",
            r"\end{quote}",
            rf"By: {prose_latex(step.by)}. \emph{{Checked ({escape(step.check.kind)}"
            + (f"; {escape(plain(step.check.scope))}" if step.check.scope else "")
            + f"): {escape(verdict.detail)}.}}",
        ]
    lines.append(r"\end{enumerate}")
    if derivation.constants:
        lines += ["", r"\paragraph{Constants, correctly rounded}", r"\begin{itemize}"]
        lines += [
            rf"\item {escape(name)} ({prose_latex(meaning)}): {escape(', '.join(digits))}"
            for name, meaning, digits in _constants(derivation)
        ]
        lines.append(r"\end{itemize}")
    return "\n".join(lines) + "\n"


def to_document(section: str) -> str:
    """The section as a document of its own."""
    return (
        "\\documentclass{article}\n\\usepackage{amsmath}\n\\usepackage[T1]{fontenc}\n"
        "\\allowdisplaybreaks\n\\sloppy\n\\begin{document}\n\\appendix\n"
        f"{section}\\end{{document}}\n"
    )


def _markdown(text: str) -> str:
    """Prose whose characters mean nothing to Markdown outside of backticks."""
    parts = plain(text).split("`")
    parts[::2] = [re.sub(r"([*_<>|$])", r"\\\1", part) for part in parts[::2]]
    return "`".join(parts)


def to_markdown(derivation: Derivation, verdicts: Sequence[Verdict]) -> str:
    """A page (MyST Markdown)."""
    source = derivation.source
    parts = [
        f"# {derivation.name}\n",
        f"*{derivation.title}.* {_markdown(derivation.statement)}\n",
        f"Source: {source.reference} {source.statement} ({source.trust}"
        + (f"; {source.note})\n" if source.note else ")\n"),
    ]
    if derivation.definitions:
        parts += ["## Where\n"]
        parts += [f"* `{d.head} = {plain(d.body)}`" for d in derivation.definitions]
        parts += [""]
    parts += ["## Steps\n"]
    for verdict in verdicts:
        step = verdict.step
        scope = f"For {_markdown(step.check.scope)}. " if step.check.scope else ""
        parts += [
            f"### {verdict.number}\n",
            f"{_markdown(step.claim)}\n",
            f"```{{math}}\n{formula_latex(step.formula)}\n```\n",
            f"{scope}By: {_markdown(step.by)}.\n",
            f"*{_mark(verdict).capitalize()}* ({step.check.kind}): {verdict.detail}.\n",
        ]
    if derivation.constants:
        parts += [
            "## Constants\n",
            "Correctly rounded.\n",
            "| constant | meaning | value |",
            "|---|---|---|",
        ]
        for name, meaning, digits in _constants(derivation):
            shown = ", ".join(digits if len(digits) <= 15 else [*digits[:3], "..", *digits[-2:]])
            parts.append(f"| {name} | {_markdown(meaning)} | {shown} |")
        parts.append("")
    return "\n".join(parts)
