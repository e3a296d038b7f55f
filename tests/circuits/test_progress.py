"""Long work tells how far it is, and its result does not depend on whether anybody listens."""

import pytest

from qexpr.circuits import registry
from qexpr.targets import Target, get


def _heard(call):
    heard = []
    return call(lambda done, whole: heard.append((done, whole))), heard


@pytest.mark.parametrize(
    ("name", "n"),
    [
        ("shared_bitplane", 2),
        ("cones", 2),
        ("bubbles", 3),
        ("sigma_delta", 1),
        ("ding2018", 1),
        ("yarotsky2017", 1),
    ],
)
def test_building_reports_edges_up_to_the_whole(name, n):
    f = Target("sin(x)")
    made = registry.plan(name, 1, n, "1e-1", lam=2, norm=f.norm(n))
    w, heard = _heard(lambda tell: registry.build(made, f, tell))
    assert heard[-1] == (w.weights, w.weights)
    assert heard == sorted(heard)
    assert len(heard) > 5
    assert registry.build(made, f).digest() == w.digest()


def test_the_proof_of_membership_reports_its_derivatives():
    f = Target("sin(x)*cos(y)")
    proof, heard = _heard(lambda tell: f.prove_membership(2, tell))
    assert heard == [(k, 6) for k in range(7)]
    assert proof == f.prove_membership(2)
    _, heard = _heard(lambda tell: get("telegraph1").prove_membership(1, tell))
    assert heard == [(2, 2)]
