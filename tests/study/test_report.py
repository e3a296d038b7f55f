"""The report: complete, self-contained, the same on every run, and looked at by a browser."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from qexpr.study.folder import read_folder
from qexpr.study.kind import Column
from qexpr.study.report import write_report
from qexpr.study.report_text import field, number, small_field

CHROMIUM = shutil.which("chromium")


@pytest.fixture
def reported(reported_once, tmp_path):
    """A copy of it."""
    return Path(shutil.copytree(reported_once, tmp_path / "out"))


class _Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.wrong = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if self.open.pop() != tag:
            self.wrong.append(tag)


def test_the_page_is_whole_and_asks_nobody(reported):
    text = (reported / "report.html").read_text("utf-8")
    page = _Page(text)
    assert page.open == page.wrong == []
    for tag, attributes in page.tags:
        for name in ("src", "href", "srcset", "action", "data"):
            assert attributes.get(name, "data:").startswith("data:"), (tag, attributes)
    (policy,) = [a["content"] for t, a in page.tags if a.get("http-equiv")]
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert not re.search(r"url\(|@import|fetch\(|XMLHttp", text)


def test_the_page_reads_as_a_paper(reported):
    text = (reported / "report.html").read_text("utf-8")
    heads = re.findall(r"<h2>(.*?)</h2>", text)
    assert heads == [
        *("Question", "Answer", "Method", "Verdicts", "Table", "Rows without values"),
        *("How to reproduce", "References"),
    ]
    for part in ("Does it run?", "order (in italics)", "one that is left out", "1 excluded"):
        assert part in text
    assert "Ding, Yukun" in text
    assert "pip install 'qexpr[study]==" in text
    images = [a for t, a in _Page(text).tags if t == "img"]
    assert images
    assert all(len(image["alt"]) > 60 for image in images)


def test_what_a_study_says_is_text_and_never_markup(small, run, tmp_path):
    evil = "<script>alert(1)</script> & \\u003cb>"
    small.write_text(small.read_text().replace("Does it run?", evil))
    run(small, "evil")
    folder, study = read_folder(tmp_path / "evil")
    write_report(folder, study)
    text = (folder.path / "report.html").read_text("utf-8")
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_the_same_table_gives_the_same_bytes(reported):
    def content():
        files = [p for p in reported.rglob("*.*") if p.suffix not in (".json", ".csv")]
        return {p: p.read_bytes() for p in files if p.is_file()}

    before = content()
    renamed = reported.rename(reported.with_name("renamed"))
    folder, study = read_folder(renamed)
    written = write_report(folder, study)
    assert {renamed / name for name in written} >= {renamed / "report.html", renamed / "table.tex"}
    assert [(renamed / p.relative_to(reported)).read_bytes() for p in before] == [*before.values()]


def test_the_latex_table_has_the_rows_with_values(reported):
    text = (reported / "table.tex").read_text()
    assert text.count(r" \\") == 1 + 5
    assert r"\textit{ding order weights}" in text
    assert r"\toprule" in text
    assert r"sigma\_delta" in text
    assert "ding2019universal" in (reported / "references.bib").read_text()


@pytest.mark.parametrize(
    ("type", "value", "text"),
    [
        ("int", 12345678, "12345678"),
        ("float", 0.1234567, "0.12346"),
        ("upper", 1 / 3, "0.33334"),
        ("lower", 2 / 3, "0.66666"),
        ("text", None, ""),
    ],
)
def test_numbers_are_rounded_to_the_safe_side(type, value, text):
    from fractions import Fraction

    given = Fraction(value) if type in ("upper", "lower") else value
    name = f"x_{type}" if type in ("upper", "lower") else "x"
    assert number(Column(name=name, type=type, help=""), given) == text


def test_a_verdict_is_a_sign_and_a_word():
    column = Column(name="v", type="verdict", help="")
    assert field(column, "violates")["text"] == "✗ violates"
    assert "violates" in field(column, "violates")["look"]


@pytest.mark.parametrize(
    ("text", "sort"),
    [
        ("47,532 to 47,641", 47532),
        ("3.96e7", 3.96e7),
        ("-0.40 [-0.55, -0.25]", -0.4),
        ("at least 1.24", 1.24),
        ("2/3", 2 / 3),
        ("1e-3", 0.001),
        ("F(1,2)", None),
        ("linear:2", None),
        ("", None),
    ],
)
def test_small_tables_are_sorted_by_the_number_in_front(text, sort):
    assert small_field(text)["sort"] == sort


PROBE = """<script>
function order() {
  return Array.from(table.tBodies[0].rows, function (row) {
    return row.cells[COLUMN].textContent;
  });
}
var table = document.querySelectorAll("table.sortable")[TABLE];
var button = table.querySelectorAll("th button")[COLUMN];
button.click(); var up = order(); button.click(); var down = order();
var sort = button.parentElement.getAttribute("aria-sort");
var wide = document.documentElement.scrollWidth > window.innerWidth;
var image = document.querySelector("img");
document.title = JSON.stringify([up, down, sort, wide, image.naturalWidth > 100]);
</script>"""


@pytest.mark.skipif(
    CHROMIUM is None and not os.environ.get("QEXPR_INSTALLED"), reason="needs Debian's chromium"
)
@pytest.mark.parametrize("width", [1200, 500])
def test_a_browser_sorts_and_fits(reported, tmp_path, width):
    import json

    page = (reported / "report.html").read_text("utf-8")
    tables = re.findall(r'<table class="sortable">.*?</table>', page, re.DOTALL)
    assert len(tables) == 3  # two small ones, and that of all cells
    column = re.findall(r"<button[^>]*>(\w+)</button>", tables[-1]).index("weights")
    probed = PROBE.replace("TABLE", "2").replace("COLUMN", str(column))
    probe = tmp_path / "probe.html"
    probe.write_text(page.replace("</body>", probed + "</body>"))
    done = subprocess.run(
        [
            *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"),
            *("--no-first-run", "--disable-background-networking", "--disable-component-update"),
            *("--disable-sync", f"--user-data-dir={tmp_path / 'profile'}"),
            *(f"--window-size={width},900", "--dump-dom", probe.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    title = re.search(r"<title>(.*?)</title>", done.stdout)[1].replace("&quot;", '"')
    up, down, sort, wide, drawn = json.loads(title)
    numbers = [int(text) for text in up if text]
    assert numbers == sorted(numbers)
    assert len(numbers) == 5
    assert [int(text) for text in down if text] == numbers[::-1]
    assert up[5:] == down[5:] == ["", "", ""]  # empty fields stay at the end
    assert sort == "descending"
    assert not wide  # the page does not scroll sideways; its tables do
    assert drawn
