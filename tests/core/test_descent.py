"""Walks to the cheapest layout."""

from fractions import Fraction
from itertools import islice

from hypothesis import example, given
from hypothesis import strategies as st

from qexpr.core.descent import cheapest_at_most, cheapest_layout, finer


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30), st.data())
def test_walks_end_in_a_local_minimum_and_the_best_one_wins(costs, data):
    starts = data.draw(st.lists(st.integers(0, len(costs) - 1), min_size=1, max_size=4))

    def near(i):
        return [j for j in (i - 1, i + 1) if 0 <= j < len(costs)]

    end = cheapest_layout(starts, near, costs.__getitem__)
    assert all(costs[end] <= costs[j] for j in near(end))
    assert all(costs[end] <= costs[start] for start in starts)


def test_every_place_is_counted_once_and_ties_keep_the_first_start():
    counted = []

    def count(i):
        counted.append(i)
        return 7

    assert cheapest_layout([4, 2, 4], lambda i: [i], count) == 4
    assert counted == [4, 2]


accuracies = st.fractions(min_value=Fraction(1, 10**6), max_value=Fraction(999999, 10**6))


@given(accuracies, accuracies)
@example(Fraction(1, 2), Fraction(1, 2))
@example(Fraction(3, 8), Fraction(3, 8))
def test_finer_accuracies_are_below_and_those_of_a_smaller_eps_are_among_them(a, b):
    small, large = sorted((a, b))
    of_small, of_large = (list(islice(finer(eps), 60)) for eps in (small, large))
    assert all(x < large for x in of_large)
    assert of_large == sorted(set(of_large), reverse=True)
    assert of_large[0] >= large * 2 / 3
    assert set(of_small[:10]) <= set(of_large)


@given(st.lists(st.integers(0, 40), min_size=9, max_size=9), accuracies, accuracies)
def test_a_larger_eps_costs_no_more_than_a_shared_finer_one(extra, a, b):
    """Cells and what they share, which may fall as cells grow."""
    small, large = sorted((a, b))
    shared = next(finer(small))

    def cost(eps):
        def weigh(cells):
            return cells + extra[cells % 9]

        best = cheapest_at_most(eps, lambda x: [-(-1 // x)], lambda cells: [], weigh, int)
        return weigh(best)

    assert cost(large) <= cost(shared)
    assert cost(large) <= min(n + extra[n % 9] for n in [-(-1 // large)])
    assert cost(large) == min(
        n + extra[n % 9] for n in (-(-1 // x) for x in (large, *islice(finer(large), 20)))
    )
