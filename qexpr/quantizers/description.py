"""What a quantizer says of itself, and what it did to an array."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qexpr.core.source import Source

__all__ = ["CollapseWarning", "Description", "Measure"]


class CollapseWarning(UserWarning):
    """A group of weights, not all zero, was quantized to zeros only."""


@dataclass(frozen=True, kw_only=True)
class Description:
    """The mathematics of a quantizer in LaTeX, with its source and its hidden defaults.

    Attributes
    ----------
    name, summary : str
    options : tuple of (str, value)
    levels, bits, code_bits : int
        As the paper counts them; `code_bits` is what a stored code takes.
    forward, backward : str
        LaTeX of the map and of the gradient that training uses for it.
    sources : tuple of Source
    defaults : tuple of str
        What the paper leaves to its code, or what is chosen here.
    optimality : str
        In what sense the map is the best one.
    """

    name: str
    summary: str
    options: tuple[tuple[str, Any], ...]
    levels: int
    bits: int
    code_bits: int
    forward: str
    backward: str
    sources: tuple[Source, ...]
    defaults: tuple[str, ...]
    optimality: str

    @property
    def bibtex(self) -> str:
        """The BibTeX entries of the sources."""
        return "\n".join(dict.fromkeys(source.bibtex for source in self.sources))

    def to_dict(self) -> dict[str, Any]:
        """Return the description as JSON types."""
        return {
            "name": self.name,
            "summary": self.summary,
            "options": {k: list(v) if isinstance(v, tuple) else v for k, v in self.options},
            "levels": self.levels,
            "bits": self.bits,
            "code_bits": self.code_bits,
            "forward": self.forward,
            "backward": self.backward,
            "sources": [
                {
                    "key": source.key,
                    "statement": source.statement,
                    "trust": str(source.trust),
                    "note": source.note,
                    "text": str(source.reference),
                }
                for source in self.sources
            ],
            "defaults": list(self.defaults),
            "optimality": self.optimality,
            "bibtex": self.bibtex,
        }

    def __str__(self) -> str:
        options = ", ".join(f"{key}={value}" for key, value in self.options) or "none"
        lines = [
            f"{self.name}: {self.summary}",
            f"  options     {options}",
            f"  levels      {self.levels} (bits {self.bits}, a stored code takes {self.code_bits})",
            f"  forward     {self.forward}",
            f"  backward    {self.backward}",
            f"  optimality  {self.optimality}",
        ]
        lines += [f"  default     {text}" for text in self.defaults]
        for source in self.sources:
            note = f"; {source.note}" if source.note else ""
            lines.append(
                f"  source      {source.reference} {source.statement} [{source.trust}{note}]"
            )
        return "\n".join(lines)


@dataclass(frozen=True, kw_only=True)
class Measure:
    """What quantization did to one array.

    Attributes
    ----------
    size, groups : int
        Entries, and groups with a scale of their own.
    code_bits : int
    used : int
        Different codes that occur.
    zeros : float
        The share of entries that became 0.
    relative_error : float
        ||x - q(x)||^2 / ||x||^2 (0 for an array of zeros).
    collapsed : int
        Groups that are not zero and were quantized to zeros only.
    """

    size: int
    groups: int
    code_bits: int
    used: int
    zeros: float
    relative_error: float
    collapsed: int

    def __str__(self) -> str:
        text = (
            f"{self.size} entries in {self.groups} groups, {self.code_bits} bits a code, "
            f"{self.used} codes used, {100 * self.zeros:.3g} % zeros, "
            f"relative error {self.relative_error:.6g}"
        )
        if self.collapsed:
            text += f"; {self.collapsed} of {self.groups} groups collapsed to all zeros"
        return text
