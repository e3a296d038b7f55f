"""Bound values: evaluation, symbols, regimes, registry, references and remarks."""

import re
from fractions import Fraction

import numpy as np
import pytest

from qexpr.bounds import get, ids
from qexpr.bounds.bound import Condition, Statement, Values
from qexpr.bounds.citations import cited
from qexpr.bounds.references import REFERENCES, reference
from qexpr.bounds.registry import all_bounds
from qexpr.bounds.remarks import REMARKS, remark
from qexpr.core.claim import Order
from qexpr.core.query import Query
from qexpr.errors import InvalidInput, OutOfRegime, QexprError

BOUND = get("ding2018.theorem1")


def test_values_are_items_and_attributes():
    values = BOUND.evaluate(d=2, n=3, lam=3, eps="1e-3")
    assert isinstance(values, Values)
    assert values.weights is values["weights"]
    assert isinstance(values.weights, Order)
    with pytest.raises(AttributeError, match="no value for width"):
        _ = values.width


def test_orders_keep_their_digits_where_logarithms_vanish():
    """L = log2(1/(1 - x)) = (x + x^2/2 + ..)/ln 2; at eps = 1/2 - x, log2 L = 2 x/(ln 2)^2 + .."""
    values = BOUND.evaluate(d=2, n=3, lam=2, eps=1 - Fraction(1, 10**20))
    L = 1e-20 / np.log(2)
    assert values.depth.value == pytest.approx(3 * L, rel=1e-14)  # 2 L + L
    assert values.weights.value == pytest.approx(2 * L**2, rel=1e-14)
    near_half = get("ding2018.theorem3").evaluate(lam=2, eps=Fraction(1, 2) - Fraction(1, 10**20))
    depth = 1 + 2 * (2e-20 / np.log(2) ** 2)
    assert near_half.depth.value == pytest.approx(depth, rel=1e-15)
    near_half = get("ding2018.theorem3").evaluate(
        lam=2**64, eps=Fraction(1, 2) - Fraction(1, 10**9)
    )
    loglog = 2e-9 / np.log(2) ** 2
    assert near_half.weights.value == pytest.approx(2.0**64 * loglog, rel=1e-8)


def test_orders_beyond_doubles_are_out_of_regime_near_one_too():
    with pytest.raises(OutOfRegime, match="beyond the range of a double"):
        get("gunturk2021.quadratic").evaluate(d=1000, n=1, eps="1/2")


def test_quantities_are_symbolic_attributes():
    import sympy as sp

    d, n, lam, eps = sp.symbols("d n lam eps")
    L = sp.log(1 / eps) / sp.log(2)
    assert sp.simplify(BOUND.weights - lam * L ** (1 / (lam - 1) + 1) * (1 / eps) ** (d / n)) == 0
    with pytest.raises(AttributeError, match="says nothing of width"):
        _ = BOUND.width
    with pytest.raises(AttributeError, match="no attribute"):
        _ = BOUND.height


def test_lambdify_broadcasts():
    grid = np.geomspace(1e-1, 1e-6, 7)
    values = BOUND.lambdify("weights")(d=2, n=3, lam=2, eps=grid)
    L = np.log2(1 / grid)
    np.testing.assert_allclose(values, 2 * L**2 * grid ** (-2 / 3), rtol=1e-13)
    table = BOUND.lambdify("weights")(d=2, n=3, lam=np.array([[2], [3]]), eps=grid)
    assert table.shape == (2, 7)
    constant = get("yarotsky2017.theorem2").lambdify("depth")(eps=grid)
    assert constant.tolist() == [6.0] * 7


def test_a_quantity_it_does_not_speak_of_is_refused():
    with pytest.raises(InvalidInput, match="says nothing of 'width'"):
        BOUND.lambdify("width")


def test_a_bare_lam_counts_the_values_of_the_bounds_own_alphabet():
    linear = get("ding2018.theorem2")
    assert linear.evaluate(d=2, n=3, lam=4, eps="1e-3") == linear.evaluate(
        d=2, n=3, eps="1e-3", alphabet="linear:2"
    )


def test_latex_names_the_side_and_the_abbreviations():
    text = BOUND.latex()
    assert r"O\!\left(" in text
    assert r"L &= \log_2" in text
    assert r"\Omega" in get("yarotsky2017.theorem4a").latex()
    assert r"\le" in get("shen2020.uniform").latex()
    assert BOUND.latex("weights").startswith(r"\lambda")


@pytest.mark.parametrize(
    ("text", "eps", "holds"),
    [
        ("eps < 1/2", "1/2", False),
        ("eps <= 1/2", "1/2", True),
        ("eps > 1/2", "0.51", True),
        ("eps >= 1/2", "0.49", False),
        ("d == 2", "0.5", True),
        ("d == n", "0.5", False),
        ("ln(1/eps) >= 3*n/d", "1e-2", True),
        ("ln(1/eps) >= 4*n/d", "1e-2", False),
    ],
)
def test_conditions_are_decided_exactly(text, eps, holds):
    assert Condition(text, "a test").holds(Query(2, 3, eps=eps)) is holds


def test_statements_name_a_known_quantity():
    with pytest.raises(InvalidInput, match="quantity must be one of"):
        Statement("area", "d")


def test_the_regime_is_the_message():
    with pytest.raises(OutOfRegime, match="it needs eps < 1/2: the theorem assumes it"):
        get("yarotsky2017.theorem2").evaluate(d=1, n=1, eps="1/2")


def test_values_beyond_doubles_are_out_of_regime():
    with pytest.raises(OutOfRegime, match="beyond the range of a double"):
        get("yarotsky2017.theorem3").evaluate(d=10, n=1, eps="1e-300")


def test_unknown_ids_are_refused_with_the_nearest():
    with pytest.raises(InvalidInput, match=re.escape("did you mean ding2018.theorem1")):
        get("ding2018.theorem11")
    with pytest.raises(QexprError):
        get(None)


def test_ids_are_unique_and_in_the_order_of_the_registry():
    assert len(set(ids())) == len(ids())
    assert ids()[:4] == [f"ding2018.theorem{k}" for k in (1, 2, 3, 4)]


def test_references_are_unique_and_every_source_is_among_them():
    keys = [one.key for one in REFERENCES]
    assert len(set(keys)) == len(keys)
    for bound in all_bounds():
        assert reference(bound.source.key) == bound.source.reference
    with pytest.raises(InvalidInput, match="did you mean"):
        reference("ding2019universa")


@pytest.mark.parametrize("one", REFERENCES, ids=lambda one: one.key)
def test_bibtex_is_balanced_and_complete(one):
    text = one.bibtex
    assert text.count("{") == text.count("}")
    assert text.startswith(f"@{one.type}{{{one.key},")
    assert {"title", "author", "year"} <= set(dict(one.fields))
    assert str(one)
    assert "\\" not in str(one)
    assert str(one).count("{") == str(one).count("}")


@pytest.mark.parametrize("one", REMARKS, ids=lambda one: one.id)
def test_remarks_say_why_they_have_no_value(one):
    assert remark(one.id) is one
    assert one.statement
    assert one.reason
    assert reference(one.source.key) == one.source.reference
    assert one.id not in ids()


def test_unknown_remarks_are_refused():
    with pytest.raises(InvalidInput, match="did you mean"):
        remark("park2024.fix")


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("ding2018.theorem1", {"ding2019universal"}),
        ("ding2018", {"ding2019universal"}),
        ("he2024precision", {"he2024precision"}),
        ("park2024.fixed", {"park2024fixed"}),
        ("park2024", {"park2024fixed"}),
        ("regions", {"montufar2014", "serra2018"}),
    ],
)
def test_names_cite_their_publications(name, keys):
    assert {one.key for one in cited(name)} == keys


@pytest.mark.parametrize("one", REFERENCES, ids=lambda one: one.key)
def test_every_publication_is_cited_by_its_key(one):
    assert cited(one.key) == (one,)


def test_names_that_cite_nothing_are_refused_with_the_nearest():
    with pytest.raises(InvalidInput, match="did you mean vardi2021"):
        cited("vardi2020")


def test_a_query_is_checked_before_the_formula():
    with pytest.raises(InvalidInput, match="eps must satisfy"):
        BOUND.evaluate(d=2, n=3, lam=3, eps=Fraction(3, 2))
