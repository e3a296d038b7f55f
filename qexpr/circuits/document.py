"""A circuit as JSON (version 1), read with suspicion, and as a drawing.

``{"kind": "circuit", "version": 1, "inputs": d, "edges": [[source, target, "-1/2"], ...],
"output": id, "alphabet": [...], "free": [edge indices], "plan": {...}, "roles": [...],
"units": {"domain": [["0", "2"], ...], "norm": "1"}}``; only the first five keys are required on
reading, and the edges may come in any order.
"""

from __future__ import annotations

import json
import math
from fractions import Fraction
from typing import Any

import numpy as np

from qexpr.circuits.alphabet import is_dyadic
from qexpr.circuits.graph import Circuit, Role
from qexpr.core.numbers import read_rational
from qexpr.core.units import Units
from qexpr.errors import InvalidInput, shorten

__all__ = ["from_dict", "to_dict", "to_dot"]

_REQUIRED = ("kind", "version", "inputs", "edges", "output")
_OPTIONAL = ("alphabet", "free", "plan", "roles", "units")
_MAX_NODES = 2**31 - 1
_MAX_INPUTS = 2**16
_MAX_VALUES = 2**16
_MAX_DRAWN = 400
_MAX_NESTED = 16
_MAX_BITS = 4096  # of an integer in plan or params


def to_dict(circuit: Circuit) -> dict[str, Any]:
    """The JSON form."""
    texts = [str(value) for value in circuit.alphabet]
    return {
        "kind": "circuit",
        "version": 1,
        "inputs": circuit.inputs,
        "edges": [
            [s, t, texts[c]]
            for s, t, c in zip(
                circuit.sources.tolist(),
                circuit.targets.tolist(),
                circuit.codes.tolist(),
                strict=True,
            )
        ],
        "output": circuit.output,
        "alphabet": texts,
        "free": circuit.free.tolist(),
        "plan": dict(circuit.plan),
        "roles": [role.to_dict() for role in circuit.roles],
        **({} if circuit.frame is None else {"units": circuit.frame.to_dict()}),
    }


def _integer(value: object, name: str, least: int = 0, most: int = _MAX_NODES) -> int:
    if type(value) is not int or not least <= value <= most:
        raise InvalidInput(
            f"{name} must be an integer from {least} to {most}, got {shorten(value)}"
        )
    return value


def _json(value: object, name: str, depth: int = 0) -> None:
    """Refuse what would not be written back: NaN, huge integers, nesting without end."""
    if depth > _MAX_NESTED:
        raise InvalidInput(f"{name} must be nested at most {_MAX_NESTED} deep")
    if isinstance(value, dict):
        for key, item in value.items():
            _json(key, name, depth + 1)
            _json(item, name, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _json(item, name, depth + 1)
    elif isinstance(value, float) and not math.isfinite(value):
        raise InvalidInput(f"{name} must hold finite numbers, got {value}")
    elif isinstance(value, int) and value.bit_length() > _MAX_BITS:
        raise InvalidInput(f"{name} must hold shorter numbers, got {shorten(value)}")


def _weight(text: object, name: str) -> Fraction:
    if type(text) is not str:
        raise InvalidInput(f'{name} must be text such as "-1/2", got {shorten(text)}')
    value = read_rational(text, name)
    if value == 0 or not is_dyadic(value):
        raise InvalidInput(
            f"{name} must be a rational other than 0 whose denominator is a power of two, "
            f"got {shorten(text)}"
        )
    return value


def _list(value: object, name: str) -> list[Any]:
    if type(value) is not list:
        raise InvalidInput(f"{name} must be a list, got {shorten(value)}")
    return value


def from_dict(document: object) -> Circuit:
    """Read the JSON form, refusing whatever is not a circuit with one clear line."""
    if type(document) is not dict:
        raise InvalidInput(f"a circuit must be a JSON object, got {shorten(document)}")
    missing = [key for key in _REQUIRED if key not in document]
    unknown = [key for key in document if key not in _REQUIRED + _OPTIONAL]
    if missing or unknown:
        raise InvalidInput(
            f"a circuit has the keys {', '.join(_REQUIRED)} and perhaps {', '.join(_OPTIONAL)}; "
            + (f"{missing[0]} is missing" if missing else f"got {shorten(unknown[0])}")
        )
    if document["kind"] != "circuit":
        raise InvalidInput(f'kind must be "circuit", got {shorten(document["kind"])}')
    if type(document["version"]) is not int or document["version"] != 1:
        raise InvalidInput(f"version must be 1, got {shorten(document['version'])}")
    inputs = _integer(document["inputs"], "inputs", 1, _MAX_INPUTS)
    output = _integer(document["output"], "output", inputs + 1)
    sources, targets, texts = _edges(_list(document["edges"], "edges"))
    table = {text: _weight(text, "an edge's weight") for text in set(texts)}
    if "alphabet" in document:
        given = _list(document["alphabet"], "alphabet")
        if len(given) > _MAX_VALUES:
            raise InvalidInput(f"alphabet must list at most {_MAX_VALUES} values, got {len(given)}")
        listed = [_weight(value, "an alphabet value") for value in given]
        alphabet = tuple(sorted(set(listed)))
        if len(alphabet) != len(listed):
            raise InvalidInput("alphabet must not list a value twice")
    else:
        alphabet = tuple(sorted(set(table.values())))
    code_of = {value: i for i, value in enumerate(alphabet)}
    for text, value in table.items():
        if value not in code_of:
            raise InvalidInput(f"the weight {shorten(text)} is not in the alphabet")
    codes = np.array(
        [code_of[table[text]] for text in texts], np.min_scalar_type(max(len(alphabet) - 1, 1))
    )
    order = np.lexsort((sources, targets))
    free = np.array(
        [_integer(v, "an index in free") for v in _list(document.get("free", []), "free")], np.int64
    )
    if len(free) and int(free.max()) >= len(order):
        raise InvalidInput(f"free must list edge indices below {len(order)}, got {free.max()}")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    plan = document.get("plan", {})
    if type(plan) is not dict:
        raise InvalidInput(f"plan must be an object, got {shorten(plan)}")
    _json(plan, "plan")
    return Circuit(
        inputs=inputs,
        sources=sources[order],
        targets=targets[order],
        codes=codes[order],
        output=output,
        alphabet=alphabet,
        free=np.sort(place[free]),
        plan=plan,
        roles=_roles(_list(document.get("roles", []), "roles"), inputs, output),
        frame=Units.from_dict(document["units"], inputs) if "units" in document else None,
    )


def _edges(edges: list[Any]) -> tuple[Any, Any, list[str]]:
    for edge in edges:
        if type(edge) is not list or len(edge) != 3:
            raise InvalidInput(f'an edge must be [source, target, "weight"], got {shorten(edge)}')
        s, t, text = edge
        if type(s) is not int or type(t) is not int or type(text) is not str:
            raise InvalidInput(f'an edge must be [source, target, "weight"], got {shorten(edge)}')
        if not (0 <= s <= _MAX_NODES and 0 <= t <= _MAX_NODES):
            raise InvalidInput(
                f"an edge's nodes must be from 0 to {_MAX_NODES}, got {shorten(edge)}"
            )
    sources = np.array([edge[0] for edge in edges], np.int32)
    targets = np.array([edge[1] for edge in edges], np.int32)
    return sources, targets, [edge[2] for edge in edges]


def _roles(values: list[Any], inputs: int, output: int) -> tuple[Role, ...]:
    """Runs of units, ascending and without overlap."""
    roles, end = tuple(_role(value) for value in values), inputs + 1
    for role in roles:
        if role.first < end or role.first + role.size * role.copies > output + 1:
            raise InvalidInput(
                f"roles must be ascending runs of units within {inputs + 1}..{output}, "
                f"got {shorten(role.to_dict())}"
            )
        end = role.first + role.size * role.copies
    return roles


def _role(value: object) -> Role:
    keys = {"first", "size", "copies", "name", "params"}
    if type(value) is not dict or set(value) != keys:
        raise InvalidInput(f"a role must be an object with {sorted(keys)}, got {shorten(value)}")
    if type(value["name"]) is not str or type(value["params"]) is not dict:
        raise InvalidInput(f"a role's name is text and its params an object: {shorten(value)}")
    _json(value["params"], "a role's params")
    return Role(
        _integer(value["first"], "a role's first"),
        _integer(value["size"], "a role's size", 1),
        _integer(value["copies"], "a role's copies", 1),
        value["name"],
        tuple(value["params"].items()),
    )


def to_dot(circuit: Circuit) -> str:
    """A Graphviz drawing: free edges dashed, negative ones red.

    Raises
    ------
    InvalidInput
        For circuits of more than 400 edges, which nobody could read.
    """
    if circuit.weights > _MAX_DRAWN:
        raise InvalidInput(
            f"a drawing shows at most {_MAX_DRAWN} edges, this circuit has {circuit.weights}"
        )
    free = set(circuit.free.tolist())
    lines = ["digraph circuit {", "  rankdir=LR;", "  node [shape=circle, fontsize=10];"]
    lines += [f'  n{k} [label="x{k}", shape=plaintext];' for k in range(circuit.d)]
    lines.append(f'  n{circuit.d} [label="1", shape=plaintext];')
    no_tip = '""'
    tips = {
        role.first + i: json.dumps(role.name)  # quotes and backslashes escaped as dot has them
        for role in circuit.roles
        for i in range(role.size * role.copies)
    }
    for node in range(circuit.d + 1, circuit.output + 1):
        shape = "doublecircle" if node == circuit.output else "circle"
        lines.append(f"  n{node} [shape={shape}, tooltip={tips.get(node, no_tip)}];")
    for i, (s, t, w) in enumerate(circuit.edges()):
        style = ", style=dashed" if i in free else ""
        colour = ', color="#b3261e"' if w < 0 else ""
        lines.append(f'  n{s} -> n{t} [label="{w}"{style}{colour}];')
    return "\n".join([*lines, "}"]) + "\n"
