"""A study as TOML becomes a frozen `Study`, or one message with all that is wrong in it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from qexpr.core.canonical import sha256
from qexpr.core.numbers import read_rational
from qexpr.core.suggest import suggest
from qexpr.errors import InvalidInput, shorten
from qexpr.study.kind import REQUIRED, Kind, Parameter
from qexpr.study.kinds import get_kind
from qexpr.study.lines import Place, find_line, key_lines
from qexpr.study.values import canonical_value

__all__ = ["Block", "Exclusion", "Mistakes", "Study", "parse_study", "read_study"]

_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_MAX_TEXT = 2**20
_MAX_SEED = 2**63 - 1


class Mistakes(InvalidInput):
    """All that is wrong in a specification; `lines` has one text for each mistake."""

    def __init__(self, origin: str, found: list[tuple[int, str]]) -> None:
        self.lines = [f"line {line}: {message}" for line, message in found]
        head = "1 mistake" if len(found) == 1 else f"{len(found)} mistakes"
        super().__init__(f"{origin} has {head}: {'; '.join(self.lines)}")
        self.origin = origin


@dataclass(frozen=True)
class Block:
    """A grid: parameters with one value, and axes in the order written, the last one fastest.

    An axis is a tuple of parameter names that advance together, and their values in step.
    """

    fixed: Mapping[str, Any]
    axes: tuple[tuple[tuple[str, ...], tuple[tuple[Any, ...], ...]], ...]

    @property
    def size(self) -> int:
        """How many cells it has, seeds and exclusions apart."""
        count = 1
        for _, values in self.axes:
            count *= len(values)
        return count


@dataclass(frozen=True)
class Exclusion:
    """Cells that are not run: all parameters named have one of the values listed."""

    where: Mapping[str, tuple[Any, ...]]
    reason: str


@dataclass(frozen=True)
class Study:
    """A specification that has been read and checked."""

    name: str
    title: str
    question: str
    method: str
    kind: Kind
    blocks: tuple[Block, ...]
    exclusions: tuple[Exclusion, ...]
    seeds: tuple[int, ...]
    budget: Mapping[str, int]
    text: str

    @property
    def digest(self) -> str:
        """The SHA-256 of what decides the cells: not of titles, comments or layout."""
        return sha256(self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """What decides the cells, as JSON values."""
        return {
            "kind": self.kind.name,
            "blocks": [
                {
                    "fixed": dict(b.fixed),
                    "axes": [[list(n), [list(v) for v in vs]] for n, vs in b.axes],
                }
                for b in self.blocks
            ],
            "exclusions": [
                {"where": {k: list(v) for k, v in e.where.items()}, "reason": e.reason}
                for e in self.exclusions
            ],
            "seeds": list(self.seeds),
            "budget": dict(self.budget),
        }


def read_study(path: str | Path) -> Study:
    """Read a specification from a file; the study is called like the file.

    Raises
    ------
    InvalidInput
        With every mistake, its line, and the nearest name that exists.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
        if len(data) > _MAX_TEXT:
            raise InvalidInput(f"{path} has {len(data)} bytes; a specification has at most 2^20")
        text = data.decode("utf-8")
    except OSError as error:
        raise InvalidInput(f"cannot read {shorten(path)}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise InvalidInput(f"{path} is not a text in UTF-8") from None
    return parse_study(text, path.stem, str(path))


def parse_study(text: str, name: str, origin: str = "") -> Study:
    """Read a specification from text. `origin` is what messages call it."""
    origin = origin or f"{name}.toml"
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            "a study is called like its file, in small letters, digits and hyphens, "
            f"got {shorten(name)}"
        )
    try:
        document = tomllib.loads(text, parse_float=_read_float)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"{origin} is not TOML: {error}") from None
    lines = key_lines(text)
    reader = _Reader(lines)
    study = reader.read(document, name, text)
    if reader.mistakes:
        raise Mistakes(origin, sorted(reader.mistakes))
    assert study is not None
    return study


def _read_float(text: str) -> Fraction:
    return read_rational(text, "a number")  # 1e-3 is 1/1000, not the double beside it


class _Reader:
    """Reads one document and gathers what is wrong in it."""

    def __init__(self, lines: dict[Place, int]) -> None:
        self.lines = lines
        self.mistakes: set[tuple[int, str]] = set()

    def note(self, place: Place, message: str) -> None:
        self.mistakes.add((find_line(self.lines, place), message))

    def read(self, document: dict[str, Any], name: str, text: str) -> Study | None:
        from qexpr.study.schema import shape_mistakes

        for place, message in shape_mistakes(document):
            self.note(place, message)
        kind = self._kind(document.get("kind"))
        if kind is None:
            self._seeds(None, document)  # what else is wrong only a kind can tell
            return None
        blocks = [
            self._block(kind, block, ("block", i))
            for i, block in enumerate(_tables(document.get("block")))
        ]
        budget = self._budget(kind, document.get("budget", {}))
        seeds = self._seeds(kind, document)
        exclusions = [
            self._exclusion(kind, item, ("exclude", i))
            for i, item in enumerate(_tables(document.get("exclude", [])))
        ]
        if self.mistakes:
            return None
        return Study(
            name=name,
            title=document["title"].strip(),
            question=document["question"].strip(),
            method=document.get("method", "").strip(),
            kind=kind,
            blocks=tuple(blocks),
            exclusions=tuple(exclusions),
            seeds=seeds,
            budget=budget,
            text=text,
        )

    def _kind(self, name: Any) -> Kind | None:
        if not isinstance(name, str):
            return None  # the shape says so already
        try:
            return get_kind(name)
        except InvalidInput as error:
            self.note(("kind",), str(error))
            return None

    def _value(self, parameter: Parameter, value: Any, place: Place) -> Any:
        try:
            return canonical_value(parameter, value)
        except InvalidInput as error:
            self.note(place, str(error))
            return None

    def _known(self, kind: Kind, name: str, place: Place) -> Parameter | None:
        parameter = kind.parameter(name)
        names = [p.name for p in kind.parameters if not p.budget]
        if parameter is None:
            extra = "; the table [budget] holds it" if name in ("budget", "seeds") else ""
            self.note(
                place,
                f"kind {kind.name} has no parameter {shorten(name)}{suggest(name, names)}{extra}; "
                f"it has {', '.join(names)}",
            )
        elif parameter.budget:
            self.note(place, f"{name} is a budget: put it into the table [budget]")
            return None
        return parameter

    def _block(self, kind: Kind, block: dict[str, Any], place: Place) -> Block:
        fixed: dict[str, Any] = {}
        several: dict[str, tuple[Any, ...]] = {}
        for name, value in block.items():
            if name == "zip":
                continue
            parameter = self._known(kind, name, (*place, name))
            if parameter is None:
                continue
            if not _is_axis(parameter, value):
                fixed[name] = self._value(parameter, value, (*place, name))
                continue
            if not value:
                self.note((*place, name), f"{name} is an empty list, so the grid has no cells")
            read = tuple(self._value(parameter, item, (*place, name)) for item in value)
            several[name] = read
        for parameter in kind.parameters:
            if parameter.name in block or parameter.budget:
                continue
            if parameter.default is REQUIRED:
                self.note(place, f"the block does not set {parameter.name} ({parameter.help})")
            else:
                fixed[parameter.name] = canonical_value(parameter, parameter.default)
        return Block(fixed, self._axes(several, block.get("zip", []), (*place, "zip")))

    def _axes(self, several: dict[str, tuple[Any, ...]], zips: Any, place: Place) -> Any:
        groups: dict[str, tuple[str, ...]] = {name: (name,) for name in several}
        for group in zips if isinstance(zips, list) else []:
            if not isinstance(group, list) or not all(isinstance(n, str) for n in group):
                continue  # the shape says so already
            wrong = [n for n in group if n not in several]
            lengths = {len(several[n]) for n in group if n in several}
            if wrong:
                self.note(place, f"zip names {', '.join(wrong)}, which is no list of this block")
            elif any(len(groups[n]) > 1 for n in group):
                self.note(place, "zip names a parameter twice")
            elif len(lengths) > 1:
                sizes = ", ".join(f"{n} has {len(several[n])}" for n in group)
                self.note(place, f"what is zipped has to have equal lengths: {sizes}")
            else:
                for n in group:
                    groups[n] = tuple(group)
        axes = dict.fromkeys(groups.values())  # in the order of the first of each
        found = tuple(
            (names, tuple(zip(*(several[n] for n in names), strict=False))) for names in axes
        )
        for names, steps in found:
            if len({repr(step) for step in steps}) < len(steps) and None not in steps[0]:
                self.note((*place[:-1], names[0]), f"{', '.join(names)} lists a value twice")
        return found

    def _budget(self, kind: Kind, given: Any) -> dict[str, int]:
        given = given if isinstance(given, dict) else {}
        names = [p.name for p in kind.parameters if p.budget]
        for name in given:
            if name not in names:
                has = f"it has {', '.join(names)}" if names else "it has none"
                self.note(
                    ("budget", name),
                    f"kind {kind.name} has no budget {shorten(name)}{suggest(name, names)}; {has}",
                )
        out = {}
        for parameter in kind.parameters:
            if not parameter.budget:
                continue
            value = given.get(parameter.name, parameter.default)
            if value is REQUIRED:
                self.note(("budget",), f"[budget] does not set {parameter.name} ({parameter.help})")
                continue
            out[parameter.name] = self._value(parameter, value, ("budget", parameter.name))
        return out

    def _seeds(self, kind: Kind | None, document: dict[str, Any]) -> tuple[int, ...]:
        seeds = document.get("seeds")
        if seeds is None:
            if kind is not None and kind.seeded:
                self.note((), f"kind {kind.name} draws: give seeds, such as seeds = [0, 1, 2]")
            return ()
        if kind is not None and not kind.seeded:
            self.note(("seeds",), f"kind {kind.name} draws nothing: leave seeds out")
        if not isinstance(seeds, list) or not all(type(seed) is int for seed in seeds):
            return ()  # the shape says so already
        if not seeds:
            self.note(("seeds",), "seeds is an empty list, so the grid has no cells")
        if not all(0 <= seed <= _MAX_SEED for seed in seeds):
            self.note(("seeds",), "a seed is an integer from 0 to 2^63 - 1")
        if len(set(seeds)) < len(seeds):
            self.note(("seeds",), "seeds lists a value twice")
        return tuple(seeds)

    def _exclusion(self, kind: Kind, item: dict[str, Any], place: Place) -> Exclusion:
        where: dict[str, tuple[Any, ...]] = {}
        given = item.get("where")
        for name, value in given.items() if isinstance(given, dict) else ():
            if name == "seed" and kind.seeded:
                where[name] = tuple(value if isinstance(value, list) else [value])
                continue
            parameter = self._known(kind, name, (*place, "where"))
            if parameter is not None:
                values = value if _is_axis(parameter, value) else [value]
                where[name] = tuple(self._value(parameter, v, (*place, "where")) for v in values)
        if isinstance(given, dict) and not given:
            self.note((*place, "where"), "where is empty and would exclude every cell")
        reason = item.get("reason", "")
        if isinstance(reason, str) and "reason" in item and not reason.strip():
            self.note((*place, "reason"), "an exclusion needs a written reason")
        return Exclusion(where, reason.strip() if isinstance(reason, str) else "")


def _tables(value: Any) -> Sequence[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _is_axis(parameter: Parameter, value: Any) -> bool:
    """A list is an axis; for a parameter that is a list itself, a list of lists is."""
    if not isinstance(value, list):
        return False
    return parameter.type != "ints" or not value or isinstance(value[0], list)
