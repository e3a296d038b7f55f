"""The bound's counts of bubbles against the construction's: equal parameters, equal counts."""

import math
from fractions import Fraction

import pytest

from qexpr import circuits
from qexpr.bounds.registry import get
from qexpr.bounds.witness import bubbles_count, bubbles_mesh
from qexpr.bounds.witness.limits import asymptotic
from qexpr.bounds.witness.source import digit_bits
from qexpr.circuits.alphabet import values_of
from qexpr.circuits.constructions import bubbles, bubbles_plan
from qexpr.circuits.realisation import count
from qexpr.core.bubbles import meshes
from qexpr.core.query import Query
from qexpr.errors import InvalidInput, OutOfRegime

ID = "witness.bubbles"
QUANTITIES = ("depth", "weights", "bits", "free_bits")
ONE = Fraction(1)
CASES = [
    (1, "0.9", "nonlinear:2"),
    (1, "1e-2", "nonlinear:16"),
    (1, "1e-6", "nonlinear:2"),
    (1, "3e-4", "linear:2"),
    (1, "1/7", "linear:8"),
    (2, "0.9", "linear:3"),
    (2, "1e-1", "nonlinear:3"),
    (2, "3e-3", "nonlinear:2"),
    (2, "1e-2", "linear:4"),
]


@pytest.mark.parametrize(("d", "eps", "alphabet"), CASES)
def test_parameters_and_counts_are_the_planners(d, eps, alphabet):
    planned = circuits.plan("bubbles", d, 3, eps, alphabet=alphabet)
    found = get(ID).find(Query(d, 3, eps=eps, alphabet=alphabet))
    given = planned.parameters
    keys = ("N", "M", "B", "mu", "levels", "s", "r", "E", "T", "b")
    assert [found[k] for k in keys] == [given[k] for k in keys]
    assert (found["q"], found["q_w"]) == (Fraction(given["q"]), Fraction(given["q_w"]))
    values = get(ID).evaluate(d, 3, eps=eps, alphabet=alphabet)
    counts = [getattr(planned.counts, quantity) for quantity in QUANTITIES]
    assert [values[quantity].guarantee for quantity in QUANTITIES] == counts


@pytest.mark.parametrize("alphabet", ["nonlinear:2", "linear:2", "linear:5"])
@pytest.mark.parametrize(("d", "eps"), [(1, "1e-2"), (1, "1e-5"), (2, "1e-1"), (2, "3e-3")])
def test_layouts_that_no_search_ends_in_are_counted_too(d, eps, alphabet):
    """Many planes or few, scales above 1, sums that are shrunk: what the best layouts lack."""
    query = Query(d, 3, eps=eps, alphabet=alphabet)
    b = digit_bits(query.alphabet)
    ours = meshes(bubbles_mesh.rules(d, b), bubbles_mesh.all_choices(d, b), query.eps)
    theirs = meshes(bubbles_plan.rules(d, b, ONE), bubbles_plan.choices(d, b), query.eps)
    assert ours == theirs
    for mesh in ours[:2]:
        layout = bubbles_mesh.first(mesh, d, b)
        plan = bubbles_plan.first_layout(mesh, d, b, ONE)
        near = zip(bubbles_mesh.moves(layout), bubbles_plan.neighbours(plan), strict=True)
        for mine, other in [(layout, plan), *near]:
            built = count(bubbles._write(other, values_of(alphabet), ONE, query.eps, None))
            counted = bubbles_count.count(mine, query.eps)
            assert (counted.weights, counted.depth) == (built.weights, built.depth)
            assert counted.digit_edges == built.free_edges


@pytest.mark.parametrize(("d", "eps", "alphabet"), [(1, "1e-3", "nonlinear:2"), (2, "0.1", None)])
def test_built_networks_have_these_counts(d, eps, alphabet):
    built = circuits.bubbles(None, n=3, eps=eps, alphabet=alphabet, d=d)
    values = get(ID).evaluate(d, 3, eps=eps, alphabet=alphabet)
    for quantity in ("weights", "bits", "free_bits"):
        assert values[quantity].guarantee == getattr(built, quantity)
    # kinks that are made alike differ in depth, so that the bound may be above
    assert 0 <= values["depth"].guarantee - built.depth <= 3


@pytest.mark.parametrize(
    ("d", "eps", "most"),
    [(1, "1e-4", 565), (1, "1e-6", 1330), (2, "1e-2", 1209), (2, "1e-3", 2722), (2, "1e-4", 8300)],
)
def test_it_is_no_larger_than_the_first_prototypes(d, eps, most):
    assert get(ID).evaluate(d, 3, eps=eps).weights.guarantee <= most


@pytest.mark.parametrize("d", [1, 2])
def test_the_parameters_keep_the_promise(d):
    for k in range(1, 9):
        eps = Fraction(1, 10**k)
        p = get(ID).find(Query(d, 3, eps=eps))
        error = bubbles_mesh.error(d, *(p[key] for key in ("N", "M", "q", "q_w", "s", "r")))
        assert error <= eps
        assert error == bubbles_plan.error_of(
            d, p["N"], p["M"], p["q"], p["q_w"], p["s"], p["r"], ONE
        )


@pytest.mark.parametrize(
    ("d", "n", "eps", "word"),
    [
        (1, 2, "0.1", "order 2 to order 3"),
        (3, 3, "0.1", "more variables"),
        (1, 3, "1e-17", "1e-16"),
    ],
)
def test_it_says_where_it_ends(d, n, eps, word):
    with pytest.raises(OutOfRegime, match=word):
        get(ID).evaluate(d, n, eps=eps)


@pytest.mark.parametrize(("d", "about"), [(1, 7.44), (2, 10.16)])
def test_the_limit_of_weights(d, about):
    """limsup weights * eps^(d/3) is at most the constant; at small eps counts come close to it."""
    limit = asymptotic("bubbles", d, 3)
    assert float(limit) == pytest.approx(about, rel=0.01)
    for eps in ("1e-14", "3e-15"):
        weights = get(ID).evaluate(d, 3, eps=eps).weights.guarantee
        assert 0.93 * float(limit) < weights * float(eps) ** (d / 3) < 1.03 * float(limit)
    with pytest.raises(InvalidInput, match="limits are known of"):
        asymptotic("bubbles", 3, 3)


def test_the_exponent_is_d_over_three():
    for d in (1, 2):
        less, more = (get(ID).evaluate(d, 3, eps=eps) for eps in ("1e-12", "1e-15"))
        for quantity in ("weights", "free_bits"):
            growth = more[quantity].guarantee / less[quantity].guarantee
            assert math.log10(growth) / 3 == pytest.approx(d / 3, rel=0.03)
