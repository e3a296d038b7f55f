"""provenance.json: what a table was made from, and on what. No times: they differ every run."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

from qexpr.study.spec import Study

__all__ = ["capability", "machine", "provenance"]

_PACKAGES = ("qexpr", "numpy", "python-flint", "sympy", "scipy", "scikit-learn", "torch")
_FLAGS = ("sse4_2", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512vl", "asimd", "sve")


def capability() -> dict[str, Any]:
    """What decides the last digits of trained numbers: instruction sets and versions."""
    return {
        "machine": platform.machine(),
        "instruction_sets": _instruction_sets(),
        "packages": {name: _version(name) for name in _PACKAGES[1:]},
        "python": ".".join(platform.python_version_tuple()[:2]),
    }


def machine() -> dict[str, Any]:
    """The machine, for readers."""
    return {
        "cpu": _cpu_field("model name") or platform.machine(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def provenance(study: Study, code: str, results: str, statuses: dict[str, int]) -> dict[str, Any]:
    """The document, without the list of networks.

    Parameters
    ----------
    study : Study
    code : str
        The digest of the code that computed the rows.
    results : str
        The SHA-256 of results.csv.
    statuses : dict
        How many rows have which status.
    """
    return {
        "study": study.name,
        "kind": study.kind.name,
        "specification_sha256": study.digest,
        "code_sha256": code,
        "results_sha256": results,
        "qexpr": _version("qexpr"),
        "rows": statuses,
        "seeds": list(study.seeds),
        "budget": dict(study.budget),
        "capability": capability(),
        "computed_on": machine(),
    }


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _cpu_field(name: str) -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return ""
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return ""


def _instruction_sets() -> list[str]:
    found = (_cpu_field("flags") or _cpu_field("Features")).split()
    return [flag for flag in _FLAGS if flag in found]
