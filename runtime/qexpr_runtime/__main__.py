"""``python -m qexpr_runtime``: the installed self-test; ``info FILE``; ``eval FILE POINTS``."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence

import numpy as np

from qexpr_runtime.machine import available, isa
from qexpr_runtime.network import load
from qexpr_runtime.selftest import self_test

_USAGE = """usage: python -m qexpr_runtime                     run the self-test
       python -m qexpr_runtime info FILE           what a packed file holds
       python -m qexpr_runtime eval FILE [POINTS]  evaluate the points of a CSV (default: stdin)"""


def _points(path: str, inputs: int) -> np.ndarray:
    try:
        lines = sys.stdin if path == "-" else open(path, encoding="utf-8")  # noqa: SIM115
    except OSError as error:
        raise ValueError(f"cannot read {path!r}: {error.strerror}") from None
    with lines as file:
        rows = [line.split(",") for line in file if line.strip() and not line.startswith("#")]
    for k, row in enumerate(rows, 1):
        if len(row) != inputs:
            raise ValueError(f"point {k} has length {len(row)}, the file takes {inputs}")
    try:
        return np.array([[float(v) for v in row] for row in rows]).reshape(len(rows), inputs)
    except ValueError as error:
        raise ValueError(f"the points must be lines of {inputs} numbers: {error}") from None


def main(arguments: Sequence[str]) -> int:
    """Run; returns the exit code: 0 fine, 1 a check failed, 2 bad input."""
    try:
        match list(arguments):
            case []:
                print(f"qexpr_runtime: kernels {', '.join(available())}; {isa()} is in use")
                fine = self_test(print)
                print("all checks passed" if fine else "SOME CHECKS FAILED")
                return 0 if fine else 1
            case ["-h" | "--help"]:
                print(_USAGE)
                return 0
            case ["info", path]:
                print(json.dumps(load(path).info(), indent=2, ensure_ascii=False), flush=True)
                return 0
            case ["eval", path, *rest] if len(rest) <= 1:
                net = load(path)
                y = net(_points(rest[0] if rest else "-", net.inputs)).reshape(-1, net.outputs)
                for row in y.tolist():
                    print(",".join(map(repr, row)))
                sys.stdout.flush()
                return 0
    except BrokenPipeError:  # whoever reads has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (OSError, ValueError) as error:
        print(f"qexpr_runtime: {error}", file=sys.stderr)
        return 2
    print(_USAGE, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
