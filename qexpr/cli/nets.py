"""Reading what NET stands for on the command line: a circuit or network in .json, .onnx or .qxr."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from qexpr.errors import InvalidInput, Unsupported, shorten

if TYPE_CHECKING:
    from qexpr.circuits.graph import Circuit
    from qexpr.networks import QuantizedNetwork

__all__ = ["read_json", "read_net", "write_net"]


def read_net(path: str) -> Circuit | QuantizedNetwork:
    """Read a file by the end of its name.

    Raises
    ------
    InvalidInput
        If it cannot be read or is not what its name says.
    """
    ending = Path(path).suffix.lower()
    if ending == ".onnx":
        from qexpr.networks import from_onnx

        return from_onnx(path)
    if ending == ".qxr":
        return _read_packed(path)
    if ending != ".json":
        raise InvalidInput(f"NET must end in .json, .onnx or .qxr, got {shorten(path)}")
    value = read_json(path)
    kind = value.get("kind") if isinstance(value, dict) else None
    if kind == "network":
        from qexpr.networks import from_dict

        return from_dict(value)
    if kind == "circuit":
        from qexpr.circuits import Circuit

        return Circuit.from_dict(value)
    raise InvalidInput(
        f'{shorten(path)} must hold an object with "kind": "network" or "circuit", '
        f"got {shorten(kind)}"
    )


def read_json(path: str) -> Any:
    """A JSON file; NaN and infinities, which are not JSON, are refused by name."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InvalidInput(f"{shorten(path)} is not JSON: it is no UTF-8 text") from None
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise InvalidInput(f"cannot read {shorten(path)}: {reason}") from None

    def refuse(name: str) -> NoReturn:
        raise InvalidInput(f"{shorten(path)} holds {name}: every number must be finite")

    try:
        return json.loads(text, parse_constant=refuse)
    except InvalidInput:
        raise
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{shorten(path)} is not JSON: {shorten(error)}") from None


def _read_packed(path: str) -> Circuit | QuantizedNetwork:
    try:
        from qexpr.export import read_packed
    except ImportError:
        raise Unsupported(
            "this installation cannot read .qxr files; the .json of the same network works"
        ) from None
    return read_packed(path)


def write_net(path: str, w: Circuit | QuantizedNetwork) -> None:
    """Write by the end of the name, .json or .qxr; the file appears whole or not at all."""
    if Path(path).suffix.lower() == ".qxr":
        from qexpr.export import write_packed

        write_packed(path, w)
        return
    from qexpr.cli.output import deliver

    deliver(json.dumps(w.to_dict()) + "\n", path)
