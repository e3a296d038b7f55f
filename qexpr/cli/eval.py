"""``qexpr eval``: evaluate a packed file (or a .json, .onnx network) at the points of a CSV."""

from __future__ import annotations

import csv
import io
import sys
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qexpr.cli.output import deliver
from qexpr.errors import InvalidInput, shorten

if TYPE_CHECKING:
    import numpy as np

    from qexpr.core.units import Units

__all__ = ["eval_command"]

_MOST_POINTS = 10**7


@click.command(name="eval", short_help="Evaluate a network at the points of a CSV.")
@click.argument("net", metavar="NET")
@click.option("--points", metavar="FILE", default="-", help="A CSV, a point a line; - is stdin.")
@click.option("--exact", is_flag=True, help="Exact rationals p/q instead of doubles.")
@click.option("--outside", is_flag=True, help="Also outside of the domain it was built for.")
@click.option("--dtype", metavar="TYPE", help="float64 or float32 (for .qxr).")
@click.option("--threads", metavar="N", default="1", help="Threads that share the points (1).")
@click.option("--output", metavar="FILE", help="Write the CSV to a file.")
def eval_command(
    net: str,
    points: str,
    exact: bool,
    outside: bool,
    dtype: str | None,
    threads: str,
    output: str | None,
) -> None:
    """Evaluate NET (.qxr, .json or .onnx) at points, and write a CSV of points and values.

    The points have a coordinate in each column; a first line of names is left out. Points and
    values of a network that was built for a target are in the target's units (--domain, --norm),
    and a point outside of its domain is refused. A .qxr file is evaluated by the packed runtime,
    and the bound of its rounding errors goes to stderr.

    \b
    qexpr eval net.qxr --points p.csv --output values.csv
    echo "1/3,0.5" | qexpr eval net.qxr --exact
    """
    if not threads.isascii() or not threads.isdigit() or not 1 <= int(threads[:6]) <= 1024:
        raise InvalidInput(f"--threads must be an integer from 1 to 1024, got {shorten(threads)}")
    if dtype not in (None, "float64", "float32"):
        raise InvalidInput(f"--dtype must be float64 or float32, got {shorten(dtype)}")
    if exact and dtype:
        raise InvalidInput("--exact and --dtype exclude each other")
    texts = _read(points)
    asked = _Asked(texts, outside)
    values = _exactly(net, asked) if exact else _floats(net, asked, dtype, int(threads))
    deliver(_csv(texts, values), output)


def _read(path: str) -> list[list[str]]:
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:  # ValueError: a null byte, or not UTF-8
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise InvalidInput(f"cannot read {shorten(path)}: {reason}") from None
    try:
        rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text)) if row]
    except csv.Error as error:
        raise InvalidInput(f"{shorten(path)} is not a CSV: {error}") from None
    if rows and all(_is_name(cell) for cell in rows[0]):
        rows = rows[1:]
    if not rows:
        where = "stdin" if path == "-" else shorten(path)
        raise InvalidInput(f"{where} holds no points: a line for each, such as 0.5,1/4")
    if len(rows) > _MOST_POINTS:
        raise InvalidInput(f"at most {_MOST_POINTS} points at a time, got {len(rows)}")
    return rows


def _is_name(cell: str) -> bool:
    """A column's name; nan and inf are wrong numbers, not names."""
    return cell[:1].isalpha() and cell.lower() not in ("nan", "inf", "infinity")


@dataclass(frozen=True)
class _Asked:
    """The points as text, and whether those outside of the domain are to be evaluated too."""

    texts: list[list[str]]
    outside: bool

    def points(self, d: int, box: Units | None) -> list[list[Any]]:
        """Exact coordinates in the unit cube, out of those in the box."""
        from qexpr.core.numbers import read_rational

        made = []
        for k, row in enumerate(self.texts):
            if len(row) != d:
                raise InvalidInput(
                    f"point {k + 1} has {len(row)} coordinates, the network takes {d}"
                )
            point = [read_rational(cell, f"a coordinate of point {k + 1}") for cell in row]
            if box is not None:
                if not (self.outside or box.contains(point)):
                    raise InvalidInput(
                        f"point {k + 1}, {shorten(', '.join(row))}, lies outside of "
                        f"{box.describe_box()}, which the network was built for; "
                        "--outside evaluates there too"
                    )
                point = list(box.to_unit(point))
            made.append(point)
        return made

    def array(self, d: int, box: Units | None) -> np.ndarray:
        """The same in doubles."""
        import numpy as np

        points = [[_double(v) for v in row] for row in self.points(d, box)]
        return np.array(points, dtype=np.float64).reshape(len(points), d)


def _exactly(path: str, asked: _Asked) -> list[list[str]]:
    from qexpr.cli.nets import read_net

    net = read_net(path)
    box = getattr(net, "box", None)
    norm = 1 if box is None else box.norm
    values = net.evaluate_exact(asked.points(net.d, box))
    rows = [row if isinstance(row, list) else [row] for row in values]
    return [[str(v * norm) for v in row] for row in rows]


def _floats(path: str, asked: _Asked, dtype: str | None, threads: int) -> list[list[str]]:
    if Path(path).suffix.lower() == ".qxr":
        return _packed(path, asked, dtype, threads)
    if dtype == "float32" or threads > 1:
        raise InvalidInput("--dtype float32 and --threads need a .qxr file")
    from qexpr.cli.nets import read_net

    net = read_net(path)
    box = getattr(net, "box", None)
    return _cells(_in_units(net(asked.array(net.d, box)), box))


def _packed(path: str, asked: _Asked, dtype: str | None, threads: int) -> list[list[str]]:
    import qexpr_runtime as rt

    from qexpr.export import box_of

    try:
        net = rt.load(path)
    except rt.FormatError as error:
        raise InvalidInput(str(error)) from None
    box = box_of(net.notes, net.inputs) if net.is_circuit else None
    x = asked.array(net.inputs, box)
    kind = dtype or "float64"
    values = net(x, dtype=kind, threads=threads)
    bound = net.rounding_bound(float(abs(x).max(initial=0.0)), dtype=kind)
    if box is not None and box.norm != 1 and bound < float("inf"):
        # each value is rounded once more, when it is multiplied
        most = float(abs(values).max(initial=0.0))
        bound = (bound + 2.0**-52 * most) * float(box.norm) * (1 + 2.0**-50)
    said = f"at most {_above(bound)}" if bound < float("inf") else "not bounded: a step reads them"
    click.echo(f"rounding errors ({kind}): {said}", err=True)
    return _cells(_in_units(values, box))


def _above(bound: float) -> str:
    """Three digits, rounded up."""
    from qexpr.core.decimals import round_decimal, spell

    return spell(*round_decimal(Fraction(bound), 3, up=True)) if bound else "0"


def _in_units(values: np.ndarray, box: Units | None) -> np.ndarray:
    """Values in the user's units; exact multiplication, rounded once."""
    if box is None or box.norm == 1:
        return values
    import numpy as np

    made = [_double(Fraction(v) * box.norm) for v in values.ravel().tolist()]
    return np.array(made, np.float64).reshape(values.shape)


def _double(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        raise InvalidInput("a number lies beyond the range of doubles") from None


def _cells(values: np.ndarray) -> list[list[str]]:
    return [[repr(float(v)) for v in row] for row in values.reshape(len(values), -1)]


def _csv(texts: list[list[str]], values: list[list[str]]) -> str:
    d = len(texts[0]) if texts else 0
    outputs = len(values[0]) if values else 1
    names = ["value"] if outputs == 1 else [f"value{k}" for k in range(outputs)]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*(f"x{k}" for k in range(d)), *names])
    writer.writerows([*point, *row] for point, row in zip(texts, values, strict=True))
    return out.getvalue()
