"""Sources, references and trust."""

from __future__ import annotations

import re

import pytest

from qexpr.bounds.references import REFERENCES
from qexpr.core.source import Reference, Source, Trust
from qexpr.errors import InvalidInput

REFERENCE = Reference(
    "boelcskei2019",
    "article",
    (
        ("title", "Optimal approximation with {ReLU} networks"),
        ("author", r"B{\"o}lcskei, Helmut and Grohs, Philipp"),
        ("journal", "SIAM J. Math. Data Sci."),
        ("year", "2019"),
    ),
)


def test_a_reference_as_bibtex():
    assert REFERENCE.bibtex == (
        "@article{boelcskei2019,\n"
        "  title = {Optimal approximation with {ReLU} networks},\n"
        '  author = {B{\\"o}lcskei, Helmut and Grohs, Philipp},\n'
        "  journal = {SIAM J. Math. Data Sci.},\n"
        "  year = {2019},\n"
        "}\n"
    )


def test_a_reference_as_text():
    assert str(REFERENCE) == (
        "Bölcskei, Helmut; Grohs, Philipp (2019). Optimal approximation with ReLU networks. "
        "SIAM J. Math. Data Sci."
    )


def test_a_title_keeps_its_words_and_its_formula():
    fields = (
        ("title", r"{ReLU} networks and parameters $\{0,\pm\frac12\}$"),
        ("author", r"Malgouyres, Fran{\c c}ois and de Geer, Sara"),
        ("year", "2022"),
        ("eprint", "2103.08659"),
    )
    assert str(Reference("key", "misc", fields)) == (
        "Malgouyres, François; de Geer, Sara (2022). ReLU networks and parameters {0,±1/2}. "
        "arXiv:2103.08659."
    )


@pytest.mark.parametrize("reference", REFERENCES, ids=lambda r: r.key)
def test_every_reference_reads_well(reference):
    text = str(reference)
    assert not re.search(r"[\\$]|\. ?\.", text), text
    entry = reference.bibtex
    assert entry.count("{") == entry.count("}")
    assert {"author", "title", "year"} <= {name for name, _ in reference.fields}
    assert len({name for name, _ in reference.fields}) == len(reference.fields)


def test_keys_are_unique():
    keys = [reference.key for reference in REFERENCES]
    assert len(keys) == len(set(keys))


def test_trust_as_text_and_firmness():
    levels = [Trust("CONFIRMED"), Trust("DERIVED"), Trust("RECALLED", 0.85)]
    assert [str(level) for level in levels] == ["CONFIRMED", "DERIVED", "RECALLED 0.85"]
    assert [level.is_firm for level in levels] == [True, True, False]


@pytest.mark.parametrize(
    "arguments",
    [("GUESSED",), ("RECALLED",), ("CONFIRMED", 0.9), ("RECALLED", 0.0), ("RECALLED", 1.5)],
    ids=str,
)
def test_trust_is_one_of_three(arguments):
    with pytest.raises(InvalidInput):
        Trust(*arguments)


def test_a_source_is_a_place_in_a_publication():
    source = Source(REFERENCE, "Theorem 1", Trust("DERIVED"), "a caveat")
    assert (source.key, source.bibtex) == (REFERENCE.key, REFERENCE.bibtex)
    assert str(source) == "boelcskei2019, Theorem 1"
