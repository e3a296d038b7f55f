"""Derivations as text, LaTeX, JSON and pages."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter

import pytest

from qexpr import derivations
from qexpr.derivations.latex import escape, formula_latex, prose_latex
from qexpr.derivations.writing import to_document, to_latex, to_markdown, to_record, to_text

NAMES = derivations.names()


@pytest.fixture(scope="module")
def written():
    found = {}
    for name in NAMES:
        derivation = derivations.get(name)
        found[name] = (derivation, list(derivation.verdicts()))
    return found


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("a == b <= c", r"a = b \le c"),
        ("(a + b)/2*c - -d", r"\frac{a + b}{2} \, c - \left(-d\right)"),
        ("a - (b - c)", r"a - \left(b - c\right)"),
        ("2**(1/2) - x_1**2", r"2^{1/2} - x_{1}^{2}"),
        ("sum(k**2 for k in range(n))", r"\sum_{0 \le k < n} k^{2}"),
        ("1 if x > 0 else 0", r"\begin{cases}1 & \text{if } x > 0 \\ 0 & \text{else}\end{cases}"),
        ("derivative(phi(t), t)", r"\frac{d}{dt}\left[\varphi\left(t\right)\right]"),
        ("abs(alpha) <= 5e-16", r"\left|\alpha\right| \le 5 \cdot 10^{-16}"),
        ("kept(u, i)", r"\operatorname{kept}\left(u, i\right)"),
        ("H_(k + 1)/2", r"\frac{H_{k + 1}}{2}"),
    ],
)
def test_formulas(text, latex):
    assert formula_latex(text) == latex


def test_prose_keeps_its_meaning():
    assert prose_latex("50 % of `x_1` < |y|") == r"50 \% of $x_{1}$ $<$ $|$y$|$"
    assert prose_latex("`not a formula!`") == r"\texttt{not a formula!}"
    assert escape("a_b^2 {c} \\d") == r"a\_b\textasciicircum{}2 \{c\} \textbackslash{}d"


def balanced(text):
    """Braces, environments, dollars and \\left..\\right come in pairs."""
    bare = re.sub(r"\\[\\{}$%#&_]", "", text)
    depth = 0
    for character in bare:
        depth += {"{": 1, "}": -1}.get(character, 0)
        assert depth >= 0
    assert depth == 0
    assert bare.count("$") % 2 == 0
    assert len(re.findall(r"\\left\b", text)) == len(re.findall(r"\\right\b", text))
    stack = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", text):
        if kind == "begin":
            stack.append(name)
        else:
            assert stack.pop() == name
    assert stack == []


@pytest.mark.parametrize("name", NAMES)
def test_latex_is_well_formed(written, name):
    derivation, verdicts = written[name]
    section = to_latex(derivation, verdicts)
    balanced(section)
    balanced(to_document(section))
    assert section.isascii()
    kinds = Counter(re.findall(r"\\begin\{(\w+)\}", section))
    assert kinds["quote"] == len(derivation.steps)


def test_a_missing_brace_is_seen(written):
    section = to_latex(*written["binary"])
    with pytest.raises(AssertionError):
        balanced(section.replace("}", "", 1))
    with pytest.raises(AssertionError):
        balanced(section.replace(r"\end{quote}", "", 1))


def test_latex_compiles_where_there_is_tex(written, tmp_path):
    sections = "".join(to_latex(*written[name]) for name in NAMES)
    document = to_document(sections)
    balanced(document)  # the part of the check that needs no TeX
    tex = shutil.which("pdflatex")
    if tex is None:
        return
    (tmp_path / "appendix.tex").write_text(document)
    done = subprocess.run(
        [tex, "-interaction=nonstopmode", "-halt-on-error", "appendix.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "appendix.pdf").stat().st_size > 10_000


@pytest.mark.parametrize("name", NAMES)
def test_text_says_everything(written, name):
    derivation, verdicts = written[name]
    text = to_text(derivation, verdicts)
    flat = " ".join(text.split())
    assert flat.startswith(f"{name}: {derivation.title}")
    assert text.count("PROVEN") == len(verdicts)
    assert f"{len(verdicts)} of {len(verdicts)} steps proven" in text
    assert max(map(len, text.splitlines())) <= 200
    for constant in derivation.constants:
        assert constant.name in flat
        assert " ".join(derivation.digits(constant.name)) in flat


def test_a_failed_step_is_marked():
    wrong = derivations.get("binary").with_formula(2, "a == b")
    verdicts = list(wrong.verdicts())
    text = to_text(wrong, verdicts)
    assert text.count("FAILED") == 1
    assert f"{len(verdicts) - 1} of {len(verdicts)} steps proven" in text
    record = to_record(wrong, verdicts)
    assert record["proven"] is False
    assert [step["step"] for step in record["steps"] if not step["passed"]] == [2]


@pytest.mark.parametrize("name", ["ternary", "hwgq"])
def test_record(written, name):
    derivation, verdicts = written[name]
    record = to_record(derivation, verdicts)
    assert record["name"] == name
    assert record["proven"] is True
    assert [step["formula"] for step in record["steps"]] == [s.formula for s in derivation.steps]
    assert set(record["constants"]) == {constant.name for constant in derivation.constants}


@pytest.mark.parametrize("name", NAMES)
def test_pages(written, name):
    derivation, verdicts = written[name]
    page = to_markdown(derivation, verdicts)
    assert page.startswith(f"# {name}\n")
    assert page.count("```{math}") == len(verdicts)
    assert page.count("```") % 2 == 0
