"""The files of ``qexpr witness``: refused before the long work, written after it."""

from __future__ import annotations

import importlib.util
import os
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qexpr.cli.output import deliver
from qexpr.errors import InvalidInput, Unsupported, shorten

if TYPE_CHECKING:
    from qexpr.certificates import Certificate
    from qexpr.circuits.graph import Circuit
    from qexpr.targets import Target, Telegraph

__all__ = ["check_files", "check_plot", "write_files"]

_ENDINGS = {
    "output": (".json", ".qxr"),
    "certificate": (".json",),
    "plot": (".svg", ".pdf", ".png"),
}


def check_files(options: dict[str, Any]) -> None:
    """Refuse names, places and formats that could not be written.

    Raises
    ------
    InvalidInput
        For another ending, a place that is no writable file, or one file for two purposes.
    Unsupported
        For .qxr where this installation cannot write it.
    """
    seen: dict[str, str] = {}
    for name, endings in _ENDINGS.items():
        path = options[name]
        if path is None:
            continue
        if Path(path).suffix.lower() not in endings:
            raise InvalidInput(f"--{name} must end in {' or '.join(endings)}, got {shorten(path)}")
        place = os.path.realpath(path) if "\0" not in path else path
        if place in seen:
            raise InvalidInput(f"--{seen[place]} and --{name} are both {shorten(path)}")
        seen[place] = name
        _check_place(path)
    if options["plot"] is not None and importlib.util.find_spec("matplotlib") is None:
        raise InvalidInput("figures need matplotlib: pip install 'qexpr[figures]'")
    if options["output"] is not None and Path(options["output"]).suffix.lower() == ".qxr":
        try:
            from qexpr.export import write_packed  # noqa: F401 - only whether it is there
        except ImportError:
            raise Unsupported(
                "this installation cannot write .qxr files; take the .json of the same network"
            ) from None


def _check_place(path: str) -> None:
    reason = None
    if "\0" in path:
        reason = "the name holds a null byte"
    elif Path(path).is_dir():
        reason = "it is a directory"
    elif not Path(path).resolve().parent.is_dir():
        reason = f"{shorten(str(Path(path).parent))} is no directory"
    elif not os.access(path if Path(path).exists() else Path(path).resolve().parent, os.W_OK):
        reason = "permission denied"
    if reason:
        raise InvalidInput(f"cannot write {shorten(path)}: {reason}")


def check_plot(options: dict[str, Any], d: int) -> None:
    """Refuse a picture of more than two variables, before anything is built."""
    if options["plot"] is not None and d > 2:
        raise InvalidInput(f"--plot is for one or two variables, the target has {d}")


def write_files(
    w: Circuit, f: Target | Telegraph, certificate: Certificate, options: dict[str, Any]
) -> dict[str, str]:
    """Write what was asked for; its kinds and paths."""
    files = {}
    if options["output"] is not None:
        from qexpr.cli.nets import write_net

        write_net(options["output"], w)
        files["network"] = options["output"]
    if options["certificate"] is not None:
        from qexpr import certificates

        certificates.write(options["certificate"], certificate)
        files["certificate"] = options["certificate"]
    if options["plot"] is not None:
        deliver(_drawn(w, f, certificate.upper, options["plot"]), options["plot"])
        files["figure"] = options["plot"]
    return files


def _drawn(w: Circuit, f: Target | Telegraph, guarantee: Fraction, path: str) -> bytes:
    from qexpr.figures.style import figure_format
    from qexpr.figures.witness import draw_witness

    units = f.units
    values = w.alphabet if len(w.alphabet) <= 4 else (*w.alphabet[:2], "..", w.alphabet[-1])
    return draw_witness(
        f,
        w,
        units.domain,
        units.error_to_user(guarantee),
        units.norm,
        f"{f.text}, {w.weights:,} weights in {{{', '.join(map(str, values))}}}",
        figure_format(path),
    )
