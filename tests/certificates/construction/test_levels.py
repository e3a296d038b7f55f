"""Multiresolution networks of several levels: certified, and as the general methods see them."""

from fractions import Fraction
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
from small_trees import small_tree

from qexpr import certificates, targets
from qexpr.certificates import construction
from qexpr.certificates.merged import merge
from qexpr.certificates.plans import read_plan, runs_of
from qexpr.certificates.templates.class_waves import Wave, WaveProducts, wave_signs
from qexpr.certificates.templates.levels import Walk
from qexpr.certificates.templates.polynomials import Coded
from qexpr.circuits.waves import fold_centre
from qexpr.circuits.waves import wave_signs as built_signs
from qexpr.errors import CertificateError

SMALL = [
    ("sine", 2, "nonlinear:2", 3, 2, {"j": 5}),
    ("sine", 4, "nonlinear:5", 2, 1, {"extra": 1}),
    ("telegraph3", 3, "linear:2", 2, 3, {}),
    ("telegraph1", 1, "linear:1", 3, 3, {"j": 7}),
    ("sin(x0)*cos(x1)", 2, "nonlinear:3", 3, 1, {"folds": 3}),
    ("telegraph2d", 2, "linear:8", 2, 2, {"folds": 4}),
    ("x0*x1^2/6", 3, "nonlinear:2", 2, 1, {"j": 3, "extra": 2}),
    ("x0*x1*x2/6", 2, "nonlinear:2", 2, 1, {"folds": 4, "extra": 2}),
]


@pytest.mark.parametrize(("name", "n", "alphabet", "first", "levels", "more"), SMALL)
def test_every_level_is_read_off_the_edges(name, n, alphabet, first, levels, more):
    f = targets.find(name)
    w = small_tree(f, n, alphabet, first, levels, **more)
    eps = Fraction(w.plan["eps"])
    found = construction.certify(w, f, eps)
    assert found.verdict == "certified"
    assert certificates.check(found, w) == found
    terms = {k: Fraction(v) for k, v in found.evidence["terms"].items()}
    assert set(terms) == {"taylor", "digits"} | ({"products"} if n > 1 else set())
    assert sum(terms.values()) == found.upper <= Fraction(w.plan["error"]) <= eps


@pytest.mark.parametrize(("name", "n", "alphabet", "first", "levels", "more"), SMALL)
def test_the_coded_polynomials_are_the_networks(name, n, alphabet, first, levels, more):
    """At a node one hat is 1: there the network has the coefficient of order 0, up to products."""
    f = targets.find(name)
    w = small_tree(f, n, alphabet, first, levels, **more)
    plan = read_plan(w.plan)
    bits = int(alphabet.partition(":")[2]) if alphabet.startswith("linear") else 1
    coded = Coded(Walk(merge(w, [tuple(run) for run in runs_of(w)]), plan), plan, bits)
    N, d = plan["N"], f.d
    nodes = np.indices((N + 1,) * d).reshape(d, -1).T
    values = w.evaluate_exact([[Fraction(int(k), N) for k in m] for m in nodes])
    numbers = coded.values[(0,) * d]
    off = max(
        abs(Fraction(int(a), 2**coded.place) - b) for a, b in zip(numbers, values, strict=True)
    )
    assert off <= coded.products
    assert (off == 0) >= (n == 1)


@pytest.mark.parametrize(
    ("name", "n", "first", "levels"),
    [("sine", 2, 2, 2), ("sine", 3, 3, 1), ("telegraph1", 1, 2, 2)],
)
def test_the_general_method_agrees(name, n, first, levels):
    f = targets.find(name)
    w = small_tree(f, n, "nonlinear:2", first, levels)
    by_plan = construction.certify(w, f, Fraction(w.plan["eps"]))
    if name.startswith("telegraph"):
        points = [[Fraction(k, 512)] for k in range(513)]
        lower, upper = f.enclose((0,), [[k] for k in range(513)], 512, 60)
        middle = [Fraction(a + b, 2**63) for a, b in zip(lower, upper, strict=True)]
        worst = max(abs(a - b) for a, b in zip(w.evaluate_exact(points), middle, strict=True))
        assert worst <= by_plan.upper
        return
    found = certificates.enclose(w, f, gap="1e-2")
    assert found.lower <= by_plan.upper
    assert by_plan.lower <= found.upper <= by_plan.upper * Fraction(102, 100)


def _wave_reader(N, levels):
    made = WaveProducts(SimpleNamespace(rules=None, d=1, N=N), SimpleNamespace(levels=levels), [0])
    return lambda m, *folds: made._as_signal(
        Wave(0, Fraction(m, 2), tuple(map(Fraction, folds)), Fraction(1), ()), Fraction(1)
    )


def test_a_class_has_one_wave():
    """Two first folds would do for 8 blocks, but the signs of their blocks differ."""
    assert _wave_reader(7, 0)(3, 4, 2).powers == (1, 0)
    read = _wave_reader(7, 0)
    assert read(7, 4, 2).powers == (1, 0)
    assert read(5, 4, 2).powers == (0, 1)
    assert read(7, 4, 2).powers == (1, 0)
    with pytest.raises(CertificateError, match="different folds"):
        read(3, 4, 2)
    for m, folds in ((4, (4, 2)), (3, (2,)), (3, (4, 1)), (3, (8, 4)), (21, (4, 2))):
        with pytest.raises(CertificateError, match="fold"):
            _wave_reader(7, 0)(m, *folds)


def test_signs_are_those_of_the_waves():
    for side, s, p in product(range(2, 40), (0, 2), (0, 1)):
        M, m = fold_centre(side, s, p)
        assert np.array_equal(wave_signs(m, M, np.arange(p, side, 2)), built_signs(side, s, p))
