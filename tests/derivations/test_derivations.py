"""Every derivation passes; with one sign flipped, none does."""

from __future__ import annotations

import ast
from dataclasses import replace

import pytest

from qexpr import derivations
from qexpr.derivations.formula import Definition
from qexpr.errors import CertificateError, InvalidInput

REQUIRED = {
    *("binary", "ternary", "hwgq", "residual", "dorefa", "binaryconnect", "log", "xnor"),
    *("lloyd-max", "ding-theorem1", "log5", "optimal-lambda", "square", "product", "partition"),
    *("digits", "realisation", "kuhn", "bump", "spline", "cones", "bubbles", "multiresolution"),
}


def flips(text):
    """The formula with one sign turned round, for each sign outside of ranges and indices."""
    tree = ast.parse(text, mode="eval")
    skipped = set()
    for node in ast.walk(tree):
        ranged = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "range"
        if ranged or isinstance(node, ast.Slice):
            skipped |= {id(part) for part in ast.walk(node)}
        if isinstance(node, ast.Subscript):
            skipped |= {id(part) for part in ast.walk(node.slice)}
    for node in ast.walk(tree):
        if id(node) in skipped or not hasattr(node, "op"):
            continue
        old = node.op
        turned = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.USub: ast.UAdd}.get(type(old))
        if turned is not None:
            node.op = turned()
            yield ast.unparse(tree)
            node.op = old


def steps():
    return [
        pytest.param(name, number, id=f"{name}-{number}")
        for name in derivations.names()
        for number in range(1, len(derivations.get(name).steps) + 1)
    ]


def test_all_are_there():
    assert set(derivations.names()) == REQUIRED
    assert derivations.get("twn") is derivations.get("ternary")


@pytest.mark.parametrize("name", sorted(REQUIRED))
def test_every_step_is_proven(name):
    verdicts = derivations.get(name).prove()
    assert [verdict.number for verdict in verdicts] == list(range(1, len(verdicts) + 1))
    assert all(verdict.passed and verdict.detail for verdict in verdicts)


@pytest.mark.parametrize(("name", "number"), steps())
def test_no_step_survives_a_flipped_sign(name, number):
    derivation = derivations.get(name)
    for text in flips(derivation.step(number).formula):
        with pytest.raises(CertificateError, match=f"{name}, step {number}: "):
            derivation.with_formula(number, text).check(number)


@pytest.mark.parametrize("name", sorted(REQUIRED))
def test_every_derivation_has_a_sign_to_flip(name):
    derivation = derivations.get(name)
    assert sum(1 for step in derivation.steps for _ in flips(step.formula)) >= 5


def failing(derivation):
    return any(not verdict.passed for verdict in derivation.verdicts())


@pytest.mark.parametrize("name", ["ternary", "square", "kuhn", "bump", "spline"])
def test_no_flipped_definition_survives(name):
    derivation = derivations.get(name)
    for i, definition in enumerate(derivation.definitions):
        for text in flips(definition.body):
            changed = list(derivation.definitions)
            changed[i] = Definition(definition.head, text)
            assert failing(replace(derivation, definitions=tuple(changed))), text


def test_one_step_can_be_run_alone():
    derivation = derivations.get("twn")
    assert derivation.check(1).passed
    wrong = derivation.with_formula(1, "Q == S")
    assert not wrong.verdict(1).passed
    assert wrong.check(2).passed
    with pytest.raises(CertificateError, match="step 1"):
        wrong.prove()


@pytest.mark.parametrize("number", [0, -1, 999, "1", True, 1.0])
def test_steps_that_do_not_exist_are_refused(number):
    with pytest.raises(InvalidInput, match=r"integer|steps 1 to"):
        derivations.get("binary").check(number)


@pytest.mark.parametrize("name", ["ternry", "", None, 3])
def test_names_that_do_not_exist_are_refused(name):
    with pytest.raises(InvalidInput, match="there is no derivation"):
        derivations.get(name)


def test_a_wrong_name_is_met_by_the_nearest():
    with pytest.raises(InvalidInput, match="did you mean ternary"):
        derivations.get("ternry")


@pytest.mark.parametrize("name", sorted(REQUIRED))
def test_everything_is_said(name):
    derivation = derivations.get(name)
    assert derivation.title
    assert derivation.statement
    assert derivation.source.statement
    assert len(derivation.steps) >= 5
    for step in derivation.steps:
        assert step.claim
        assert step.by
        assert step.formula.count("(") == step.formula.count(")")
        assert step.claim.count("`") % 2 == step.by.count("`") % 2 == 0
