"""Packed files: the only reader and writer. FORMAT.md specifies every byte.

`write` turns data into a file; `read` gives the data back, exactly. Opening a file checks all of it
first: the header, the table, every checksum, length, offset, index and count (in C, the part that
evaluation shares), then the exact numbers and the notes.
"""

from __future__ import annotations

import json
import mmap
import os
import stat
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from qexpr_runtime._network import Program
from qexpr_runtime.circuit_records import circuit_sections, read_circuit
from qexpr_runtime.coding import Cursor, rationals, stored_before
from qexpr_runtime.container import VERSION, Section, sections, write_sections
from qexpr_runtime.data import OPERATIONS, ActivationData, CircuitData, LayerData, NetworkData
from qexpr_runtime.errors import FormatError
from qexpr_runtime.kinds import BOOK, WIDE
from qexpr_runtime.planning import plan
from qexpr_runtime.records import (
    ACTIVATIONS,
    RECORD,
    WINDOWED,
    layer_codes,
    pack_layer,
    wide_codes,
)

__all__ = ["VERSION", "File", "open_file", "read", "write"]

_HEADER = 64
_MOST_NOTES = 1 << 26


def write(path: str | os.PathLike[str], data: NetworkData | CircuitData) -> None:
    """Write a packed file; it appears whole or not at all.

    Raises
    ------
    ValueError
        If the layers do not fit together, or a number leaves the range of doubles.
    """
    if isinstance(data, CircuitData):
        kind, parts = "circuit", circuit_sections(data)
    elif isinstance(data, NetworkData):
        kind, parts = "network", _network_sections(data)
    else:
        raise ValueError(f"NetworkData or CircuitData can be packed, got {type(data).__name__}")
    write_sections(path, kind, [("META", _notes(data)), *parts], _check)


def _check(path: Path) -> None:
    """Refuse to put a file in place that the reader would refuse."""
    try:
        with path.open("rb") as file:
            Program(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except FormatError as error:
        raise ValueError(f"the layers do not fit together: {error}") from None


def _notes(data: NetworkData | CircuitData) -> bytes:
    value: dict[str, Any] = {"notes": dict(data.notes)}
    if isinstance(data, NetworkData):
        value["layers"] = [
            dict(layer.notes) | ({"each": True} if isinstance(layer.scale, tuple) else {})
            for layer in data.layers
        ]
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8")


def _network_sections(data: NetworkData) -> list[tuple[str, Any]]:
    graph = np.zeros(_HEADER, np.uint8)
    shape = (*data.input_shape, 1, 1)[:3]
    head = (len(data.layers), len(data.input_shape), *shape, int(data.input_rule is not None))
    graph[:24] = np.array(head, "<u4").view(np.uint8)
    exact = []
    if data.input_rule is not None:
        graph[24:40] = np.array([float(v) for v in data.input_rule], "<f8").view(np.uint8)
        exact.append(rationals(data.input_rule))
    records = [graph.tobytes()]
    parts: list[tuple[str, Any]] = []
    for k, (layer, todo) in enumerate(zip(data.layers, plan(data), strict=True)):
        record, own, stored = pack_layer(layer, todo, k, 3 + len(parts))
        records.append(record.tobytes())
        parts += own
        exact += _exact(layer, int(record["alphas"]), int(record["kind"]), stored)
    return [("GRPH", b"".join(records)), ("EXCT", b"".join(exact)), *parts]


def _exact(layer: LayerData, alphas: int, kind: int, stored: tuple[float, ...]) -> list[bytes]:
    out, act = [], layer.activation
    if layer.codes is not None:
        scale = layer.scale if isinstance(layer.scale, tuple) else (layer.scale,)
        scale = scale[:1] if len(set(scale)) == 1 else scale
        out += [rationals(scale, stored[:alphas]), rationals(tuple(layer.bias), stored[alphas:])]
        if kind == WIDE:
            codes = layer.codes.transpose(0, 2, 3, 1) if layer.codes.ndim == 4 else layer.codes
            out.append(_wide(codes.ravel().tolist()))
    if act is not None and act.kind == "clip":
        out.append(rationals((act.lower, act.upper)))
    if act is not None and act.kind == "steps":
        closed = tuple(Fraction(int(c)) for c in act.closed)
        out += [rationals(act.thresholds), rationals(act.values)]
        out.append(bytes([0]) if all(act.closed) else bytes([1]) + rationals(closed))
    return out


def _wide(codes: list[int]) -> bytes:
    """Wide codes: nothing where the floats that are kept for inference are the codes."""
    if all(int(float(c)) == c for c in codes):
        return stored_before(len(codes))
    return rationals(tuple(map(Fraction, codes)))


@dataclass(frozen=True, eq=False)
class File:
    """An open packed file: the program that evaluates it, its sections and its notes."""

    path: str
    size: int
    program: Program
    parts: tuple[Section, ...]
    meta: dict[str, Any]

    @property
    def records(self) -> Any:
        """The layers' records (networks only)."""
        return np.frombuffer(self.parts[1].data, RECORD, offset=_HEADER)

    def data(self) -> NetworkData | CircuitData:
        """Everything that was written."""
        try:
            if self.program.is_circuit:
                return read_circuit(list(self.parts), self.meta["notes"])
            return _read_network(self)
        except FormatError as error:
            raise FormatError(f"{self.path}: {error}") from None
        except ValueError as error:
            raise FormatError(f"{self.path}: section EXCT: {error}") from None


def _at_once(name: str, flags: int) -> int:
    """Open without waiting for somebody who writes into a pipe."""
    return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))


def open_file(path: str | os.PathLike[str]) -> File:
    """Map a packed file and check it.

    Raises
    ------
    FormatError
        Naming the file, the section and the byte, if it cannot be read or is malformed.
    """
    name = os.fspath(path)
    shown = repr(name) if len(repr(name)) < 200 else f"{name[:200]!r}..."
    try:
        with open(name, "rb", opener=_at_once) as file:
            about = os.fstat(file.fileno())
            if not stat.S_ISREG(about.st_mode):
                raise ValueError("it is not a regular file")
            size = about.st_size
            mapped: Any = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name, an empty map
        reason = getattr(error, "strerror", None) or error
        raise FormatError(f"cannot read {shown}: {reason}") from None
    try:
        program = Program(mapped)
        parts = tuple(sections(mapped))
        return File(str(name), size, program, parts, _read_notes(parts[0], program.is_circuit))
    except FormatError as error:
        raise FormatError(f"{shown}: {error}") from None


def _read_notes(part: Section, circuit: bool) -> dict[str, Any]:
    def fail(why: str) -> FormatError:
        return FormatError(f"section {part.tag}, byte {part.offset}: {why}")

    if part.tag != "META" or len(part.data) > _MOST_NOTES:
        raise fail("the notes must come first, and have at most 64 MiB")
    try:
        value = json.loads(bytes(part.data).decode("utf-8"))
    except (ValueError, RecursionError):
        raise fail("the notes are not JSON") from None
    keys = {"notes"} if circuit else {"notes", "layers"}
    if not isinstance(value, dict) or set(value) != keys or not isinstance(value["notes"], dict):
        raise fail(f"the notes must be an object with {', '.join(sorted(keys))}")
    if not circuit and not (
        isinstance(value["layers"], list) and all(isinstance(v, dict) for v in value["layers"])
    ):
        raise fail("layers must be a list of objects")
    return value


def read(path: str | os.PathLike[str]) -> NetworkData | CircuitData:
    """Read a packed file back into the data that it was written from.

    Raises
    ------
    FormatError
        If the file is malformed in any way.
    """
    return open_file(path).data()


def _read_network(file: File) -> NetworkData:
    graph, exact = file.parts[1], file.parts[2]
    if exact.tag != "EXCT":
        raise FormatError(f"section EXCT, byte {exact.offset}: another section is in its place")
    head = np.frombuffer(graph.data, "<u4", 6)
    cursor = Cursor(exact.data, exact.offset)
    rule = cursor.rationals(()) if head[5] else None
    records = file.records
    if len(file.meta["layers"]) != len(records):
        raise FormatError(f"section META, byte {file.parts[0].offset}: not one object a layer")
    layers = [
        _read_layer(file, r, dict(notes), cursor)
        for r, notes in zip(records, file.meta["layers"], strict=True)
    ]
    cursor.end()
    shape = tuple(int(n) for n in head[2 : 2 + int(head[1])])
    if rule is not None and len(rule) != 2:
        raise FormatError(f"section EXCT, byte {exact.offset}: an input rule has two numbers")
    return NetworkData(shape, tuple(layers), rule, file.meta["notes"])  # type: ignore[arg-type]


def _read_layer(file: File, r: Any, notes: dict[str, Any], cursor: Cursor) -> LayerData:
    op = OPERATIONS[int(r["op"]) - 1]
    options: dict[str, Any] = {}
    if op in ("dense", "conv2d"):
        constants = file.parts[int(r["constant_section"])].data
        alphas, betas = int(r["alphas"]), int(r["betas"])
        stored = tuple(np.frombuffer(constants, "<f8", alphas + betas).tolist())
        scale = cursor.rationals(stored[:alphas])
        each = notes.pop("each", False) is True
        if len(scale) not in (1, int(r["channels"])) or (len(scale) > 1 and not each):
            raise cursor.fail("there must be one scale, or one for each channel")
        if each and len(scale) != int(r["channels"]):
            scale *= int(r["channels"])
        options["scale"] = scale if each else scale[0]
        options["bias"] = cursor.rationals(stored[alphas:])
        if int(r["kind"]) == WIDE:
            options["codes"] = wide_codes(r, _read_wide(file, r, cursor))
        else:
            data = np.frombuffer(file.parts[int(r["code_section"])].data, np.uint8)
            book = file.parts[int(r["digit_section"])].data if int(r["kind"]) == BOOK else None
            options["codes"] = layer_codes(r, data, book)
        options["groups"] = int(r["groups"])
    if op in WINDOWED:
        options["stride"] = int(r["stride_h"]), int(r["stride_w"])
        options["padding"] = int(r["pad_h"]), int(r["pad_w"])
        if op == "conv2d":
            options["padding_value"] = int(r["pad_value"])
        else:
            options["kernel"] = int(r["kernel_h"]), int(r["kernel_w"])
    if int(r["other"]) >= -1:
        options["other"] = int(r["other"])
    act = _read_activation(ACTIVATIONS[int(r["activation"])], cursor)
    return LayerData(op, activation=act, source=int(r["source"]), notes=notes, **options)


def _read_wide(file: File, r: Any, cursor: Cursor) -> list[int]:
    """The wide codes of a layer."""
    floats = np.frombuffer(file.parts[int(r["code_section"])].data, f"<f{int(r['bits']) // 8}")
    if cursor.stored(len(floats)):
        if (floats != np.trunc(floats)).any():
            raise cursor.fail("the wide codes must be integers")
        return list(map(int, floats.tolist()))
    codes = cursor.rationals(())
    if len(codes) != len(floats) or any(c.denominator != 1 for c in codes):
        raise cursor.fail("the wide codes must be integers, one for each weight")
    return list(map(int, codes))


def _read_activation(kind: str, cursor: Cursor) -> ActivationData | None:
    if not kind or kind == "relu":
        return ActivationData("relu") if kind else None
    if kind == "clip":
        ends = cursor.rationals(())
        if len(ends) != 2:
            raise cursor.fail("a clip has two ends")
        return ActivationData("clip", ends[0], ends[1])
    thresholds, values = cursor.rationals(()), cursor.rationals(())
    closed = tuple(bool(c) for c in cursor.rationals(())) if cursor.take(1)[0] else ()
    return ActivationData("steps", thresholds=thresholds, values=values, closed=closed)
