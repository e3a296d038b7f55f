"""How long does a cold `qexpr bound` take, against `python -c "import numpy"`?

Target: at most 1.2 times as long (median of 20 alternating runs), since people call it in loops
and shells. The command is the README's first one; click and flint alone are rows of their own.
"""

from __future__ import annotations

import os
import subprocess
import sys

from record import alternate, write

ENTRY = "from qexpr.cli.main import main; main()"  # what the console script runs

COMMANDS = {
    "import numpy": ["-c", "import numpy"],
    "qexpr bound": [
        *("-c", ENTRY, "bound"),
        *("--d", "2", "--n", "3", "--lambda", "3", "--eps", "1e-3"),
    ],
    "qexpr --help": ["-c", ENTRY, "--help"],
    "import click, flint": ["-c", "import click, flint"],
    "python": ["-c", "pass"],
}


# An installed package has its bytecode; the warm-up writes that of a tree.
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def _run(arguments: list[str]) -> None:
    subprocess.run(
        [sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, env=ENVIRONMENT
    )


def main() -> None:
    """Time all commands in turns and write the CSV."""
    contestants = {name: lambda a=arguments: _run(a) for name, arguments in COMMANDS.items()}
    times = alternate(contestants, rounds=20, warm_up=2)
    base = times["import numpy"].median
    rows = [
        {"command": name, **t.row(), "ratio_to_numpy": round(t.median / base, 3)}
        for name, t in times.items()
    ]
    write("cli_cold", rows, packages=("numpy", "click", "python-flint"))


if __name__ == "__main__":
    main()
