"""What a kind of cell is made of: typed parameters, typed columns, and functions of one cell.

A new kind is one file in `qexpr.study.kinds` with a value ``KIND = Kind(...)``, and one line in
`qexpr.study.kinds.MODULES`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from qexpr.errors import InvalidInput

if TYPE_CHECKING:
    from qexpr.study.tools import Tools

__all__ = [
    "COLUMN_TYPES",
    "PARAMETER_TYPES",
    "REQUIRED",
    "Cell",
    "Column",
    "Figure",
    "Finding",
    "Kind",
    "Parameter",
    "Result",
    "Row",
    "Small",
    "Summary",
]

Cell = Mapping[str, Any]
"""One cell: parameter -> JSON value. Rationals are text in lowest terms: "1/1000", "2"."""

Row = Mapping[str, Any]
"""One row of results.csv: column -> int, float, Fraction, str, or None for an empty field."""

PARAMETER_TYPES = ("int", "rational", "text", "flag", "ints")
COLUMN_TYPES = ("int", "float", "rational", "lower", "upper", "text", "verdict")
_NAME = re.compile(r"[a-z][a-z0-9_]*")


class _Required:
    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED = _Required()


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One thing that a specification sets.

    Parameters
    ----------
    name : str
    type : {"int", "rational", "text", "flag", "ints"}
        ints is a list of integers that is one value, such as the widths of layers.
    help : str
        One line, with the unit.
    default : optional
        The JSON value where the specification is silent; REQUIRED makes silence a mistake.
    choices : sequence, optional
        All values that are allowed; a text outside it is answered by "did you mean".
    least, most : int or Fraction, optional
        The range of an int, of each of the ints, or of a rational, ends included.
    read : callable, optional
        Brings the value into its canonical form, and refuses by InvalidInput.
    budget : bool
        A count that limits work (boxes, steps): set in [budget], the same for all cells.
    """

    name: str
    type: str
    help: str
    default: Any = REQUIRED
    choices: tuple[Any, ...] = ()
    least: Any = None
    most: Any = None
    read: Callable[[Any], Any] | None = None
    budget: bool = False

    def __post_init__(self) -> None:
        _check_name(self.name)
        if self.type not in PARAMETER_TYPES:
            raise InvalidInput(f"{self.name} has type {self.type}; it is one of {PARAMETER_TYPES}")
        if self.budget and self.type != "int":
            raise InvalidInput(f"{self.name} is a budget: budgets are counts, of type int")


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of results.csv.

    Parameters
    ----------
    name : str
        The header: snake_case, with the unit where there is one (``bits``, ``rate_per_step``). A
        name of type lower or upper ends in ``_lower`` or ``_upper``.
    type : {"int", "float", "rational", "lower", "upper", "text", "verdict"}
        int and rational are exact; a float is written as its repr; lower and upper are rationals,
        written as decimals rounded outward; verdict is consistent, violates or incomparable.
    help : str
        One line for the report: what it is, its unit, and what stands behind it.
    order : bool
        An expression at unit constant, so nothing that is guaranteed.
    """

    name: str
    type: str
    help: str
    order: bool = False

    def __post_init__(self) -> None:
        _check_name(self.name)
        if self.type not in COLUMN_TYPES:
            raise InvalidInput(f"{self.name} has type {self.type}; it is one of {COLUMN_TYPES}")
        if self.type in ("lower", "upper") and not self.name.endswith(f"_{self.type}"):
            raise InvalidInput(f"{self.name} has type {self.type}: its name ends in _{self.type}")


@dataclass(frozen=True)
class Result:
    """What one cell has come to.

    Parameters
    ----------
    values : mapping
        A value for each column of the kind: int; float (finite); Fraction for rational, lower and
        upper (an int is taken too); str; None is an empty field, with the reason in `reason`.
    files : mapping of name to bytes
        A file for each name in `Kind.files`, such as a packed network; one may be left out.
    reason : str
        Why fields are empty, where some are.
    times : mapping of name to float
        Seconds that were measured, for each name in `Kind.times`: they go into times.csv, beside
        the table, since no two runs have the same.
    """

    values: Mapping[str, Any]
    files: Mapping[str, bytes] = field(default_factory=dict)
    reason: str = ""
    times: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """What a check says about one number or one proof.

    `stands` is None where it could not be checked, because a file was not kept.
    """

    stands: bool | None
    text: str


@dataclass(frozen=True)
class Figure:
    """One figure of a report.

    Parameters
    ----------
    name : str
        The file's stem.
    draw : callable
        From "svg" or "pdf" to bytes that are the same on every run; it lives in `qexpr.figures`.
    alt : str
        What is to be seen, in words, for those who cannot see it.
    caption : str
    """

    name: str
    draw: Callable[[str], bytes]
    alt: str
    caption: str


@dataclass(frozen=True)
class Small:
    """A small table of a report: a caption, a header, and rows of text that is ready to print."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Summary:
    """What the rows of a study say: paragraphs of plain text, small tables and figures."""

    answer: tuple[str, ...] = ()
    tables: tuple[Small, ...] = ()
    figures: tuple[Figure, ...] = ()
    sources: tuple[str, ...] = ()
    """Ids of bounds, or keys of papers, for references.bib."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of cell.

    Parameters
    ----------
    name : str
        What ``kind = "..."`` in a specification says, and the name of the module.
    title : str
        One line: what a cell does.
    parameters : tuple of Parameter
        Also the first columns of results.csv, in this order.
    columns : tuple of Column
        What `run` returns, in this order.
    run : callable
        ``run(cell, tools) -> Result``: a pure function of the cell. All that is drawn comes from
        `tools` or from ``cell["seed"]``. OutOfRegime makes a row "outside" with its reason, any
        other exception a row "failed".
    cost : callable
        ``cost(cell)``: CPU seconds, roughly; printed before a study starts.
    exact : bool
        The values are the same on every machine (bounds, counts, exact arithmetic). Then a check
        is to run again, and `check` may be left out.
    check : callable
        ``check(cell, row, files, tools)`` yields a Finding for every bound column, verdict and
        certificate, derived again from the cell and the stored files, without training. It must
        not trust a number of `row` that it can recompute. A file that was not kept is missing in
        `files`.
    restate : callable, optional
        ``restate(cell, row)``: the columns that follow from the rest of a row, by bounds and not by
        training, as `run` returns them, and the reason; all of them, None where there is nothing.
    files : tuple of str
        The names of files that `run` may return; each makes a column ``<stem>_sha256``.
    times : tuple of str
        The names of times that `run` may return, with their unit: ``runtime_s``.
    seeded : bool
        A cell for every seed of the specification; ``cell["seed"]``.
    needs : tuple of (module, extra)
        What has to be installed: ``(("torch", "train"),)``.
    validate : callable, optional
        Refuses, by InvalidInput, a cell whose settings contradict each other; asked before any
        cell runs.
    summary : callable, optional
        ``summary(rows) -> Summary``, from the rows of results.csv in order.
    shown : tuple of str
        The columns of the report's and the paper's table; all of them where it is empty.
    """

    name: str
    title: str
    parameters: tuple[Parameter, ...]
    columns: tuple[Column, ...]
    run: Callable[[Cell, Tools], Result]
    cost: Callable[[Cell], float]
    exact: bool = False
    check: Callable[[Cell, Row, Mapping[str, bytes], Tools], Iterable[Finding]] | None = None
    restate: Callable[[Cell, Row], tuple[Mapping[str, Any], str]] | None = None
    files: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    seeded: bool = False
    needs: tuple[tuple[str, str], ...] = ()
    validate: Callable[[Cell], None] | None = None
    summary: Callable[[Sequence[Row]], Summary] | None = None
    shown: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        names = [c.name for c in self.all_columns]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise InvalidInput(f"kind {self.name} has two columns {', '.join(sorted(twice))}")
        if self.check is None and not self.exact:
            raise InvalidInput(f"kind {self.name} is not exact, so it needs a check")

    def parameter(self, name: str) -> Parameter | None:
        """The parameter of that name."""
        return next((p for p in self.parameters if p.name == name), None)

    @cached_property
    def all_columns(self) -> tuple[Column, ...]:
        """The columns of results.csv: parameters, seed, values, digests of files, status."""
        types = {"int": "int", "rational": "rational"}
        return (
            *(
                Column(name=p.name, type=types.get(p.type, "text"), help=p.help)
                for p in self.parameters
            ),
            *((Column(name="seed", type="int", help="seed"),) if self.seeded else ()),
            *self.columns,
            *(
                Column(name=digest_column(name), type="text", help=f"SHA-256 of {name}")
                for name in self.files
            ),
            Column(name="status", type="text", help="ok, outside, excluded or failed"),
            Column(name="reason", type="text", help="why it is outside, excluded or incomplete"),
            Column(name="error", type="text", help="what made the cell fail"),
        )


def digest_column(file: str) -> str:
    """The column that names a file's content: ``network.qxr`` -> ``network_sha256``."""
    return f"{file.rpartition('.')[0] or file}_sha256"


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidInput(f"{name!r} is no name: use snake_case letters and digits")
