"""Packed files: a Circuit or QuantizedNetwork to .qxr and back, digest unchanged.

The format is the runtime's (its format.py is the only reader and writer, FORMAT.md the
specification); here stands what qexpr's objects are in it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
from qexpr_runtime import CircuitData, FormatError, NetworkData
from qexpr_runtime import format as packed_format

from qexpr.circuits.graph import Circuit, Role
from qexpr.core.units import Units
from qexpr.errors import InvalidInput, Unsupported, shorten
from qexpr.export.layers import pack_layers, unpack_layers
from qexpr.networks import QuantizedNetwork

__all__ = ["box_of", "read_packed", "write_packed"]


def write_packed(
    path: str | os.PathLike[str],
    net: Circuit | QuantizedNetwork,
    *,
    provenance: str = "",
    input_rule: tuple[Any, Any] | None = None,
) -> None:
    """Write a circuit or network as a packed file; it appears whole or not at all.

    Parameters
    ----------
    path : where to
    net : Circuit or QuantizedNetwork
    provenance : free text that is kept
    input_rule : (scale, offset), for networks
        Inputs are then the bytes q that stand for offset + scale * q; reals are rounded to them.
        None: inputs are real numbers.

    Raises
    ------
    Unsupported
        If a number lies beyond the range of doubles, in which files are evaluated.
    InvalidInput
        If the place cannot be written.
    """
    if not isinstance(provenance, str):
        raise InvalidInput(f"provenance must be text, got {shorten(provenance)}")
    if isinstance(net, Circuit):
        if input_rule is not None:
            raise InvalidInput(
                "an input rule goes with layered networks, circuits read real inputs"
            )
        build = _circuit_data
    elif isinstance(net, QuantizedNetwork):
        build = _network_data
    else:
        raise InvalidInput(f"a Circuit or QuantizedNetwork can be packed, got {shorten(net)}")
    notes: dict[str, Any] = {"digest": net.digest()}
    if provenance:
        notes["provenance"] = provenance
    try:
        data = build(net, notes, input_rule)
        packed_format.write(path, data)
    except OSError as error:
        raise InvalidInput(f"cannot write {shorten(path)}: {error.strerror or error}") from None
    except ValueError as error:
        raise Unsupported(f"this network cannot be packed: {error}") from None


def _circuit_data(net: Any, notes: dict[str, Any], _: Any) -> CircuitData:
    notes["counts"] = {
        "weights": net.weights,
        "units": net.units,
        "depth": net.depth,
        "bits": net.bits,
        "free_bits": net.free_bits,
    }
    notes["alphabet"] = [str(v) for v in net.alphabet]
    notes["plan"] = dict(net.plan)
    notes["roles"] = [role.to_dict() for role in net.roles]
    if net.frame is not None:
        notes["units"] = net.frame.to_dict()
    return CircuitData(
        net.inputs, net.units, net.sources, net.targets, net.codes, net.alphabet, net.free, notes
    )


def _network_data(net: Any, notes: dict[str, Any], rule: Any) -> NetworkData:
    counts = net.counts()
    notes["counts"] = {
        "weights": counts.weights,
        "parameters": counts.parameters,
        "distinct": counts.distinct,
        "bits_packed": counts.bits_packed,
        "operations": {key: getattr(counts.operations, key) for key in counts.operations.__slots__},
    }
    return NetworkData(net.input_shape, pack_layers(net), rule, notes)


def read_packed(path: str | os.PathLike[str]) -> Circuit | QuantizedNetwork:
    """Read a packed file back into the object that was written.

    Raises
    ------
    InvalidInput
        If the file is malformed, or its content has not the digest that it states.
    """
    try:
        data = packed_format.read(path)
    except FormatError as error:
        raise InvalidInput(str(error)) from None
    name = shorten(os.fspath(path))
    try:
        net = _circuit(data) if isinstance(data, CircuitData) else _network(data)
    except (InvalidInput, TypeError, KeyError) as error:
        raise InvalidInput(f"{name} holds no network that qexpr knows: {error}") from None
    stated = data.notes.get("digest")
    if stated is not None and stated != net.digest():
        raise InvalidInput(
            f"{name} states the digest {shorten(stated)}, its content has {net.digest()}"
        )
    return net


def _network(data: NetworkData) -> QuantizedNetwork:
    layers, last = unpack_layers(data.layers)
    net = QuantizedNetwork(data.input_shape, layers)
    first = [0, *(k + 1 for k in last)]
    for k, layer in enumerate(data.layers):
        stored = (layer.source,) if layer.other is None else (layer.source, layer.other)
        stored = tuple(s if s is None or s < 0 else last[s] for s in stored)
        reads = net.sources[first[k]]
        if stored != reads:
            raise InvalidInput(f"layer {k} reads {stored} at inference, but its names say {reads}")
    return net


def _circuit(data: CircuitData) -> Circuit:
    notes = data.notes
    plan, roles = notes.get("plan", {}), notes.get("roles", [])
    if not isinstance(plan, dict) or not isinstance(roles, list):
        raise InvalidInput("plan must be an object and roles a list")
    node = np.int32 if data.inputs + data.units < 2**31 else np.int64
    return Circuit(
        inputs=data.inputs,
        sources=data.sources.astype(node),
        targets=data.targets.astype(node),
        codes=data.codes,
        output=data.inputs + data.units,
        alphabet=tuple(map(Fraction, data.alphabet)),
        free=data.free,
        plan=plan,
        roles=tuple(_role(role) for role in roles),
        frame=_frame(notes, data.inputs),
    )


def _frame(notes: Mapping[str, Any], d: int) -> Units | None:
    return Units.from_dict(notes["units"], d) if "units" in notes else None


def box_of(notes: Mapping[str, Any], d: int) -> Units | None:
    """`Circuit.box` out of a packed circuit's notes, without its edges."""
    return Units.built_for(_frame(notes, d), notes.get("plan", {}), d)


def _role(value: Any) -> Role:
    if not isinstance(value, dict) or not isinstance(value.get("params"), dict):
        raise InvalidInput(f"a role must be an object with params, got {shorten(value)}")
    numbers = [value[key] for key in ("first", "size", "copies")]
    if any(type(n) is not int or n < 0 for n in numbers) or type(value["name"]) is not str:
        raise InvalidInput(f"a role has integers and a name, got {shorten(value)}")
    return Role(*numbers, value["name"], tuple(value["params"].items()))
