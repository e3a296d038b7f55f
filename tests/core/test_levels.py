"""The search for trees: inequalities kept, none of the steps too large, errors within eps."""

import random
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qexpr.bounds.witness.multiresolution import errors
from qexpr.core import levels
from qexpr.core.levels import cheapest_tree
from qexpr.errors import OutOfRegime

SHAPES = [(1, 1, 1), (1, 3, 1), (1, 4, 2), (2, 2, 1), (2, 3, 1), (2, 3, 3), (3, 2, 1)]


def suffices(terms, N, j, k, i):
    q = [j / Fraction(2) ** power for power in k]
    carried = sum(terms.carried[i][m] * q[m] for m in range(i + 1, terms.n))
    return terms.remainder[i] / Fraction(N) ** terms.n + carried <= terms.reach[i] * q[i]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(SHAPES), st.integers(1, 10**6), st.sampled_from([1, 3, 5, 7]))
def test_steps_suffice_and_halves_would_not(shape, N, j):
    terms = errors(*shape)
    k = terms.steps(N, j)
    for i in range(terms.n):
        assert suffices(terms, N, j, k, i)
        finer = (*k[:i], k[i] + 1, *k[i + 1 :])
        assert not suffices(terms, N, j, finer, i)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(SHAPES), st.integers(2, 60), st.integers(0, 8), st.sampled_from([1, 3, 7]))
def test_planes_of_level_0_suffice_and_one_less_would_not(shape, first, depth, j):
    terms = errors(*shape)
    N = (first << depth) - 1
    k = terms.steps(N, j)
    for i, P in enumerate(terms.top(N, depth, j, k)):
        size = terms.size[i] * Fraction(2**depth, N) ** i
        step = j * Fraction(2) ** (depth * terms.n - k[i])
        assert size <= Fraction(2) ** (terms.bits * P - 1) * step
        assert P == 1 or size > Fraction(2) ** (terms.bits * (P - 1) - 1) * step


@pytest.mark.parametrize("shape", SHAPES)
def test_folds_keep_the_error_and_none_can_be_left_out(shape):
    draw = random.Random(1)
    terms = errors(*shape)
    for _ in range(20):
        eps = Fraction(1, draw.randint(5, 10**6))
        for guess in draw.sample(levels._grids(terms, eps), 2):
            tree = levels._worked_out(terms, guess, eps)
            if tree is None:
                continue
            assert terms.total(tree) <= eps
            for level, r in enumerate(tree.folds):
                if r:
                    less = (*tree.folds[:level], r - 1, *tree.folds[level + 1 :])
                    assert terms.total(tree._replace(folds=less)) > eps


@pytest.mark.parametrize("shape", SHAPES)
def test_pieces_are_the_steps(shape):
    """In floats as in rationals, at places away from where a step is halved."""
    terms = errors(*shape)
    for j in (1, 5):
        pieces = terms.pieces(j)
        assert pieces[0][1] == 1.0
        assert pieces[-1][0] == 0.5
        for (start, end, q), following in zip(pieces, [*pieces[1:], None], strict=True):
            assert start < end
            assert following is None or following[1] == start
            x = Fraction((start + end) / 2)
            least = [
                terms.remainder[i] * x
                + sum(terms.carried[i][m] * Fraction(q[m]) for m in range(i + 1, terms.n))
                for i in range(terms.n)
            ]
            for i in range(terms.n):
                assert least[i] <= terms.reach[i] * Fraction(q[i])
                assert least[i] > terms.reach[i] * Fraction(q[i]) / 2


def test_the_least_count_wins_and_ties_go_to_the_smaller_tree():
    terms, eps = errors(2, 2, 1), Fraction(1, 1000)
    counted = []

    def weights(tree):
        counted.append(tree)
        return 7

    best = cheapest_tree(terms, eps, weights)
    assert best == min(counted)
    assert terms.total(best) <= eps
    last = cheapest_tree(terms, eps, lambda tree: -tree.N if tree == max(counted) else 0)
    assert last == max(counted)


def test_an_accuracy_that_no_grid_reaches_is_refused():
    with pytest.raises(OutOfRegime, match="no choice of grid"):
        cheapest_tree(errors(1, 1, 1), Fraction(1, 2**70), lambda tree: 0)
