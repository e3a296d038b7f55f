"""``qexpr doctor``: versions, what is installed, what is missing and how to add it."""

from __future__ import annotations

import platform
from typing import Any

import click

from qexpr.cli.output import columns, deliver, paragraph
from qexpr.errors import InvalidInput, shorten

__all__ = ["EXTRAS", "REQUIRED", "diagnose", "doctor_command", "version"]

REQUIRED = ("click", "numpy", "python-flint", "sympy")
_CPU = "pip install torch --index-url https://download.pytorch.org/whl/cpu"

# extra -> distributions, what it adds, how to install it
EXTRAS: dict[str, tuple[tuple[str, ...], str, str]] = {
    "tables": (("pandas",), "bounds and studies as pandas data frames", ""),
    "figures": (("matplotlib",), "figures: qexpr bound --plot", ""),
    "train": (
        ("torch", "scipy", "scikit-learn"),
        "training of quantized networks, straight-through gradients",
        f"first, for PyTorch's CPU build: {_CPU}",
    ),
    "onnx": (("onnx",), "reading and writing ONNX files", ""),
    "study": (
        ("pydantic", "pandas", "matplotlib", "jinja2"),
        "studies and their reports: qexpr study run",
        "",
    ),
    "cluster": (("distributed",), "studies on a Dask cluster", ""),
}


def version(distribution: str) -> str | None:
    """The installed version of a distribution; None where there is none."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed(distribution)
    except PackageNotFoundError:
        return None


def diagnose() -> dict[str, Any]:
    """What the command prints, as data."""
    return {
        "qexpr": version("qexpr"),
        "python": platform.python_version(),
        "platform": platform.platform(terse=True),
        "required": {name: version(name) for name in REQUIRED},
        "extras": {
            extra: {
                "adds": adds,
                "installed": {name: version(name) for name in distributions},
                "complete": all(version(name) for name in distributions),
                "install": "; ".join(filter(None, (first, f"pip install 'qexpr[{extra}]'"))),
            }
            for extra, (distributions, adds, first) in EXTRAS.items()
        },
    }


def _text(found: dict[str, Any]) -> str:
    rows = [
        ("qexpr", found["qexpr"] or "not installed (running from a source tree)"),
        ("python", f"{found['python']} on {found['platform']}"),
        *((name, number or "MISSING") for name, number in found["required"].items()),
    ]
    lines = ["NEEDED", *columns(rows, (False, False), (16, 40)), "", "EXTRAS"]
    for extra, state in found["extras"].items():
        have = ", ".join(f"{n} {v}" if v else f"no {n}" for n, v in state["installed"].items())
        lines += paragraph(extra, f"{'yes' if state['complete'] else 'no'} ({have})", hang=10)
        lines += paragraph("", f"adds {state['adds']}", hang=10)
        if not state["complete"]:
            lines += paragraph("", f"install: {state['install']}", width=1000, hang=10)
    missing = [name for name, number in found["required"].items() if number is None]
    if missing:
        lines += ["", f"Missing, and needed: pip install {' '.join(missing)}"]
    return "\n".join(lines) + "\n"


@click.command(name="doctor", short_help="Versions, extras and how to add them.")
@click.option("--format", "form", metavar="FORMAT", default="text", help="text (default) or json.")
@click.option("--output", metavar="FILE", help="Write to a file.")
def doctor_command(form: str, output: str | None) -> int:
    """Show what is installed, what each missing extra would add, and how to install it.

    The exit code is 1 where something that qexpr needs is missing.
    """
    if form not in ("text", "json"):
        raise InvalidInput(f"--format must be text or json, got {shorten(form)}")
    found = diagnose()
    if form == "json":
        import json

        deliver(json.dumps(found, indent=2) + "\n", output)
    else:
        deliver(_text(found), output)
    return 0 if all(found["required"].values()) else 1
