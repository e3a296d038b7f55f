"""The bound's counts of shared bit-planes against the construction's."""

import random
from fractions import Fraction
from math import log2

import pytest

from qexpr import circuits
from qexpr.bounds.registry import get
from qexpr.bounds.witness import planes_count, taylor
from qexpr.bounds.witness import shared_bitplane as ours
from qexpr.bounds.witness.source import digit_bits
from qexpr.circuits.constructions import shared_bitplane
from qexpr.circuits.realisation import count
from qexpr.core.query import Query
from qexpr.core.search import Planes
from qexpr.errors import OutOfRegime

ID = "witness.shared_bitplane"
QUANTITIES = ("depth", "weights", "bits", "free_bits")
ALPHABETS = [f"nonlinear:{lam}" for lam in (2, 3, 5, 16)] + [f"linear:{b}" for b in (1, 2, 3, 8)]
CASES = [(d, n, "0.1", a) for d, n in [(1, 1), (1, 3), (2, 2)] for a in ALPHABETS]
CASES += [(1, 2, "1e-3", "nonlinear:3"), (2, 3, "1e-3", "nonlinear:3"), (3, 2, "0.5", "linear:2")]
CASES += [(1, 4, "1e-4", "linear:2"), (2, 1, "0.9", "nonlinear:7"), (1, 1, "1e-5", "nonlinear:2")]


@pytest.mark.parametrize(("d", "n", "eps", "alphabet"), CASES)
def test_parameters_and_counts_are_the_planners(d, n, eps, alphabet):
    planned = circuits.plan("shared_bitplane", d, n, eps, alphabet=alphabet)
    found = get(ID).find(Query(d, n, eps=eps, alphabet=alphabet))
    given = planned.parameters
    assert [found["N"], found["r"]] == [given["N"], given["r"]]
    assert found["t"] * found["b"] == sum(given["t"])
    values = get(ID).evaluate(d, n, eps=eps, alphabet=alphabet)
    counts = [getattr(planned.counts, quantity) for quantity in QUANTITIES]
    assert [values[quantity].guarantee for quantity in QUANTITIES] == counts


@pytest.mark.parametrize("alphabet", ALPHABETS)
@pytest.mark.parametrize("d", [1, 2, 3])
def test_plans_that_no_search_ends_in_are_counted_too(d, alphabet):
    """Grids of all kinds, dropped coefficients, products that do not fold."""
    draw = random.Random(d)
    for n in (1, 2, 3, 4):
        query = Query(d, n, eps=draw.choice(["0.9", "0.4", "1e-3"]), alphabet=alphabet)
        terms = taylor.errors(d, n, digit_bits(query.alphabet))
        assert terms == shared_bitplane._errors(query, None)
        number = len(terms.digit)
        digits = tuple(draw.choice((0, 1, 2, 5, 9)) if i else 12 for i in range(number))
        plan = Planes(draw.choice((1, 2, 3, 7, 8, 65, 2000)), draw.choice((0, 1, 4)), digits)
        built = count(shared_bitplane._write(query, None, plan, None))
        eps = query.eps
        offset = planes_count.offset_of(eps.numerator, eps.denominator)
        counted = planes_count.count(d, n, query.alphabet, offset, plan)
        assert (counted.weights, counted.free, counted.depth) == (
            built.weights,
            built.free_edges,
            built.depth,
        )
        # what the search leaves out by
        floor = ours._floor(d, n, plan)
        assert floor <= ours._closer_floor(d, n, query.alphabet, plan) <= counted.weights


@pytest.mark.parametrize(
    ("d", "n", "eps", "alphabet"),
    [(1, 2, "1e-2", "nonlinear:4"), (2, 2, "0.3", "linear:2"), (3, 1, "0.9", "nonlinear:2")],
)
def test_built_networks_have_these_counts(d, n, eps, alphabet):
    built = circuits.shared_bitplane(None, n=n, eps=eps, alphabet=alphabet, d=d)
    values = get(ID).evaluate(d, n, eps=eps, alphabet=alphabet)
    for quantity in QUANTITIES:
        assert values[quantity].guarantee == getattr(built, quantity)


@pytest.mark.parametrize(
    ("d", "n", "eps", "most"),
    [
        (1, 2, "1e-3", 1430),
        (1, 3, "1e-4", 2072),
        (2, 2, "1e-2", 6986),
        (2, 3, "1e-3", 9841),
        (2, 4, "1e-4", 16832),
        (3, 3, "1e-2", 33457),
    ],
)
def test_it_is_no_larger_than_the_first_prototypes(d, n, eps, most):
    assert get(ID).evaluate(d, n, eps=eps).weights.guarantee <= most


@pytest.mark.parametrize("d", [1, 2])
@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_it_grows_by_one_logarithm(d, n):
    """weights / (eps^(-d/n) log(1/eps)): the last three of six decades against the first."""

    def ratio(k):
        weights = get(ID).evaluate(d, n, eps=Fraction(1, 10**k)).weights.guarantee
        return float(weights) / (10 ** (k * d / n) * log2(10**k))

    ratios = [ratio(k) for k in range(1, 7)]
    assert max(ratios[3:]) <= 1.1 * max(ratios[:3])


@pytest.mark.parametrize(
    ("d", "n", "eps", "alphabet", "word"),
    [
        (9, 3, "0.1", "nonlinear:2", "coefficients"),
        (1, 1, "0.1", "nonlinear:17", "16 values"),
        (8, 1, "1e-9", "nonlinear:2", "nodes"),
        (17, 1, "0.5", "nonlinear:2", "16 variables"),
    ],
)
def test_it_says_where_it_ends(d, n, eps, alphabet, word):
    with pytest.raises(OutOfRegime, match=word):
        get(ID).evaluate(d, n, eps=eps, alphabet=alphabet)
