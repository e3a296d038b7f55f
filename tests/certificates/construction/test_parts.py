"""Merged copies, alphabets and Taylor bounds, written a second time for the checker."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qexpr import circuits, targets
from qexpr.certificates.alphabets import members_of
from qexpr.certificates.merged import merge
from qexpr.certificates.plans import runs_of
from qexpr.certificates.templates import taylor
from qexpr.circuits import values_of
from qexpr.circuits.taylor import coefficient_bound, multi_indices, power_above
from qexpr.errors import CertificateError


def test_copies_must_receive_the_same():
    import circuit_mutations as mutations

    w = circuits.cones(targets.find("x*(1-x)/2"), n=2, eps="2e-2", lam=2)
    role = next(r for r in w.roles if r.copies > 1)
    edges = mutations.marked_edges(w)
    i = next(i for i, e in enumerate(edges) if e[1] == role.first + 1)
    s, t, value, free = edges[i]
    changed = mutations.rebuilt(w, [*edges[:i], *edges[i + 1 :], (s, t, -value, free)])
    with pytest.raises(CertificateError, match="listed as a copy"):
        merge(changed, [tuple(run) for run in runs_of(changed)])
    with pytest.raises(CertificateError, match="follow each other"):
        merge(w, [tuple(run) for run in runs_of(w)][1:])
    with pytest.raises(CertificateError, match="cover every unit"):
        merge(w, [tuple(run) for run in runs_of(w)][:-1])


# Written twice, and equal --------------------------------------------------------------------


@settings(max_examples=80, deadline=None)
@given(st.integers(2, 20), st.integers(1, 300))
def test_nonlinear_alphabets_agree(lam, t):
    assert members_of(f"nonlinear:{lam}", t) == values_of(f"nonlinear:{lam}", t).members


@pytest.mark.parametrize("bits", range(1, 9))
def test_linear_alphabets_agree(bits):
    assert members_of(f"linear:{bits}", 1) == values_of(f"linear:{bits}").members


@pytest.mark.parametrize(("d", "n"), [(1, 1), (1, 5), (2, 3), (3, 2), (3, 4)])
def test_taylor_bounds_agree(d, n):
    assert tuple(taylor.orders(d, n)) == multi_indices(d, n)
    for a in multi_indices(d, n):
        bound = taylor.coefficient_bound(n, a)
        assert bound == coefficient_bound(n, a)
        assert taylor.power_above(bound) == power_above(bound)


def test_taylor_coefficients_of_a_polynomial():
    """For a polynomial of degree below n they are its coefficients in z, at every node."""
    f, N = targets.Target("(3*x0^2-x0*x1+x1)/16"), 3
    found = taylor.Coefficients(f, 3, N, 60)
    # x = (z + 1)/2: 3/4 (z0 + 1)^2 - (z0 + 1)(z1 + 1)/4 + (z1 + 1)/2, over 16
    exact = {(0, 0): 4, (1, 0): 5, (0, 1): 1, (2, 0): 3, (1, 1): -1, (0, 2): 0}
    for a, value in exact.items():
        nodes = np.full((N + 1,) * 2, value, object)
        assert found.distance(a, nodes, 64) <= Fraction(1, 2**50)
        assert abs(found.distance(a, nodes + 1, 64) - Fraction(1, 64)) <= Fraction(1, 2**50)
