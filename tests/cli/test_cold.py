"""What a cold command may load: `qexpr bound` neither NumPy nor sympy nor pandas."""

from __future__ import annotations

import pytest

from qexpr import bounds
from qexpr.cli.main import COMMANDS

# Without what stands in sys.modules before anything of ours: hooks of editable installs and other
# .pth files load json, subprocess, and from CPython 3.12 on tempfile.
PROBE = """
import sys
there = set(sys.modules)
from qexpr.cli.main import run
code = run()
sys.stdout.flush()
print(code, *set(sys.modules).difference(there), file=sys.stderr)
"""
DEPENDENCIES = "import sys, click, qexpr.rigor.library; print(*sys.modules)"
HEAVY = {"numpy", "sympy", "pandas", "matplotlib", "torch", "scipy", "mpmath"}
EXAMPLE = ("bound", "--d", "2", "--n", "3", "--lambda", "3", "--eps", "1e-3")


def loaded(process, *arguments):
    code, *modules = process(*arguments, code=PROBE).stderr.split()
    assert code == "0"
    return set(modules)


@pytest.mark.parametrize(
    "options",
    [(), ("--format", "latex", "--cite"), ("--format", "json"), ("--format", "csv")],
)
def test_bound_loads_nothing_heavy(process, options):
    assert not loaded(process, *EXAMPLE, *options) & HEAVY


def test_a_plain_table_loads_nothing_that_it_does_not_use(process):
    modules = loaded(process, *EXAMPLE)
    assert {"flint.types.arb", "click"} <= modules  # the probe sees what is there
    # which modules of the standard library click and flint load is their affair, and changes
    ours = modules.difference(process(code=DEPENDENCIES).stdout.split())
    assert "qexpr.cli.table" in ours
    assert not ours & {"json", "csv", "importlib.metadata", "tempfile", "difflib", "argparse"}
    assert not ours & {"qexpr.bounds.inverse", "qexpr.bounds.latex", "qexpr.bounds.paper"}


def test_help_loads_no_command(process):
    modules = loaded(process, "--help")
    assert not modules & (HEAVY | {"flint", "qexpr.bounds"})
    assert not modules & {module for module, _, _ in COMMANDS.values()}


def test_importing_qexpr_is_light(process):
    code = "import qexpr, sys; print(*sys.modules)"
    assert not set(process(code=code).stdout.split()) & (HEAVY | {"flint", "click"})


def test_help_lists_every_command_with_its_own_words(qexpr):
    from importlib import import_module

    text = qexpr("--help").out
    for name, (module, attribute, words) in COMMANDS.items():
        assert name in text
        assert words in text
        assert getattr(import_module(module), attribute).name == name


def test_every_bound_is_on_the_cold_path(process):
    # The table has all of them, so the benchmark of the cold command times all of them.
    outcome = process(*EXAMPLE)
    assert outcome.returncode == 0
    for id in bounds.ids():
        assert id in outcome.stdout
