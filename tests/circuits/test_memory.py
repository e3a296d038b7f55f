"""An edge takes under 200 bytes, at the peak of building and afterwards."""

import tracemalloc

import pytest

from qexpr import circuits
from qexpr.circuits import registry
from qexpr.circuits.realisation import BYTES_AN_EDGE
from qexpr.targets import Target


@pytest.mark.parametrize(
    ("name", "d", "n", "eps"),
    [
        ("shared_bitplane", 2, 2, "3e-4"),
        ("cones", 2, 2, "5e-5"),
        ("sigma_delta", 1, 1, "5e-5"),
        ("bubbles", 2, 3, "1.2e-6"),
        ("multiresolution", 2, 2, "1.5e-4"),
    ],
)
def test_bytes_an_edge(name, d, n, eps):
    made = registry.plan(name, d, n, eps, lam=2)
    registry.build(registry.plan(name, d, n, "1e-1", lam=2), None)  # what is imported on the way
    tracemalloc.start()
    try:
        w = registry.build(made, None)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert w.weights > 80_000
    assert peak < BYTES_AN_EDGE * w.weights
    assert w.nbytes < 40 * w.weights


def test_a_target_adds_little():
    """Values at nodes are Python integers while they are coded."""
    f = Target("sin(x)*cos(y)")
    f.prove_membership(2)
    made = registry.plan("cones", 2, 2, "2e-4", lam=2, norm=f.norm(2))
    tracemalloc.start()
    try:
        w = circuits.registry.build(made, f)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < BYTES_AN_EDGE * w.weights
