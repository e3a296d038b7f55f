"""From merged units to edges: same function, no parallel edges, and the count known before."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qexpr.circuits import Builder, Counts, count, realise, values_of
from qexpr.circuits.realisation import require_memory
from qexpr.errors import InvalidInput


@st.composite
def networks(draw):
    """A random builder, its merged graph as plain data, and the alphabet's values."""
    alphabet = draw(
        st.sampled_from(
            ["nonlinear:2", "nonlinear:3", "nonlinear:6", "linear:1", "linear:2", "linear:4"]
        )
    )
    values = values_of(alphabet, 4)
    d = draw(st.integers(1, 3))
    net = Builder(d, values)
    sizes = draw(st.lists(st.integers(1, 3), min_size=1, max_size=4))
    groups = [*net.inputs, net.one]
    edges = []
    for size in sizes:
        made = net.group("unit", size)
        for source in groups:
            if draw(st.booleans()) or source is net.one:
                pairs = [
                    (i, j)
                    for i in range(source.size)
                    for j in range(size)
                    if (i + j) % 2 == 0 or source.size == 1
                ]
                weight = draw(st.integers(-4, 4).filter(bool)) * values.unit
                s, t = (np.array(x) for x in zip(*pairs, strict=True))
                net.connect(source, made, weight, lambda s=s, t=t: (s, t), len(pairs))
                edges.append((source, made, pairs, [weight] * len(pairs)))
        groups.append(made)
    output = net.finish()
    last = groups[-1]
    net.connect(net.one, output, 3 * values.unit)
    edges.append((net.one, output, [(0, 0)], [3 * values.unit]))
    signs = draw(st.lists(st.sampled_from([-1, 1]), min_size=last.size, max_size=last.size))
    unit = values.members[-1] if alphabet.startswith("linear") else Fraction(1, 2)
    net.connect_free(last, output, unit, lambda: np.array(signs))
    edges.append((last, output, [(i, 0) for i in range(last.size)], [s * unit for s in signs]))
    return net, edges, values


def _merged_value(net, edges, point):
    sums = {(g.index, i): Fraction(0) for g in net.groups for i in range(g.size)}
    for k, group in enumerate(net.inputs):
        sums[group.index, 0] = Fraction(point[k])
    sums[net.one.index, 0] = Fraction(1)
    for group in net.groups[net.d + 1 :]:
        for source, target, pairs, weights in edges:
            if target is group:
                for (i, j), weight in zip(pairs, weights, strict=True):
                    value = sums[source.index, i]
                    sums[group.index, j] += weight * (
                        value if source.index <= net.d else max(value, Fraction(0))
                    )
    return sums[net.output, 0]


@settings(max_examples=60, deadline=None)
@given(networks(), st.data())
def test_realisation_changes_nothing(network, data):
    net, edges, values = network
    points = data.draw(
        st.lists(
            st.lists(st.fractions(0, 1, max_denominator=30), min_size=net.d, max_size=net.d),
            min_size=1,
            max_size=3,
        )
    )
    circuit = realise(net)
    exact = circuit.evaluate_exact(points)
    assert exact == [_merged_value(net, edges, point) for point in points]
    rounded = circuit(np.array([[float(x) for x in point] for point in points]))
    np.testing.assert_allclose(rounded, [float(x) for x in exact], rtol=1e-12, atol=1e-9)
    listed = list(circuit.edges())
    assert len({(s, t) for s, t, _ in listed}) == len(listed)
    assert {w for _, _, w in listed} <= set(values.members)
    assert [(t, s) for s, t, _ in listed] == sorted((t, s) for s, t, _ in listed)


@settings(max_examples=60, deadline=None)
@given(networks())
def test_count_is_what_is_built(network):
    net, _, _ = network
    circuit, counts = realise(net), count(net)
    assert counts.weights == circuit.weights
    assert counts.units == circuit.units
    assert counts.free_bits == circuit.free_bits
    assert counts.bits == circuit.bits
    assert counts.depth == circuit.depth


@settings(max_examples=30, deadline=None)
@given(networks())
def test_roles_map_every_unit_to_its_merged_unit(network):
    net, _, _ = network
    circuit = realise(net)
    node = net.d + 1
    for role in circuit.roles:  # the runs cover the units in order
        assert role.first == node
        node += role.size * role.copies
    assert node == circuit.output + 1
    for role in circuit.roles:  # copies of a merged unit have the same incoming edges
        for i in range(role.size):
            rows = []
            for j in range(role.copies):
                v = role.first + i * role.copies + j
                part = slice(circuit.starts[v], circuit.starts[v + 1])
                rows.append((circuit.sources[part].tolist(), circuit.codes[part].tolist()))
            assert all(row == rows[0] for row in rows)


def _net():
    net = Builder(1, values_of(2))
    unit = net.group("unit")
    net.connect(net.inputs[0], unit, Fraction(1, 2))
    return net, unit


def test_free_edges_do_not_depend_on_the_target():
    shapes = []
    for digits in ([1, -1], [-1, -1], [0, 2]):
        net, unit = _net()
        pair = net.group("pair", 2)
        net.connect(unit, pair, 1)
        out = net.finish()
        net.connect_free(pair, out, Fraction(1), lambda d=digits: np.array(d), spread=4)
        circuit = realise(net)
        shapes.append((circuit.sources.tolist(), circuit.targets.tolist(), circuit.free.tolist()))
        assert circuit.evaluate_exact([[1]]) == [Fraction(sum(digits), 2)]
    assert shapes[0] == shapes[1] == shapes[2]
    assert len(shapes[0][2]) == 8


def test_parallel_edges_are_refused():
    net, unit = _net()
    net.connect(net.inputs[0], unit, Fraction(1, 2))
    net.connect(unit, net.finish(), 1)
    with pytest.raises(InvalidInput, match="two bundles join"):
        realise(net)


def test_cycles_and_missing_outputs_are_refused():
    net, unit = _net()
    with pytest.raises(InvalidInput, match="finish"):
        count(net)
    other = net.group("other")
    net.connect(unit, other, 1)
    net.connect(other, unit, 1)
    net.connect(other, net.finish(), 1)
    with pytest.raises(InvalidInput, match="cycle"):
        count(net)


def test_what_cannot_fit_is_refused_with_its_size():
    size = Counts(10**12, 9, 9, 9, 1)
    with pytest.raises(InvalidInput, match=r"1000000000000 weights .* GiB .* larger eps"):
        require_memory(size)
