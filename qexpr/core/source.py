"""Where a statement comes from, and how far it may be trusted."""

from __future__ import annotations

import re
from typing import NamedTuple

from qexpr.core.record import Record
from qexpr.errors import InvalidInput, shorten

__all__ = ["Reference", "Source", "Trust"]

# What titles and names hold of LaTeX, as characters.
_LATEX = {
    r"{\"o}": "ö",
    r"{\"u}": "ü",
    r"{\"a}": "ä",
    r"{\'u}": "ú",
    r"{\'e}": "é",
    r"{\c c}": "ç",
    r"\varepsilon": "ε",
    r"\frac12": "1/2",
    r"\pm": "±",
}


class Trust(Record):
    """How a statement was obtained.

    ``CONFIRMED``: read in the source or in a restatement of it. ``RECALLED p``: written from
    memory, p being the probability that it is right as written. ``DERIVED``: proved for this
    project.
    """

    level: str
    probability: float | None = None

    def __post_init__(self) -> None:
        if self.level not in ("CONFIRMED", "RECALLED", "DERIVED"):
            raise InvalidInput(
                f"trust must be CONFIRMED, RECALLED or DERIVED, got {shorten(self.level)}"
            )
        if (self.level == "RECALLED") != (self.probability is not None):
            raise InvalidInput("RECALLED, and only it, takes a probability")
        if self.probability is not None and not 0 < self.probability < 1:
            raise InvalidInput(
                f"a probability must lie between 0 and 1, got {shorten(self.probability)}"
            )

    @property
    def is_firm(self) -> bool:
        """Whether a value may enter a comparison, a verdict or a floor."""
        return self.level != "RECALLED"

    def __str__(self) -> str:
        return self.level if self.probability is None else f"{self.level} {self.probability:g}"


class Reference(NamedTuple):
    """A publication: BibTeX key, type and fields."""

    key: str
    type: str
    fields: tuple[tuple[str, str], ...]

    @property
    def bibtex(self) -> str:
        """The BibTeX entry."""
        body = "".join(f"  {name} = {{{value}}},\n" for name, value in self.fields)
        return f"@{self.type}{{{self.key},\n{body}}}\n"

    def __str__(self) -> str:
        fields = dict(self.fields)
        names = ("journal", "booktitle", "publisher")
        where = next((fields[name] for name in names if name in fields), "")
        if not where and "eprint" in fields:
            where = f"arXiv:{fields['eprint']}"
        authors = fields["author"].replace(" and ", "; ")
        parts = (f"{authors} ({fields['year']})", fields["title"], where)
        text = " ".join(f"{part.removesuffix('.')}." for part in parts if part)
        for command, character in _LATEX.items():
            text = text.replace(command, character)
        text = re.sub(r"(?<!\\)[{}]", "", text)  # braces that only group
        return text.replace("\\", "").replace("$", "")


class Source(Record):
    """A statement inside a publication, with its trust.

    Parameters
    ----------
    reference : Reference
    statement : str
        The place: "Theorem 1", "section 3, eq. 7".
    trust : Trust
    note : str
        A doubt or a caveat that travels with every number.
    """

    reference: Reference
    statement: str
    trust: Trust
    note: str = ""

    @property
    def key(self) -> str:
        """The BibTeX key."""
        return self.reference.key

    @property
    def bibtex(self) -> str:
        """The BibTeX entry of the publication."""
        return self.reference.bibtex

    def __str__(self) -> str:
        return f"{self.reference.key}, {self.statement}"
