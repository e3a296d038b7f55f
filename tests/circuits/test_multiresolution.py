"""Multiresolution bit-planes: guarantees, counts, growth, the encoder."""

import itertools
import random
from dataclasses import replace
from fractions import Fraction
from operator import add

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polynomials import Polynomial
from telegraphs import Integrated, packed

from qexpr import circuits, targets
from qexpr.circuits.constructions.multiresolution_code import encode
from qexpr.circuits.constructions.multiresolution_plan import errors
from qexpr.circuits.registry import plan as planned
from qexpr.core.levels import Tree
from qexpr.core.query import Query
from qexpr.errors import InvalidInput

# weights * eps^(d/n) by the cost model of a first study, and the eps from which it has to be
# below shared_bitplane
MODEL = {(2, 2): 18, (2, 3): 24, (3, 2): 58, (3, 3): 68}
WINS = {(1, 2): "1e-5", (2, 2): "1e-3", (2, 3): "1e-4", (3, 2): "1e-2"}


def _wave(d, n, frequencies, phase):
    """A trigonometric polynomial, normalised into F(d, n) by a proven norm."""
    text = " + ".join(
        f"sin({' + '.join(f'{k}*x{i}' for i, k in enumerate(ks))} + {phase})" for ks in frequencies
    )
    f = targets.Target(text if d > 1 else text.replace("x0", "x"), d)
    return f.normalise(n)


def _sampled(w, f, points):
    """Errors at rational points over 840, by exact evaluation."""
    exact = w.evaluate_exact([[Fraction(int(v), 840) for v in p] for p in points])
    lower, upper = f.enclose((0,) * w.d, points.tolist(), 840, 60)
    middle = [Fraction(int(a) + int(b), 2**63) for a, b in zip(lower, upper, strict=True)]
    return max(abs(a - b) for a, b in zip(exact, middle, strict=True))


def _require_class_price(w, d, n, eps):
    """A norm above 1 may take a digit more of an order, where a class constant fits exactly."""
    assert w.weights <= 1.08 * planned("multiresolution", d, n, eps, lam=2).counts.weights


@pytest.mark.parametrize(
    ("d", "n", "eps"), [(2, 2, "1.55e-6"), (2, 3, "3.5e-9"), (3, 2, "3.3e-4"), (3, 3, "8e-6")]
)
def test_the_constant_is_that_of_the_cost_model(d, n, eps):
    """At about the smallest eps that fits 10^7 edges."""
    made = planned("multiresolution", d, n, eps, lam=2)
    assert 7 * 10**6 < made.counts.weights <= 10**7
    assert made.counts.weights * float(Fraction(eps)) ** (d / n) <= 1.25 * MODEL[d, n]


@pytest.mark.parametrize(("d", "n"), list(WINS))
def test_it_is_below_shared_bit_planes(d, n):
    for scale in (1, 4, 20):
        eps = Fraction(WINS[d, n]) / scale
        made = planned("multiresolution", d, n, eps, lam=2)
        other = planned("shared_bitplane", d, n, eps, lam=2)
        assert made.counts.weights < other.counts.weights


CASES = [
    (1, 2, "1e-4", "nonlinear:2"),
    (1, 3, "1e-6", "nonlinear:4"),
    (1, 1, "1e-2", "linear:3"),
    (2, 2, "5e-3", "nonlinear:2"),
    (2, 3, "1e-3", "linear:2"),
    (3, 2, "1/10", "nonlinear:2"),
]


@pytest.mark.parametrize(("d", "n", "eps", "alphabet"), CASES)
def test_random_waves_stay_within_the_guarantee(d, n, eps, alphabet):
    rng = random.Random(d * 10 + n)
    terms = [[rng.randint(-9, 9) for _ in range(d)] for _ in range(3)]
    f = _wave(d, n, terms, rng.randint(0, 5))
    w = circuits.multiresolution(f, n=n, eps=eps, alphabet=alphabet)
    points = np.random.default_rng(0).integers(0, 841, (40, d))
    assert _sampled(w, f, points) <= Fraction(w.plan["error"]) <= Fraction(eps)


@pytest.mark.parametrize(
    ("name", "n", "eps"),
    [
        ("telegraph1", 1, "1/20"), ("telegraph2", 2, "1e-4"), ("telegraph3", 3, "1e-5"),
        ("telegraph2d", 2, "1e-2"), ("bump1", 1, "1/20"), ("bump2", 2, "1e-3"),
        ("bump3", 3, "1e-4"), ("bump2d", 2, "1e-2"), ("sine", 4, "1e-5"), ("corner", 1, "1/30"),
        ("ridge", 2, "1e-2"),
    ],
)  # fmt: skip
def test_ridges_of_telegraphs_bumps_and_the_library_are_encoded(name, n, eps):
    """Members whose highest derivative is +-1, or that belong to the packing of the floor."""
    f = targets.find(name)
    w = circuits.multiresolution(f, n=n, eps=eps, lam=2)
    points = np.random.default_rng(1).integers(0, 841, (40, f.d))
    assert _sampled(w, f, points) <= Fraction(w.plan["error"])
    _require_class_price(w, f.d, n, eps)


@settings(max_examples=8, deadline=None)
@given(
    st.sampled_from([(1, 1, "1/30"), (1, 2, "1e-4"), (2, 1, "1/6"), (2, 2, "2e-2")]),
    st.lists(st.sampled_from([-1, 1]), min_size=3, max_size=40),
)
def test_random_members_of_the_floors_packing_are_encoded_at_the_classs_price(case, signs):
    d, n, eps = case
    f = packed(d, n, signs)
    w = circuits.multiresolution(f, n=n, eps=eps, lam=2)
    points = np.random.default_rng(len(signs)).integers(0, 841, (15, d))
    assert _sampled(w, f, points) <= Fraction(w.plan["error"]) <= Fraction(eps)
    _require_class_price(w, d, n, eps)


@settings(max_examples=8, deadline=None)
@given(
    st.sampled_from(
        [(1, "1/30", "nonlinear:2"), (2, "1e-4", "linear:2"), (3, "1e-5", "nonlinear:3")]
    ),
    st.lists(st.sampled_from([-1, 1]), min_size=2, max_size=60),
)
def test_random_telegraphs_are_encoded(case, signs):
    n, eps, alphabet = case
    f = Integrated(1, n, signs)
    w = circuits.multiresolution(f, n=n, eps=eps, alphabet=alphabet)
    points = np.random.default_rng(len(signs)).integers(0, 841, (15, 1))
    assert _sampled(w, f, points) <= Fraction(w.plan["error"]) <= Fraction(eps)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_residuals_fit_and_use_their_range(data):
    """Any tree that the inequalities allow: polynomials of degree n have the largest residuals."""
    d = data.draw(st.integers(1, 2))
    n = data.draw(st.integers(1, 4 if d == 1 else 3))
    bits = data.draw(st.sampled_from([1, 2, 3]))
    query = Query(d, n, eps="1e-3", alphabet=f"linear:{bits}")
    levels, first = data.draw(st.integers(0, 3)), data.draw(st.integers(2, 4))
    j = data.draw(st.sampled_from([1, 3, 5, 7]))
    N = (first << levels) - 1
    seed = data.draw(st.integers(0, 10**6))
    rng = random.Random(seed)
    exponents = [e for e in itertools.product(range(n + 1), repeat=d) if sum(e) <= n]
    f = Polynomial(d, {e: Fraction(rng.randint(-9, 9)) for e in exponents} | {(0,) * d: 1})
    f = f.scaled(n)
    terms = errors(query, f.norm(n))
    more = data.draw(st.lists(st.integers(0, 2), min_size=n, max_size=n))
    terms = replace(terms, planes=tuple(map(add, terms.planes, more)))
    k = terms.steps(N, j)
    extra = tuple(data.draw(st.integers(0, 2)) for _ in range(n))
    tree = Tree(first, levels, j, k, terms.planes, terms.top(N, levels, j, k), extra,
                (0,) * (levels + 1))  # fmt: skip
    code = encode(tree, d, n, bits, f)
    for level, odds in enumerate(code.odd):
        for b, odd in odds.items():
            most = 2 ** (bits * tree.at(level)[sum(b)]) - 1
            assert int(np.abs(odd).max()) <= most
            assert (odd % 2 == 1).all()
            assert len(odd) == (first << level) ** d


def test_one_plane_less_does_not_do():
    """x^2/2 with steps finer than the inequalities allow: refused, with the place."""
    f = Polynomial(1, {(2,): Fraction(1, 2)})
    terms = errors(Query(1, 2, eps="1e-3", lam=2), f.norm(2))
    tree = Tree(3, 3, 1, tuple(k + 2 for k in terms.steps(23, 1)), terms.planes, (12, 8), (0, 0),
                (0,) * 4)  # fmt: skip
    with pytest.raises(
        InvalidInput, match=r"residual of order \(\d,\) at level [123], block \(\d+,\)"
    ):
        encode(tree, 1, 2, 1, f)


def test_a_function_outside_the_class_is_refused():
    class Liar(Polynomial):
        def norm(self, n):
            return Fraction(1)

    steep = Liar(1, {(2,): Fraction(9)})
    with pytest.raises(InvalidInput, match=r"not in the class"):
        circuits.multiresolution(steep, n=2, eps="1e-4", lam=2)


def test_the_graph_is_the_same_for_every_target():
    first, second = (
        circuits.multiresolution(Polynomial(2, terms), n=2, eps="1e-2", lam=2)
        for terms in ({(1, 1): Fraction(1, 4)}, {(2, 0): Fraction(1, 2), (0, 0): Fraction(1, 3)})
    )
    assert np.array_equal(first.sources, second.sources)
    assert np.array_equal(first.targets, second.targets)
    assert np.array_equal(first.free, second.free)
    fixed = np.ones(first.weights, bool)
    fixed[first.free] = False
    assert np.array_equal(first.codes[fixed], second.codes[fixed])
    assert first.digest() != second.digest()
