"""Bad input: exit code 2, nothing on stdout, one line that quotes the value and what is allowed."""

from __future__ import annotations

import time

import pytest

LONG = "7" * 10**6

CASES = [
    (("--lambda", "1"), "got 1", "from 2 to 2^64"),
    (("--lambda", "2.5"), "'2.5'", "an integer from 2 to 2^64"),
    (("--lambda", str(2**64 + 1)), str(2**64 + 1), "from 2 to 2^64"),
    (("--lambda", LONG), "777", "from 2 to 2^64"),
    (("--n", "0"), "got 0", "an integer from 1 to 1000"),
    (("--n", "-3"), "-3", "an integer from 1 to 1000"),
    (("--n", "1.0"), "'1.0'", "an integer from 1 to 1000"),
    (("--n", LONG), "777", "an integer from 1 to 1000"),
    (("--d", "0"), "got 0", "an integer from 1 to 1000"),
    (("--d", "1001"), "1001", "an integer from 1 to 1000"),
    (("--d", "two"), "'two'", "an integer from 1 to 1000"),
    (("--d", ""), "''", "an integer from 1 to 1000"),
    (("--d", "１"), "'１'", "an integer from 1 to 1000"),
    (("--eps", "0"), "'0'", "1e-300 <= eps < 1"),
    (("--eps", "1"), "'1'", "1e-300 <= eps < 1"),
    (("--eps", "-1e-3"), "'-1e-3'", "1e-300 <= eps < 1"),
    (("--eps", "1e-301"), "'1e-301'", "1e-300 <= eps < 1"),
    (("--eps", "nan"), "'nan'", "1e-300 <= eps < 1"),
    (("--eps", "inf"), "'inf'", "1e-300 <= eps < 1"),
    (("--eps", "1e-400000000"), "'1e-400000000'", "1e-300 <= eps < 1"),
    (("--eps", "1/0"), "'1/0'", "1e-300 <= eps < 1"),
    (("--eps", "1/2/3"), "'1/2/3'", "1e-300 <= eps < 1"),
    (("--eps", "0." + LONG), "characters)", "1e-300 <= eps < 1"),
    (("--eps", "1/" + LONG), "characters)", "1e-300 <= eps < 1"),
    (("--eps", ""), "''", "1e-300 <= eps < 1"),
    (("--eps", "1e-1,"), "''", "1e-300 <= eps < 1"),
    (("--eps", "1e-1:1e-6"), "'1e-1:1e-6'", "1e-1:1e-6:6"),
    (("--eps", "1e-1:1e-6:1"), "1", "from 2 to 1000"),
    (("--eps", "1e-1:1e-6:1000000000"), "1000000000", "from 2 to 1000"),
    (("--eps", "0:1e-6:5"), "'0:1e-6:5'", "different positive ends"),
    (("--eps", ",".join(["0.5"] * 2000)), "2000", "at most 1000"),
    (("--lambda", "2:64:6", "--eps", "1e-1:1e-6:600"), "3600", "at most 1000 points"),
    (("--alphabet", "linear:65"), "65", "from 1 to 64"),
    (("--alphabet", "ternary:3"), "'ternary:3'", "nonlinear:LAMBDA or linear:BITS"),
    (("--alphabet", "linear:2", "--lambda", "3"), "'3'", "must agree"),
    (("--format", "xml"), "'xml'", "table, json, csv, latex"),
    (("--quantity", "size"), "'size'", "depth, weights, bits, free_bits, width"),
    (("--quantity", "eps"), "'eps'", "depth, weights, bits, free_bits, width"),
    (("--only", "ding2018.theorm1"), "'ding2018.theorm1'", "did you mean ding2018.theorem1"),
    (("--only", ""), "''", "qexpr bound --list"),
    (("--only", LONG), "777", "qexpr bound --list"),
    (("--weights", "5"), "--weights", "exactly one of --eps, --weights and --bits"),
    (("--cite", "--format", "json"), "json", "table or latex"),
    (("--plot", "x.svg"), "one", "at least two eps"),
    (("--plot", "x.bmp", "--eps", "0.1,0.2"), "'x.bmp'", ".svg, .pdf, .png"),
    (("--output", "/nonexistent/x"), "'/nonexistent/x'", "cannot write"),
    (("--output", "/"), "'/'", "cannot write"),
    (("--output", "a\0b"), "a\\x00b", "cannot write"),
    (("--explain", "ding2018.theorem1"), "--eps", "stands alone"),
    (("--nonsense",), "--nonsense", "--help"),
    (("--" + LONG,), "777", "--help"),
    (("stray",), "stray", "--help"),
    (("two\nlines\x1b[31m",), "two lines [31m", "--help"),
    (("--eps", "1e-1:1e-3:600,1e-4:1e-6:600"), "1200", "at most 1000 points"),
]


def arguments_of(options):
    given = ["bound", *options]
    return given if "--eps" in options else [*given, "--eps", "1e-3"]


@pytest.mark.parametrize(("options", "quoted", "allowed"), CASES, ids=lambda x: str(x)[:40])
def test_bad_input_is_one_clear_line(qexpr, options, quoted, allowed):
    outcome = qexpr(*arguments_of(options))
    assert outcome.code == 2
    assert outcome.out == ""
    assert outcome.err.startswith("qexpr: ")
    assert outcome.err.count("\n") == 1
    assert outcome.err.endswith("\n")
    assert quoted in outcome.err
    assert allowed in outcome.err
    assert len(outcome.err) < 700


OTHERS = [
    ((), "give exactly one of --eps"),
    (("--weights", "0"), "from 1 to 1e300"),
    (("--weights", "1e5"), "from 1 to 1e300"),
    (("--bits", LONG), "from 1 to 1e300"),
    (("--weights", "10", "--bits", "10"), "--weights and --bits"),
    (("--weights", "10", "--quantity", "bits"), "--quantity goes with --eps"),
    (("--weights", "10", "--plot", "x.svg"), "at least two eps"),
    (("--explain", "nothing"), "there is no bound 'nothing'"),
    (("--explain", "ding2018.theorem1", "--list"), "--explain stands alone"),
    (("--list", "--d", "2"), "--list stands alone"),
    (("--eps",), "--eps"),
]


@pytest.mark.parametrize(("options", "said"), OTHERS, ids=lambda x: str(x)[:40])
def test_options_that_do_not_go_together(qexpr, options, said):
    outcome = qexpr("bound", *options)
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert said in outcome.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("bond",), "did you mean bound?"),
        ((LONG,), "there is no command '777"),
        (("cite",), "ID"),
        (("cite", "ding2019univers"), "did you mean ding2019universal"),
        (("calc", "regionz"), "did you mean regions"),
        (("calc", "regions"), "needs widths"),
        (("calc", "regions", "--widths", "2,x,1"), "'x'"),
        (("calc", "regions", "--widths", LONG), "at most 400 characters"),
        (("calc", "regions", "--widths", "2,3,1", "--format", "csv"), "table or json"),
        (("doctor", "--format", "csv"), "text or json"),
    ],
)
def test_other_commands(qexpr, arguments, said):
    outcome = qexpr(*arguments)
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert said in outcome.err


def test_bad_input_of_a_real_process_is_quick_and_without_traceback(process):
    start = time.perf_counter()
    outcome = process("bound", "--n", "9" * 100_000, "--eps", "1e-400000000")
    assert time.perf_counter() - start < 30  # a hang, not a benchmark
    assert outcome.returncode == 2
    assert outcome.stdout == ""
    assert outcome.stderr.count("\n") == 1
    assert "Traceback" not in outcome.stderr


def test_bytes_that_are_not_text_are_refused_in_one_line(process):
    outcome = process("bound", "--eps", b"\xff\xfe")
    assert outcome.returncode == 2
    assert outcome.stderr.count("\n") == 1
    assert "1e-300 <= eps < 1" in outcome.stderr


def test_a_closed_pipe_is_quiet(process):
    code = (
        "import os, sys; r, w = os.pipe(); os.close(r); os.dup2(w, 1);"
        "from qexpr.cli.main import main; main()"
    )
    outcome = process("bound", "--list", code=code)
    assert outcome.stderr == ""
    assert outcome.returncode == 141


def test_an_interrupt_is_one_line(process):
    code = (
        "import qexpr.bounds.registry as r\n"
        "def stop(): raise KeyboardInterrupt\n"
        "r.all_bounds = stop\n"
        "from qexpr.cli.main import main; main()"
    )
    outcome = process("cite", "ding2018", code=code)
    assert (outcome.returncode, outcome.stderr) == (130, "qexpr: interrupted\n")
