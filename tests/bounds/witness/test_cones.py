"""The bound's counts of cones against the construction's: equal parameters, equal counts."""

from fractions import Fraction

import pytest

from qexpr import circuits
from qexpr.bounds.registry import get
from qexpr.bounds.witness import cones_count, cones_mesh
from qexpr.bounds.witness.source import digit_bits
from qexpr.circuits.alphabet import values_of
from qexpr.circuits.constructions import cones, cones_plan
from qexpr.circuits.realisation import count
from qexpr.core.query import Query
from qexpr.errors import InvalidInput, OutOfRegime

ID = "witness.cones"
QUANTITIES = ("depth", "weights", "bits", "free_bits")
ALPHABETS = [f"nonlinear:{lam}" for lam in (2, 3, 4, 7, 16)] + [f"linear:{b}" for b in range(1, 9)]
# the cheap ones in all alphabets, the others in a few
QUERIES = [(d, n, eps) for d, n in [(1, 1), (1, 2), (2, 2)] for eps in ("0.9", "3e-2")]
FEW = [(1, 2, "1e-5"), (2, 1, "1/20"), (2, 2, "1e-3"), (3, 1, "1/7"), (3, 2, "1e-2"), (4, 2, "0.3")]
CASES = [(*q, a) for q in QUERIES for a in ALPHABETS]
CASES += [(*q, a) for q in FEW for a in ("nonlinear:3", "linear:5")]


@pytest.mark.parametrize(("d", "n", "eps", "alphabet"), CASES)
def test_parameters_and_counts_are_the_planners(d, n, eps, alphabet):
    planned = circuits.plan("cones", d, n, eps, alphabet=alphabet)
    found = get(ID).find(Query(d, n, eps=eps, alphabet=alphabet))
    given = planned.parameters
    assert [found[k] for k in ("N", "p", "E", "T", "b")] == [
        given[k] for k in ("N", "p", "E", "T", "b")
    ]
    assert found["q"] == Fraction(given["q"])
    values = get(ID).evaluate(d, n, eps=eps, alphabet=alphabet)
    counts = [getattr(planned.counts, quantity) for quantity in QUANTITIES]
    assert [values[quantity].guarantee for quantity in QUANTITIES] == counts


@pytest.mark.parametrize("alphabet", ["nonlinear:2", "linear:2", "linear:6"])
@pytest.mark.parametrize(("d", "n", "eps"), [(1, 2, "1e-2"), (2, 1, "0.2"), (2, 2, "1e-2")])
def test_layouts_that_no_search_ends_in_are_counted_too(d, n, eps, alphabet):
    """Many planes or few, scales above 1: the parts of a count that the best layouts lack."""
    query = Query(d, n, eps=eps, alphabet=alphabet)
    b = digit_bits(query.alphabet)
    ours = cones_mesh.first_layouts(d, n, query.eps, b)
    theirs = cones_plan.steps(d, n, query.eps, b, Fraction(1))
    for layout, plan in zip(ours, theirs, strict=True):
        near = zip(cones_mesh.moves(layout), cones_plan.neighbours(plan), strict=True)
        for mine, other in near:
            built = count(cones._write(other, values_of(alphabet), Fraction(1), True, None))
            counted = cones_count.count(mine)
            assert (counted.weights, counted.depth) == (built.weights, built.depth)
            assert counted.digit_edges == built.free_edges


@pytest.mark.parametrize(
    ("d", "n", "eps", "alphabet"),
    [(1, 2, "1e-2", "nonlinear:4"), (2, 2, "0.1", "linear:2"), (3, 2, "0.9", "nonlinear:2")],
)
def test_built_networks_have_these_counts(d, n, eps, alphabet):
    built = circuits.cones(None, n=n, eps=eps, alphabet=alphabet, d=d)
    values = get(ID).evaluate(d, n, eps=eps, alphabet=alphabet)
    for quantity in QUANTITIES:
        assert values[quantity].guarantee == getattr(built, quantity)


@pytest.mark.parametrize(
    ("d", "n", "eps", "most"),
    [
        (1, 2, "1e-3", 317),
        (1, 2, "1e-5", 1304),
        (2, 2, "1e-2", 850),
        (2, 2, "1e-3", 5155),
        (2, 1, "5e-2", 4592),
    ],
)
def test_it_is_no_larger_than_the_first_prototypes(d, n, eps, most):
    assert get(ID).evaluate(d, n, eps=eps).weights.guarantee <= most


@pytest.mark.parametrize(("d", "n"), [(1, 1), (1, 2), (2, 1), (2, 2), (3, 2)])
def test_the_parameters_keep_the_promise(d, n):
    for k in range(1, 9):
        eps = Fraction(1, 10**k)
        found = get(ID).find(Query(d, n, eps=eps))
        kappa = Fraction(d, 2) if n == 1 else Fraction(d * d, 8)
        assert kappa / found["N"] ** n + (1 + Fraction(1, 2**20)) * found["q"] <= eps


@pytest.mark.parametrize(
    ("d", "n", "eps", "word"),
    [(1, 3, "0.1", "n <= 2"), (17, 2, "0.1", "16 variables"), (1, 2, "1e-17", "1e-16")],
)
def test_it_says_where_it_ends(d, n, eps, word):
    with pytest.raises(OutOfRegime, match=word):
        get(ID).evaluate(d, n, eps=eps)


def test_it_ends_where_circuits_end():
    assert circuits.plan("cones", 1, 2, "0.1", alphabet="nonlinear:21")
    assert get(ID).evaluate(1, 2, eps="0.1", alphabet="nonlinear:21")
    with pytest.raises(InvalidInput, match="at most 21 values"):
        circuits.plan("cones", 1, 2, "0.1", alphabet="nonlinear:22")
    with pytest.raises(OutOfRegime, match="alphabets nonlinear are built up to 21 values"):
        get(ID).evaluate(1, 2, eps="0.1", alphabet="nonlinear:22")
