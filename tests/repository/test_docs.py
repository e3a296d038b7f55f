"""The examples in the documentation and in docstrings are run, and say what they show."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
import shlex
from pathlib import Path

import pytest

import qexpr
from qexpr import bounds
from qexpr.cli.main import run

ROOT = Path(__file__).parents[2]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
PAGES = [
    *(path for path in sorted((ROOT / "docs").rglob("*.md")) if "generated" not in path.parts),
    *(path for path in (ROOT / "README.md",) if path.exists()),
]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(path, *languages):
    """The fenced blocks of a page in some languages, with their line numbers."""
    text = path.read_text(encoding="utf-8")
    return [
        (text[: match.start()].count("\n") + 2, match[2])
        for match in BLOCK.finditer(text)
        if match[1] in languages and "_build" not in path.parts
    ]


def check(examples, globs):
    """Run parsed doctest examples; what they print goes into the failure."""
    report = []
    doctest.DocTestRunner(optionflags=FLAGS).run(examples, out=report.append, clear_globs=False)
    assert not report, "".join(report)


@pytest.mark.parametrize(
    "path", [p for p in PAGES if blocks(p, "pycon", "python")], ids=lambda p: p.name
)
def test_python_examples(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    globs = {"__name__": "__main__"}
    for line, text in blocks(path, "pycon", "python"):
        if ">>>" in text:
            test = doctest.DocTestParser().get_doctest(text, globs, path.name, str(path), line)
            test.globs = globs  # the blocks of a page share their names
            check(test, globs)
        else:
            exec(compile(text, f"{path.name}:{line}", "exec"), globs)


def commands(text):
    """(command, expected output) pairs of a console block."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        while command.endswith("\\"):
            more, _, expected = expected.partition("\n")
            command = command[:-1] + more
        yield command, expected


@pytest.mark.parametrize("path", [p for p in PAGES if blocks(p, "console")], ids=lambda p: p.name)
def test_console_examples(path, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    for line, text in blocks(path, "console"):
        found = [pair for pair in commands(text) if pair[0].startswith("qexpr ")]
        for command, expected in found:
            capfd.readouterr()
            code = run(shlex.split(command)[1:])
            shown = capfd.readouterr().out
            assert code == 0, command
            if expected.strip():
                matches = doctest.OutputChecker().check_output(expected, shown, FLAGS)
                assert matches, f"{path.name}:{line}: {command}\n{shown}"


def modules_with_examples():
    """The names of all modules whose source has a doctest prompt."""
    for module in pkgutil.walk_packages(qexpr.__path__, "qexpr."):
        origin = module.module_finder.find_spec(module.name, None).origin
        if origin and ">>> " in Path(origin).read_text(encoding="utf-8"):
            yield module.name


@pytest.mark.parametrize("name", list(modules_with_examples()))
def test_docstrings(name):
    module = importlib.import_module(name)
    for test in doctest.DocTestFinder(exclude_empty=True).find(module):
        if test.examples:
            check(test, test.globs)


@pytest.mark.parametrize("id", bounds.ids())
def test_the_page_of_a_bound_says_everything(id, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    generator = importlib.import_module("generate_bounds")
    bound = bounds.get(id)
    text = generator.page(bound, bounds.Table(), "plot.svg")
    assert text.startswith(f"# {id}\n")
    for part in (
        bound.statement,
        bound.latex(),
        bound.bibtex.rstrip(),
        f"| trust | {bound.source.trust} |",
        *(statement.text for statement in bound.statements),
        *(f"* `{c.text}`: {c.reason}" for c in bound.regime),
        *(f"* `{name}`: {meaning}" for name, meaning in bound.parameters.items()),
        "](plot.svg)",
    ):
        assert part in text


def test_the_page_of_calculators_has_all_of_them_and_their_figures(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    (page,) = importlib.import_module("generate_calculators").calculator_pages(tmp_path)
    text = page.read_text("utf-8")
    drawn = {path.stem for path in tmp_path.glob("*.svg")}
    for name in bounds.calculators.names():
        assert f"## {name}\n" in text
        has_figure = bounds.calculators.get(name).curves is not None
        assert (f"]({name}.svg)" in text) is (name in drawn) is has_figure
    assert drawn


def test_the_examples_are_found():
    assert blocks(ROOT / "docs" / "tutorial.md", "pycon")
    assert blocks(ROOT / "docs" / "tutorial.md", "console")


def test_a_wrong_example_fails():
    test = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "wrong", None, 0)
    with pytest.raises(AssertionError, match="Expected"):
        check(test, {})


def test_every_page_is_in_a_table_of_contents():
    listed = set()
    for path in PAGES:
        for _, text in [
            (0, m[1])
            for m in re.finditer(
                r"^```\{toctree\}\n(.*?)^```$", path.read_text(), re.MULTILINE | re.DOTALL
            )
        ]:
            for entry in text.splitlines():
                if entry and not entry.startswith(":"):
                    listed |= {p.resolve() for p in path.parent.glob(f"{entry}.md")}
    docs = {p.resolve() for p in PAGES if "docs" in p.parts} - {ROOT / "docs" / "index.md"}
    assert docs - listed == set()
