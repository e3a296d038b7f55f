"""Cells that take a while, fail, leave their regime, kill their worker, draw, and make files."""

from __future__ import annotations

import os
import signal
import time
from fractions import Fraction

from qexpr.errors import OutOfRegime
from qexpr.study.kind import Cell, Column, Finding, Kind, Parameter, Result
from qexpr.study.tools import Tools

LOG = "TRIAL_LOG"


def run(cell: Cell, tools: Tools) -> Result:
    """Do what the cell says."""
    place = os.environ.get(LOG)
    if place:  # which cells ran, in which process: for tests alone
        with open(place, "a", encoding="utf-8") as file:
            file.write(f"{cell['k']} {os.getpid()}\n")
    time.sleep(cell["ms"] / 1000)
    act = cell["act"]
    if act == "fail" and not os.environ.get("TRIAL_MENDED"):
        raise ZeroDivisionError("it had to\nbe")
    if act == "outside":
        raise OutOfRegime("it says nothing there")
    if act == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    draw = int(tools.rng().integers(2**40))
    if act == "threads":
        import torch

        draw = torch.get_num_threads()
    third = Fraction(cell["k"] + 1, 3)
    files = {"note.txt": f"cell {cell['k']} {draw}\n".encode() * cell["lines"]}
    values = {
        "draw": draw,
        "root": float(cell["k"]) ** 0.5,
        "third": third,
        "third_lower": third,
        "third_upper": third,
        "claim_verdict": "violates" if act == "violate" else "consistent",
    }
    times = {"nap_s": cell["ms"] / 1000} if cell["lines"] else {}
    return Result(values, files if cell["lines"] else {}, times=times)


def check(cell, row, files, tools):
    """The third by hand, and the note by its text."""
    third = Fraction(cell["k"] + 1, 3)
    yield Finding(row["third"] == third, "third")
    yield Finding(row["third_lower"] <= third <= row["third_upper"], "its ends")
    if "note.txt" in files:
        yield Finding(files["note.txt"].startswith(b"cell %d " % cell["k"]), "note.txt")
    else:
        yield Finding(None, "note.txt was not kept")


KIND = Kind(
    name="trial_kinds.steps",
    title="what tests need",
    parameters=(
        Parameter(name="k", type="int", help="a number", least=0),
        Parameter(name="act", type="text", help="what it does", default="work"),
        Parameter(name="ms", type="int", help="how long, in ms", default=0),
        Parameter(name="lines", type="int", help="length of the note", default=1),
        Parameter(name="boxes", type="int", help="boxes", default=10, least=1, budget=True),
    ),
    columns=(
        Column(name="draw", type="int", help="drawn"),
        Column(name="root", type="float", help="a float"),
        Column(name="third", type="rational", help="a rational"),
        Column(name="third_lower", type="lower", help="its lower end"),
        Column(name="third_upper", type="upper", help="its upper end"),
        Column(name="claim_verdict", type="verdict", help="a verdict"),
    ),
    run=run,
    times=("nap_s",),
    check=check,
    cost=lambda cell: cell["ms"] / 1000,
    files=("note.txt",),
    seeded=True,
)
