"""How many planes each order takes: against every choice near the fewest."""

import itertools
from dataclasses import replace
from fractions import Fraction

import pytest

from qexpr.bounds.witness.multiresolution import errors
from qexpr.bounds.witness.multiresolution_count import count
from qexpr.core import levels
from qexpr.core.levels import cheapest_tree
from qexpr.core.planes import variants_of
from qexpr.core.query import Query

SHAPES = [(1, 1, 1), (1, 2, 1), (1, 3, 2), (2, 1, 1), (2, 2, 1), (2, 2, 2), (2, 3, 1), (3, 2, 1)]
SHAPES += [(1, 4, 1), (4, 3, 1), (2, 4, 1)]
HATS = {1: 6, 2: 3}


def cost(terms):
    """Edges a node, times nodes at h = 1, for steps as small as the inequalities allow."""
    q = [0.0] * terms.n
    for i in reversed(range(terms.n)):
        carried = sum(float(terms.carried[i][m]) * q[m] for m in range(i + 1, terms.n))
        q[i] = (float(terms.remainder[i]) + carried) / float(terms.reach[i])
    share = 2**terms.d / (2**terms.d - 1)
    edges = HATS.get(terms.d, 7) + share
    edges += share * sum(c * P for c, P in zip(terms.number, terms.planes, strict=True))
    error = [float(w) * step for w, step in zip(terms.digit, q, strict=True)]
    taylor, found = float(terms.taylor), []
    while sum(error) * 1000 > taylor:
        found.append(edges * (taylor + sum(error)) ** (terms.d / terms.n))
        dearest = max(range(terms.n), key=lambda i: error[i] / terms.number[i])
        error[dearest] /= 2**terms.bits
        edges += terms.number[dearest]
    return min(found)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_choice_is_about_the_best_of_all_near_the_fewest(shape):
    terms = errors(*shape)
    given, *better = variants_of(terms)
    assert given == terms
    best = min(
        cost(replace(terms, planes=tuple(P + e for P, e in zip(terms.planes, more, strict=True))))
        for more in itertools.product(range(4), repeat=terms.n)
    )
    assert min(map(cost, (given, *better))) <= 1.025 * best
    assert all(cost(held) < cost(given) for held in better)


def test_more_planes_pay_where_several_orders_are_coded():
    for shape, planes in {(1, 1, 1): None, (2, 2, 1): (4, 4), (3, 2, 1): (5, 4)}.items():
        found = variants_of(errors(*shape))
        assert [held.planes for held in found[1:]] == ([planes] if planes else [])


@pytest.mark.parametrize(
    ("d", "n", "eps"),
    [(2, 2, "1e-2"), (2, 3, "1e-2"), (2, 3, "1e-6"), (2, 4, "1e-5"), (3, 3, "1e-3"), (4, 2, "0.1")],
)
def test_the_search_is_never_worse_for_it(d, n, eps, monkeypatch):
    query = Query(d, n, eps=eps)
    terms = errors(d, n, 1)

    def weights(tree):
        return count(d, n, query.alphabet, query.eps, tree).weights

    made = weights(cheapest_tree(terms, query.eps, weights))
    monkeypatch.setattr(levels, "variants_of", lambda errors: (errors,))
    fewest = weights(cheapest_tree(terms, query.eps, weights))
    assert made <= fewest
    if query.eps <= Fraction(1, 1000) and d < 4 and eps != "1e-5":
        assert made < 0.9 * fewest
