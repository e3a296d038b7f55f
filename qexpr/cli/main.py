"""The command ``qexpr``: its commands as data, and the one place where errors become lines.

Exit codes: 0 done, certified or accepted; 1 refuted, open or refused; 2 bad input, always with
one clear line on stderr; 130 interrupted.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

__all__ = ["COMMANDS", "main", "run"]

# name -> module, attribute, one line of help: `qexpr --help` imports none of them
COMMANDS = {
    "bound": ("qexpr.cli.bound", "bound_command", "Bounds on depth, weights and bits: a table."),
    "calc": ("qexpr.cli.calc", "calc_command", "Calculators that take widths, not an accuracy."),
    "certify": (
        "qexpr.cli.certify",
        "certify_command",
        "Enclose the error of any network; prove it.",
    ),
    "check": (
        "qexpr.cli.check",
        "check_command",
        "Derive a certificate again, without the builder.",
    ),
    "cite": ("qexpr.cli.cite", "cite_command", "BibTeX of bounds or papers."),
    "derive": (
        "qexpr.cli.derive",
        "derive_command",
        "Derivations, checked step by step.",
    ),
    "eval": ("qexpr.cli.eval", "eval_command", "Evaluate a network at the points of a CSV."),
    "quantizer": (
        "qexpr.cli.quantizer",
        "quantizer_command",
        "The quantizers, their formulas and plots.",
    ),
    "study": ("qexpr.cli.study", "study_command", "Reproducible experiments against the bounds."),
    "targets": (
        "qexpr.cli.targets",
        "targets_command",
        "Target functions, with proven membership.",
    ),
    "train": ("qexpr.cli.train", "train_command", "Train a quantized network and certify it."),
    "polish": ("qexpr.cli.polish", "polish_command", "Improve discrete weights by local search."),
    "witness": (
        "qexpr.cli.witness",
        "witness_command",
        "Build, count and certify a network.",
    ),
    "doctor": ("qexpr.cli.doctor", "doctor_command", "Versions, extras and how to add them."),
}


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command (of sys.argv by default) and return the exit code; no exception leaves it.

    A command ends with the exit code that its function returns: None is 0.
    """
    import click

    from qexpr.cli.commands import group
    from qexpr.cli.output import complain
    from qexpr.errors import QexprError

    try:
        try:
            if "_QEXPR_COMPLETE" in os.environ:  # the shell asks for completions
                group.main(prog_name="qexpr")
            given = sys.argv[1:] if arguments is None else list(arguments)
            with group.make_context("qexpr", given) as context:
                code = group.invoke(context)
        except click.exceptions.Exit as done:
            code = done.exit_code
        sys.stdout.flush()
    except QexprError as error:
        return complain(str(error))
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return 2
    except click.ClickException as error:
        return complain(error.format_message(), usage=isinstance(error, click.UsageError))
    except (click.Abort, KeyboardInterrupt):
        complain("interrupted")
        return 130
    except BrokenPipeError:
        # The reader has what it wanted; keep the interpreter from flushing into it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except ValueError as error:
        if not str(error).startswith("QEXPR_ISA"):  # of the runtime's import, hence no QexprError
            raise
        return complain(str(error))
    except OSError as error:
        place = f" {error.filename!r}" if error.filename else ""
        return complain(f"cannot read or write{place}: {error.strerror or error}")
    return code if isinstance(code, int) else 0


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Entry point of the console script."""
    # A cold start is imports, and nothing in them is garbage: collecting early, and once more at
    # exit, would be a fifth of the time of `qexpr bound`.
    gc.set_threshold(100_000, 50, 50)
    code = run(arguments)
    gc.freeze()
    sys.exit(code)
