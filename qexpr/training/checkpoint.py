"""Checkpoints: files that appear whole or not at all, and belong to one run."""

from __future__ import annotations

import io
import os
from typing import Any

import torch

from qexpr.core.atomic import write_bytes
from qexpr.errors import InvalidInput, shorten

__all__ = ["read_checkpoint", "write_checkpoint"]

_KIND = "qexpr training 1"


def write_checkpoint(
    path: str | os.PathLike[str], identity: dict[str, Any], state: dict[str, Any]
) -> None:
    """Write the state of a run, and what it is a run of."""
    buffer = io.BytesIO()
    torch.save({"kind": _KIND, "identity": identity, "state": state}, buffer)
    try:
        write_bytes(path, buffer.getvalue())
    except OSError as error:
        raise InvalidInput(f"cannot write {shorten(path)}: {error.strerror or error}") from None


def read_checkpoint(path: str | os.PathLike[str], identity: dict[str, Any]) -> dict[str, Any]:
    """The state of a run.

    Raises
    ------
    InvalidInput
        If the file is no checkpoint, or belongs to other data, another recipe, shape or seed.
    """
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises what its unpickler meets
        raise InvalidInput(
            f"{shorten(path)} is no checkpoint: {type(error).__name__}; delete it to start afresh"
        ) from None
    if not isinstance(saved, dict) or saved.get("kind") != _KIND:
        raise InvalidInput(f"{shorten(path)} is no checkpoint of qexpr")
    found = saved["identity"]
    other = [key for key, value in identity.items() if found.get(key) != value]
    if other:
        raise InvalidInput(
            f"{shorten(path)} belongs to a run with other {', '.join(other)}; delete it, or name "
            "another file"
        )
    state: dict[str, Any] = saved["state"]
    return state
