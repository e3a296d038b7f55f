"""What the templates say of bubbles is what the units compute, and what they refuse."""

import itertools
from fractions import Fraction

import numpy as np
import pytest

from qexpr import circuits, targets
from qexpr.certificates.merged import merge
from qexpr.certificates.plans import runs_of
from qexpr.certificates.templates import bubbles
from qexpr.circuits.evaluation import evaluate_nodes
from qexpr.errors import CertificateError


@pytest.mark.parametrize(
    ("d", "eps", "alphabet"),
    [(1, "1e-3", "nonlinear:2"), (1, "1e-2", "linear:3"), (2, "1e-2", "nonlinear:2")],
)
def test_a_bubble_is_the_square_of_its_wave(d, eps, alphabet):
    f = targets.Target("x0*(1-x0)/8", d)
    w = circuits.bubbles(f, n=3, eps=eps, alphabet=alphabet)
    net = merge(w, [tuple(run) for run in runs_of(w)])
    N, s = w.plan["N"], w.plan["s"]
    seen = bubbles._Walk(net, N, dict(w.plan))
    points = [[Fraction(k, 37) for k in p] for p in itertools.product(range(0, 38, 3), repeat=d)]
    numerators = [[int(x * 37) for x in p] for p in points]
    values, exponents = evaluate_nodes(w, numerators, 37)
    units = {run.first: run.node for run in net.runs if run.role == "bubble"}
    assert len(units) == d * (d + 1) // 2
    for unit, node in units.items():
        signal = seen.products.signals[unit]
        for j, point in enumerate(points):
            value = Fraction(int(values[node][j])) / 37 / Fraction(2) ** int(exponents[node])
            y = sum(k * x for k, x in zip(signal.wave, point, strict=True)) * N
            part = y - (y.numerator // y.denominator)
            square = 1 - 4 * part * (1 - part)
            assert 0 <= value / (2 * signal.scale) - square <= Fraction(1, 4 ** (s + 1))


def _linear(corner, place, size, f):
    """Kuhn's interpolant by its definition: the walk to the far corner, largest part first."""
    u = [Fraction(p - c, size) for p, c in zip(place, corner, strict=True)]
    at, before, total = list(corner), Fraction(1), Fraction(0)
    for k in sorted(range(len(u)), key=lambda k: -u[k]):
        total += (before - u[k]) * f[tuple(at)]
        at[k] += size
        before = u[k]
    return total + before * f[tuple(at)]


@pytest.mark.parametrize(("d", "M"), [(1, 2), (1, 4), (2, 2), (2, 4)])
def test_only_functions_of_the_coarse_mesh_pass(d, M):
    N = 2 * M
    rng = np.random.default_rng(d + M)
    kept = {
        k: int(rng.integers(-9, 10)) * M for k in itertools.product(range(0, N + 1, M), repeat=d)
    }
    values = np.zeros((N + 1,) * d, object)
    for node in itertools.product(range(N + 1), repeat=d):
        corner = tuple(min(k // M, 1) * M for k in node)
        values[node] = int(_linear(corner, node, M, kept))
    found = bubbles._coarse(bubbles._Values(values, 8), N, M)
    assert found.denominator == 8
    assert found.numbers.tolist() == values[(slice(None, None, M),) * d].tolist()
    for node in ((1,) * d, (N - 1,) * d):
        other = values.copy()
        other[node] += 1
        with pytest.raises(CertificateError, match="piecewise linear on the coarse mesh"):
            bubbles._coarse(bubbles._Values(other, 8), N, M)
    with pytest.raises(CertificateError, match="times coarser"):
        bubbles._coarse(bubbles._Values(values, 8), N, 3)
