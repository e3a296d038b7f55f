"""Walks to the cheapest layout."""

from hypothesis import given
from hypothesis import strategies as st

from qexpr.core.descent import cheapest_layout


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
