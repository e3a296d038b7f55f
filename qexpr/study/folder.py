"""The folder of a study: what it was made from, and whether it may be gone on with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qexpr.core.atomic import write_bytes, write_text
from qexpr.errors import InvalidInput, shorten
from qexpr.study.cells import code_digest
from qexpr.study.spec import Study, parse_study
from qexpr.study.store import Store

__all__ = ["Folder", "read_folder"]

_FORMAT = 1


@dataclass(frozen=True)
class Folder:
    """A folder that belongs to one study.

    ``study.toml`` is the specification it was made from, ``cells/origin.json`` says by which code;
    both are written before the first cell.
    """

    path: Path

    @property
    def store(self) -> Store:
        """Where the records of cells are."""
        return Store(self.path)

    def provenance(self) -> dict[str, Any] | None:
        """What provenance.json says; None where it is missing or no JSON object."""
        try:
            document = json.loads((self.path / "provenance.json").read_bytes())
        except (OSError, ValueError):
            return None
        return document if isinstance(document, dict) else None

    def claim(self, study: Study, replace: bool = False) -> None:
        """Make the folder this study's, or go on with it.

        Raises
        ------
        InvalidInput
            Where it holds another study, another version of this one, or other code's rows, with
            what differs and what can be done; `replace` takes the new one and keeps the cells
            that are the same.
        """
        try:
            if not replace:
                self._refuse_unlike(study)
            self.store.open()
            code = code_digest(study.kind.name)
            origin = {"format": _FORMAT, "study": study.name, "code": code}
            write_text(self.path / "study.toml", study.text)
            write_text(self.store.cells / "origin.json", json.dumps(origin, indent=2) + "\n")
        except OSError as error:
            reason = error.strerror or error
            raise InvalidInput(f"cannot write into {shorten(self.path)}: {reason}") from None

    def _refuse_unlike(self, study: Study) -> None:
        if not self.path.exists():
            return
        spec = self.path / "study.toml"
        if not spec.exists():
            if any(self.path.iterdir()):
                raise InvalidInput(
                    f"{shorten(self.path)} holds other files and no study; "
                    "choose another folder with --output"
                )
            return
        choices = (
            "choose another folder with --output, or --replace to take the new one here "
            "(cells that are the same are kept)"
        )
        try:
            before = parse_study(spec.read_text("utf-8"), study.name, str(spec))
        except InvalidInput as error:
            raise InvalidInput(f"{error}; {choices}") from None
        if before.digest != study.digest:
            changed = "; ".join(changes(before, study))
            raise InvalidInput(
                f"{shorten(self.path)} was made from another specification ({changed}); {choices}"
            )
        made = self.origin().get("format", _FORMAT)
        if made != _FORMAT:
            raise InvalidInput(
                f"{shorten(self.path)} was made by another version of qexpr (its cells have format "
                f"{shorten(made)}, this one writes {_FORMAT}); choose another folder with --output"
            )
        there, here = self.origin().get("code"), code_digest(study.kind.name)
        if there not in (None, here):
            raise InvalidInput(
                f"the cells in {shorten(self.path)} were computed by other code "
                f"({str(there)[:12]}, this is {here[:12]}); {choices}"
            )

    def study_name(self) -> str:
        """What the study is called: the folder may have been renamed."""
        for place in (self.path / "provenance.json", self.store.cells / "origin.json"):
            name = _read_json(place).get("study")
            if isinstance(name, str):
                return name
        return self.path.resolve().name

    def origin(self) -> dict[str, Any]:
        """By which code the cells were computed; empty where nothing says so."""
        return _read_json(self.store.cells / "origin.json")

    def write(self, name: str, data: bytes | str) -> None:
        """Write a file of the folder, whole or not at all."""
        place = self.path / name
        place.parent.mkdir(exist_ok=True)
        write_bytes(place, data.encode("utf-8") if isinstance(data, str) else data)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def read_folder(path: str | Path) -> tuple[Folder, Study]:
    """A folder that a study was run in, and that study.

    Raises
    ------
    InvalidInput
        Where there is none.
    """
    folder = Folder(Path(path))
    spec = folder.path / "study.toml"
    try:
        text = spec.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise InvalidInput(
            f"{shorten(path)} holds no study (no study.toml); start one with: qexpr study run SPEC"
        ) from None
    return folder, parse_study(text, folder.study_name(), str(spec))


def changes(before: Study, after: Study) -> list[str]:
    """What of two specifications decides other cells, for people."""
    old, new = before.to_dict(), after.to_dict()
    said = [
        f"{key} was {shorten(old[key])}, is {shorten(new[key])}"
        for key in ("kind", "seeds", "budget", "exclusions")
        if old[key] != new[key]
    ]
    for i in range(max(len(before.blocks), len(after.blocks))):
        if i >= len(before.blocks) or i >= len(after.blocks):
            what = "removed" if i < len(before.blocks) else "added"
            said.append(f"block {i + 1} was {what}")
            continue
        one, two = _settings(old["blocks"][i]), _settings(new["blocks"][i])
        for name in dict.fromkeys([*one, *two]):
            if one.get(name) != two.get(name):
                told = (shorten(x.get(name, "not set")) for x in (one, two))
                said.append("block {}: {} was {}, is {}".format(i + 1, name, *told))
        if list(one) != list(two) and set(one) == set(two):
            said.append(f"block {i + 1}: the order of its axes changed")
    return said or ["the order or the zips of its axes changed"]


def _settings(block: dict[str, Any]) -> dict[str, Any]:
    out = {}
    for names, values in block["axes"]:
        for k, name in enumerate(names):
            out[name] = [value[k] for value in values]
    return {**out, **block["fixed"]}
