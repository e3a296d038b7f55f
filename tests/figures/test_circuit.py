"""Drawings of small circuits."""

from fractions import Fraction

import pytest

from qexpr import circuits
from qexpr.errors import InvalidInput
from qexpr.figures.circuit import draw_circuit


def _product():
    from qexpr.circuits.gadgets import Kit, Shifted

    net = circuits.Builder(2, circuits.values_of(2))
    kit = Kit(net)
    p, q = (Shifted(x, Fraction(1, 2)) for x in net.inputs)
    terms, _ = kit.product(p, q, 1)
    kit.add_terms(terms, net.finish())
    return circuits.realise(net)


def test_a_gadget_is_drawn_and_every_edge_is_a_line():
    circuit = _product()
    svg = draw_circuit(circuit, "product")
    assert svg == draw_circuit(circuit, "product")
    assert svg.startswith(b"<?xml")
    drawn, legend = svg.split(b'id="legend_1"')
    lines = circuit.weights + circuit.output + 1
    assert drawn.count(b'id="line2d_') == lines + 2  # and the two that the legend shows
    assert legend.count(b'id="line2d_') == 2  # positive and negative: no target, nothing dashed


def test_large_circuits_are_not_drawn():
    with pytest.raises(InvalidInput, match="at most 400 edges"):
        draw_circuit(circuits.shared_bitplane(None, d=1, n=2, eps="1e-3"))
