"""What a worker does with one cell. It is imported there by name, so it imports little."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from typing import Any

from qexpr.errors import OutOfRegime, QexprError

__all__ = ["one_thread", "run_cell"]

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_LONGEST_ERROR = 300

Record = dict[str, Any]


def one_thread() -> None:
    """Keep numerical libraries to one thread: sums in another order have other last digits."""
    for name in _THREADS:
        os.environ[name] = "1"  # for what is not loaded yet
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)


def run_cell(kind_name: str, cell: Mapping[str, Any]) -> tuple[Record, dict[str, bytes]]:
    """Run one cell; what goes wrong is part of the record and never an exception.

    Returns
    -------
    record : dict
        status, reason, error, values, seconds and times, as JSON values.
    files : dict of name to bytes
    """
    from qexpr.study.kinds import get_kind
    from qexpr.study.rows import encode_values
    from qexpr.study.tools import Tools

    one_thread()
    start = time.perf_counter()
    status, reason, error, values, files = "ok", "", "", {}, {}
    times: dict[str, float] = {}
    try:
        kind = get_kind(kind_name)
        result = kind.run(cell, Tools(kind_name, cell))
        values = encode_values(kind, result)
        reason, files, times = result.reason, dict(result.files), dict(result.times)
    except OutOfRegime as outside:
        status, reason = "outside", _line(outside)
    except Exception as wrong:  # whatever it is, the study goes on
        name = "" if isinstance(wrong, QexprError) else f"{type(wrong).__name__}: "
        status, error = "failed", f"{name}{_line(wrong)}"
    record = {
        "status": status,
        "reason": " ".join(reason.split()),
        "error": error,
        "values": values,
        "seconds": time.perf_counter() - start,
        "times": times,
    }
    return record, files


def _line(error: BaseException) -> str:
    text = " ".join(str(error).split()) or "no message"
    return text if len(text) <= _LONGEST_ERROR else f"{text[: _LONGEST_ERROR - 3]}..."
