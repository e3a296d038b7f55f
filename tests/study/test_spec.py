"""Specifications: what they select, and everything that can be wrong with them at once."""

from __future__ import annotations

import re
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qexpr.errors import InvalidInput
from qexpr.study.cells import jobs, validate_cells
from qexpr.study.lines import find_line, key_lines
from qexpr.study.spec import Mistakes, parse_study

HEAD = 'kind = "witness"\ntitle = "T"\nquestion = "Q?"\n'
BLOCK = '[[block]]\nconstruction = "cones"\nd = 1\nn = 2\neps = "1e-2"\n'

SIXTEEN = f"= {list(range(1, 17))}"
MANY = str([f"1/{k}" for k in range(2, 4002)])


def cells(text):
    return [dict(job.cell) for job in jobs(parse_study(text, "s"), "")]


def refusal(text):
    with pytest.raises(InvalidInput) as caught:
        validate_cells(parse_study(text, "s"))
    return str(caught.value)


def test_the_last_axis_is_the_fastest():
    text = HEAD + '[[block]]\nconstruction = "cones"\nn = [1, 2]\nd = [1, 2]\neps = 0.1\n'
    assert [(c["n"], c["d"]) for c in cells(text)] == [(1, 1), (1, 2), (2, 1), (2, 2)]


def test_numbers_are_exact_and_have_one_form():
    text = HEAD + BLOCK.replace('"1e-2"', '["1e-1", 1e-2, "1/1000", "0.0001"]')
    assert [c["eps"] for c in cells(text)] == ["1/10", "1/100", "1/1000", "1/10000"]


def test_a_zip_advances_in_step():
    text = HEAD + (
        '[[block]]\nconstruction = "cones"\nd = [1, 2]\neps = [0.1, 0.2]\nn = [1, 2]\n'
        'zip = [["d", "n"]]\n'
    )
    found = [(c["d"], c["n"], c["eps"]) for c in cells(text)]
    assert found == [(1, 1, "1/10"), (1, 1, "1/5"), (2, 2, "1/10"), (2, 2, "1/5")]


def test_exclusions_carry_their_reason():
    text = HEAD + BLOCK.replace("n = 2", "n = [1, 2]")
    text += '[[exclude]]\nwhere = { n = 1 }\nreason = "because"\n'
    assert [job.excluded for job in jobs(parse_study(text, "s"), "")] == ["because", ""]


def test_blocks_follow_each_other():
    text = HEAD + BLOCK + BLOCK.replace("d = 1", "d = 2")
    assert [c["d"] for c in cells(text)] == [1, 2]


def test_a_name_depends_on_cell_and_code():
    study = parse_study(HEAD + BLOCK.replace("n = 2", "n = [1, 2]"), "s")
    names = [job.name for code in ("a", "b") for job in jobs(study, code)]
    assert len(set(names)) == 4


def test_the_digest_is_that_of_the_cells():
    one = parse_study(HEAD + BLOCK, "s")
    assert one.digest == parse_study(f"# comment\n{HEAD}{BLOCK}", "other").digest
    assert one.digest != parse_study(HEAD + BLOCK.replace("n = 2", "n = 1"), "s").digest


def test_all_mistakes_at_once_with_their_lines():
    text = (
        'kind = "witness"\n'  # 1
        "title = 3\n"
        'questoin = "Q?"\n'  # 3
        "\n"
        "[[block]]\n"  # 5
        'construction = ["cones", "cone"]\n'
        "d = 0\n"  # 7
        "epsilon = 0.1\n"
        "n = []\n"  # 9
    )
    said = refusal(text)
    assert said.startswith("s.toml has 8 mistakes: ")
    for part in (
        "line 1: question is missing",
        "line 2: title must be a text, got 3",
        "line 3: there is no key 'questoin'; did you mean question?",
        "line 5: the block does not set eps (accuracy in sup norm)",
        "line 6: construction must be one of",
        "did you mean cones?",
        "line 7: d must be at least 1 and at most 16, got 0",
        "line 8: kind witness has no parameter 'epsilon'; did you mean eps?",
        "line 9: n is an empty list",
    ):
        assert part in said, part


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("kind = ", "is not TOML"),
        (HEAD.replace("witness", "wittness") + BLOCK, "line 1: there is no kind 'wittness'; did"),
        (HEAD, "block is missing"),
        (HEAD + "seeds = [0]\n" + BLOCK, "line 4: kind witness draws nothing: leave seeds out"),
        (HEAD + BLOCK + "[budget]\nboxes = 3\n", "kind witness has no budget 'boxes'"),
        (HEAD + BLOCK.replace("d = 1", "d = true"), "line 6: d must be an integer, got True"),
        (HEAD + BLOCK.replace("d = 1", "d = 1.5"), "line 6: d must be an integer, got 1.5"),
        (HEAD + BLOCK.replace("d = 1", "d = [1, 1]"), "line 6: d lists a value twice"),
        (HEAD + BLOCK.replace('"1e-2"', "nan"), "nan"),
        (HEAD + BLOCK.replace('"1e-2"', "1e-99999999999"), "exponent"),
        (HEAD + BLOCK.replace('"1e-2"', "2"), "eps must be at least 1e-12 and at most 0.99, got 2"),
        (HEAD + BLOCK.replace('"1e-2"', '"x"'), "eps must be a number such as"),
        (HEAD + BLOCK + 'alphabet = "linear"\n', "line 9: "),
        (HEAD + BLOCK + 'zip = [["d", "n"]]\n', "zip names d, n, which is no list"),
        (
            HEAD + BLOCK.replace("= 1", "= [1, 2]").replace("= 2", "= [1, 2, 3]")
            + 'zip = [["d", "n"]]\n',
            "equal lengths: d has 2, n has 3",
        ),
        (HEAD + BLOCK + '[[exclude]]\nwhere = { d = 2 }\nreason = "r"\n', "excludes no cell"),
        (HEAD + BLOCK + '[[exclude]]\nwhere = { d = 1 }\nreason = "r"\n', "every cell is excluded"),
        (HEAD + BLOCK + '[[exclude]]\nwhere = { d = 1 }\nreason = " "\n', "a written reason"),
        (HEAD + BLOCK + "[[exclude]]\nwhere = { d = 1 }\n", "reason is missing"),
        (HEAD + BLOCK + '[[exclude]]\nwhere = {}\nreason = "r"\n', "where is empty"),
        (HEAD + BLOCK + BLOCK, "has the cell construction=cones, d=1, n=2, "),
        (
            HEAD + BLOCK.replace("= 1", SIXTEEN).replace("= 2", SIXTEEN).replace('"1e-2"', MANY),
            "at most 1000000 can be run",
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_one_clear_line(text, part):
    said = refusal(text)
    assert part in said
    assert "\n" not in said


def test_seeds_are_read_where_there_is_no_such_kind():
    with pytest.raises(Mistakes) as caught:
        parse_study(HEAD.replace("witness", "wittness") + "seeds = [1, 1, -1]\n" + BLOCK, "study")
    assert len(caught.value.lines) == 3


@pytest.mark.parametrize("name", ["A", "a b", "", "a/b", "-a"])
def test_a_study_has_a_plain_name(name):
    with pytest.raises(InvalidInput, match="called like its file"):
        parse_study(HEAD + BLOCK, name)


def test_lines_are_found_behind_long_values():
    text = 'a = """\n[x]\nb = 1\n"""\nc = [\n  [1]\n, # ]\n  "]", \'[\',\n]\n'
    text += "[t]\nd = 1\n[[u]]\n[[u]]\ne=2\n"
    tomllib.loads(text)
    lines = key_lines(text)
    assert lines == {
        (): 1, ("a",): 1, ("c",): 5, ("t",): 10, ("t", "d"): 11, ("u", 0): 12, ("u", 1): 13,
        ("u", 1, "e"): 14,
    }  # fmt: skip
    assert find_line(lines, ("u", 1, "e", 0)) == 14


@given(st.lists(st.sampled_from(["a = 1", "[[x]]", "", "# [y]", "b = '''\n[q]\n'''"]), max_size=12))
def test_every_key_of_a_text_that_parses_has_a_line(parts):
    text = "\n".join(parts)
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    lines = key_lines(text)
    keys = [line for place, line in lines.items() if place and place[-1] in ("a", "b")]
    expected = [n for n, line in enumerate(text.split("\n"), 1) if re.match(r"[ab] = ", line)]
    assert sorted(keys) == expected
