"""One canonical text for JSON values, and the SHA-256 that names it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

__all__ = ["canonical_json", "sha256"]

_ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
)


def canonical_json(value: Any) -> bytes:
    """Sorted keys, no spaces, ASCII; NaN and infinities are refused (ValueError)."""
    return _ENCODER.encode(value).encode("ascii")


def sha256(value: Any) -> str:
    """The hexadecimal SHA-256 of the canonical JSON of a value."""
    return hashlib.sha256(canonical_json(value)).hexdigest()
