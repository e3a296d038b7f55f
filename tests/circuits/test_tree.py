"""The sum tree and the triangle wave: what their units compute, in exact arithmetic."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks_by_unit import unit_values

from qexpr.circuits import Builder, count, realise, values_of
from qexpr.circuits.gadgets import Kit
from qexpr.circuits.partition import hats
from qexpr.circuits.tree import block_class, class_size, classes, sum_tree
from qexpr.circuits.waves import Waves, fold_centre, wave_signs

ALPHABETS = ["nonlinear:2", "nonlinear:5", "linear:1", "linear:2", "linear:5"]


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_blocks_are_partitions_of_unity_with_small_supports(data):
    d = data.draw(st.integers(1, 3))
    levels = data.draw(st.integers(0, 3 if d == 1 else 2 if d == 2 else 1))
    first = data.draw(st.integers(2, 5 if d < 3 else 2))
    N = (first << levels) - 1
    net = Builder(d, values_of(data.draw(st.sampled_from(ALPHABETS)), 3))
    kit = Kit(net)
    tree = sum_tree(kit, *hats(kit, N), first, levels)
    points = [
        [Fraction(data.draw(st.integers(0, 12 * N)), 12 * N) for _ in range(d)] for _ in range(4)
    ]
    values = unit_values(net, points)
    for level, (group, scale) in enumerate(tree):
        side, s = first << level, levels - level
        psi = values[group.index] / scale
        assert group.size == side**d
        assert [sum(column) for column in psi.T] == [1] * len(points)
        for i, k in enumerate(np.ndindex((side,) * d)):
            for j, point in enumerate(points):
                off = [
                    N * x - 2**s * m - Fraction(2**s - 1, 2) for x, m in zip(point, k, strict=True)
                ]
                near = all(abs(c) < Fraction(2**s + 1, 2) for c in off)
                assert psi[i, j] == 0 or near
                assert psi[i, j] >= 0


@pytest.mark.parametrize("alphabet", ALPHABETS)
def test_a_child_costs_one_edge(alphabet):
    def edges(levels):
        net = Builder(2, values_of(alphabet, 3))
        kit = Kit(net)
        (group, _), *_ = sum_tree(kit, *hats(kit, 11), 12 >> levels, levels)
        net.connect_free(group, net.finish(), kit.u, None)
        return count(net).weights - group.size

    assert edges(2) - edges(0) == 12**2 + 6**2


@pytest.mark.parametrize("side", [2, 3, 4, 7])
@pytest.mark.parametrize("d", [1, 2])
def test_classes_split_the_blocks(side, d):
    found = [block_class(side, p) for p in classes(side, d)]
    assert sorted(np.concatenate(found).tolist()) == list(range(side**d))
    for p, rows in zip(classes(side, d), found, strict=True):
        assert len(rows) == class_size(side, p)
        k = np.array(np.unravel_index(rows, (side,) * d)).T
        assert (k % 2 == p).all()


@settings(max_examples=60, deadline=None)
@given(
    st.integers(2, 70), st.integers(0, 5), st.integers(0, 1), st.sampled_from(ALPHABETS), st.data()
)
def test_a_wave_is_the_local_coordinate_of_its_blocks(side, s, p, alphabet, data):
    N = (side << s) - 1
    net = Builder(1, values_of(alphabet, 3))
    kit = Kit(net)
    waves = Waves(kit, N)
    made = waves.at(0, side, s, p)
    assert made.scale == waves.scale(side, s, p)
    blocks = range(p, side, 2)
    signs = wave_signs(side, s, p)
    assert len(signs) == len(blocks)
    # as far as a block's function reaches: 1/2 cell beyond its nodes
    i = data.draw(st.integers(0, len(blocks) - 1))
    reach = Fraction(2**s + 1, 2)
    y = [reach * Fraction(k, 7) for k in range(-7, 8)]
    centre = 2**s * blocks[i] + Fraction(2**s - 1, 2)
    near = [[(centre + a) / N] for a in y if 0 <= centre + a <= N]
    inside = [a for a in y if 0 <= centre + a <= N]
    anywhere = [[Fraction(data.draw(st.integers(0, 99)), 99)] for _ in range(5)]
    values = unit_values(net, [*near, *anywhere])[made.unit.index][0] / made.scale - 1
    assert values[: len(near)].tolist() == [int(signs[i]) * a / 2**s for a in inside]
    assert all(abs(v) <= 1 for v in values)


@pytest.mark.parametrize("alphabet", ALPHABETS)
def test_a_wave_costs_a_logarithm(alphabet):
    """Six edges a fold, eight at the start and two at the end, beside lines and constants."""
    for side in (2, 9, 64):
        net = Builder(1, values_of(alphabet, 3))
        kit = Kit(net)
        waves = Waves(kit, (side << 3) - 1)
        made = waves.at(0, side, 3, 1)
        roles = {g.index: g.role for g in net.groups}
        edges = sum(b.count for b in net.bundles if roles[b.target] == "wave")
        M, _ = fold_centre(side, 3, 1)
        assert edges == 6 + 6 * (M - 1) + 2
        assert side > 2 ** (M - 2)
        net.connect(made.unit, net.finish(), kit.u)
        w = realise(net)
        assert w.weights == count(net).weights


def test_first_folds_are_two_edges_for_every_grid():
    for side, s, p in itertools.product(range(2, 200), range(3), (0, 1)):
        M, m = fold_centre(side, s, p)
        assert m % 4 == (1 if p else 3)
        assert bin(m - 1 if p else m + 1).count("1") == 1
        low, high = Fraction(1, 2**s * 2), side - Fraction(1, 2**s * 2)
        assert max(Fraction(m, 2) - low, high - Fraction(m, 2)) <= 2**M
