"""The bound's counts of multiresolution bit-planes against the construction's."""

import math
import random
from fractions import Fraction

import numpy as np
import pytest
from small_trees import planned_tree

from qexpr import circuits
from qexpr.bounds.registry import get
from qexpr.bounds.witness import multiresolution, multiresolution_count
from qexpr.bounds.witness.source import digit_bits
from qexpr.circuits import waves
from qexpr.circuits.constructions.multiresolution_plan import errors
from qexpr.core.query import Query
from qexpr.errors import OutOfRegime

ID = "witness.multiresolution"
QUANTITIES = ("depth", "weights", "bits", "free_bits")
ALPHABETS = [f"nonlinear:{lam}" for lam in (2, 3, 5, 16)] + [f"linear:{b}" for b in (1, 2, 3, 8)]
CASES = [(d, n, "0.1", a) for d, n in [(1, 1), (1, 3), (2, 2)] for a in ALPHABETS]
CASES += [(1, 2, "1e-5", "nonlinear:3"), (2, 3, "1e-3", "nonlinear:3"), (3, 2, "0.5", "linear:2")]
CASES += [(1, 4, "1e-4", "linear:2"), (2, 1, "0.9", "nonlinear:7"), (1, 1, "1e-5", "nonlinear:2")]
CASES += [(2, 2, "1e-4", "nonlinear:2"), (3, 3, "1e-3", "nonlinear:2"), (1, 10, "1e-9", "linear:1")]


@pytest.mark.parametrize(("d", "n", "eps", "alphabet"), CASES)
def test_parameters_and_counts_are_the_planners(d, n, eps, alphabet):
    planned = circuits.plan("multiresolution", d, n, eps, alphabet=alphabet)
    found = get(ID).find(Query(d, n, eps=eps, alphabet=alphabet))
    assert [found["N"], found["L"]] == [planned.parameters[key] for key in "NL"]
    values = get(ID).evaluate(d, n, eps=eps, alphabet=alphabet)
    counts = [getattr(planned.counts, quantity) for quantity in QUANTITIES]
    assert [values[quantity].guarantee for quantity in QUANTITIES] == counts


@pytest.mark.parametrize("alphabet", ALPHABETS)
@pytest.mark.parametrize("d", [1, 2, 3])
def test_trees_that_no_search_ends_in_are_counted_too(d, alphabet):
    draw = random.Random(d)
    for n in (1, 2, 3, 4):
        query = Query(d, n, eps="1/2", alphabet=alphabet)
        b = digit_bits(query.alphabet)
        assert multiresolution.errors(d, n, b) == errors(query, None)
        levels, first = draw.choice((0, 1, 3)), draw.choice((2, 3, 8, 21))
        shape = first, levels, draw.choice((1, 3, 5, 7)), draw.choice((0, 2)), draw.choice((0, 3))
        more = [draw.choice((0, 0, 1, 2)) for _ in range(n)]
        made, tree = planned_tree(query, None, *shape, more=more)
        counted = multiresolution_count.count(d, n, query.alphabet, made.query.eps, tree)
        assert (counted.weights, counted.free, counted.depth) == (
            made.counts.weights,
            made.counts.free_edges,
            made.counts.depth,
        )


def test_waves_fold_alike():
    for side in [*range(2, 70), 127, 128, 129]:
        for s in (0, 1, 4):
            for p in (0, 1):
                assert multiresolution_count.wave_folds(side, s, p) == waves.fold_centre(side, s, p)


@pytest.mark.parametrize(
    ("d", "n", "eps", "alphabet"),
    [(1, 2, "1e-4", "nonlinear:4"), (2, 2, "0.05", "linear:2"), (3, 1, "0.9", "nonlinear:2")],
)
def test_built_networks_have_these_counts(d, n, eps, alphabet):
    built = circuits.multiresolution(None, n=n, eps=eps, alphabet=alphabet, d=d)
    values = get(ID).evaluate(d, n, eps=eps, alphabet=alphabet)
    for quantity in QUANTITIES:
        assert values[quantity].guarantee == getattr(built, quantity)


@pytest.mark.parametrize(
    ("d", "n"), [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3), (3, 2), (3, 3)]
)
def test_it_grows_without_a_logarithm(d, n):
    """weights * eps^(d/n) at 10^6 and 10^9 nodes and more: it does not rise."""

    def constant(k):
        eps = Fraction(1, round(10 ** (k * n / d)))
        return float(get(ID).evaluate(d, n, eps=eps).weights.guarantee) * float(eps) ** (d / n)

    far = [constant(k) for k in (6, 6.5, 7)] if 7 * n / d < 16 else [constant(5), constant(5.3)]
    near = constant(4)
    assert max(far) <= near
    assert max(far) <= 1.15 * min(far)


# the end of two decades: that of cones, and later where O(L^2) edges of products still count
ENDS = {(1, 1): 12, (1, 2): 12, (2, 1): 8, (2, 2): 8, (3, 2): 6}
ENDS |= {(1, 3): 16, (2, 3): 9, (3, 3): 7, (2, 4): 12}


@pytest.mark.parametrize(("d", "n"), list(ENDS))
def test_the_exponent_is_d_over_n(d, n):
    """Fitted on exact counts, without building, within 3 percent."""
    places = np.linspace(ENDS[d, n] - 2, ENDS[d, n], 9)
    values = [get(ID).evaluate(d, n, eps=Fraction(1, round(10**place))) for place in places]
    for quantity in ("weights", "free_bits"):
        sizes = [math.log10(float(value[quantity])) for value in values]
        assert np.polyfit(places, sizes, 1)[0] == pytest.approx(d / n, rel=0.03)


@pytest.mark.parametrize(("d", "n"), list(ENDS))
def test_digits_of_a_node_do_not_grow(d, n):
    """The most of an octave of cells, at about 10^4 nodes and with cells an eighth as wide."""

    def most(halvings):
        found = []
        for part in range(6):
            eps = Fraction(1, round(10 ** (4 * n / d) * 2 ** (n * (halvings + part / 6))))
            numbers = get(ID).find(Query(d, n, eps=eps))
            found.append(numbers["t"] + numbers["C"] / (numbers["N"] + 1) ** d)
        return max(found)

    assert most(3) <= 1.02 * most(0)


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
