"""Tables: keys of the rows, grids, selections, LaTeX; the inverse question."""

import json
from fractions import Fraction

import pytest

from qexpr.bounds import get, ids, inverse_table, table
from qexpr.bounds.inverse import least_eps
from qexpr.core.claim import Kind
from qexpr.core.query import Query
from qexpr.errors import InvalidInput, OutOfRegime

KEYS = [
    "d",
    "n",
    "lambda",
    "alphabet",
    "eps",
    "id",
    "quantity",
    "side",
    "kind",
    "quantifier",
    "applies",
    "reason",
    "value",
    "lower",
    "upper",
    "expression",
    "source",
    "trust",
]
EXAMPLE = {"d": 2, "n": 3, "lam": 3, "eps": "1e-3"}


def test_a_row_has_exactly_the_documented_keys():
    for record in table(**EXAMPLE).to_dicts():
        assert list(record) == KEYS
        assert (record["d"], record["n"], record["lambda"]) == (2, 3, 3)
        assert (record["alphabet"], record["eps"]) == ("nonlinear:3", "1/1000")
        assert record["side"] in ("upper", "lower")
        assert record["kind"] in ("explicit", "order")
        assert record["quantifier"].split()[0] in ("class", "function")
        assert record["quantifier"].split()[1] in ("fixed", "any")
        assert record["applies"] is (record["reason"] is None)
        if not record["applies"]:
            assert record["value"] is record["lower"] is record["upper"] is None
        elif record["kind"] == "order":
            assert isinstance(record["value"], float)
            assert record["lower"] is record["upper"] is None
        else:
            low, high = Fraction(record["lower"]), Fraction(record["upper"])
            assert "/" in record["lower"]
            assert "/" in record["upper"]
            assert low <= high
            exact = low == high and low.denominator == 1
            assert record["value"] == (int(low) if exact else None)
    assert json.loads(json.dumps(table(**EXAMPLE).to_dicts())) == table(**EXAMPLE).to_dicts()


def test_every_bound_has_its_rows():
    found = {row.bound.id for row in table(**EXAMPLE)}
    assert found == set(ids())
    assert len(table(**EXAMPLE)) == sum(len(get(id).statements) for id in ids())


def test_selection_by_id_paper_and_quantity():
    assert {row.bound.id for row in table(**EXAMPLE, only="ding2018")} == {
        *(f"ding2018.theorem{k}" for k in (1, 2, 3, 4)),
        "ding2018.reconstruction",
    }
    rows = table(**EXAMPLE, only=["ding2018.theorem1", "yarotsky2017."], quantity="weights")
    assert {row.quantity for row in rows} == {"weights"}
    assert rows[0].bound.id == "ding2018.theorem1"
    with pytest.raises(InvalidInput, match="did you mean"):
        table(**EXAMPLE, only="ding2018.theorem9")
    with pytest.raises(InvalidInput, match="quantity must be one of"):
        table(**EXAMPLE, quantity="height")


def test_grids_change_the_last_argument_fastest():
    rows = table(d=2, n=[1, 3], lam=[2, 3], eps=["1e-1", "1e-2"], only="ding2018.theorem1")
    seen = list(dict.fromkeys((r.query.n, r.query.lam, r.eps) for r in rows))
    assert len(seen) == 8
    assert seen[0] == (1, 2, Fraction(1, 10))
    assert seen[1] == (1, 2, Fraction(1, 100))


def test_rows_as_a_data_frame():
    frame = table(**EXAMPLE).to_dataframe()
    assert list(frame.columns) == KEYS
    assert len(frame) == len(table(**EXAMPLE))


def test_latex_marks_orders_and_recalled_numbers():
    text = table(**EXAMPLE, only=["ding2018.theorem1", "shen2020", "liu2024"]).to_latex()
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == 1
    row = next(line for line in text.splitlines() if "ding2018" in line)
    assert "& order &" in row
    assert "& recalled 0.9 " in row
    assert r"\cite{ding2019universal}" in row
    row = next(line for line in text.splitlines() if "liu2024" in line)
    assert "& explicit &" in row
    assert "unnamed constant put to 1" in text  # what an order is, beneath the table
    width = next(line for line in text.splitlines() if r"\begin{tabular}" in line)
    columns = len(width.split("{")[2].rstrip("}"))
    body = [x for x in text.splitlines() if x.startswith((r"\texttt", "bound"))]
    assert all(line.count("&") == columns - 1 for line in body)
    assert len(body) == 4


def test_bibtex_of_a_table_has_each_publication_once():
    text = table(**EXAMPLE, only=["ding2018", "yarotsky2017"]).bibtex
    assert text.count("@") == 2


# --- the inverse question ------------------------------------------------------------------------

INVERTIBLE = [
    (id, quantity)
    for id in ids()
    for quantity in ("weights", "bits")
    if quantity in get(id).quantities and not id.startswith("entropy")
]


@pytest.mark.parametrize(("id", "quantity"), INVERTIBLE)
def test_the_least_eps_is_where_the_size_is_reached(id, quantity):
    bound = get(id)
    texts = {condition.text for condition in bound.regime}
    d, n = 2 if "d >= 2" in texts else 1, 3 if "n == 3" in texts else 1
    alphabet = "linear:2" if bound.alphabet == "linear" else "nonlinear:3"
    # bubbles are planned down to 1e-16, where 10^6 weights are enough
    size = (10**5 if n == 3 else 10**12) if bound.kind is Kind.EXPLICIT else 5000
    claim = least_eps(bound, quantity, size, Query(d, n, eps="1/4", alphabet=alphabet))

    def at(eps):
        value = bound.evaluate(d=d, n=n, eps=eps, alphabet=alphabet)[quantity]
        return value.value if bound.kind is Kind.ORDER else value.guarantee

    if bound.kind is Kind.ORDER:
        eps = float(claim.value)
        assert at(eps * (1 + 1e-9)) <= size
        assert at(eps * (1 - 1e-9)) > size
    else:
        assert claim.value.lower < claim.value.upper
        assert claim.value.upper - claim.value.lower <= claim.value.upper / 10**9
        assert at(claim.value.upper) <= size
        assert at(claim.value.lower) > size


@pytest.mark.parametrize("id", ["entropy.zigzag", "entropy.checkerboard", "entropy.code"])
def test_explicit_floors_are_inverted_between_two_rationals(id):
    bound = get(id)
    claim = least_eps(bound, "bits", 1000, Query(1, 1, eps="1/4"))

    def at(eps):
        return bound.evaluate(d=1, n=1, eps=eps).bits.guarantee

    assert at(claim.value.upper) <= 1000
    assert at(claim.value.lower) > 1000


def test_inverse_rows_have_no_eps_of_their_own():
    rows = inverse_table(d=2, n=3, lam=3, weights=10**5, only=["ding2018", "yarotsky2017"])
    records = rows.to_dicts()
    assert all(list(record) == KEYS for record in records)
    assert {record["quantity"] for record in records} == {"eps"}
    assert {record["eps"] for record in records} == {None}
    by_id = {record["id"]: record for record in records}
    assert by_id["ding2018.theorem1"]["applies"]
    assert "linear" in by_id["ding2018.theorem2"]["reason"]


def test_one_size_is_asked_at_a_time():
    with pytest.raises(InvalidInput, match="one of weights and bits"):
        inverse_table(d=1, n=1, weights=10, bits=10)
    with pytest.raises(InvalidInput, match="weights must be an integer"):
        inverse_table(d=1, n=1, weights=0)


def test_sizes_too_small_or_too_large_say_so():
    bound = get("yarotsky2017.theorem4a")
    with pytest.raises(OutOfRegime, match="enough for every eps"):
        least_eps(bound, "weights", 10**200, Query(1, 1, eps="1/4"))
    with pytest.raises(OutOfRegime, match="too little already"):
        least_eps(get("shen2020.uniform"), "weights", 5, Query(1, 1, eps="1/4"))


def test_a_bound_with_a_least_eps_of_its_own_is_inverted_above_it():
    # It is stated down to 1e-16 only, and still answers where that is enough.
    bound = get("witness.cones")
    query = Query(1, 2, eps="1/4", alphabet="nonlinear:2")
    claim = least_eps(bound, "weights", 1000, query)
    assert bound.evaluate(1, 2, eps=claim.value.upper).weights <= 1000
    with pytest.raises(OutOfRegime, match="enough down to eps = 1e-16"):
        least_eps(bound, "weights", 10**40, query)
    with pytest.raises(OutOfRegime, match="n <= 2"):
        least_eps(bound, "weights", 1000, Query(1, 3, eps="1/4"))
