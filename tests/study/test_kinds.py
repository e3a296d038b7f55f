"""Every kind that is shipped: one tiny cell runs, its row is derived again, and its report says so.

A number of the row that is changed does not stand.
"""

from __future__ import annotations

from fractions import Fraction

import pytest

from qexpr.errors import InvalidInput
from qexpr.study.kinds import MODULES, get_kind
from qexpr.study.rows import encode_values, parse_field, render_field
from qexpr.study.tools import Tools

SMALL = {"widths": [4, 4], "samples": 64, "steps": 20, "boxes": 200}
CELLS = {
    "bitwidth": {**SMALL, "target": "parabola", "n": 2, "method": "continuous-discrete", "lam": 4},
    "digits": {"method": "twn", "widths": [2, 2], "steps": 4},
    "floor": {"networks": "enumerated", "cells": 8, "free": 5, "eps": "1/5"},
    "rate": {**SMALL, "target": "folds", "n": 1, "method": "bnn"},
    "systems": {**SMALL, "target": "gaussian", "n": 2, "method": "twn"},
    "theorem": {
        "theorem": "ding2018.theorem1",
        "construction": "cones",
        "d": 1,
        "n": 2,
        "eps": "1/30",
    },
    "witness": {"construction": "cones", "d": 1, "n": 2, "eps": "1/30"},
}
CHANGED = {
    "bitwidth": ("bits", 1),
    "digits": ("wrong", 0),
    "floor": ("reached", 40),
    "rate": ("error_upper", Fraction(1, 10**6)),
    "systems": ("error_lower", Fraction(1, 2)),
    "theorem": ("built_weights", 1),
    "witness": ("weights", 1),
}


def whole(name, **changes):
    kind = get_kind(name)
    cell = {p.name: p.default for p in kind.parameters} | CELLS[name] | changes
    return kind, cell | ({"seed": 0} if kind.seeded else {})


def run(name):
    kind, cell = whole(name)
    if kind.validate is not None:
        kind.validate(cell)
    result = kind.run(cell, Tools(name, cell))
    columns = {column.name: column for column in kind.all_columns}
    encoded = {**cell, **encode_values(kind, result), "status": "ok"}
    row = {n: parse_field(c, render_field(c, encoded.get(n))) for n, c in columns.items()}
    return kind, cell, row, dict(result.files)


@pytest.fixture(scope="module", params=MODULES)
def done(request):
    return run(request.param)


def findings(kind, cell, row, files):
    if kind.exact:
        from qexpr.study.rows import agree

        return list(agree(kind, row, kind.run(cell, Tools(kind.name, cell)).values))
    return list(kind.check(cell, row, files, Tools(kind.name, cell)))


def test_a_row_stands(done):
    found = findings(*done)
    assert [f.text for f in found if not f.stands] == []
    assert len(found) >= 3


def test_a_changed_number_does_not_stand(done):
    kind, cell, row, files = done
    name, value = CHANGED[kind.name]
    assert row[name] != value
    found = findings(kind, cell, {**row, name: value}, files)
    assert any(f.stands is False and name in f.text for f in found)


def test_a_file_that_was_not_kept_is_said(done):
    kind, cell, row, files = done
    found = findings(kind, cell, row, {})
    missing = [f for f in found if f.stands is None]
    assert ["network.qxr was not kept"] * bool(files) == [f.text for f in missing]


def test_the_report_has_an_answer_and_the_same_figures_twice(done):
    kind, _, row, _ = done
    told = kind.summary([row])
    assert told.answer
    for figure in told.figures:
        assert figure.draw("svg") == figure.draw("svg")
        assert figure.alt
    for small in told.tables:
        assert all(len(line) == len(small.header) for line in small.rows)


def test_a_run_is_a_function_of_its_cell(done):
    kind, cell, row, files = done
    again = kind.run(cell, Tools(kind.name, cell))
    assert dict(again.files) == files
    assert again.values.keys() <= row.keys()


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("systems", {"lam": 4}, "lam = 4 sets the levels of continuous-discrete"),
        ("bitwidth", {"lam": 1}, "levels must be an integer from 2"),
        ("rate", {"target": "nowhere"}, "there is no target named"),
        ("floor", {"cells": 6}, "powers of two"),
        ("floor", {"eps": "3/10"}, "powers of two"),
        ("floor", {"free": 12}, "more than the 8 cells"),
        ("floor", {"networks": "trained"}, "free is a number of signs"),
    ],
)
def test_what_contradicts_itself_is_refused_before_it_runs(name, changes, words):
    kind, cell = whole(name, **changes)
    with pytest.raises(InvalidInput, match=words):
        kind.validate(cell)


def test_signs_are_enumerated_exactly():
    """Brute force: each of the 2^5 circuits by its own exact evaluation."""
    import itertools
    from dataclasses import replace

    from qexpr import circuits
    from qexpr.study.kinds import floor

    kind, cell = whole("floor")
    tools = Tools("floor", cell)
    member = floor._member(4, tools, 0)
    circuit = circuits.sigma_delta(member, n=1, eps=Fraction(1, 8), lam=2)
    chosen = tools.rng(1).permutation(len(circuit.free))[:5]
    nodes = [(Fraction(k, 8),) for k in range(9)]
    half, quarter = Fraction(1, 8), Fraction(1, 4)
    zigzags = {
        signs: [sum(signs[: k // 2]) * quarter + k % 2 * signs[k // 2 % 4] * half for k in range(9)]
        for signs in itertools.product((1, -1), repeat=4)
    }
    reached = set()
    for bits in itertools.product((0, 1), repeat=5):
        codes = circuit.codes.copy()
        codes[circuit.free[chosen]] = bits
        values = replace(circuit, codes=codes).evaluate_exact(nodes)
        for signs, zigzag in zigzags.items():
            errors = [abs(a - b) for a, b in zip(values, zigzag, strict=True)]
            if max(errors) <= Fraction(1, 5):
                reached.add(signs)
    assert kind.run(cell, tools).values["reached"] == len(reached)
