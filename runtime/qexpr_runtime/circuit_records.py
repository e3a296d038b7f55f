"""A sparse circuit as sections of a packed file, and back: FORMAT.md, section "Circuits"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qexpr_runtime.coding import (
    Cursor,
    pack_bits,
    rationals,
    read_varints,
    unpack_bits,
    varints,
)
from qexpr_runtime.container import Section
from qexpr_runtime.data import CircuitData

__all__ = ["circuit_sections", "read_circuit"]

_MAX_INPUTS = 2**20


def circuit_sections(c: CircuitData) -> list[tuple[str, Any]]:
    """The sections after the notes."""
    bits = max(len(c.alphabet) - 1, 0).bit_length()
    sources = np.asarray(c.sources, np.int64)
    targets = np.asarray(c.targets, np.int64)
    codes = np.asarray(c.codes, np.int64)
    free = np.asarray(c.free, np.int64)
    _check(c, sources, targets, codes, free)
    try:
        values = np.array([float(v) for v in c.alphabet], "<f8")
    except OverflowError:
        raise ValueError("a weight beyond the range of doubles cannot be packed") from None
    if (values == 0).any():
        raise ValueError("a weight below the range of doubles cannot be packed")
    graph = np.zeros(64, np.uint8)
    graph[:12] = np.array([c.inputs, len(c.alphabet), bits], "<u4").view(np.uint8)
    graph[16:40] = np.array([c.units, len(sources), len(free)], "<u8").view(np.uint8)
    return [
        ("GRPH", graph),
        ("EXCT", rationals(c.alphabet, tuple(values.tolist()))),
        ("CNST", values),
        ("EDGE", _edges(c, sources, targets)),
        ("CODE", pack_bits(codes, bits)),
        ("FREE", varints(np.diff(free, prepend=-1) - 1)),
    ]


def _check(
    c: CircuitData,
    sources: NDArray[np.int64],
    targets: NDArray[np.int64],
    codes: NDArray[np.int64],
    free: NDArray[np.int64],
) -> None:
    first, last = c.inputs + 1, c.inputs + c.units
    if not 1 <= c.inputs <= _MAX_INPUTS or c.units < 1 or last >= 2**31:
        raise ValueError("a circuit has 1 to 2^20 inputs, and less than 2^31 nodes in all")
    if not len(sources) == len(targets) == len(codes):
        raise ValueError("sources, targets and codes must have equal lengths")
    if list(c.alphabet) != sorted(set(c.alphabet)) or 0 in c.alphabet or len(c.alphabet) > 65536:
        raise ValueError("the alphabet must ascend, without 0, at most 65536 values")
    if len(sources):
        ordered = (np.diff(targets) > 0) | ((np.diff(targets) == 0) & (np.diff(sources) > 0))
        fine = sources.min() >= 0 and targets.min() >= first and targets.max() <= last
        if not fine or (sources >= targets).any() or not ordered.all():
            raise ValueError("edges must lead forward, sorted by target and source")
        if codes.min() < 0 or codes.max() >= len(c.alphabet):
            raise ValueError("a code lies outside the alphabet")
    if len(free) and (free[0] < 0 or free[-1] >= len(sources) or (np.diff(free) <= 0).any()):
        raise ValueError("free must list edge indices, ascending")
    missing = np.bincount(targets - first, minlength=c.units)[:-1] == 0 if len(targets) else []
    if np.any(missing) or (c.units > 1 and not len(targets)):
        raise ValueError("every unit but the output needs an incoming edge")


def _edges(c: CircuitData, sources: NDArray[np.int64], targets: NDArray[np.int64]) -> bytes:
    """For each unit the number of its edges, then gaps between their sources."""
    first = c.inputs + 1
    fan = np.bincount(targets - first, minlength=c.units) if len(targets) else np.zeros(1, int)
    numbers = np.empty(len(sources) + c.units, np.int64)
    starts = np.concatenate([[0], np.cumsum(fan)[:-1]])
    heads = starts + np.arange(c.units)
    numbers[heads] = fan
    gaps = np.diff(sources, prepend=0) - 1
    filled = starts[fan > 0]
    gaps[filled] = targets[filled] - 1 - sources[filled]
    body = np.ones(len(numbers), bool)
    body[heads] = False
    numbers[body] = gaps
    return varints(numbers)


def read_circuit(parts: list[Section], notes: Mapping[str, Any]) -> CircuitData:
    """The circuit of a file that the reader in C has checked."""
    graph = np.frombuffer(parts[1].data, np.uint8)
    inputs, lam, bits = (int(v) for v in graph[:12].view("<u4"))
    units, edges, _ = (int(v) for v in graph[16:40].view("<u8"))
    numbers = read_varints(np.frombuffer(parts[4].data, np.uint8))
    fan = _fans(numbers, units)
    starts = np.concatenate([[0], np.cumsum(fan)[:-1]])
    body = np.ones(len(numbers), bool)
    body[starts + np.arange(units)] = False
    steps = numbers[body] + 1
    targets = np.repeat(np.arange(units) + inputs + 1, fan)
    filled = starts[fan > 0]
    # the first gap counts down from the target; the others up from the source before
    firsts = targets[filled] - steps[filled]
    steps[filled] = firsts
    total = np.cumsum(steps)
    before = np.repeat(total[filled] - steps[filled], fan[fan > 0])
    cursor = Cursor(parts[2].data, parts[2].offset)
    alphabet = cursor.rationals(tuple(np.frombuffer(parts[3].data, "<f8").tolist()))
    cursor.end()
    if len(alphabet) != lam or list(alphabet) != sorted(set(alphabet)) or 0 in alphabet:
        raise cursor.fail("the alphabet must ascend, without 0")
    codes = unpack_bits(np.frombuffer(parts[5].data, np.uint8), bits, edges)
    free = np.cumsum(read_varints(np.frombuffer(parts[6].data, np.uint8)) + 1) - 1
    return CircuitData(
        inputs,
        units,
        (total - before).astype(np.int64),
        targets.astype(np.int64),
        codes.astype(np.min_scalar_type(max(lam - 1, 1))),
        alphabet,
        free.astype(np.int64),
        notes,
    )


def _fans(numbers: NDArray[np.int64], units: int) -> NDArray[np.int64]:
    """The number of edges of each unit: each count says where the next one stands."""
    fan = np.empty(units, np.int64)
    at, values = 0, numbers.tolist()
    for u in range(units):
        fan[u] = values[at]
        at += values[at] + 1
    return fan
