"""The studies that come with qexpr, and any other by its path."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from qexpr.core.suggest import suggest
from qexpr.errors import InvalidInput, shorten
from qexpr.study.spec import Study, parse_study, read_study

__all__ = ["find_study", "shipped"]


def shipped() -> dict[str, str]:
    """The text of every specification that is installed, by name."""
    found = {}
    folder = resources.files("qexpr.study") / "specs"
    if folder.is_dir():
        for entry in folder.iterdir():
            if entry.name.endswith(".toml"):
                found[entry.name.removesuffix(".toml")] = entry.read_text("utf-8")
    return dict(sorted(found.items()))


def find_study(name: str) -> Study:
    """The study in a file, or one that comes with qexpr by its name.

    Raises
    ------
    InvalidInput
        Where there is neither.
    """
    if name.endswith(".toml") or "/" in name:
        return read_study(Path(name))
    texts = shipped()
    if name not in texts:
        raise InvalidInput(
            f"there is no study {shorten(name)}{suggest(name, texts)}; `qexpr study list` names "
            "all, and a path that ends in .toml works too"
        )
    return parse_study(texts[name], name)
